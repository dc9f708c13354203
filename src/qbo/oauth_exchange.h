/*-------------------------------------------------------------------------
 *
 * qbo/oauth_exchange.h
 *	  The token request in hand.
 *
 * For the files of OAuth in this folder only.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_QBO_OAUTH_EXCHANGE_H
#define RQBO_QBO_OAUTH_EXCHANGE_H

#include "qbo/session.h"
#include "store/kept.h"

typedef struct RqboExchange
{
	RqboStep	then;
	bool		was_refused;	/* QuickBooks refused the access token of this generation */
	bool		is_forced;		/* refresh, whatever access token there is */
	bool		use_previous;	/* the newest refresh token was rejected */
	int			rejections;
	bool		has_refreshed;	/* a new pair has come, and is stored */
	bool		came_alone;		/* a refresh token, without an access token, once */
	int			attempt;
	int64		began_ms;
	char	   *code;			/* authorization code, when that is exchanged */
	char	   *basic;			/* header with the app's secret, for a revoke */
	RqboTokens	tokens;			/* the answer, until it is stored */
	void		(*store) (RqboSession *session);	/* how to store it */
	bool		has_place;		/* in a file, where it is kept if it cannot be stored */
	bool		is_kept;		/* there */
	bool		is_noted;		/* in the log */
	RqboKeptOwner owner;		/* of that place */
	RqboStep	after_store;
	int64		answered_ms;
} RqboExchange;

/* The session's, made when it is first asked for; what is secret in it is wiped with the session. */
extern RqboExchange *rqbo_exchange_of(RqboSession *session);

/* Ready for another request; code and answer stay. */
extern RqboExchange *rqbo_exchange_begin(RqboSession *session, RqboStep then);

#endif							/* RQBO_QBO_OAUTH_EXCHANGE_H */
