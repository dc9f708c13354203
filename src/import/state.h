/*-------------------------------------------------------------------------
 *
 * import/state.h
 *	  What every import has, whatever it reads, and what its kind says of it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_IMPORT_STATE_H
#define RQBO_IMPORT_STATE_H

#include "job/result.h"
#include "net/engine.h"
#include "qbo/notify.h"
#include "qbo/session.h"
#include "report/lines.h"
#include "store/chunks.h"
#include "store/imports.h"
#include "store/requests.h"
#include "store/upkeep.h"

/* What is asked for, by a caller or by the schedule, besides the kind. */
typedef struct RqboImportAsk
{
	RqboRange	range;			/* of actuals, dimensions and ledgers; of a tie
								 * out, the method only, "" for any */
	const char *dimension;
	const char *account_id;		/* whose ledger */
	bool		keep;			/* that ledger */
	bool		is_whole;		/* a refresh that reads everything, whatever QuickBooks says of changes */
	bool		is_scheduled;
	bool		is_failing;		/* the last attempt on schedule has failed */
	TimestampTz attempted_at;	/* when that was */
	int64		request_id;		/* that a caller has made of the background worker; or 0 */
	char		started_by[NAMEDATALEN];
} RqboImportAsk;

struct RqboImport;

/* A kind of import: what it reads, and what else its run needs to know of that. */
typedef struct RqboImportKind
{
	const char *name;			/* in reefqbo.import_log */
	bool		has_range;		/* of months, which the log names */
	bool		has_plan;		/* its range is read in chunks, and a later import can go on where it ends */
	bool		counts_statements;	/* the months it counts are of both statements */
	bool		needs_company;	/* who it is must be known first */
	bool		stores_figures; /* others are told of its end */

	/* Read, and go on with import->then. */
	void		(*begin) (struct RqboImport *import);

	/* In the last transaction: what is known now of when to read again. */
	void		(*store_end) (struct RqboImport *import);

	/* The rows of the answer, after that transaction; NULL if they were added in it. */
	void		(*add_rows) (const struct RqboImport *import);
} RqboImportKind;

/* One company's import; what its session's work points to. */
typedef struct RqboImport
{
	const RqboImportKind *kind;
	RqboImportAsk ask;
	RqboSession *session;
	RqboJob    *job;
	RqboStep	then;			/* when everything is read */
	int64		model_id;
	int64		connection_id;
	int64		import_id;		/* 0 until the log has its line */
	TimestampTz began_at;
	bool		is_claimed;		/* an attempt on schedule or a request, and noted */
	int64		gone_backfill_id;	/* an import that it was to go on with, of which there is no line any more */
	bool		is_current;		/* at its end the tables hold what QuickBooks holds */
	bool		is_full;		/* and everything was read for that */
	int			requests_saved;
	RqboCounts	counts;
	RqboChangesKnown changes;	/* what is known of changes, if this succeeds */

	/* The work in hand, each in its own file and of its own type; NULL until it begins. */
	struct RqboPages *pages;
	RqboStep	after_chart;	/* accounts.c's */
	RqboStep	after_values;	/* values.c's */
	struct RqboChunkWork *chunks;
	struct RqboRefreshWork *refresh;
	struct RqboChangesWork *asked_changes;
	struct RqboDimensionWork *dimensions;
	struct RqboLedgerWork *ledger;
	struct RqboProof *proof;

	/* Months that do not tie out, of RqboRange, and what was objected to the first of them. */
	List	   *untied;
	ErrorData  *objection;
} RqboImport;

extern RqboImport *rqbo_import_of(RqboTask *task);

/* Give the import its line in the log, unless it has one. */
extern void rqbo_import_open_log(RqboImport *import);

/* Which one it is, for those who are told of it. */
extern RqboToldImport rqbo_import_told(const RqboImport *import);

/* The import is over, however it ended. */
extern void rqbo_import_close(RqboImport *import);

/* The row of an answer of which nothing is left but what the tables have. */
extern void rqbo_import_add_end(RqboJob *job, const RqboRequestEnd *end);

/* What most kinds do at their end: the row of the answer, and the schedule's account. */
extern void rqbo_import_add_summary(const RqboImport *import);
extern void rqbo_import_store_upkeep(RqboImport *import);

/* The report that was answered; what the reader objects to is explained by explain, which is given the import. */
extern RqboReport *rqbo_import_read_report(RqboImport *import, const RqboReportAsk *asked, void (*explain) (void *));

/* The same; NULL, with the reader's objection, for a report that does not tie out. */
extern RqboReport *rqbo_import_try_report(RqboImport *import, const RqboReportAsk *asked, void (*explain) (void *),
										  ErrorData **objection);

/* Inside a transaction: RQ008 for a report in another currency than the company's. */
extern void rqbo_import_check_currency(const RqboImport *import, const RqboReport *report);

#endif							/* RQBO_IMPORT_STATE_H */
