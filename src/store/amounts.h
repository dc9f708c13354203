/*-------------------------------------------------------------------------
 *
 * store/amounts.h
 *	  A report's amounts as arguments of a set-based statement.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_STORE_AMOUNTS_H
#define RQBO_STORE_AMOUNTS_H

#include "base/db.h"
#include "report/lines.h"

/* Of reefqbo._amount: the years that a range of months is in, to be said beside the months, since they are part of the key. */
#define RQBO_YEARS_OF(first, last) "year BETWEEN reefqbo._year(" first ") AND reefqbo._year(" last ")"

/* Three arrays: account ids, the first days of periods, and the amounts that are not 0; totals left out. */
extern void rqbo_store_arg_amounts(RqboArgs *args, const RqboReport *report);

#endif							/* RQBO_STORE_AMOUNTS_H */
