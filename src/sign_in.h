/*-------------------------------------------------------------------------
 *
 * sign_in.h
 *	  Ending a sign-in.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_SIGN_IN_H
#define RQBO_SIGN_IN_H

#include "compat.h"
#include "engine.h"
#include "job.h"
#include "store.h"

extern void rqbo_sign_in_add(RqboEngine *engine, RqboJob *job);

/* Raise RQ009: there is no such sign-in under way. */
pg_noreturn extern void rqbo_sign_in_raise_state(RqboRequestState state);

#endif							/* RQBO_SIGN_IN_H */
