/*-------------------------------------------------------------------------
 *
 * worker/callers.h
 *	  The sessions that the background worker works for.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_WORKER_CALLERS_H
#define RQBO_WORKER_CALLERS_H

#include "job/result.h"
#include "net/engine.h"

/* A session and what it wants. */
typedef struct RqboCallOf
{
	RqboClient	client;
	RqboJob		job;
} RqboCallOf;

/* From now on the notices of this process go to the session whose task's turn it is. */
extern void rqbo_callers_open(void);

/*
 * Take calls over and see to those that are in hand.  A worker that is ending
 * gives back what is not to be begun any more.  As an RqboVisitor.
 */
extern long rqbo_callers_visit(RqboEngine *engine, RqboJob *worker, const char *database, bool is_ending);

/* Who waits for a request; NULL for nobody. */
extern RqboCallOf *rqbo_callers_find(int64 request_id);

/* How many calls have been answered. */
extern int	rqbo_callers_answered(void);

/* Changes when what was done for one of them has ended, so that the next may begin. */
extern int	rqbo_callers_ended(void);

#endif							/* RQBO_WORKER_CALLERS_H */
