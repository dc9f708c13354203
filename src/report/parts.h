/*-------------------------------------------------------------------------
 *
 * report/parts.h
 *	  The columns of a report by class or by department.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_REPORT_PARTS_H
#define RQBO_REPORT_PARTS_H

#include "report/reader.h"

extern void rqbo_report_mark_part_totals(const RqboReader *reader);
extern void rqbo_report_check_parts(const RqboReader *reader);

#endif							/* RQBO_REPORT_PARTS_H */
