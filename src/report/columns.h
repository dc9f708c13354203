/*-------------------------------------------------------------------------
 *
 * report/columns.h
 *	  The columns of a report.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_REPORT_COLUMNS_H
#define RQBO_REPORT_COLUMNS_H

#include "report/reader.h"

extern void rqbo_report_read_columns(RqboReader *reader, const RqboJson *columns);

#endif							/* RQBO_REPORT_COLUMNS_H */
