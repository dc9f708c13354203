/*-------------------------------------------------------------------------
 *
 * net/http_internal.h
 *	  What net/http.c and net/transfer.c share; the one place that includes libcurl.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_NET_HTTP_INTERNAL_H
#define RQBO_NET_HTTP_INTERNAL_H

#include <curl/curl.h>

#include "lib/ilist.h"

#include "base/compat.h"
#include "base/owned.h"
#include "net/http.h"

#if LIBCURL_VERSION_NUM < 0x075500
#error reefqbo needs libcurl 7.85 or later, for CURLOPT_PROTOCOLS_STR
#endif

typedef struct WatchedSocket
{
	curl_socket_t fd;
	uint32		events;
} WatchedSocket;

struct RqboHttp
{
	MemoryContext context;
	RqboOwned  *multi_owned;
	CURLM	   *multi;
	uint32		wait_event;

	/* the sockets libcurl waits for, as its callback told */
	WatchedSocket *watched;
	int			nwatched;
	int			watched_size;
	bool		watched_changed;

	/* the same as PostgreSQL waits for it */
	RqboOwned  *wait_set_owned;
	WaitEventSet *wait_set;

	int			nrunning;
	dlist_head	ended;
};

struct RqboTransfer
{
	RqboHttp   *http;
	MemoryContext context;
	void	   *owner;
	CURL	   *easy;
	struct curl_slist *headers;
	char	   *form;			/* our copy, wiped after */
	size_t		header_bytes;
	size_t		body_size;
	size_t		body_limit;
	bool		too_large;
	char		error[CURL_ERROR_SIZE];
	RqboHttpResult result;
	bool		is_running;		/* added to the multi handle */
	bool		is_ended;		/* in http->ended */
	dlist_node	link;
};

/* A transfer with all its options set, not yet started; owned by CurrentMemoryContext. */
extern RqboTransfer *rqbo_transfer_make(RqboHttp *http, const RqboHttpRequest *request, void *owner);

/* Take a transfer off the wire and fill in its result. */
extern void rqbo_transfer_finish(RqboTransfer *transfer, CURLcode code);

/* Raise an error if libcurl's multi interface reports one. */
extern void rqbo_http_check(CURLMcode code, const char *what);

#endif							/* RQBO_NET_HTTP_INTERNAL_H */
