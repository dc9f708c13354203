/*-------------------------------------------------------------------------
 *
 * grant/sign_in.h
 *	  Ending a sign-in.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_GRANT_SIGN_IN_H
#define RQBO_GRANT_SIGN_IN_H

#include "job/result.h"
#include "net/engine.h"

extern void rqbo_sign_in_add(RqboEngine *engine, RqboJob *job);

#endif							/* RQBO_GRANT_SIGN_IN_H */
