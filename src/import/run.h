/*-------------------------------------------------------------------------
 *
 * import/run.h
 *	  What one company's import does, step by step.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_IMPORT_RUN_H
#define RQBO_IMPORT_RUN_H

#include "job/result.h"
#include "net/engine.h"
#include "qbo/session.h"
#include "store/chunks.h"
#include "store/imports.h"
#include "store/upkeep.h"

typedef enum RqboImportKind
{
	RQBO_IMPORT_ACCOUNTS,
	RQBO_IMPORT_ACTUALS,
	RQBO_IMPORT_REFRESH,
	RQBO_IMPORT_DIMENSIONS,
	RQBO_IMPORT_LEDGER,			/* the postings behind a figure */
	RQBO_IMPORT_TIE_OUT,		/* stores no figure */
	RQBO_IMPORT_KEEP_GRANT		/* reads nothing */
} RqboImportKind;

/* What is asked for, by a caller or by the schedule. */
typedef struct RqboImportAsk
{
	RqboImportKind kind;
	RqboRange	range;			/* of actuals, dimensions and ledgers; of a tie
								 * out, the method only, "" for any */
	const char *dimension;
	const char *account_id;		/* whose ledger */
	bool		keep;			/* that ledger */
	bool		is_whole;		/* a refresh that reads everything, whatever QuickBooks says of changes */
	bool		is_scheduled;
	bool		is_failing;		/* the last attempt on schedule has failed */
	char		started_by[NAMEDATALEN];
} RqboImportAsk;

/* One company's import; what its session's work points to. */
typedef struct RqboImport
{
	RqboSession *session;
	RqboJob    *job;
	RqboImportAsk ask;
	int64		model_id;
	int64		connection_id;
	int64		import_id;		/* 0 until the log has its line */
	TimestampTz began_at;
	bool		has_waited;		/* for another import of the same company */
	bool		is_current;		/* at its end the tables hold what QuickBooks holds */
	bool		is_full;		/* and everything was read for that */
	int			requests_saved;
	RqboCounts	counts;
	RqboChangesKnown changes;	/* what is known of changes, if this succeeds */
	/* import/refresh.c's and import/changes.c's */
	RqboStep	after_refresh;
	RqboStep	after_changes;
	RqboRefreshState *state;
	bool		changes_are_usable; /* QuickBooks could say what has changed */
	bool		has_news;
	bool		news_is_unbounded;	/* what was deleted or merged may have stood in any month */
	DateADT		news_since;		/* first of the months that the rest of the news can touch */
	/* import/accounts.c's */
	RqboStep	after_accounts;
	MemoryContext chart_context;
	List	   *chart;			/* of RqboAccount */
	struct HTAB *chart_ids;
	int			chart_expected;
	int			chart_position; /* of the next page's first row, from 1 */
	int			chart_sweeps;
	/* import/actuals.c's */
	RqboStep	after_actuals;
	List	   *chunks;			/* of RqboRange, the next one last */
	RqboRange  *chunk;			/* the one in hand */
	int			chunks_done;
	int			chunks_before;	/* done by the import this one continues */
	int64		actuals_began_ms;
	MemoryContext chunk_context;
	RqboReport *profit_and_loss;
	/* import/dimensions.c's and import/ledger.c's own */
	RqboStep	after_detail;
	struct RqboDimensionWork *dimensions;
	struct RqboLedgerWork *ledger;
	/* import/proof.c's */
	List	   *proved;			/* of RqboRange: what was stored, one for each method */
	struct RqboProof *proof;
} RqboImport;

extern RqboImport *rqbo_import_of(RqboTask *task);

/* Add a task for each connection that a job means, or for one that is due. */
extern void rqbo_import_add(RqboEngine *engine, RqboJob *job);
extern void rqbo_import_add_due(RqboEngine *engine, RqboJob *job, const RqboDue *due);

/* The import is over, however it ended. */
extern void rqbo_import_close(RqboImport *import);

/* Give the import its line in the log, unless it has one. */
extern void rqbo_import_open_log(RqboImport *import);

/* What is left behind when an import fails; import/failure.c's. */
extern void rqbo_import_fail(RqboTask *task);

/* Find out what has to be read for the tables to hold what QuickBooks holds, and read it. */
extern void rqbo_import_refresh_begin(RqboImport *import, RqboStep then);

/* Ask QuickBooks what has changed; the step after finds the fields of the import that say so. */
extern void rqbo_import_changes_ask(RqboImport *import, RqboStep then);

/* Read and store the whole chart of accounts. */
extern void rqbo_import_accounts_begin(RqboImport *import, RqboStep then);

/* Read and store both statements over ranges (an array ended by one without a method). */
extern void rqbo_import_actuals_begin(RqboImport *import, const RqboRange *ranges, RqboStep then);

/* Read and store the profit and loss of each month by a dimension; the answer to whoever asked. */
extern void rqbo_import_dimensions_begin(RqboImport *import, RqboStep then);
extern void rqbo_import_dimensions_add_row(const RqboImport *import);

/* Read the postings to an account, hold them against its figure, keep them if asked; the answer. */
extern void rqbo_import_ledger_begin(RqboImport *import, RqboStep then);
extern void rqbo_import_ledger_add_rows(const RqboImport *import);

/* How many requests that would take, unless something is too much at once. */
extern int	rqbo_import_actuals_cost(const RqboRange *ranges);
extern int	rqbo_import_accounts_cost(int naccounts);

/* The report that was answered; what the reader objects to is explained by explain, which is given the import. */
extern RqboReport *rqbo_import_read_report(RqboImport *import, const RqboReportAsk *asked, void (*explain) (void *));

/* What imports ask for, below the realm, for whoever wants to know whether it would be answered. */
extern char *rqbo_import_accounts_count_path(void);
extern int	rqbo_import_accounts_take_count(RqboSession *session);
extern char *rqbo_import_report_path(RqboReportName name, const RqboRange *range, const char *summarized_by);
extern char *rqbo_import_changes_path(TimestampTz since);

#endif							/* RQBO_IMPORT_RUN_H */
