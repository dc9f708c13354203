/*-------------------------------------------------------------------------
 *
 * net/http.h
 *	  libcurl in a PostgreSQL process: many transfers at once.  No JSON, no SQL.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_NET_HTTP_H
#define RQBO_NET_HTTP_H

#include "net/message.h"

typedef struct RqboHttp RqboHttp;
typedef struct RqboTransfer RqboTransfer;

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

/* End a transfer as by its time-out, unless it has ended. */
extern void rqbo_http_give_up(RqboHttp *http, RqboTransfer *transfer);

/* The owner of a transfer that has ended, with its result; NULL when there is none. */
extern void *rqbo_http_next_ended(RqboHttp *http, RqboHttpResult **result);

#endif							/* RQBO_NET_HTTP_H */
