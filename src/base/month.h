/*-------------------------------------------------------------------------
 *
 * base/month.h
 *	  Counting in whole months.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_BASE_MONTH_H
#define RQBO_BASE_MONTH_H

#include "utils/date.h"

/* Read a date written as YYYY-MM-DD, and nothing else; false if it is none. */
extern bool rqbo_month_parse_date(const char *text, DateADT *date);

/* The date as YYYY-MM-DD. */
extern char *rqbo_month_iso(DateADT date);

/* The first day of the month that is so many months later. */
extern DateADT rqbo_month_add(DateADT date, int months);

/* How many months a range of whole months has. */
extern int	rqbo_month_count(DateADT start, DateADT end);

/* From the first day of a month to the last day of one? */
extern bool rqbo_month_is_whole(DateADT start, DateADT end);

#endif							/* RQBO_BASE_MONTH_H */
