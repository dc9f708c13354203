/*-------------------------------------------------------------------------
 *
 * report/text.h
 *	  Texts and amounts of a report, taken over or shown in an error.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_REPORT_TEXT_H
#define RQBO_REPORT_TEXT_H

#include "report/reader.h"

extern char *rqbo_report_string(RqboReader *reader, const char *text);
extern char *rqbo_report_excerpt(const char *text);
extern char *rqbo_report_clip(const char *string);
extern char *rqbo_report_scrub(const char *text);
extern Numeric rqbo_report_parse_amount(RqboReader *reader, const char *text);

#endif							/* RQBO_REPORT_TEXT_H */
