/*-------------------------------------------------------------------------
 *
 * net/transfer.h
 *	  One request on its way through libcurl; the one place that includes libcurl.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_NET_TRANSFER_H
#define RQBO_NET_TRANSFER_H

#include <curl/curl.h>

#include "lib/ilist.h"

#include "net/message.h"

#if LIBCURL_VERSION_NUM < 0x075500
#error reefqbo needs libcurl 7.85 or later, for CURLOPT_PROTOCOLS_STR
#endif

/* Of libcurl 8.20, which may be what runs, whatever headers it was built with; an older one does not know it. */
#if LIBCURL_VERSION_NUM < 0x081400
#define CURLMOPT_QUICK_EXIT ((CURLMoption) (CURLOPTTYPE_LONG + 21))
#endif

typedef struct RqboTransfer
{
	CURLM	   *multi;			/* that it runs in, */
	int		   *nrunning;		/* and how many do there */
	MemoryContext context;
	void	   *owner;
	CURL	   *easy;
	struct curl_slist *headers;
	char	   *form;			/* our copy, wiped after */
	size_t		header_bytes;
	size_t		body_size;
	size_t		body_limit;
	bool		too_large;
	char	   *retry_after;	/* as it came, or NULL */
	bool		was_sent;		/* or may have been: it was connected all the way */
	char		error[CURL_ERROR_SIZE];
	RqboHttpResult result;
	bool		is_running;		/* added to multi */
	bool		is_ended;		/* waits for its owner to ask */
	dlist_node	link;
} RqboTransfer;

/* A transfer with all its options set, not yet started; owned by CurrentMemoryContext. */
extern RqboTransfer *rqbo_transfer_make(const RqboHttpRequest *request, void *owner);

/* Take a transfer off the wire and fill in its result. */
extern void rqbo_transfer_finish(RqboTransfer *transfer, CURLcode code);

/* The file with the certificate authorities that servers are verified with; NULL if libcurl is left to itself. */
extern const char *rqbo_transfer_ca_file(void);

#endif							/* RQBO_NET_TRANSFER_H */
