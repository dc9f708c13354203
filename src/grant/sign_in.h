/*-------------------------------------------------------------------------
 *
 * grant/sign_in.h
 *	  Ending a sign-in.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_GRANT_SIGN_IN_H
#define RQBO_GRANT_SIGN_IN_H

#include "base/compat.h"
#include "job/result.h"
#include "net/engine.h"
#include "store/connection.h"

extern void rqbo_sign_in_add(RqboEngine *engine, RqboJob *job);

/* Raise RQ009: there is no such sign-in under way. */
pg_noreturn extern void rqbo_sign_in_raise_state(RqboRequestState state);

#endif							/* RQBO_GRANT_SIGN_IN_H */
