/*-------------------------------------------------------------------------
 *
 * worker/main.h
 *	  What every worker process of ours begins with.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_WORKER_MAIN_H
#define RQBO_WORKER_MAIN_H

#include "job/result.h"
#include "net/engine.h"

/* What a job's kind asks for. */
extern void rqbo_worker_add_tasks(RqboEngine *engine, RqboJob *job);

/* Settings a worker must not take from the database or from chance. */
extern void rqbo_worker_settle(void);

#endif							/* RQBO_WORKER_MAIN_H */
