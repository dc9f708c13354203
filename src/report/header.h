/*-------------------------------------------------------------------------
 *
 * report/header.h
 *	  What the Header of a report says of it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_REPORT_HEADER_H
#define RQBO_REPORT_HEADER_H

#include "report/reader.h"

pg_noreturn extern void rqbo_report_raise_unsupported(const char *name);
extern void rqbo_report_read_header(RqboReader *reader, const RqboJson *document);
extern void rqbo_report_compare_header(const RqboReader *reader, const RqboReportAsk *ask);
extern void rqbo_report_compare_columns(const RqboReader *reader, const RqboReportAsk *ask);

#endif							/* RQBO_REPORT_HEADER_H */
