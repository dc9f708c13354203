/*-------------------------------------------------------------------------
 *
 * report/tieout.h
 *	  Holds the figures of a report against the report's own sums.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_REPORT_TIEOUT_H
#define RQBO_REPORT_TIEOUT_H

#include "report/reader.h"

extern void rqbo_report_tie_out(RqboReader *reader);

#endif							/* RQBO_REPORT_TIEOUT_H */
