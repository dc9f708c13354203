/*-------------------------------------------------------------------------
 *
 * job/caller.h
 *	  A SQL function's one-shot worker, seen from the session that asks.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_JOB_CALLER_H
#define RQBO_JOB_CALLER_H

#include "job/request.h"

/* Called for each row of the answer, in the database encoding; a value may be NULL. */
typedef void (*RqboRowSink) (int ncolumns, char **values, void *arg);

/* Run the job in a worker, wait, pass on its notices and its error.  The request is wiped. */
extern void rqbo_job_run(RqboJobRequest *request, RqboRowSink sink, void *arg);

#endif							/* RQBO_JOB_CALLER_H */
