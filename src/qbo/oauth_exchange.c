/*-------------------------------------------------------------------------
 *
 * qbo/oauth_exchange.c
 *	  The token request in hand.
 *	  What is asked and what becomes of the answer stands in qbo/oauth.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "base/clock.h"
#include "qbo/oauth_exchange.h"

RqboExchange *
rqbo_exchange_of(RqboSession *session)
{
	if (session->exchange == NULL)
	{
		RqboExchange *x = MemoryContextAllocZero(session->task->context, sizeof(RqboExchange));

		rqbo_session_guard(session, &x->code);
		rqbo_session_guard(session, &x->basic);
		rqbo_session_guard(session, &x->tokens.access_token);
		rqbo_session_guard(session, &x->tokens.refresh_token);
		session->exchange = x;
	}
	return session->exchange;
}

RqboExchange *
rqbo_exchange_begin(RqboSession *session, RqboStep then)
{
	RqboExchange *x = rqbo_exchange_of(session);

	x->then = then;
	x->was_refused = x->is_forced = false;
	x->use_previous = false;
	x->came_alone = false;
	x->rejections = 0;
	x->has_refreshed = false;
	x->attempt = 0;
	x->began_ms = rqbo_clock_ms();
	return x;
}
