/*-------------------------------------------------------------------------
 *
 * report/rows.h
 *	  The tree of a report's rows, walked into lines.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_REPORT_ROWS_H
#define RQBO_REPORT_ROWS_H

#include "report/reader.h"

extern const char *rqbo_report_cell_text(const RqboJson *cell);
extern RqboJson *rqbo_report_cells_of(const RqboJson *row, const char *key);
extern RqboJson *rqbo_report_list_of(const RqboJson *rows);
extern void rqbo_report_read_rows(RqboReader *reader, const RqboJson *rows);

#endif							/* RQBO_REPORT_ROWS_H */
