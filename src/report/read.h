/*-------------------------------------------------------------------------
 *
 * report/read.h
 *	  Reads a QuickBooks report into lines and columns that tie out.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_REPORT_READ_H
#define RQBO_REPORT_READ_H

#include "report/lines.h"

/*
 * Read one report from UTF-8 text.  ask may be NULL.  Everything is allocated
 * in CurrentMemoryContext; strings are in the database encoding.  Raises
 * RQ008 for what is not such a report (not JSON, a Fault, cut, wrong shape,
 * another range or basis than asked for) and RQ007 for one whose figures do
 * not tie out.
 */
extern RqboReport *rqbo_report_read(const char *text, size_t len, const RqboReportAsk *ask);

#endif							/* RQBO_REPORT_READ_H */
