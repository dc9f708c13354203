/*-------------------------------------------------------------------------
 *
 * functions/wait.h
 *	  Waiting for what a SQL function has asked for.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_FUNCTIONS_WAIT_H
#define RQBO_FUNCTIONS_WAIT_H

#include "job/caller.h"

/* As rqbo_job_run, by the background worker of the database where one is at work. */
extern void rqbo_wait_for(RqboJobRequest *request, RqboRowSink sink, void *arg);

#endif							/* RQBO_FUNCTIONS_WAIT_H */
