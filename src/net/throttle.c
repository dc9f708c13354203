/*-------------------------------------------------------------------------
 *
 * net/throttle.c
 *	  The budget of requests of one realm: a token bucket.
 *
 * Intuit admits 10 requests a second and 500 a minute for each realm.  What a
 * bucket lets through in any minute is its size and one minute's filling: 10
 * and 6.5 a second keep that limit, with room for what is asked at the same time
 * in another process.  That of a second is kept by qbo/places.c.  The bucket
 * outlives the worker in the connection's row, since one job may follow on
 * another at once, and so does the pause that a refusal asks for.
 *
 * https://developer.intuit.com/app/developer/qbo/docs/learn/limits-and-throttles
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "net/retry.h"
#include "net/throttle.h"

#define BUCKET_SIZE ((double) RQBO_THROTTLE_BUCKET)
#define TOKENS_A_SECOND 6.5

/* How long what was answered counts, in another process. */
#define ANSWERED_AHEAD USECS_PER_SEC

/* What is in the bucket while this long is to be waited. */
#define TOKENS_BEFORE(ms) (1.0 - (double) (ms) * TOKENS_A_SECOND / 1000)

/*
 * A second ahead is what another process has kept, and more a clock that was set
 * back.
 */
static bool
is_ahead(const RqboThrottle *throttle, TimestampTz now)
{
	return throttle->counted_at > now && throttle->counted_at <= now + ANSWERED_AHEAD;
}

int
rqbo_throttle_spend(RqboThrottle *throttle, TimestampTz now)
{
	if (!throttle->is_begun)
	{
		throttle->is_begun = true;
		throttle->tokens = BUCKET_SIZE;
	}
	else
	{
		double		seconds = (double) (now - throttle->counted_at) / USECS_PER_SEC;
		double		tokens = Max(throttle->tokens, TOKENS_BEFORE(RQBO_LONGEST_PAUSE_MS));

		/* a clock that was set back must not take tokens away */
		throttle->tokens = Min(BUCKET_SIZE, tokens + Max(seconds, 0) * TOKENS_A_SECOND);
	}
	throttle->counted_at = is_ahead(throttle, now) ? throttle->counted_at : now;
	if (throttle->tokens < 1.0)
		return (int) ceil((1.0 - throttle->tokens) * 1000 / TOKENS_A_SECOND + (throttle->counted_at - now) / 1000.0);
	throttle->tokens -= 1.0;
	return 0;
}

void
rqbo_throttle_answered(RqboThrottle *throttle, TimestampTz now)
{
	throttle->quiet_until = now + ANSWERED_AHEAD;
}

TimestampTz
rqbo_throttle_kept_at(const RqboThrottle *throttle)
{
	return Max(throttle->counted_at, throttle->quiet_until);
}

int
rqbo_throttle_wait_ms(const RqboThrottle *throttle, TimestampTz now)
{
	RqboThrottle copy = *throttle;

	return rqbo_throttle_spend(&copy, now);
}

bool
rqbo_throttle_is_paused(const RqboThrottle *throttle, TimestampTz now)
{
	return rqbo_throttle_wait_ms(throttle, now) > RQBO_THROTTLE_SHORT_WAIT_MS;
}

void
rqbo_throttle_pause(RqboThrottle *throttle, TimestampTz now, int ms)
{
	throttle->is_begun = true;
	throttle->tokens = Min(throttle->tokens, TOKENS_BEFORE(Min(ms, RQBO_LONGEST_PAUSE_MS)));
	throttle->counted_at = throttle->asked_at = now;
}
