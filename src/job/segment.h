/*-------------------------------------------------------------------------
 *
 * job/segment.h
 *	  What a job's two sides share: the segment's layout.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_JOB_SEGMENT_H
#define RQBO_JOB_SEGMENT_H

#include "port/atomics.h"
#include "storage/dsm.h"
#include "storage/shm_mq.h"
#include "storage/shm_toc.h"

#include "job/request.h"

#define RQBO_JOB_MAGIC 0x5245454651424f31
#define RQBO_JOB_KEY_SHARED 1
#define RQBO_JOB_KEY_GUC 2
#define RQBO_JOB_KEY_QUEUE 3
#define RQBO_JOB_QUEUE_SIZE 65536

/* No pointers: each side maps it elsewhere. */
typedef struct RqboJobShared
{
	RqboJobRequest request;
	pg_atomic_uint32 caller_has_gone;
	pg_atomic_uint32 is_cancelled;	/* and does not want it any more */
	pg_atomic_uint32 is_taken;	/* by a background worker, if it was handed to one */
} RqboJobShared;

#endif							/* RQBO_JOB_SEGMENT_H */
