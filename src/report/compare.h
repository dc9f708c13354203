/*-------------------------------------------------------------------------
 *
 * report/compare.h
 *	  Two figures of a report that should be the same.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_REPORT_COMPARE_H
#define RQBO_REPORT_COMPARE_H

#include "report/reader.h"

/* What is being compared. */
typedef struct RqboComparison
{
	RqboTallyKind kind;
	int			column;
	const char *name;
	const char *account_id;		/* or NULL */
} RqboComparison;

extern void rqbo_report_compare(const RqboReader *reader, const RqboComparison *what,
								Numeric figure, const char *against, Numeric sum);
extern void rqbo_report_compare_line(const RqboReader *reader, RqboTallyKind kind, int line, int column,
									 const char *against, Numeric sum);

#endif							/* RQBO_REPORT_COMPARE_H */
