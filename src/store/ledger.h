/*-------------------------------------------------------------------------
 *
 * store/ledger.h
 *	  What an account's postings are held against, and where they are kept.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_STORE_LEDGER_H
#define RQBO_STORE_LEDGER_H

#include "base/array.h"
#include "store/imports.h"

#define RQBO_KEPT_FIELDS 8

/* An account's figure over a range of months, as it was imported. */
typedef struct RqboFigure
{
	char	   *account;		/* its fully qualified name */
	bool		has_balances;	/* it stands in the balance sheet */
	bool		is_retained;	/* what a year has earned goes into it without a posting */
	bool		is_foreign;		/* it holds another currency, and is revalued without postings */
	bool		is_sole;		/* no other such account has a balance in these months */
	bool		has_lines;		/* the profit and loss has lines that are in no chart, up to these months */
	char	   *revaluation;	/* what those of these months say of such accounts, with this account's sign */
	char	   *opening;		/* the balance before; NULL if that was not imported */
	char	   *closing;		/* the movement, or the balance at the end; NULL if a month was not imported */
} RqboFigure;

/* The account's id, and the branch whose company it belongs to.  42704 or 22023 if it is not clear which. */
extern char *rqbo_store_find_ledger(int64 model_id, const char *branch, const char *account, int64 *branch_id);

extern RqboFigure *rqbo_store_read_figure(int64 model_id, int64 connection_id, const char *account_id,
										  const RqboRange *range);

/* Lines of an account that take the place of those of the same months. */
typedef struct RqboLedgerKeeping
{
	int64		model_id;
	int64		connection_id;
	int64		import_id;
	const char *account_id;
	const RqboRange *range;
	/* of the statement that is under way */
	MemoryContext context;
	RqboColumn	numbers;
	RqboColumn	fields[RQBO_KEPT_FIELDS];
	int		   *counts;			/* of lines in each month of the range */
} RqboLedgerKeeping;

/*
 * In one transaction: begin with the first five filled in, put lines in the
 * order of the report, and end.  A line is the texts of its date, type,
 * transaction id, number, name, memo, split and amount.
 */
extern void rqbo_store_begin_ledger(RqboLedgerKeeping *keeping);
extern void rqbo_store_put_ledger_line(RqboLedgerKeeping *keeping, const Datum *values, const bool *nulls);
extern void rqbo_store_end_ledger(RqboLedgerKeeping *keeping);

#endif							/* RQBO_STORE_LEDGER_H */
