/*-------------------------------------------------------------------------
 *
 * net/throttle.h
 *	  The budget of requests of one realm.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_NET_THROTTLE_H
#define RQBO_NET_THROTTLE_H

#include "datatype/timestamp.h"

/* The budget asks for waits up to here, which are no refusal. */
#define RQBO_THROTTLE_SHORT_WAIT_MS 1000

typedef struct RqboThrottle
{
	bool		is_begun;		/* false: a full bucket */
	double		tokens;
	TimestampTz counted_at;
	TimestampTz asked_at;		/* when the pause it may hold was asked for, or later */
} RqboThrottle;

/* Spend one request now, or say how many milliseconds to wait before asking again. */
extern int	rqbo_throttle_spend(RqboThrottle *throttle, TimestampTz now);

/* The latter, and spend nothing. */
extern int	rqbo_throttle_wait_ms(const RqboThrottle *throttle, TimestampTz now);

/* Is the company left alone, for longer than the budget alone would ask? */
extern bool rqbo_throttle_is_paused(const RqboThrottle *throttle, TimestampTz now);

/*
 * QuickBooks refuses: nothing is left to spend until so many milliseconds have
 * passed, RQBO_LONGEST_PAUSE_MS at most.
 */
extern void rqbo_throttle_pause(RqboThrottle *throttle, TimestampTz now, int ms);

#endif							/* RQBO_NET_THROTTLE_H */
