/*-------------------------------------------------------------------------
 *
 * oauth.h
 *	  OAuth 2.0 with Intuit: address, code exchange, refresh, revoke.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_OAUTH_H
#define RQBO_OAUTH_H

#include "session.h"

extern char *rqbo_oauth_make_address(const RqboConnection *connection, const char *state);

/* Exchange session->exchange.code; the step after finds session->exchange.tokens. */
extern void rqbo_oauth_exchange_code(RqboSession *session, RqboStep then);

/* Seal and store session->exchange.tokens as the connection's new generation, inside a transaction. */
extern void rqbo_oauth_store_tokens(RqboSession *session);

/*
 * See to it that session->access_token is one to use, refreshing the grant if
 * need be.  was_refused: QuickBooks has refused the one it holds.
 */
extern void rqbo_oauth_ensure_token(RqboSession *session, bool was_refused, RqboStep then);

/* Ask Intuit to revoke a refresh token; the step after finds the answer in task->result. */
extern void rqbo_oauth_revoke(RqboSession *session, const char *refresh_token, RqboStep then);

#endif							/* RQBO_OAUTH_H */
