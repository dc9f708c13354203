/*-------------------------------------------------------------------------
 *
 * report/ledger.h
 *	  One account's postings, out of a QuickBooks general ledger.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_REPORT_LEDGER_H
#define RQBO_REPORT_LEDGER_H

#include "report/read.h"

/* A posting.  Texts are in the database encoding, NULL where nothing stands. */
typedef struct RqboLedgerLine
{
	DateADT		date;
	char	   *type;			/* in the company's language */
	char	   *transaction_id;
	char	   *number;
	char	   *name;
	char	   *memo;
	char	   *split;
	Numeric		amount;			/* in the sign of the statements */
	Numeric		running;		/* as printed; NULL where it is not */
} RqboLedgerLine;

typedef struct RqboLedger
{
	char	   *time;			/* Header.Time as written, or NULL */
	Numeric		opening;		/* the beginning balance; 0 where none is printed */
	Numeric		sum;			/* of all lines */
	struct LedgerReader *reader;	/* which has the document */
} RqboLedger;

/* Given each line in a memory context that is emptied when it returns. */
typedef void (*RqboLedgerSink) (const RqboLedgerLine *line, void *arg);

/*
 * Read the account's own lines from UTF-8 text; those of accounts under it are
 * left out.  Raises RQ008 and RQ007 as rqbo_report_read does.  Everything is
 * allocated in CurrentMemoryContext.
 */
extern RqboLedger *rqbo_ledger_read(const char *text, size_t len, const RqboReportAsk *ask, const char *account_id);

/* Each of the lines, in the order of the report: there may be more than there is room for. */
extern void rqbo_ledger_each_line(RqboLedger *ledger, RqboLedgerSink sink, void *arg);

#endif							/* RQBO_REPORT_LEDGER_H */
