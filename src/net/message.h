/*-------------------------------------------------------------------------
 *
 * net/message.h
 *	  A request and how it ended, as plain data.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_NET_MESSAGE_H
#define RQBO_NET_MESSAGE_H

#include "net/retry.h"

typedef struct RqboHttpRequest
{
	const char *url;
	const char *const *headers; /* whole lines, NULL-terminated array */
	const char *form;			/* body of a POST; NULL makes it a GET */
	int			timeout_ms;
} RqboHttpRequest;

/*
 * How a transfer ended.  Never an ERROR: what the other side does is data.
 * Everything lives in the memory context the transfer was started in.
 */
typedef struct RqboHttpResult
{
	RqboNetOutcome outcome;
	int			status;			/* HTTP */
	int			retry_after_ms; /* -1 if the server did not say */
	int64		date;			/* the server's clock, in seconds since 1970; -1 if it did not say */
	char	   *intuit_tid;		/* or NULL */
	char	   *message;		/* in libcurl's words, if there was no whole answer */
	char	   *body;			/* never NULL; terminated, may hold NULs */
	size_t		length;
	int64		bytes;			/* of the body, as they came over the wire */
	int64		ended_ms;		/* when, on rqbo_clock_ms */
} RqboHttpResult;

#endif							/* RQBO_NET_MESSAGE_H */
