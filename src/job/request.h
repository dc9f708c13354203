/*-------------------------------------------------------------------------
 *
 * job/request.h
 *	  A SQL function's one-shot worker.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_JOB_REQUEST_H
#define RQBO_JOB_REQUEST_H

#include "nodes/pg_list.h"
#include "utils/date.h"

#include "secret/keyring.h"

typedef enum RqboJobKind
{
	RQBO_JOB_COMPLETE,			/* end a sign-in */
	RQBO_JOB_DISCONNECT,
	RQBO_JOB_FORGET,			/* disconnect, and remove what was imported */
	RQBO_JOB_IMPORT_ACCOUNTS,
	RQBO_JOB_IMPORT_ACTUALS,
	RQBO_JOB_REFRESH,
	RQBO_JOB_IMPORT_DIMENSIONS,
	RQBO_JOB_LEDGER_LINES,
	RQBO_JOB_TIE_OUT,			/* prove what was imported */
	RQBO_JOB_CHECK,				/* would an import be answered? */
	RQBO_JOB_RESEAL				/* everything, with the newest key */
} RqboJobKind;

#define RQBO_JOB_WORD 1024
#define RQBO_JOB_ID 512

/* What is asked of the worker.  Plain data: it travels through shared memory. */
typedef struct RqboJobRequest
{
	RqboJobKind kind;
	Oid			database;
	char		user[NAMEDATALEN];	/* who asked: the session's role, */
	char		role[NAMEDATALEN];	/* and the one whose rights were used */
	int64		model_id;
	int64		branch_id;		/* 0 for all of the model's */
	char		method[16];
	DateADT		start;
	DateADT		end;
	bool		is_whole;		/* a refresh that reads everything */
	char		dimension[16];
	char		account_id[RQBO_JOB_ID];	/* whose ledger lines */
	bool		keep;			/* them in a table */
	/* of a sign-in; wiped as soon as the worker has them */
	char		state[RQBO_JOB_WORD];
	char		code[RQBO_JOB_WORD];
	char		realm_id[RQBO_JOB_WORD];
	char		refusal[RQBO_JOB_WORD]; /* what the browser brought instead of a code */
} RqboJobRequest;

/* ---- in the session that asks ---- */

/* Called for each row of the answer, in the database encoding; a value may be NULL. */
typedef void (*RqboRowSink) (int ncolumns, char **values, void *arg);

/* Run the job in a worker, wait, pass on its notices and its error.  The request is wiped. */
extern void rqbo_job_run(RqboJobRequest *request, RqboRowSink sink, void *arg);

/* ---- in the worker ---- */

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

#endif							/* RQBO_JOB_REQUEST_H */
