/*-------------------------------------------------------------------------
 *
 * report/sums.h
 *	  Sums beside the zero of the reading in hand, which most cells share.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_REPORT_SUMS_H
#define RQBO_REPORT_SUMS_H

#include "report/reader.h"

extern bool rqbo_report_is_zero(const RqboReader *reader, Numeric amount);
extern void rqbo_report_accumulate(const RqboReader *reader, Numeric *sum, Numeric amount);

#endif							/* RQBO_REPORT_SUMS_H */
