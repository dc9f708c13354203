/*-------------------------------------------------------------------------
 *
 * report/closing.h
 *	  The closing figures of the three statements.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_REPORT_CLOSING_H
#define RQBO_REPORT_CLOSING_H

#include "report/reader.h"

/* The column being checked. */
typedef struct RqboColumnSums
{
	RqboReader *reader;
	int			column;
	Numeric    *sections;		/* what the lines of each section add up to */
	Numeric		top;			/* what stands in no section */
	int			nnets;			/* sections that were looked at for sums with signs */
} RqboColumnSums;

extern bool rqbo_report_check_profit_column(const RqboColumnSums *sums);
extern bool rqbo_report_check_balance_column(const RqboColumnSums *sums);

/* Has the balance sheet one of the sides that are known by their groups? */
extern bool rqbo_report_has_known_side(const RqboReader *reader);
extern void rqbo_report_check_grand_totals(const RqboColumnSums *sums);
extern void rqbo_report_require_net_income(RqboReader *reader);
extern void rqbo_report_check_trial_balance(const RqboReader *reader);

#endif							/* RQBO_REPORT_CLOSING_H */
