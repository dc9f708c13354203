/*-------------------------------------------------------------------------
 *
 * job/request.h
 *	  What a SQL function asks of its one-shot worker, as plain data.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_JOB_REQUEST_H
#define RQBO_JOB_REQUEST_H

#include "utils/date.h"

#include "secret/seal.h"

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

/* Is it an import or a refresh, which waits for its turn and is a request once it is made? */
static inline bool
rqbo_job_is_queued(RqboJobKind kind)
{
	return kind == RQBO_JOB_IMPORT_ACTUALS || kind == RQBO_JOB_REFRESH;
}

#define RQBO_JOB_WORD 1024
#define RQBO_JOB_ID 512

/* What is asked of the worker.  Plain data: it travels through shared memory. */
typedef struct RqboJobRequest
{
	RqboJobKind kind;
	Oid			database;
	char		user[NAMEDATALEN];	/* who asked: the session's role, */
	char		role[NAMEDATALEN];	/* and the one whose rights were used */
	bool		sees_all;		/* the caller may read every model */
	int64		model_id;
	int64		branch_id;		/* 0 for all of the model's */
	char		method[16];
	DateADT		start;
	DateADT		end;
	bool		is_whole;		/* a refresh that reads everything */
	int64		request_id;		/* of an import or a refresh that the background worker does; 0 before it has one */
	char		dimension[16];
	char		account_id[RQBO_JOB_ID];	/* whose ledger lines */
	bool		keep;			/* them in a table */
	/* of a sign-in; wiped as soon as the worker has them */
	char		state[RQBO_JOB_WORD];
	char		code[RQBO_JOB_WORD];
	char		realm_id[RQBO_JOB_WORD];
	char		refusal[RQBO_JOB_WORD]; /* what the browser brought instead of a code */
	bool		has_session;	/* the application says which session of the browser ends it */
	uint8		session_digest[RQBO_DIGEST_BYTES];
} RqboJobRequest;

#endif							/* RQBO_JOB_REQUEST_H */
