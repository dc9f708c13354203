/*-------------------------------------------------------------------------
 *
 * store/requests.h
 *	  What callers have asked of the background worker, in tables.
 *
 * As store/connection.h: inside a transaction with SPI connected.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_STORE_REQUESTS_H
#define RQBO_STORE_REQUESTS_H

#include "store/upkeep.h"

/* What is asked for. */
typedef struct RqboRequest
{
	int64		request_id;
	bool		is_refresh;
	RqboRange	range;			/* of an import */
	bool		is_whole;		/* a refresh that reads everything */
	const char *requested_by;
} RqboRequest;

/* ---- by callers ---- */

/* For each connection of a branch, or of the model where branch_id is 0.  Returns its id. */
extern int64 rqbo_store_put_request(int64 model_id, int64 branch_id, const RqboRequest *request);

/* Whose it is; 0 for one that is not there. */
extern int64 rqbo_store_model_of_request(int64 request_id);

/* False if it had ended. */
extern bool rqbo_store_cancel_request(int64 model_id, int64 request_id);

/* ---- by the background worker, which waits for nobody's lock ---- */

/* As a caller does; false if somebody's open transaction is in the way. */
extern bool rqbo_store_cancel_unlocked(int64 model_id, int64 request_id);

/* At most so many that may begin, by place, as rqbo_store_list_due; *count says how many. */
extern RqboDue *rqbo_store_list_requests(int limit, const RqboLeftAlone *left_alone, int nworkers, int rank, int *count);

/* When the first of the others may begin; DT_NOEND for never. */
extern TimestampTz rqbo_store_next_request(const RqboLeftAlone *left_alone);

/*
 * It begins, and with it those of the connection that want the same.  False if
 * it cannot, or need not any more; nobody is waited for.
 */
extern bool rqbo_store_claim_request(int64 model_id, int64 connection_id, int64 request_id);

/* By this import. */
extern void rqbo_store_request_import(int64 model_id, int64 connection_id, int64 request_id, int64 import_id);

extern void rqbo_store_request_succeeded(int64 model_id, int64 connection_id, int64 request_id);

/* How often it was begun; 0 if nobody wants it any more. */
extern int	rqbo_store_request_attempts(int64 model_id, int64 connection_id, int64 request_id);

/*
 * For good where wait_seconds is negative; else it is tried again after them, but
 * for the request itself if somebody waits for its end.
 */
extern void rqbo_store_request_failed(int64 model_id, int64 connection_id, int64 request_id, const ErrorData *failure,
									  int wait_seconds, bool is_awaited);

/* It was cut off by a cancel that was not meant for those who want it still, and is begun again. */
extern void rqbo_store_request_cut_off(int64 model_id, int64 connection_id, int64 request_id);

/* It could not even be begun, for a connection or (0) for any, and somebody waits for its end. */
extern void rqbo_store_request_refused(int64 model_id, int64 connection_id, int64 request_id, const ErrorData *failure);

/* Whether somebody's open transaction has locked what its import would write first. */
extern bool rqbo_store_request_is_locked(int64 model_id, int64 connection_id);

/* ---- for those who wait for its end ---- */

/* Those of the requests that have ended, or failed once; ended by 0, and so is what is returned. */
extern int64 *rqbo_store_ended_requests(const int64 *request_ids);

/* What has failed once is not tried again. */
extern void rqbo_store_give_up_request(int64 model_id, int64 request_id);

/* How it has ended for one connection. */
typedef struct RqboRequestEnd
{
	const char *outcome;		/* as in the table */
	const char *branch;
	const char *company;
	RqboCounts	counts;
	int			requests;
	double		seconds;
	ErrorData	failure;		/* of one that has failed */
} RqboRequestEnd;

extern RqboRequestEnd *rqbo_store_read_request_ends(int64 model_id, int64 request_id, int *count);

/* ---- by the background worker again ---- */

/* What counts as under way though nobody imports from its connection has been cut off, and waits again. */
extern void rqbo_store_release_requests(void);

/* Of companies that were forgotten while somebody's transaction still asked for them. */
extern void rqbo_store_remove_orphaned_requests(void);

/* Remove old ones that have ended, at most so many.  How many they were. */
extern int	rqbo_store_prune_requests(int limit);

#endif							/* RQBO_STORE_REQUESTS_H */
