/*-------------------------------------------------------------------------
 *
 * store/ahead.h
 *	  What a clock that was ahead has left in tables.
 *
 * As store/connection.h: inside a transaction with SPI connected.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_STORE_AHEAD_H
#define RQBO_STORE_AHEAD_H

#include "utils/date.h"

#include "store/imports.h"

/* What there is of it: how many months from a day on, and whether imports have begun in the future. */
extern void rqbo_store_find_ahead(int64 model_id, int64 connection_id, DateADT first, int *months, bool *has_times);

/*
 * Months that have not begun are not known: they go to reefqbo.withdrawn_month,
 * and their amounts to reefqbo.restatement.  How many amounts that were is
 * counted as changed.
 */
extern void rqbo_store_take_back(int64 model_id, int64 connection_id, int64 import_id, DateADT first, RqboCounts *counts);

/* What was noted of this connection as in the future becomes what was noted now. */
extern void rqbo_store_set_times_back(int64 model_id, int64 connection_id);

#endif							/* RQBO_STORE_AHEAD_H */
