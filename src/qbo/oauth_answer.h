/*-------------------------------------------------------------------------
 *
 * qbo/oauth_answer.h
 *	  Reading what a token endpoint answers.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_QBO_OAUTH_ANSWER_H
#define RQBO_QBO_OAUTH_ANSWER_H

#include "net/http.h"
#include "store/connection.h"

typedef enum RqboTokenVerdict
{
	RQBO_TOKENS_WHOLE,			/* a pair */
	RQBO_TOKENS_REFRESH_ALONE,	/* a refresh token, and no access token */
	RQBO_TOKENS_NOT_WHOLE,		/* 200, but neither */
	RQBO_TOKENS_GRANT_REJECTED, /* invalid_grant */
	RQBO_TOKENS_CLIENT_REJECTED,	/* invalid_client: the app's keys are wrong */
	RQBO_TOKENS_REQUEST_REJECTED,	/* another error of RFC 6749 */
	RQBO_TOKENS_NO_VERDICT		/* an outage of some kind */
} RqboTokenVerdict;

/* tokens are allocated in the given context, and only those that the verdict says are there. */
extern RqboTokenVerdict rqbo_oauth_read_answer(const RqboHttpResult *result, MemoryContext context,
											   RqboTokens *tokens);

/* The answer in words for an errdetail, without anything secret. */
extern char *rqbo_oauth_answer_words(const RqboHttpResult *result);

#endif							/* RQBO_QBO_OAUTH_ANSWER_H */
