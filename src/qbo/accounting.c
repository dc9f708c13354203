/*-------------------------------------------------------------------------
 *
 * qbo/accounting.c
 *	  The accounting API of QuickBooks Online: it can only be read.
 *
 * This is the one way to that API, and it has no body to send and no verb but
 * GET to send it with.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <limits.h>

#include "common/pg_prng.h"
#include "lib/stringinfo.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/clock.h"
#include "base/errors.h"
#include "base/guc.h"
#include "base/url.h"
#include "net/json.h"
#include "qbo/accounting.h"
#include "qbo/oauth.h"
#include "qbo/sending.h"

/* The request in hand. */
typedef struct RqboCall
{
	char	   *doing;			/* "could not …", for messages */
	char	   *path;			/* below the realm */
	RqboStep	then;			/* with the accepted answer */
	RqboStep	if_too_much;	/* for an answer that is too much for Intuit or us; may be NULL */
	RqboStep	if_refused;		/* for a request that this company does not take; may be NULL */
	bool		is_once;		/* whatever goes wrong, if_refused */
	char	   *why;			/* then */
	int			attempt;
	int64		began_ms;
	bool		token_was_refreshed;
	ErrorData  *refusal;		/* while the token endpoint is asked whether the grant lives, */
	char	   *refusal_tid;	/* and of which answer it is */
} RqboCall;

static void send_call(RqboTask *task);

/* ---- sending ---- */

static int
jittered(int ms)
{
	int			most = Min(ms / 4, 10000);

	return most > 0 && ms < INT_MAX - most ? ms + (int) (pg_prng_uint32(&pg_global_prng_state) % most) : ms;
}

/*
 * Does the attempt suggest that a smaller request would do better?
 */
static bool
is_too_much(const RqboAttempt *attempt)
{
	return attempt->outcome == RQBO_NET_TIMED_OUT ||
		attempt->outcome == RQBO_NET_TOO_LARGE ||
		(attempt->outcome == RQBO_NET_ANSWERED && attempt->status == 504);
}

/*
 * Is the body one whole JSON object, as far as its two ends can tell?
 */
static bool
looks_whole(const RqboHttpResult *result)
{
	const char *start = result->body;
	const char *end = result->body + result->length;

	while (start < end && (isspace((unsigned char) *start) || strchr("\xEF\xBB\xBF", *start) != NULL))
		start++;
	while (end > start && isspace((unsigned char) end[-1]))
		end--;
	return end - start >= 2 && *start == '{' && end[-1] == '}';
}

/*
 * A refusal for being too fast holds for all that anybody asks of the company.
 */
static void
note_pause(RqboSession *session, const RqboAttempt *attempt)
{
	if (!rqbo_retry_is_throttled(attempt))
		return;
	session->pause_ms = rqbo_retry_pause(attempt, rqbo_throttle_wait);
	rqbo_throttle_pause(&session->connection->throttle, GetCurrentTimestamp(), session->pause_ms);
}

static void
give_up_once(RqboSession *session, const char *why)
{
	rqbo_session_keep(session, &session->call->why, why);
	session->call->if_refused(session->task);
}

/*
 * The company has answered this app's keys before, and says now that they are not
 * for it.  So it does when somebody has disconnected the app in QuickBooks, until
 * the access token ends; the token endpoint knows.
 */
static bool
may_be_revoked(const RqboSession *session, const RqboAttempt *attempt)
{
	return attempt->fault_code == RQBO_FAULT_APP_AUTHORIZATION && session->connection->is_verified &&
		!attempt->token_was_refreshed;
}

/*
 * What would be raised, kept for the end of the task.
 */
static ErrorData *
refusal_of(RqboSession *session, const RqboAttempt *attempt, const RqboFault *fault, const RqboHttpResult *result)
{
	MemoryContext saved = CurrentMemoryContext;
	ErrorData  *volatile refusal = NULL;

	PG_TRY();
	{
		rqbo_fault_raise(session->call->doing, attempt, fault, result);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(session->task->context);
		refusal = CopyErrorData();
		FlushErrorState();
		MemoryContextSwitchTo(saved);
	}
	PG_END_TRY();
	return refusal;
}

