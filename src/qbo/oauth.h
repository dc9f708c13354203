/*-------------------------------------------------------------------------
 *
 * qbo/oauth.h
 *	  OAuth 2.0 with Intuit: address, code exchange, refresh, revoke.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_QBO_OAUTH_H
#define RQBO_QBO_OAUTH_H

#include "qbo/session.h"

/* Take a copy of an authorization code, and exchange it; the step after finds an answer. */
extern void rqbo_oauth_take_code(RqboSession *session, const char *code);
extern void rqbo_oauth_exchange_code(RqboSession *session, RqboStep then);

/* Is there an answer that is not stored yet?  Ask QuickBooks with the access token in it. */
extern bool rqbo_oauth_has_answer(const RqboSession *session);
extern void rqbo_oauth_use_answer(RqboSession *session);

/*
 * Store the answer durably: store puts it, inside a transaction that must not
 * wait for locks, with rqbo_oauth_put_tokens.
 */
extern void rqbo_oauth_store_answer(RqboSession *session, void (*store) (RqboSession *session), RqboStep then);
extern void rqbo_oauth_put_tokens(RqboSession *session, bool is_new_consent);

/*
 * See to it that session->access_token is one to use, refreshing the grant if
 * need be.  was_refused: QuickBooks has refused the one it holds.
 */
extern void rqbo_oauth_ensure_token(RqboSession *session, bool was_refused, RqboStep then);

/* Was it this session that has brought the present pair, by its last request for a token? */
extern bool rqbo_oauth_has_refreshed(const RqboSession *session);

/* Refresh the grant though the access token may do for a while. */
extern void rqbo_oauth_keep_alive(RqboSession *session, RqboStep then);

/*
 * Ask Intuit to revoke a refresh token; the step after finds the answer in
 * task->result.  What needs the key ring is prepared before.
 */
extern void rqbo_oauth_prepare_revoke(RqboSession *session);
extern void rqbo_oauth_revoke(RqboSession *session, const char *refresh_token, RqboStep then);

#endif							/* RQBO_QBO_OAUTH_H */
