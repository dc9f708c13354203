/*-------------------------------------------------------------------------
 *
 * import.h
 *	  What one company's import does, step by step.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_IMPORT_H
#define RQBO_IMPORT_H

#include "engine.h"
#include "job.h"
#include "session.h"
#include "store_import.h"

/* One company's import; what its session's work points to. */
typedef struct RqboImport
{
	RqboSession *session;
	RqboJob    *job;
	int64		import_id;		/* 0 until the log has its line */
	TimestampTz began_at;
	bool		has_waited;		/* for another import of the same company */
	RqboCounts	counts;
	/* import_accounts.c's */
	RqboStep	after_accounts;
	MemoryContext chart_context;
	List	   *chart;			/* of RqboAccount */
	struct HTAB *chart_ids;
	int			chart_expected;
	int			chart_position; /* of the next page's first row, from 1 */
	int			chart_sweeps;
	/* import_actuals.c's */
	RqboStep	after_actuals;
	List	   *chunks;			/* of RqboRange, the next one last */
	RqboRange  *chunk;			/* the one in hand */
	int			chunks_done;
	MemoryContext chunk_context;
	RqboReport *profit_and_loss;
} RqboImport;

extern RqboImport *rqbo_import_of(RqboTask *task);

/* Add a task for each connection the request means. */
extern void rqbo_import_add(RqboEngine *engine, RqboJob *job);

/* Read and store the whole chart of accounts. */
extern void rqbo_import_accounts_begin(RqboImport *import, RqboStep then);

/* Read and store both statements over ranges (an array ended by one without a method). */
extern void rqbo_import_actuals_begin(RqboImport *import, const RqboRange *ranges, RqboStep then);

#endif							/* RQBO_IMPORT_H */
