/*-------------------------------------------------------------------------
 *
 * report/periods.h
 *	  The periods of the columns, and the total column beside them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_REPORT_PERIODS_H
#define RQBO_REPORT_PERIODS_H

#include "report/reader.h"

extern void rqbo_report_check_periods(const RqboReader *reader);
extern void rqbo_report_check_line_totals(const RqboReader *reader);

#endif							/* RQBO_REPORT_PERIODS_H */
