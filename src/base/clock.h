/*-------------------------------------------------------------------------
 *
 * base/clock.h
 *	  The two clocks: what time it is, and how much of it has passed.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_BASE_CLOCK_H
#define RQBO_BASE_CLOCK_H

#include "datatype/timestamp.h"
#include "portability/instr_time.h"

/*
 * The time that schedules, expiries and the log go by: the server's clock,
 * moved by reefqbo.clock_offset so that a test can let a year pass.  SQL has
 * the same as reefqbo._now().
 */
extern TimestampTz rqbo_now(void);

/*
 * A time as Intuit writes it (2026-08-16T10:34:44.123-07:00, or with Z).
 * False if it is none.
 */
extern bool rqbo_clock_parse(const char *text, TimestampTz *moment);

/* The same in UTC, to the second, as a request takes it. */
extern char *rqbo_clock_iso(TimestampTz moment);

/* Milliseconds since some moment of the past, by a clock that nobody sets back: for deadlines. */
static inline int64
rqbo_clock_ms(void)
{
	instr_time	now;

	INSTR_TIME_SET_CURRENT(now);
	return (int64) (INSTR_TIME_GET_MICROSEC(now) / 1000);
}

#endif							/* RQBO_BASE_CLOCK_H */
