/*-------------------------------------------------------------------------
 *
 * net/http.h
 *	  libcurl in a PostgreSQL process.  No JSON, no SQL.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_NET_HTTP_H
#define RQBO_NET_HTTP_H

#include "net/retry.h"

typedef struct RqboHttp RqboHttp;
typedef struct RqboTransfer RqboTransfer;

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
} RqboHttpResult;

/*
 * The file with the certificate authorities that servers are verified with;
 * NULL if libcurl is left to itself.
 */
extern const char *rqbo_http_ca_file(void);

extern RqboHttp *rqbo_http_create(void);
extern RqboTransfer *rqbo_http_start(RqboHttp *http, const RqboHttpRequest *request, void *owner);

/* Let what was started leave at once, rather than with the next turn. */
extern void rqbo_http_push(RqboHttp *http);

/*
 * One turn of the loop: wait until a socket, libcurl's timer, the latch or
 * timeout_ms, and let libcurl work.  Handles no interrupts: that is the
 * caller's, who knows when it may be thrown out.
 */
extern void rqbo_http_turn(RqboHttp *http, long timeout_ms);

/* The owner of a transfer that has ended, with its result; NULL when there is none. */
extern void *rqbo_http_next_ended(RqboHttp *http, RqboHttpResult **result);

#endif							/* RQBO_NET_HTTP_H */
