/*-------------------------------------------------------------------------
 *
 * clock.h
 *	  The clock that deadlines are kept by: one that nobody sets back.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_CLOCK_H
#define RQBO_CLOCK_H

#include "portability/instr_time.h"

/* Milliseconds since some moment of the past. */
static inline int64
rqbo_clock_ms(void)
{
	instr_time	now;

	INSTR_TIME_SET_CURRENT(now);
	return (int64) (INSTR_TIME_GET_MICROSEC(now) / 1000);
}

#endif							/* RQBO_CLOCK_H */
