/*-------------------------------------------------------------------------
 *
 * qbo/oauth_request.h
 *	  Asking the token endpoint.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_QBO_OAUTH_REQUEST_H
#define RQBO_QBO_OAUTH_REQUEST_H

#include "base/compat.h"
#include "qbo/session.h"

/* Raise an error unless an app is registered for the connection's environment. */
extern void rqbo_oauth_check_app(const RqboConnection *connection);

extern char *rqbo_oauth_make_address(const RqboConnection *connection, const char *state);

/* The header that says which app we are; wipe it.  Needs a transaction, as sealing does. */
extern char *rqbo_token_make_basic(const RqboSession *session);

/*
 * A form of a grant_type and another field, and perhaps a third (name NULL: no
 * third), one of secret/clear.h.
 */
extern char *rqbo_token_make_form(const char *grant_type, const char *name, const char *value,
								  const char *name2, const char *value2);

/* POST it to the token endpoint, inside a transaction; it is wiped. */
extern void rqbo_token_post(RqboSession *session, char *form, RqboStep next);

/*
 * Repeat a token request whose answer was lost to an outage or was not whole,
 * or raise the error it ended with.
 */
extern void rqbo_token_repeat_or_raise(RqboSession *session, const RqboHttpResult *result, bool is_repeatable,
									   RqboStep again);

/* Raise that an answer has no whole set of tokens. */
pg_noreturn extern void rqbo_token_raise_not_whole(const RqboHttpResult *result);

/* Raise that the app's own keys were refused, which says nothing about any connection. */
extern void rqbo_token_raise_client(const RqboSession *session, const RqboHttpResult *result);

#endif							/* RQBO_QBO_OAUTH_REQUEST_H */
