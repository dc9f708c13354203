/*-------------------------------------------------------------------------
 *
 * store_upkeep.h
 *	  The schedule and how connections stand with it, in tables.
 *
 * As store.h: inside a transaction with SPI connected.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_STORE_UPKEEP_H
#define RQBO_STORE_UPKEEP_H

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"
#include "utils/date.h"

#include "store_import.h"

/* What is due for one connection, the most urgent first. */
typedef enum RqboDueKind
{
	RQBO_DUE_BACKFILL,
	RQBO_DUE_REFRESH,
	RQBO_DUE_GRANT
} RqboDueKind;

typedef struct RqboDue
{
	int64		model_id;
	int64		connection_id;
	RqboDueKind kind;
	int64		backfill_import_id;
	bool		is_failing;		/* the last attempt has failed */
} RqboDue;

/*
 * At most so many, and at most so many of those that are failing, taking turns
 * among models; *count says how many.
 */
extern RqboDue *rqbo_store_list_due(int limit, int failing_limit, int *count);

/* When anything is due next, chores counted; DT_NOEND for never. */
extern TimestampTz rqbo_store_next_due(void);

/* How a refresh stands before it asks anything. */
typedef struct RqboRefreshState
{
	bool		is_full_due;
	bool		knows_changes;	/* QuickBooks can say what has changed since changes_until */
	TimestampTz changes_until;
	char	  **changes_seen;	/* ended by NULL */
	bool		month_has_turned;	/* months are to be read even if nothing has changed */
	DateADT		turned_since;	/* from this month on */
	DateADT		window_start;	/* first of the months read again when something has changed */
	int			naccounts;
} RqboRefreshState;

extern RqboRefreshState *rqbo_store_read_refresh_state(int64 model_id, int64 connection_id);

/* What is known of changes after a read that succeeded; seen may be NIL. */
typedef struct RqboChangesKnown
{
	bool		is_set;
	TimestampTz until;
	List	   *seen;
} RqboChangesKnown;

/* An attempt on schedule begins: should it end with a crash, the next one waits. */
extern void rqbo_store_claim(int64 model_id, int64 connection_id);

/* It cannot be made now, for no fault of the company's. */
extern void rqbo_store_postpone(int64 model_id, int64 connection_id, int seconds);
extern void rqbo_store_upkeep_done(int64 model_id, int64 connection_id, bool is_refreshed, bool is_full);
extern void rqbo_store_put_changes(int64 model_id, int64 connection_id, const RqboChangesKnown *changes);
extern void rqbo_store_forget_changes(int64 model_id, int64 connection_id);
extern void rqbo_store_count_requests(int64 model_id, int64 connection_id, int made, int saved);

typedef struct RqboUpkeepFailure
{
	const char *sqlstate;
	const char *message;
	int			wait_seconds;	/* before the next attempt */
	bool		is_throttled;
} RqboUpkeepFailure;

/* Returns how often in a row it has failed, and whether the error is another than last time. */
extern int	rqbo_store_upkeep_failed(int64 model_id, int64 connection_id, const RqboUpkeepFailure *failure,
									 bool *is_news);

/* How often the last attempts have failed in a row, and for how many seconds all were throttled (-1: not). */
extern int	rqbo_store_count_failures(int64 model_id, int64 connection_id, int *throttled_seconds);

/* A connection has come into being: its first turn is the next one of its phase. */
extern void rqbo_store_schedule_connection(int64 model_id, int64 connection_id);

/* A sign-in has ended: what had failed before is tried again at once. */
extern void rqbo_store_begin_upkeep(int64 model_id, int64 connection_id);

/* ---- chunks of an import of a range ---- */

/*
 * Plan the chunks of an import, or take over those that an interrupted import
 * of the same range has left, and keep the import wanted until it has ended.
 * Returns them, the oldest first, as an array ended by one without a method.
 */
extern RqboRange *rqbo_store_plan_chunks(int64 model_id, int64 connection_id, int64 import_id, const RqboRange *range,
										 int chunk_months);
/* The same for an import that plans in memory: only how many there are. */
extern void rqbo_store_expect_chunks(int64 model_id, int64 import_id, int chunks);

/* How many of them, and how many months, the import before has done. */
extern int	rqbo_store_chunks_before(int64 model_id, int64 import_id, int *months);
extern void rqbo_store_chunk_done(int64 model_id, int64 import_id, DateADT start, DateADT end);

/* A chunk was too much at once: its two halves take its place. */
extern void rqbo_store_halve_chunk(int64 model_id, int64 import_id, const RqboRange *chunk, DateADT middle);
extern void rqbo_store_backfill_done(int64 model_id, int64 connection_id, int64 import_id);
extern void rqbo_store_backfill_unwanted(int64 model_id, int64 connection_id);

/* The range of an import that was interrupted; false if there is no such import. */
extern bool rqbo_store_read_backfill(int64 model_id, int64 import_id, RqboRange *range);

/* ---- chores ---- */

/* Imports that were cut off, and still count as running. */
extern void rqbo_store_mark_interrupted(void);

/* Remove at most so many rows that are older than reefqbo.log_retention; returns how many. */
extern int	rqbo_store_prune(int limit);

/* A grant that has come nearer to its end than the next of the marks. */
typedef struct RqboEnding
{
	int64		model_id;
	int64		connection_id;
	char	   *model;
	char	   *branch;
	char	   *company;
	int64		days;
	bool		is_final;		/* the five years are over, rather than that it could not be refreshed */
} RqboEnding;

/* Those not told yet, of one model or of all (0), marked as told; *count says how many. */
extern RqboEnding *rqbo_store_list_endings(int64 model_id, int *count);

#endif							/* RQBO_STORE_UPKEEP_H */
