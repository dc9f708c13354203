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

/* How many requests may be sent at once when nothing was asked for a while. */
#define RQBO_THROTTLE_BUCKET 10

/* The budget asks for waits up to here, which are no refusal. */
#define RQBO_THROTTLE_SHORT_WAIT_MS 2000

typedef struct RqboThrottle
{
	bool		is_begun;		/* false: a full bucket */
	double		tokens;
	TimestampTz counted_at;		/* as it is kept for another process, up to a second ahead */
	TimestampTz quiet_until;	/* a second after the last answer; 0 if there was none */
	TimestampTz asked_at;		/* when the pause it may hold was asked for, or later */
} RqboThrottle;

/* Spend one request now, or say how many milliseconds to wait before asking again. */
extern int	rqbo_throttle_spend(RqboThrottle *throttle, TimestampTz now);

/* The latter, and spend nothing. */
extern int	rqbo_throttle_wait_ms(const RqboThrottle *throttle, TimestampTz now);

/* Is the company left alone, for longer than the budget alone would ask? */
extern bool rqbo_throttle_is_paused(const RqboThrottle *throttle, TimestampTz now);

/*
 * A request was answered now.  Whoever reads the budget from the connection's
 * row, in another process, is to send nothing for a second but what was left.
 */
extern void rqbo_throttle_answered(RqboThrottle *throttle, TimestampTz now);

/* When the bucket holds what is in it, as it is to be kept for others. */
extern TimestampTz rqbo_throttle_kept_at(const RqboThrottle *throttle);

/*
 * QuickBooks refuses: nothing is left to spend until so many milliseconds have
 * passed, RQBO_LONGEST_PAUSE_MS at most.
 */
extern void rqbo_throttle_pause(RqboThrottle *throttle, TimestampTz now, int ms);

#endif							/* RQBO_NET_THROTTLE_H */
