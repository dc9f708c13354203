/*-------------------------------------------------------------------------
 *
 * job/caller.h
 *	  A SQL function's one-shot worker, seen from the session that asks.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_JOB_CALLER_H
#define RQBO_JOB_CALLER_H

#include "lib/stringinfo.h"

#include "job/segment.h"

/*
 * Called for each row of the answer, in the database encoding; a value may be
 * NULL.  What it is given, and what it allocates, is gone when it returns.
 */
typedef void (*RqboRowSink) (int ncolumns, char **values, void *arg);

/* What has come back. */
typedef enum RqboJobNews
{
	RQBO_JOB_NOTHING,			/* yet */
	RQBO_JOB_SOMETHING,			/* passed on */
	RQBO_JOB_DONE,
	RQBO_JOB_FAILED,			/* its error is kept */
	RQBO_JOB_LOST				/* whoever did it has gone */
} RqboJobNews;

/* Raise 25006 where nothing can be written. */
extern void rqbo_job_check_place(void);

/* For a job that is handed to another than its own worker: the segment with the request, and the way back. */
extern dsm_segment *rqbo_job_make_segment(const RqboJobRequest *request, shm_mq_handle **queue);
extern RqboJobShared *rqbo_job_shared(dsm_segment *segment);

/* By whoever does it: what is sent there comes to rqbo_job_receive. */
extern shm_mq_handle *rqbo_job_open_queue(dsm_segment *segment);

extern RqboJobNews rqbo_job_receive(shm_mq_handle *queue, bool wait, StringInfo error, RqboRowSink sink, void *arg);

/* Raise what rqbo_job_receive has kept. */
extern void rqbo_job_raise(StringInfo error);

/* Raise 08006: it has gone. */
extern void rqbo_job_raise_lost(void);

/* Run the job in a worker of its own, wait, pass on its notices and its error.  The request is wiped. */
extern void rqbo_job_run(RqboJobRequest *request, RqboRowSink sink, void *arg);

#endif							/* RQBO_JOB_CALLER_H */
