/*-------------------------------------------------------------------------
 *
 * store/unsettled.h
 *	  Months that must be read again, in reefqbo.unsettled_month.
 *
 * As store/connection.h: inside a transaction with SPI connected.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_STORE_UNSETTLED_H
#define RQBO_STORE_UNSETTLED_H

#include "store/imports.h"

/* The months of the range were stored: whatever there was against them is over. */
extern void rqbo_store_settled(int64 model_id, int64 connection_id, const RqboRange *range);

/* A month was refused for this reason. */
extern void rqbo_store_untied(int64 model_id, int64 connection_id, int64 import_id, const RqboRange *month,
							  const char *detail);

/* The first days of the months that were refused, in order; ended by DATEVAL_NOEND. */
extern DateADT *rqbo_store_untied_months(int64 model_id, int64 connection_id, const RqboRange *range);

/* Does the report have accounts on another side, or in another statement, than the chart has them? */
extern bool rqbo_store_chart_is_old(int64 model_id, int64 connection_id, const RqboReport *report);

/* Months in which assets differ from liabilities and equity by the accounts' classification, as text; NULL if none. */
extern char *rqbo_store_find_imbalance(int64 model_id, int64 connection_id, const RqboReport *balance_sheet);

#endif							/* RQBO_STORE_UNSETTLED_H */
