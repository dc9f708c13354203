/*-------------------------------------------------------------------------
 *
 * grant/sign_in_state.h
 *	  The state of a sign-in: whether it may be ended, by whom, and which way.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_GRANT_SIGN_IN_STATE_H
#define RQBO_GRANT_SIGN_IN_STATE_H

#include "base/compat.h"
#include "net/step.h"
#include "store/connection.h"

/* Look at the state, and lock the branch it was begun for; false if somebody else has it. */
extern bool rqbo_sign_in_state_lock(RqboTask *task);

/* Is it a page loaded again, with a state that was used, in the session of a browser that it was begun in? */
extern bool rqbo_sign_in_state_is_again(RqboTask *task);

/* Nobody ends that sign-in just now: RQ009 unless it has made the connection. */
extern void rqbo_sign_in_state_check_made(RqboTask *task);


/* Under that lock: choose the way, and use the state up, durably. */
extern void rqbo_sign_in_state_claim(RqboTask *task);

/* Raise RQ009: there is no such sign-in under way. */
pg_noreturn extern void rqbo_sign_in_state_raise(RqboRequestState state);

/* Raise RQ009: Intuit has sent the user back with this error. */
extern void rqbo_sign_in_state_raise_refusal(const char *refusal);

#endif							/* RQBO_GRANT_SIGN_IN_STATE_H */
