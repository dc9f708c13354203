/*-------------------------------------------------------------------------
 *
 * net/http.c
 *	  libcurl in a PostgreSQL process: one multi handle on a WaitEventSet.
 *
 * libcurl says which sockets and which deadline it waits for, PostgreSQL's
 * WaitEventSet does the waiting, together with the latch and the postmaster's
 * death.  So a worker with hundreds of transfers in flight is as quick to
 * cancel as an idle one, and nothing here needs a transaction.
 *
 * Rules here and in net/transfer.c:
 * - callbacks never throw and allocate only what may fail quietly; they note
 *	 a reason and return short.  libcurl is not safe to longjmp out of.
 * - signals are blocked while libcurl runs, since its resolver may start a
 *	 thread, which inherits the mask and must never run a handler of ours.
 * - curl_global_init happens on first use in a worker, never in the
 *	 postmaster.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/latch.h"
#include "utils/memutils.h"

#include "base/compat.h"
#include "base/owned.h"
#include "net/http.h"
#include "net/transfer.h"
#include "net/wiping.h"

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

/* ---- what libcurl calls: must not throw ---- */

static int
on_socket(CURL *easy pg_attribute_unused(), curl_socket_t fd, int what, void *arg,
		  void *per_socket pg_attribute_unused())
{
	RqboHttp   *http = arg;
	int			i = 0;

	while (i < http->nwatched && http->watched[i].fd != fd)
		i++;
	http->watched_changed = true;
	if (what == CURL_POLL_REMOVE)
	{
		if (i < http->nwatched)
			http->watched[i] = http->watched[--http->nwatched];
		return 0;
	}
	if (i == http->watched_size)
		return -1;				/* rqbo_http_start makes room enough */
	if (i == http->nwatched)
		http->nwatched++;
	http->watched[i].fd = fd;
	http->watched[i].events = ((what & CURL_POLL_IN) ? WL_SOCKET_READABLE : 0) |
		((what & CURL_POLL_OUT) ? WL_SOCKET_WRITEABLE : 0);
	return 0;
}

/* ---- the process-wide handle ---- */

static void
release_multi(void *object)
{
	curl_multi_cleanup((CURLM *) object);
}

static void
release_wait_set(void *object)
{
	FreeWaitEventSet((WaitEventSet *) object);
}

static void
check_multi(CURLMcode code, const char *what)
{
	if (code != CURLM_OK)
		ereport(ERROR,
				(errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
				 errmsg("could not %s: %s", what, curl_multi_strerror(code))));
}

/*
 * Make the handle, in CurrentMemoryContext, which owns it from then on.
 */
RqboHttp *
rqbo_http_create(void)
{
	RqboHttp   *http = palloc0(sizeof(RqboHttp));

	http->context = CurrentMemoryContext;
	http->wait_event = rqbo_wait_event("ReefqboHttp");
	dlist_init(&http->ended);
	http->wait_set_owned = rqbo_owned_reserve(http->context, release_wait_set);
	http->multi_owned = rqbo_owned_reserve(http->context, release_multi);

	/* libcurl would write the keys of every connection to the file it names */
	(void) unsetenv("SSLKEYLOGFILE");
	if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, rqbo_wiping_malloc, rqbo_wiping_free, rqbo_wiping_realloc,
							 rqbo_wiping_strdup, rqbo_wiping_calloc) != CURLE_OK)
		ereport(ERROR,
				(errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
				 errmsg("could not initialize libcurl")));
	http->multi = curl_multi_init();
	if (http->multi == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("could not make a libcurl multi handle")));
	rqbo_owned_set(http->multi_owned, http->multi);
	check_multi(curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, on_socket), "set up libcurl");
	check_multi(curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http), "set up libcurl");
	/* threads that ask a name server are not waited for: from 8.20 on they are the multi handle's (CURLOPT_QUICK_EXIT) */
	(void) curl_multi_setopt(http->multi, CURLMOPT_QUICK_EXIT, 1L);
	return http;
}

/* ---- beginning and ending transfers ---- */

/*
 * Room for the sockets of one more transfer: it may try two addresses at
 * once, and an old connection may be closing.
 */
static void
reserve_watched(RqboHttp *http)
{
	int			wanted = 4 * (http->nrunning + 1) + 16;

	if (wanted <= http->watched_size)
		return;
	wanted *= 2;
	if (http->watched == NULL)
		http->watched = MemoryContextAlloc(http->context, wanted * sizeof(WatchedSocket));
	else
		http->watched = repalloc(http->watched, wanted * sizeof(WatchedSocket));
	http->watched_size = wanted;
}

/*
 * Start a transfer.  CurrentMemoryContext owns it and its result: deleting
 * that context ends it.  owner is handed back when it has ended.
 */
RqboTransfer *
rqbo_http_start(RqboHttp *http, const RqboHttpRequest *request, void *owner)
{
	RqboTransfer *transfer = rqbo_transfer_make(request, owner);
	sigset_t	saved_mask;
	CURLMcode	code;

	reserve_watched(http);
	sigprocmask(SIG_SETMASK, &BlockSig, &saved_mask);
	code = curl_multi_add_handle(http->multi, transfer->easy);
	sigprocmask(SIG_SETMASK, &saved_mask, NULL);
	check_multi(code, "start a transfer");
	transfer->multi = http->multi;
	transfer->nrunning = &http->nrunning;
	transfer->is_running = true;
	http->nrunning++;
	return transfer;
}

