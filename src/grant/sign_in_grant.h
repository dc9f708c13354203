/*-------------------------------------------------------------------------
 *
 * grant/sign_in_grant.h
 *	  What a sign-in stores: the connection and its tokens.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_GRANT_SIGN_IN_GRANT_H
#define RQBO_GRANT_SIGN_IN_GRANT_H

#include "qbo/session.h"

extern void rqbo_sign_in_grant_put(RqboSession *session);

#endif							/* RQBO_GRANT_SIGN_IN_GRANT_H */
