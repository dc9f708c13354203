/*-------------------------------------------------------------------------
 *
 * grant/sign_in_work.h
 *	  What the parts of a sign-in know of it.  For them alone.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_GRANT_SIGN_IN_WORK_H
#define RQBO_GRANT_SIGN_IN_WORK_H

#include "job/result.h"
#include "qbo/session.h"
#include "store/connection.h"

typedef enum SignInWay
{
	STORE_FIRST,
	READ_FIRST,
	REPLACE,
	REFUSE
} SignInWay;

/* What the session's work points to. */
typedef struct SignIn
{
	RqboJob    *job;
	RqboSignInRequest request;
	SignInWay	way;
	bool		proves_by_name; /* the realm id of before cannot be unsealed any more */
	bool		was_connected;	/* the branch had a company */
	bool		state_is_used;	/* the address cannot be passed on again */
	char	   *old_company;
} SignIn;

static inline SignIn *
sign_in_of(RqboTask *task)
{
	return (SignIn *) rqbo_session_of(task)->work;
}

#endif							/* RQBO_GRANT_SIGN_IN_WORK_H */
