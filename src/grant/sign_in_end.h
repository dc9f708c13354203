/*-------------------------------------------------------------------------
 *
 * grant/sign_in_end.h
 *	  How a sign-in ends, well or not: what is written down, and what is told.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_GRANT_SIGN_IN_END_H
#define RQBO_GRANT_SIGN_IN_END_H

#include "grant/sign_in_work.h"
#include "net/step.h"
#include "qbo/session.h"

/* Steps: the company is connected and read, or something has failed. */
extern void rqbo_sign_in_end(RqboTask *task);

/* It had ended before: the same row again. */
extern void rqbo_sign_in_end_again(RqboTask *task);

extern void rqbo_sign_in_end_failed(RqboTask *task);

extern void rqbo_sign_in_end_audit(const SignIn *sign_in, const RqboConnection *c, const char *action, const char *detail);

/* Raise RQ002: it is another company than the branch's, or it cannot be shown that it is the same. */
extern void rqbo_sign_in_end_raise_mismatch(const RqboSession *session, const char *other);
extern void rqbo_sign_in_end_raise_unproved(const RqboSession *session, const char *other);

#endif							/* RQBO_GRANT_SIGN_IN_END_H */
