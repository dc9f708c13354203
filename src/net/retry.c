/*-------------------------------------------------------------------------
 *
 * net/retry.c
 *	  What to do about an answer, or about the lack of one: a pure function.
 *
 * Permanent faults stop at once; a token that is refused is refreshed once
 * and no more; throttling and outages are waited out within a budget of time.
 * The budget is time and not a count, since a caller is waiting.
 *
 * https://developer.intuit.com/app/developer/qbo/docs/develop/troubleshooting/error-codes
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/errors.h"
#include "net/retry.h"

#define FIRST_WAIT_MS 1000

/* In seconds. */
#define MINUTE 60
#define HOUR 3600
#define DAY 86400
#define QUOTA_SUSPECTED (3 * HOUR)

bool
rqbo_retry_is_throttled(const RqboAttempt *attempt)
{
	return attempt->outcome == RQBO_NET_ANSWERED &&
		(attempt->status == 429 || attempt->fault_code == RQBO_FAULT_THROTTLED);
}

int
rqbo_retry_pause(const RqboAttempt *attempt, int throttle_wait_ms)
{
	return Min(attempt->retry_after_ms >= 0 ? attempt->retry_after_ms : throttle_wait_ms, RQBO_LONGEST_PAUSE_MS);
}

bool
rqbo_retry_token_is_refused(const RqboAttempt *attempt)
{
	if (attempt->outcome != RQBO_NET_ANSWERED)
		return false;
	if (attempt->fault_code == RQBO_FAULT_TOKEN)
		return true;
	return attempt->status == 401 &&
		(attempt->fault_code <= 0 || attempt->fault_code == RQBO_FAULT_AUTHENTICATION);
}

/*
 * Could the same request succeed a little later?
 */
static bool
is_transient(const RqboAttempt *attempt)
{
	switch (attempt->outcome)
	{
		case RQBO_NET_UNREACHABLE:
			return true;
		case RQBO_NET_TIMED_OUT:
		case RQBO_NET_BROKEN:
			return attempt->is_repeatable;
		case RQBO_NET_UNTRUSTED:
		case RQBO_NET_TOO_LARGE:
			return false;
		case RQBO_NET_ANSWERED:
			break;
	}
	if (attempt->fault_code == RQBO_FAULT_SYSTEM ||
		(attempt->fault_code == RQBO_FAULT_AUTHENTICATION && attempt->status >= 500))
		return attempt->is_repeatable;
	if (attempt->fault_code > 0 || !attempt->is_repeatable)
		return false;
	return attempt->status >= 500 || (attempt->status < 300 && !attempt->body_is_usable);
}

static int
backoff_ms(int attempt)
{
	return FIRST_WAIT_MS << Min(attempt - 1, 8);
}

/*
 * Decide, and for RQBO_REPEAT say how long to wait.
 *
 * A body that cannot be used with a status that says all is well (captive
 * proxies, empty answers) is tried once more and then given up.
 */
RqboDecision
rqbo_retry_decide(const RqboAttempt *attempt, const RqboRetryLimits *limits, int *wait_ms)
{
	bool		answered = attempt->outcome == RQBO_NET_ANSWERED;

	*wait_ms = 0;
	if (answered && attempt->status == 200 && attempt->body_is_usable && attempt->fault_code == 0)
		return RQBO_ACCEPT;
	if (rqbo_retry_token_is_refused(attempt))
		return attempt->token_was_refreshed ? RQBO_GIVE_UP : RQBO_REFRESH_TOKEN;

	if (rqbo_retry_is_throttled(attempt))
		*wait_ms = rqbo_retry_pause(attempt, limits->throttle_wait_ms);
	else if (is_transient(attempt))
		*wait_ms = Max(backoff_ms(attempt->attempt), attempt->retry_after_ms);
	else
		return RQBO_GIVE_UP;

	if (answered && attempt->status < 400 && attempt->fault_code == 0 && attempt->attempt > 1)
		return RQBO_GIVE_UP;
	if (attempt->attempt >= RQBO_RETRY_MAX_ATTEMPTS ||
		(int64) attempt->elapsed_ms + *wait_ms > limits->budget_ms)
		return RQBO_GIVE_UP;
	return RQBO_REPEAT;
}

/* ---- between attempts on schedule ---- */

bool
rqbo_retry_quota_is_used_up(int throttled_seconds)
{
	return throttled_seconds >= QUOTA_SUSPECTED;
}

static int
doubled(int first, int failures, int most)
{
	return (int) Min((int64) first << Min(failures, 16), most);
}

static int
wait_after(int sqlstate, int failures, int throttled_seconds)
{
	switch (sqlstate)
	{
		case ERRCODE_RQBO_RECONNECT_REQUIRED:
		case ERRCODE_RQBO_ENVIRONMENT_MISMATCH:
		case ERRCODE_RQBO_COMPANY_SUSPENDED:
		case ERRCODE_RQBO_PERMISSION_DENIED:
			return DAY;			/* only a person can mend it, elsewhere */
		case ERRCODE_RQBO_THROTTLED:
			return rqbo_retry_quota_is_used_up(throttled_seconds) ? DAY : doubled(15 * MINUTE, failures, 2 * HOUR);
		case ERRCODE_RQBO_KEY_UNAVAILABLE:
			return doubled(5 * MINUTE, failures, HOUR);
		default:
			return doubled(5 * MINUTE, failures, 6 * HOUR);
	}
}

int
rqbo_retry_next_attempt(int sqlstate, int failures, int throttled_seconds, int pause_seconds, double spread)
{
	int			wait = Max(wait_after(sqlstate, failures, throttled_seconds), pause_seconds);

	return wait + (int) (wait / 8 * spread);
}
