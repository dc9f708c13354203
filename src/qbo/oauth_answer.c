/*-------------------------------------------------------------------------
 *
 * qbo/oauth_answer.c
 *	  Reading what a token endpoint answers.
 *
 * A refresh token that has come may be the only living one, so it counts,
 * whatever else is wrong with its answer: lifetimes that are odd or not there, no
 * access token, a connection that broke after the last byte.  It must be there
 * whole: status 200, and JSON to the end.  Anything less keeps the old pair.
 *
 * https://www.rfc-editor.org/rfc/rfc6749#section-5
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/memutils.h"

#include "net/json.h"
#include "qbo/fault.h"
#include "qbo/oauth_answer.h"
#include "secret/clear.h"

/* Intuit says up to 4096 for an access token; leave room, but not for everything. */
#define MAX_TOKEN 16384

/* What is taken where it does not say, in seconds: an hour, and the 100 days that Intuit documents. */
#define ACCESS_SECONDS 3600
#define REFRESH_SECONDS (100 * 86400)

/*
 * A token that can stand in a header: visible ASCII only.
 */
static bool
is_token(const char *token)
{
	size_t		length = token != NULL ? strlen(token) : 0;

	if (length == 0 || length > MAX_TOKEN)
		return false;
	for (size_t i = 0; i < length; i++)
		if (token[i] <= ' ' || token[i] > '~')
			return false;
	return true;
}

/*
 * A lifetime in seconds, number or digits in a string.
 */
static int64
read_seconds(const RqboJson *answer, const char *key, int64 unsaid)
{
	const char *digits = rqbo_json_member_text(answer, key);
	size_t		length = digits != NULL ? strlen(digits) : 0;

	if (length == 0 || length > 12 || strspn(digits, "0123456789") != length)
		return unsaid;
	return strtoll(digits, NULL, 10);
}

static RqboTokenVerdict
read_tokens(const RqboJson *answer, MemoryContext context, RqboTokens *tokens)
{
	const char *access = rqbo_json_member_text(answer, "access_token");
	const char *refresh = rqbo_json_member_text(answer, "refresh_token");

	tokens->access_seconds = read_seconds(answer, "expires_in", ACCESS_SECONDS);
	tokens->refresh_seconds = read_seconds(answer, "x_refresh_token_expires_in", REFRESH_SECONDS);
	tokens->hard_seconds = read_seconds(answer, "x_refresh_token_hard_expires_in", -1);
	if (!is_token(refresh))
		return RQBO_TOKENS_NOT_WHOLE;
	tokens->refresh_token = rqbo_clear_copy(context, refresh);
	if (!is_token(access))
		return RQBO_TOKENS_REFRESH_ALONE;
	tokens->access_token = rqbo_clear_copy(context, access);
	return RQBO_TOKENS_WHOLE;
}

/*
 * What has come of an answer until it broke off may be all of it.
 */
static bool
may_have_body(const RqboHttpResult *result)
{
	return result->outcome == RQBO_NET_ANSWERED || result->outcome == RQBO_NET_BROKEN ||
		result->outcome == RQBO_NET_TIMED_OUT;
}

static RqboTokenVerdict
judge(const RqboHttpResult *result, const RqboJson *answer, MemoryContext context, RqboTokens *tokens)
{
	const char *error = rqbo_json_member_text(answer, "error");

	if (result->outcome != RQBO_NET_ANSWERED && (answer == NULL || error != NULL || result->status != 200))
		return RQBO_TOKENS_NO_VERDICT;
	if (error != NULL && strcmp(error, "invalid_grant") == 0)
		return RQBO_TOKENS_GRANT_REJECTED;
	if ((error != NULL && strcmp(error, "invalid_client") == 0) || result->status == 401)
		return RQBO_TOKENS_CLIENT_REJECTED;
	if (result->status == 200 && error == NULL)
		return read_tokens(answer, context, tokens);
	if (error != NULL && result->status < 500 && result->status != 429)
		return RQBO_TOKENS_REQUEST_REJECTED;
	return RQBO_TOKENS_NO_VERDICT;
}

RqboTokenVerdict
rqbo_oauth_read_answer(const RqboHttpResult *result, MemoryContext context, RqboTokens *tokens)
{
	const char *reason;
	RqboJson   *answer;
	RqboTokenVerdict verdict;

	memset(tokens, 0, sizeof(*tokens));
	if (!may_have_body(result))
		return RQBO_TOKENS_NO_VERDICT;
	answer = rqbo_json_parse(result->body, result->length, &reason);
	verdict = judge(result, answer, context, tokens);
	rqbo_json_wipe(answer);
	return verdict;
}

/*
 * Only the error fields are quoted: the rest of a token answer is secret.
 */
char *
rqbo_oauth_answer_words(const RqboHttpResult *result)
{
	RqboFault	fault = {0};
	const char *reason;
	RqboJson   *answer = rqbo_json_parse(result->body, result->length, &reason);
	const char *error = rqbo_json_member_text(answer, "error");
	const char *description = rqbo_json_member_text(answer, "error_description");

	if (error != NULL)
	{
		fault.code = -1;
		fault.message = rqbo_fault_text(error);
		fault.detail = rqbo_fault_text(description);
	}
	rqbo_json_wipe(answer);
	return rqbo_fault_words(&fault, result);
}
