/*-------------------------------------------------------------------------
 *
 * throttle.c
 *	  The budget of requests of one realm: a token bucket.
 *
 * Intuit admits 10 requests a second and 500 a minute for each realm.  A
 * bucket of 10 that fills at 8 a second keeps both: at most 490 in any minute.
 *
 * https://developer.intuit.com/app/developer/qbo/docs/learn/limits-and-throttles
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "throttle.h"

#define BUCKET_SIZE 10.0
#define TOKENS_A_SECOND 8.0

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

		/* a clock that was set back must not take tokens away */
		throttle->tokens = Min(BUCKET_SIZE, throttle->tokens + Max(seconds, 0) * TOKENS_A_SECOND);
	}
	throttle->counted_at = now;
	if (throttle->tokens < 1.0)
		return (int) ceil((1.0 - throttle->tokens) * 1000 / TOKENS_A_SECOND);
	throttle->tokens -= 1.0;
	return 0;
}
