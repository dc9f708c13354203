/*-------------------------------------------------------------------------
 *
 * report/sums.h
 *	  Amounts added and held against each other, exactly.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_REPORT_SUMS_H
#define RQBO_REPORT_SUMS_H

#include "report/reader.h"

extern Numeric rqbo_report_add(Numeric a, Numeric b);
extern Numeric rqbo_report_subtract(Numeric a, Numeric b);
extern bool rqbo_report_equal(Numeric a, Numeric b);

/* The same beside the reader's zero, which most cells share. */
extern bool rqbo_report_is_zero(const RqboReader *reader, Numeric amount);
extern void rqbo_report_accumulate(const RqboReader *reader, Numeric *sum, Numeric amount);

#endif							/* RQBO_REPORT_SUMS_H */
