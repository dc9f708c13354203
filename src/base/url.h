/*-------------------------------------------------------------------------
 *
 * base/url.h
 *	  Putting together and taking apart the query of an address.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_BASE_URL_H
#define RQBO_BASE_URL_H

#include "lib/stringinfo.h"

/* Append "name=value", percent-encoded, after a separator unless the text is empty or ends with one. */
extern void rqbo_url_add(StringInfo url, char separator, const char *name, const char *value);

/* The decoded value of a field of an address's query; NULL if absent. */
extern char *rqbo_url_field(const char *url, const char *name);

#endif							/* RQBO_BASE_URL_H */
