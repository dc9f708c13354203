/*-------------------------------------------------------------------------
 *
 * import/reading.h
 *	  What is asked of QuickBooks in the same form by every kind of import, and
 *	  stretches of months that are too much at once.  Knows no import.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_IMPORT_READING_H
#define RQBO_IMPORT_READING_H

#include "qbo/session.h"
#include "report/lines.h"
#include "store/imports.h"

/* The path of a report, below the realm. */
extern char *rqbo_import_report_path(const RqboSession *session, RqboReportName name, const RqboRange *range,
									 const char *summarized_by);

/* The path of the question how many of an entity there are, inactive ones too; and the number in its answer. */
extern char *rqbo_import_count_path(const char *entity);
extern int	rqbo_import_take_count(RqboSession *session);

/* "2026-01 to 2026-12" */
extern char *rqbo_import_describe_range(const RqboRange *range);

/* A range of one month cannot be asked for in halves; the second half of others begins with this month. */
extern bool rqbo_import_can_halve(const RqboRange *range);
/*
 * Months that have not begun are not read: last is the last day of those that
 * have.  22023 if the first month asked for has not either.
 */
pg_noreturn extern void rqbo_import_raise_not_begun(const RqboSession *session, DateADT start, DateADT last);
extern void rqbo_import_tell_not_begun(const RqboSession *session, DateADT last);

extern DateADT rqbo_import_middle(const RqboRange *range);

#endif							/* RQBO_IMPORT_READING_H */
