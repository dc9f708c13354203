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

/* Three arrays: account ids, the first days of periods, and the amounts that are not 0; totals left out. */
extern void rqbo_store_arg_amounts(RqboArgs *args, const RqboReport *report);

#endif							/* RQBO_STORE_AMOUNTS_H */