/*
 * The grant is not revoked; so it is what QuickBooks has said.  Where another
 * process has brought the tokens, it may be a new grant, of which it says nothing.
 */
static void
grant_lives(RqboTask *task)
{
	RqboSession *session = rqbo_session_of(task);

	if (rqbo_oauth_has_refreshed(session))
		session->verdict = "reconnect_required";
	session->intuit_tid = session->call->refusal_tid;
	ThrowErrorData(session->call->refusal);
}

static void
call_answered(RqboTask *task)
{
	RqboSession *session = rqbo_session_of(task);
	RqboCall   *call = session->call;
	RqboHttpResult *result = task->result;
	RqboRetryLimits limits = {rqbo_retry_budget, rqbo_throttle_wait};
	RqboFault	fault;
	RqboAttempt attempt;
	int			wait_ms;

	Assert(task->result != NULL);
	rqbo_fault_read(result, &fault);
	attempt = (RqboAttempt) {
		.outcome = result->outcome,
		.status = result->status,
		.fault_code = fault.code,
		.body_is_usable = looks_whole(result),
		.retry_after_ms = result->retry_after_ms,
		.attempt = call->attempt,
		.elapsed_ms = (int) (rqbo_clock_ms() - call->began_ms),
		.token_was_refreshed = call->token_was_refreshed,
		.is_repeatable = true
	};
	rqbo_session_note_answer(session);
	note_pause(session, &attempt);
	if (call->is_once && rqbo_retry_decide(&attempt, &limits, &wait_ms) != RQBO_ACCEPT)
	{
		give_up_once(session, rqbo_fault_describe(&attempt, &fault, result));
		return;
	}
	if (call->if_too_much != NULL && is_too_much(&attempt))
	{
		call->if_too_much(task);
		return;
	}
	switch (rqbo_retry_decide(&attempt, &limits, &wait_ms))
	{
		case RQBO_ACCEPT:
			session->holds_back = false;
			call->then(task);
			return;
		case RQBO_REPEAT:
			if (wait_ms >= 10000)
				ereport(NOTICE,
						(errmsg("%s: QuickBooks asks to wait %d seconds",
								rqbo_session_company(session), wait_ms / 1000)));
			rqbo_task_sleep(task, jittered(wait_ms), send_call);
			return;
		case RQBO_REFRESH_TOKEN:
			call->token_was_refreshed = true;
			rqbo_oauth_ensure_token(session, true, send_call);
			return;
		case RQBO_GIVE_UP:
			if (call->if_refused != NULL && rqbo_fault_is_about_request(&attempt))
			{
				call->if_refused(task);
				return;
			}
			if (may_be_revoked(session, &attempt))
			{
				call->refusal = refusal_of(session, &attempt, &fault, result);
				if (result->intuit_tid != NULL)
					rqbo_session_keep(session, &call->refusal_tid, result->intuit_tid);
				rqbo_oauth_ensure_token(session, true, grant_lives);
				return;
			}
			session->verdict = rqbo_fault_verdict(&attempt);
			rqbo_fault_raise(call->doing, &attempt, &fault, result);
	}
}

/*
 * QuickBooks has asked for a pause, to this job or to one before it.
 */
static void
raise_still_paused(RqboSession *session, int wait_ms)
{
	session->pause_ms = wait_ms;
	ereport(ERROR,
			(errcode(ERRCODE_RQBO_THROTTLED),
			 errmsg("%s: QuickBooks throttles requests", session->call->doing),
			 errdetail("It has asked not to be asked for another %d seconds.", wait_ms / 1000),
			 errhint("%s", rqbo_fault_hint(ERRCODE_RQBO_THROTTLED))));
}

