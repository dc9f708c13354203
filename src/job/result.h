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
#include "secret/keyring.h"

/* What the tasks of a job share. */
typedef struct RqboJob
{
	RqboJobRequest *request;	/* in shared memory; NULL if nobody has asked */
	bool		is_unattended;	/* nobody waits for rows and failures */
	int			nfailing;		/* tasks under way of companies that failed the last time */
	int			nclaimed;		/* attempts on schedule that were noted before they began */
	char		last_failure[RQBO_JOB_WORD];	/* of those nobody waits for */
	RqboKeyring *ring;			/* loaded on first use */
	MemoryContext context;		/* as long as the job */
	List	   *rows;			/* List of char *[], the answer */
	int			ncolumns;
	List	   *failures;		/* List of ErrorData */
} RqboJob;

extern void rqbo_job_add_row(RqboJob *job, int ncolumns, const char *const *values);
extern RqboKeyring *rqbo_job_keyring(RqboJob *job);

/* The authorization code has been taken over: wipe it where it came from. */
extern void rqbo_job_forget_code(RqboJob *job);
extern void rqbo_job_add_failure(RqboJob *job, const ErrorData *failure);

#endif							/* RQBO_JOB_RESULT_H */
