/*-------------------------------------------------------------------------
 *
 * qbo/oauth_request.c
 *	  Asking: the address of the sign-in page, and the token endpoint.
 *
 * https://developer.intuit.com/app/developer/qbo/docs/develop/authentication-and-authorization/oauth-2.0
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/base64.h"
#include "lib/stringinfo.h"

#include "base/clock.h"
#include "base/errors.h"
#include "base/guc.h"
#include "base/url.h"
#include "qbo/oauth_answer.h"
#include "qbo/oauth_exchange.h"
#include "qbo/oauth_request.h"
#include "secret/clear.h"
#include "secret/seal.h"

#define SCOPE "com.intuit.quickbooks.accounting"
#define TOKEN_TIMEOUT_MS 30000

void
rqbo_oauth_check_app(const RqboConnection *connection)
{
	if (connection->client_id == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("no app is registered for environment \"%s\"", connection->environment),
				 errhint("Register the Intuit app's keys with reefqbo.register_app.")));
}

char *
rqbo_oauth_make_address(const RqboConnection *connection, const char *state)
{
	StringInfoData query;

	initStringInfo(&query);
	rqbo_url_add(&query, '&', "client_id", connection->client_id);
	rqbo_url_add(&query, '&', "response_type", "code");
	rqbo_url_add(&query, '&', "scope", SCOPE);
	rqbo_url_add(&query, '&', "redirect_uri", connection->redirect_uri);
	rqbo_url_add(&query, '&', "state", state);
	return psprintf("%s?%s", connection->authorize_url, query.data);
}

/*
 * The header that says which app we are (RFC 6749 section 2.3.1).
 */
char *
rqbo_token_make_basic(const RqboSession *session)
{
	const RqboConnection *c = session->connection;
	RqboSealOwner owner = rqbo_connection_owner(c, RQBO_SEAL_CLIENT_SECRET, 0);
	char	   *secret = rqbo_secret_unseal(session->ring, owner, c->client_secret_sealed);
	char	   *pair = rqbo_clear_format("%s:%s", c->client_id, secret);
	int			length = strlen(pair);
	int			room = pg_b64_enc_len(length);
	char	   *encoded = rqbo_clear_alloc(CurrentMemoryContext, room + 1);
	char	   *header;
	int			written = pg_b64_encode((void *) pair, length, encoded, room);

	rqbo_clear_wipe(secret);
	rqbo_clear_wipe(pair);
	if (written < 0)
		elog(ERROR, "could not encode a header");
	encoded[written] = '\0';
	header = rqbo_clear_format("Authorization: Basic %s", encoded);
	rqbo_clear_wipe(encoded);
	return header;
}

/* What a field takes at most, encoded, with its separator and sign. */
static size_t
room_of(const char *name, const char *value)
{
	return strlen(name) + 3 * strlen(value) + 2;
}

/*
 * Put together where it does not grow, which would leave shorter ones behind.
 */
char *
rqbo_token_make_form(const char *grant_type, const char *name, const char *value, const char *name2, const char *value2)
{
	size_t		room = room_of("grant_type", grant_type) + room_of(name, value) +
		(name2 != NULL ? room_of(name2, value2) : 0) + 1;
	char	   *form = rqbo_clear_alloc(CurrentMemoryContext, room);
	StringInfoData text;

	initStringInfo(&text);
	enlargeStringInfo(&text, room);
	rqbo_url_add(&text, '&', "grant_type", grant_type);
	rqbo_url_add(&text, '&', name, value);
	if (name2 != NULL)
		rqbo_url_add(&text, '&', name2, value2);
	memcpy(form, text.data, text.len);
	explicit_bzero(text.data, text.len);
	pfree(text.data);
	return form;
}

void
rqbo_token_post(RqboSession *session, char *form, RqboStep next)
{
	char	   *basic = rqbo_token_make_basic(session);
	const char *headers[] = {
		basic,
		"Accept: application/json",
		"Content-Type: application/x-www-form-urlencoded",
		"x-include-refresh-token-hard-expires-in: true",
		NULL
	};
	RqboHttpRequest request = {
		.url = session->connection->token_url,
		.headers = headers,
		.form = form,
		.timeout_ms = Min(TOKEN_TIMEOUT_MS, rqbo_request_timeout)
	};

	rqbo_exchange_of(session)->attempt++;
	rqbo_session_exchange(session, &request, next);
	rqbo_clear_wipe(basic);
	rqbo_clear_wipe(form);
}

void
rqbo_token_raise_client(const RqboSession *session, const RqboHttpResult *result)
{
	ereport(ERROR,
			(errcode(ERRCODE_RQBO_AUTHORIZATION_INVALID),
			 errmsg("Intuit refused the client id or secret of the app of environment \"%s\"",
					session->connection->environment),
			 errdetail("%s", rqbo_oauth_answer_words(result)),
			 errhint("Register the app's present keys with reefqbo.register_app. The connections stay as they are.")));
}

/*
 * Repeat a token request after an outage, or raise the error it ended with.
 */
void
rqbo_token_repeat_or_raise(RqboSession *session, const RqboHttpResult *result, bool is_repeatable, RqboStep again)
{
	const RqboExchange *x = rqbo_exchange_of(session);
	RqboRetryLimits limits = {rqbo_retry_budget, rqbo_throttle_wait};
	RqboAttempt attempt = {
		.outcome = result->outcome,
		/* without a verdict, whatever else it was is an outage */
		.status = result->status == 429 || result->status >= 500 ? result->status : 502,
		.retry_after_ms = result->retry_after_ms,
		.attempt = x->attempt,
		.elapsed_ms = (int) (rqbo_clock_ms() - x->began_ms),
		.token_was_refreshed = true,
		.is_repeatable = is_repeatable
	};
	RqboFault	fault = {0};
	int			wait_ms;

	if (rqbo_retry_decide(&attempt, &limits, &wait_ms) == RQBO_REPEAT)
		rqbo_task_sleep(session->task, wait_ms, again);
	else if (result->outcome == RQBO_NET_ANSWERED && result->status == 200)
		rqbo_token_raise_not_whole(result);
	else
		rqbo_fault_raise("could not get tokens from Intuit", &attempt, &fault, result);
}

void
rqbo_token_raise_not_whole(const RqboHttpResult *result)
{
	ereport(ERROR,
			(errcode(ERRCODE_RQBO_INVALID_RESPONSE),
			 errmsg("Intuit's answer is not a whole set of tokens"),
			 errdetail("%s", rqbo_oauth_answer_words(result)),
			 errhint("Nothing was stored, and what was there before stays. A sign-in must begin again with reefqbo.connect; anything else can just be tried again.")));
	pg_unreachable();
}
