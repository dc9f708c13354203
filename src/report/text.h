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

/* In the database encoding, kept with the report; NULL stays NULL. */
extern char *rqbo_report_string(RqboReader *reader, const char *text);

/* The same of a name; RQ008 for one that is far too long. */
extern char *rqbo_report_name_string(RqboReader *reader, const char *text);

/* For an error, the beginning of a name: in the database encoding already, or as it came. */
extern char *rqbo_report_clip(const char *string);
extern char *rqbo_report_excerpt(const char *text);

/* For an error, the beginning of what is no name, without what could be a secret. */
extern char *rqbo_report_quote(const char *text);
extern char *rqbo_report_quote_amount(const char *text);

/* NULL when the text is no amount; nothing reads as zero. */
extern Numeric rqbo_report_parse_amount(RqboReader *reader, const char *text);

#endif							/* RQBO_REPORT_TEXT_H */