static void
note_end(RqboHttp *http, RqboTransfer *transfer, CURLcode code)
{
	rqbo_transfer_finish(transfer, code);
	dlist_push_tail(&http->ended, &transfer->link);
	transfer->is_ended = true;
}

void
rqbo_http_give_up(RqboHttp *http, RqboTransfer *transfer)
{
	if (transfer->is_running)
		note_end(http, transfer, CURLE_OPERATION_TIMEDOUT);
}

static void
collect_ended(RqboHttp *http)
{
	CURLMsg    *message;
	int			more;

	while ((message = curl_multi_info_read(http->multi, &more)) != NULL)
	{
		char	   *transfer = NULL;

		if (message->msg != CURLMSG_DONE)
			continue;
		(void) curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
		note_end(http, (RqboTransfer *) transfer, message->data.result);
	}
}

void *
rqbo_http_next_ended(RqboHttp *http, RqboHttpResult **result)
{
	RqboTransfer *transfer;

	if (dlist_is_empty(&http->ended))
		return NULL;
	transfer = dlist_container(RqboTransfer, link, dlist_pop_head_node(&http->ended));
	transfer->is_ended = false;
	*result = &transfer->result;
	return transfer->owner;
}

/* ---- the loop ---- */

/*
 * A WaitEventSet cannot lose an event, so a changed set is made anew.
 */
static void
rebuild_wait_set(RqboHttp *http)
{
	MemoryContext saved = MemoryContextSwitchTo(http->context);

	rqbo_owned_release(http->wait_set_owned);
	http->wait_set = rqbo_wait_event_set_create(http->nwatched + 2);
	rqbo_owned_set(http->wait_set_owned, http->wait_set);
	AddWaitEventToSet(http->wait_set, WL_LATCH_SET, PGINVALID_SOCKET, MyLatch, NULL);
	AddWaitEventToSet(http->wait_set, WL_EXIT_ON_PM_DEATH, PGINVALID_SOCKET, NULL, NULL);
	for (int i = 0; i < http->nwatched; i++)
		AddWaitEventToSet(http->wait_set, http->watched[i].events, http->watched[i].fd, NULL, NULL);
	http->watched_changed = false;
	MemoryContextSwitchTo(saved);
}

static void
drive(RqboHttp *http, curl_socket_t fd, int events)
{
	sigset_t	saved_mask;
	int			running;
	CURLMcode	code;

	sigprocmask(SIG_SETMASK, &BlockSig, &saved_mask);
	code = curl_multi_socket_action(http->multi, fd, events, &running);
	sigprocmask(SIG_SETMASK, &saved_mask, NULL);
	/* a socket libcurl has closed in the meantime is not an error */
	if (code != CURLM_BAD_SOCKET)
		check_multi(code, "drive a transfer");
}

static void
drive_socket(RqboHttp *http, const WaitEvent *event)
{
	int			events = 0;

	if (event->events & WL_SOCKET_READABLE)
		events |= CURL_CSELECT_IN;
	if (event->events & WL_SOCKET_WRITEABLE)
		events |= CURL_CSELECT_OUT;
	drive(http, event->fd, events);
}

/*
 * Milliseconds until libcurl wants to be called without any socket being
 * ready, -1 for never.
 *
 * It is asked each time.  Its timer callback would save the question, but it
 * tells a deadline once only: a loop that wakes a moment too early, by the
 * rounding of a clock, would wait for ever.
 */
static long
time_to_libcurl(RqboHttp *http)
{
	long		ms = -1;

	check_multi(curl_multi_timeout(http->multi, &ms), "ask for a time-out");
	return ms;
}

static long
time_to_wait(RqboHttp *http, long timeout_ms)
{
	long		ms = time_to_libcurl(http);

	if (!dlist_is_empty(&http->ended))
		return 0;
	if (ms < 0)
		return timeout_ms;
	return timeout_ms < 0 ? ms : Min(ms, timeout_ms);
}

void
rqbo_http_push(RqboHttp *http)
{
	if (time_to_libcurl(http) != 0)
		return;
	drive(http, CURL_SOCKET_TIMEOUT, 0);
	collect_ended(http);
}

void
rqbo_http_turn(RqboHttp *http, long timeout_ms)
{
	WaitEvent	events[64];
	int			nevents;

	if (http->wait_set == NULL || http->watched_changed)
		rebuild_wait_set(http);
	nevents = WaitEventSetWait(http->wait_set, time_to_wait(http, timeout_ms), events, lengthof(events),
							   http->wait_event);
	for (int i = 0; i < nevents; i++)
	{
		if (events[i].events & WL_LATCH_SET)
			ResetLatch(MyLatch);
		else
			drive_socket(http, &events[i]);
	}
	if (time_to_libcurl(http) == 0)
		drive(http, CURL_SOCKET_TIMEOUT, 0);
	collect_ended(http);
}
