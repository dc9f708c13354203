/*-------------------------------------------------------------------------
 *
 * store/calls.h
 *	  Requests that were made, in a table.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_STORE_CALLS_H
#define RQBO_STORE_CALLS_H

#include "datatype/timestamp.h"

typedef struct RqboCallRow
{
	int64		model_id;
	int64		connection_id;	/* 0: none yet */
	TimestampTz called_at;
	const char *method;
	char	   *path;
	int			status;			/* HTTP; 0: there was no answer */
	char	   *intuit_tid;		/* or NULL */
	int			milliseconds;
	int64		bytes;
	char	   *error;			/* why there was no whole answer; NULL if there was */
} RqboCallRow;

extern void rqbo_store_add_calls(const RqboCallRow **rows, int count);

/* Can rows be added in this transaction, without waiting for anybody? */
extern bool rqbo_store_try_lock_calls(void);

/* Remove at most so many rows older than reefqbo.log_retention; returns how many. */
extern int	rqbo_store_prune_calls(int limit);

#endif							/* RQBO_STORE_CALLS_H */
