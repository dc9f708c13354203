/*-------------------------------------------------------------------------
 *
 * job/result.h
 *	  What a job's tasks ask of it and leave with it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_JOB_RESULT_H
#define RQBO_JOB_RESULT_H

#include "nodes/pg_list.h"

#include "job/request.h"
#include "job/rows.h"
#include "secret/keyring.h"

/* A connection whose attempt could not begin, for no fault of its company's. */
typedef struct RqboPutOff
{
	int64		connection_id;
	int64		until_ms;		/* on rqbo_clock_ms */
} RqboPutOff;

/* What the tasks of a job share. */
typedef struct RqboJob
{
	RqboJobRequest *request;	/* in shared memory; NULL if nobody has asked */
	struct RqboJob *of;			/* the background worker's, among whose work it is done; or NULL */
	bool		is_unattended;	/* nobody waits for rows and failures */
	int			nfailing;		/* tasks under way of companies that failed the last time */
	int			nclaimed;		/* attempts on schedule that were noted before they began */
	int			nunnoted;		/* that could not be, though nobody's lock was in the way */
	List	   *put_off;		/* List of RqboPutOff: connections that are left alone meanwhile */
	char		last_failure[RQBO_JOB_WORD];	/* of those nobody waits for */
	RqboKeyring *ring;			/* loaded on first use, unless the worker has it */
	int64		ring_ms;		/* when, on rqbo_clock_ms */
	MemoryContext context;		/* as long as the job */
	RqboJobRows *rows;			/* the answer; NULL for none */
	List	   *failures;		/* List of ErrorData */
	int64		locked_since_ms;	/* since somebody's open transaction keeps its request from beginning; or 0 */
	bool		has_told_of_wait;	/* for another import of the same company */
} RqboJob;

extern void rqbo_job_add_row(RqboJob *job, int ncolumns, const char *const *values);
extern RqboKeyring *rqbo_job_keyring(RqboJob *job);

/* The authorization code has been taken over: wipe it where it came from. */
extern void rqbo_job_forget_code(RqboJob *job);
extern void rqbo_job_add_failure(RqboJob *job, const ErrorData *failure);

/* What came to the caller's end. */
extern void rqbo_job_send_rows(RqboJob *job);
/* The same a row at a time; false once the end of them was sent. */
extern bool rqbo_job_send_next(RqboJob *job);
extern void rqbo_job_send_error(ErrorData *failure, bool caller_has_gone);

/* The one that keeps the accounts: itself, or the background worker's. */
static inline RqboJob *
rqbo_job_of_worker(RqboJob *job)
{
	return job->of != NULL ? job->of : job;
}

/* Does its process work for others as well? */
static inline bool
rqbo_job_is_one_of_many(const RqboJob *job)
{
	return job->of != NULL || job->is_unattended;
}

/* Leave a connection alone for a while, a short one where somebody waits; nothing of that is stored, since it may be just that which cannot be done. */
extern void rqbo_job_put_off(RqboJob *job, int64 connection_id);

#endif							/* RQBO_JOB_RESULT_H */
