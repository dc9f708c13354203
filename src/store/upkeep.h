/*-------------------------------------------------------------------------
 *
 * store/upkeep.h
 *	  The schedule and how connections stand with it, in tables.
 *
 * As store/connection.h: inside a transaction with SPI connected.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_STORE_UPKEEP_H
#define RQBO_STORE_UPKEEP_H

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"
#include "utils/date.h"

#include "store/imports.h"

/* What is due for one connection, the most urgent first. */
typedef enum RqboDueKind
{
	RQBO_DUE_BACKFILL,
	RQBO_DUE_REFRESH,
	RQBO_DUE_GRANT,
	RQBO_DUE_REQUEST			/* what a caller has asked for, whatever is on schedule */
} RqboDueKind;

struct RqboRequest;

typedef struct RqboDue
{
	int64		model_id;
	int64		connection_id;
	RqboDueKind kind;
	int64		backfill_import_id;
	bool		is_failing;		/* the last attempt has failed */
	TimestampTz attempted_at;	/* when that was; DT_NOBEGIN if there was none */
	const struct RqboRequest *request;	/* store/requests.h; of that kind only */
} RqboDue;

/* Connections that are left alone for now, whatever is due. */
typedef struct RqboLeftAlone
{
	int			count;
	int64	   *connections;
} RqboLeftAlone;

/* Their ids as the next argument of a statement. */
extern void rqbo_store_arg_left_alone(RqboArgs *args, const RqboLeftAlone *left_alone);

/*
 * At most so many, and at most so many of those that are failing, taking turns
 * among models; *count says how many.  Of several workers each has its share.
 */
extern RqboDue *rqbo_store_list_due(int limit, int failing_limit, const RqboLeftAlone *left_alone, int nworkers, int rank,
									int *count);

/* When anything is due next for any of the others; DT_NOEND for never. */
extern TimestampTz rqbo_store_next_due(const RqboLeftAlone *left_alone);

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
	DateADT		unsettled_since;	/* accounts were reclassified after this month and later ones were read; or DATEVAL_NOEND */
	DateADT		revalued_since; /* rates move figures from this month on though nobody posts; or DATEVAL_NOEND */
	int			naccounts;
} RqboRefreshState;

extern RqboRefreshState *rqbo_store_read_refresh_state(int64 model_id, int64 connection_id, TimestampTz now);

/* What is known of changes after a read that succeeded; seen may be NIL. */
typedef struct RqboChangesKnown
{
	bool		is_set;
	TimestampTz until;
	List	   *seen;
} RqboChangesKnown;

/*
 * An attempt on schedule begins: should it end with a crash, the next one waits.
 * False if that cannot be noted now, since somebody's open transaction has
 * locked what the attempt would write; nobody is waited for.  Nor if another has
 * begun since it was listed, when the last one was as told.
 */
extern bool rqbo_store_claim(int64 model_id, int64 connection_id, TimestampTz attempted_at);

/*
 * An attempt that was cut off while a refresh token was being rotated is due at
 * once: the answer may be lost, and Intuit may take the token of before for a
 * short while only.  By the background worker, whose attempts alone are meant.
 */
extern void rqbo_store_release_cut_attempts(void);

/* It cannot be made now, for no fault of the company's. Waits for nobody, and then does nothing. */
extern void rqbo_store_postpone(int64 model_id, int64 connection_id, int seconds);

/*
 * Something was read.  is_refreshed: the tables hold what QuickBooks holds;
 * is_full: and everything was read for that.
 */
extern void rqbo_store_upkeep_done(int64 model_id, int64 connection_id, bool is_refreshed, bool is_full);

/* Nothing was read, only the grant refreshed. */
extern void rqbo_store_grant_kept(int64 model_id, int64 connection_id);
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

/* Returns whether it is news: the last attempt had not failed, or with another error. */
extern bool rqbo_store_upkeep_failed(int64 model_id, int64 connection_id, const RqboUpkeepFailure *failure);

/* How often the last attempts have failed in a row, and for how many seconds all were throttled (-1: not). */
extern int	rqbo_store_count_failures(int64 model_id, int64 connection_id, int *throttled_seconds);

/* Whether somebody's open transaction has locked the rows that are written at the end of what is done for a connection. */
extern bool rqbo_store_is_locked(int64 model_id, int64 connection_id);

/* A connection has come into being: its first turn is the next one of its phase. */
extern bool rqbo_store_schedule_connection(int64 model_id, int64 connection_id);

/* A sign-in has ended: what had failed before is tried again at once. */
extern bool rqbo_store_begin_upkeep(int64 model_id, int64 connection_id);

/*
 * Go on with the newest import of a range that has failed since and was not
 * made up for, unless there is one to go on with already.
 */
extern bool rqbo_store_want_failed_import(int64 model_id, int64 connection_id);

#endif							/* RQBO_STORE_UPKEEP_H */