static void
wait_for_budget(RqboSession *session, int wait_ms)
{
	if (session->call->is_once && wait_ms > RQBO_THROTTLE_SHORT_WAIT_MS)
		give_up_once(session, "QuickBooks asks to be left alone for a while");
	else if (wait_ms > rqbo_retry_budget && wait_ms > RQBO_THROTTLE_SHORT_WAIT_MS)
		raise_still_paused(session, wait_ms);
	else
		rqbo_task_sleep(session->task, wait_ms, send_call);
}

/*
 * It may have been sent before; either way what is to follow goes with it.
 */
static void
send_call(RqboTask *task)
{
	RqboSession *session = rqbo_session_of(task);
	RqboCall   *call = session->call;
	int			wait_ms = 0;

	if (!rqbo_sending_await(session, call->path, call_answered))
		wait_ms = rqbo_sending_send(session, call->path, call->is_once, call_answered);
	if (wait_ms > 0)
	{
		wait_for_budget(session, wait_ms);
		return;
	}
	call->attempt++;
	rqbo_sending_go_on(session);
}

static void
set_call(RqboSession *session, const char *doing, const char *path, RqboStep then)
{
	RqboCall   *call = session->call;

	if (call == NULL)
		call = session->call = MemoryContextAllocZero(session->task->context, sizeof(RqboCall));
	rqbo_session_keep(session, &call->doing, doing);
	rqbo_session_keep(session, &call->path, path);
	call->then = then;
	call->if_too_much = NULL;
	call->if_refused = NULL;
	call->is_once = false;
	call->attempt = 0;
	call->began_ms = rqbo_clock_ms();
	call->token_was_refreshed = session->is_fresh_grant;
}

void
rqbo_qbo_get(RqboSession *session, const char *doing, const char *path, RqboStep then, RqboStep if_too_much)
{
	set_call(session, doing, path, then);
	session->call->if_too_much = if_too_much;
	rqbo_oauth_ensure_token(session, false, send_call);
}

void
rqbo_qbo_get_once(RqboSession *session, const char *doing, const char *path, RqboStep then, RqboStep if_unusable)
{
	set_call(session, doing, path, then);
	session->call->if_refused = if_unusable;
	session->call->is_once = true;
	send_call(session->task);
}

void
rqbo_qbo_get_optional(RqboSession *session, const char *doing, const char *path, RqboStep then, RqboStep if_unusable)
{
	rqbo_qbo_get(session, doing, path, then, if_unusable);
	session->call->if_refused = if_unusable;
}

const char *
rqbo_qbo_why_unusable(const RqboSession *session)
{
	return session->call->why;
}

char *
rqbo_qbo_query_path(const char *query)
{
	StringInfoData field;

	initStringInfo(&field);
	rqbo_url_add(&field, '&', "query", query);
	return psprintf("/query?%s", field.data);
}

/* ---- reading ---- */

void
rqbo_qbo_raise_invalid(RqboSession *session, const char *why)
{
	RqboFault	none = {0};

	ereport(ERROR,
			(errcode(ERRCODE_RQBO_INVALID_RESPONSE),
			 errmsg("%s: the answer is not one QuickBooks gives", session->call->doing),
			 errdetail("%s %s", why, rqbo_fault_words(&none, session->task->result)),
			 errhint("%s", rqbo_fault_hint(ERRCODE_RQBO_INVALID_RESPONSE))));
	pg_unreachable();
}

RqboJson *
rqbo_qbo_read_body(RqboSession *session, const char *member)
{
	const RqboHttpResult *result = session->task->result;
	const char *reason = NULL;
	RqboJson   *body = rqbo_json_parse(result->body, result->length, &reason);

	if (body == NULL)
		rqbo_qbo_raise_invalid(session, reason);
	rqbo_session_note_time(session, rqbo_json_member_text(body, "time"));
	body = rqbo_json_member(body, member);
	if (!rqbo_json_is_object(body))
		rqbo_qbo_raise_invalid(session, psprintf("It has no member \"%s\".", member));
	return body;
}
