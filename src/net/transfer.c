/*-------------------------------------------------------------------------
 *
 * net/transfer.c
 *	  One request on the wire: its options, its caps, its result.
 *
 * A transfer belongs to the memory context it was made in: deleting the
 * context takes it off the wire.  All options are set anew on each, none is
 * passed through from outside.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <time.h>
#include <unistd.h>

#include "storage/fd.h"
#include "utils/memutils.h"

#include "base/clock.h"
#include "base/guc.h"
#include "base/owned.h"
#include "net/transfer.h"

#define MAX_HEADER_BYTES (64 * 1024)
#define FIRST_BODY_BYTES 8192
#define USER_AGENT "reefqbo/1.0 (PostgreSQL)"

/* After this many seconds with next to nothing coming in, a transfer is dead. */
#define LOW_SPEED_BYTES 16
#define LOW_SPEED_SECONDS 125

/* Idle connections older than this are not trusted to be alive. */
#define MAX_IDLE_SECONDS 60

/* ---- what libcurl calls: must not throw ---- */

/* Sockets count in the budget of file descriptors that fd.c keeps. */
static curl_socket_t
on_open_socket(void *arg pg_attribute_unused(), curlsocktype purpose pg_attribute_unused(),
			   struct curl_sockaddr *address)
{
	curl_socket_t fd;

	if (!AcquireExternalFD())
		return CURL_SOCKET_BAD;
	fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
	if (fd == CURL_SOCKET_BAD)
		ReleaseExternalFD();
	return fd;
}

static int
on_close_socket(void *arg pg_attribute_unused(), curl_socket_t fd)
{
	ReleaseExternalFD();
	return close(fd);
}

/*
 * Connected, through proxy and handshake: from here on the request may be on its way.
 */
static int
on_connected(void *arg, char *primary_ip pg_attribute_unused(), char *local_ip pg_attribute_unused(),
			 int primary_port pg_attribute_unused(), int local_port pg_attribute_unused())
{
	((RqboTransfer *) arg)->was_sent = true;
	return CURL_PREREQFUNC_OK;
}

/*
 * The answer to a POST carries tokens: it is not left behind in memory.
 */
static void
forget_body(RqboTransfer *transfer)
{
	if (transfer->form != NULL && transfer->result.body != NULL)
		explicit_bzero(transfer->result.body, transfer->result.length);
	if (transfer->result.body != NULL)
		pfree(transfer->result.body);
	transfer->result.body = NULL;
}

/*
 * Make room for more of the body, within the limit; false if there is none.
 */
static bool
body_reserve(RqboTransfer *transfer, size_t more)
{
	RqboHttpResult *result = &transfer->result;
	size_t		wanted = result->length + more;
	size_t		size = Max(transfer->body_size, FIRST_BODY_BYTES);
	char	   *grown;

	if (wanted > transfer->body_limit)
	{
		transfer->too_large = true;
		return false;
	}
	if (transfer->body_size > wanted)
		return true;
	while (size <= wanted)
		size *= 2;
	grown = MemoryContextAllocExtended(transfer->context, size, MCXT_ALLOC_NO_OOM | MCXT_ALLOC_HUGE);
	if (grown == NULL)
		return false;
	if (result->body != NULL)
	{
		memcpy(grown, result->body, result->length);
		forget_body(transfer);
	}
	result->body = grown;
	transfer->body_size = size;
	return true;
}

static size_t
on_body(char *data, size_t size, size_t count, void *arg)
{
	RqboTransfer *transfer = arg;
	size_t		length = size * count;

	if (!body_reserve(transfer, length))
		return 0;
	memcpy(transfer->result.body + transfer->result.length, data, length);
	transfer->result.length += length;
	transfer->result.body[transfer->result.length] = '\0';
	return length;
}

/*
 * The value of a header line if it is the named header, as a fresh string.
 */
static char *
header_value(RqboTransfer *transfer, const char *line, size_t length, const char *name)
{
	size_t		name_length = strlen(name);
	char	   *value;

	if (length <= name_length || pg_strncasecmp(line, name, name_length) != 0)
		return NULL;
	line += name_length;
	length -= name_length;
	while (length > 0 && (*line == ' ' || *line == '\t'))
		line++, length--;
	while (length > 0 && (unsigned char) line[length - 1] <= ' ')
		length--;
	length = Min(length, 200);
	value = MemoryContextAllocExtended(transfer->context, length + 1, MCXT_ALLOC_NO_OOM);
	if (value == NULL)
		return NULL;
	for (size_t i = 0; i < length; i++)
		value[i] = (line[i] >= ' ' && line[i] <= '~') ? line[i] : '?';
	value[length] = '\0';
	return value;
}

static size_t
on_header(char *data, size_t size, size_t count, void *arg)
{
	RqboTransfer *transfer = arg;
	RqboHttpResult *result = &transfer->result;
	size_t		length = size * count;
	char	   *value;

	transfer->header_bytes += length;
	if (transfer->header_bytes > MAX_HEADER_BYTES)
	{
		transfer->too_large = true;
		return 0;
	}
	/* Intuit writes it with an underscore; gateways have been seen with a hyphen. */
	if ((value = header_value(transfer, data, length, "intuit_tid:")) != NULL ||
		(value = header_value(transfer, data, length, "intuit-tid:")) != NULL)
		result->intuit_tid = value;
	else if ((value = header_value(transfer, data, length, "retry-after:")) != NULL)
		transfer->retry_after = value;
	else if ((value = header_value(transfer, data, length, "date:")) != NULL)
		result->date = (int64) curl_getdate(value, NULL);
	return length;
}

/* ---- the end, however it comes ---- */

static void
wipe_headers(struct curl_slist *headers)
{
	for (struct curl_slist *line = headers; line != NULL; line = line->next)
		explicit_bzero(line->data, strlen(line->data));
}

static void
release_transfer(void *object)
{
	RqboTransfer *transfer = object;

	if (transfer->is_running)
	{
		(void) curl_multi_remove_handle(transfer->multi, transfer->easy);
		(*transfer->nrunning)--;
	}
	if (transfer->is_ended)
		dlist_delete(&transfer->link);
	if (transfer->easy != NULL)
		curl_easy_cleanup(transfer->easy);
	wipe_headers(transfer->headers);
	curl_slist_free_all(transfer->headers);
	forget_body(transfer);
	if (transfer->form != NULL)
		explicit_bzero(transfer->form, strlen(transfer->form));
}

static void
option_failed(const char *name, CURLcode code)
{
	ereport(ERROR,
			(errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
			 errmsg("could not set libcurl's %s: %s", name, curl_easy_strerror(code))));
}

#define SET_OPTION(easy, option, value) \
	do { \
		CURLcode	code_ = curl_easy_setopt((easy), (option), (value)); \
		if (code_ != CURLE_OK) \
			option_failed(#option, code_); \
	} while (0)

/*
 * Ours, or the operating system's as libcurl knows it.
 */
const char *
rqbo_transfer_ca_file(void)
{
	const char *system_file = curl_version_info(CURLVERSION_NOW)->cainfo;

	if (rqbo_ca_file != NULL && rqbo_ca_file[0] != '\0')
		return rqbo_ca_file;
	return system_file != NULL && access(system_file, R_OK) == 0 ? system_file : NULL;
}

/*
 * TLS 1.2 or later, always verified.  With a CA file, libcurl's compiled-in
 * directory of certificates is switched off as well: it would admit others,
 * and it makes libcurl read all of them again for every connection.
 */
static void
set_security(CURL *easy)
{
	const char *authorities = rqbo_transfer_ca_file();

	SET_OPTION(easy, CURLOPT_PROTOCOLS_STR, "https");
	SET_OPTION(easy, CURLOPT_FOLLOWLOCATION, 0L);
	SET_OPTION(easy, CURLOPT_SSL_VERIFYPEER, 1L);
	SET_OPTION(easy, CURLOPT_SSL_VERIFYHOST, 2L);
	SET_OPTION(easy, CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
	if (authorities != NULL)
	{
		SET_OPTION(easy, CURLOPT_CAINFO, authorities);
		SET_OPTION(easy, CURLOPT_CAPATH, NULL);
	}
	SET_OPTION(easy, CURLOPT_NETRC, (long) CURL_NETRC_IGNORED);
	/* what a proxy says of itself is no answer */
	SET_OPTION(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	SET_OPTION(easy, CURLOPT_PROXY, rqbo_proxy != NULL ? rqbo_proxy : "");
	/* nor is there a way around it by the environment's no_proxy */
	SET_OPTION(easy, CURLOPT_NOPROXY, "");
}

static void
set_limits(CURL *easy, int timeout_ms)
{
	SET_OPTION(easy, CURLOPT_NOSIGNAL, 1L);
#if LIBCURL_VERSION_NUM >= 0x075700
	/* whoever is given up is not waited for: not the thread that asks a name server which does not answer */
	SET_OPTION(easy, CURLOPT_QUICK_EXIT, 1L);
#endif
	SET_OPTION(easy, CURLOPT_CONNECTTIMEOUT_MS, (long) rqbo_connect_timeout);
	SET_OPTION(easy, CURLOPT_TIMEOUT_MS, (long) timeout_ms);
	SET_OPTION(easy, CURLOPT_LOW_SPEED_LIMIT, (long) LOW_SPEED_BYTES);
	SET_OPTION(easy, CURLOPT_LOW_SPEED_TIME, (long) LOW_SPEED_SECONDS);
	SET_OPTION(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	SET_OPTION(easy, CURLOPT_MAXAGE_CONN, (long) MAX_IDLE_SECONDS);
}

static void
set_callbacks(RqboTransfer *transfer)
{
	CURL	   *easy = transfer->easy;

	SET_OPTION(easy, CURLOPT_PRIVATE, transfer);
	SET_OPTION(easy, CURLOPT_ERRORBUFFER, transfer->error);
	SET_OPTION(easy, CURLOPT_WRITEFUNCTION, on_body);
	SET_OPTION(easy, CURLOPT_WRITEDATA, transfer);
	SET_OPTION(easy, CURLOPT_HEADERFUNCTION, on_header);
	SET_OPTION(easy, CURLOPT_HEADERDATA, transfer);
	SET_OPTION(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
	SET_OPTION(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close_socket);
	SET_OPTION(easy, CURLOPT_PREREQFUNCTION, on_connected);
	SET_OPTION(easy, CURLOPT_PREREQDATA, transfer);
}

/*
 * Add a header line.  One that holds CR, LF or another control character
 * would smuggle in a second one.
 */
static void
add_header(RqboTransfer *transfer, const char *line)
{
	struct curl_slist *longer;

	for (const char *c = line; *c != '\0'; c++)
		if ((unsigned char) *c < ' ' || *c == 0x7f)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("an HTTP header may not hold control characters")));
	longer = curl_slist_append(transfer->headers, line);
	if (longer == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory")));
	transfer->headers = longer;
}

static void
set_request(RqboTransfer *transfer, const RqboHttpRequest *request)
{
	CURL	   *easy = transfer->easy;

	for (int i = 0; request->headers[i] != NULL; i++)
		add_header(transfer, request->headers[i]);
	SET_OPTION(easy, CURLOPT_URL, request->url);
	SET_OPTION(easy, CURLOPT_HTTPHEADER, transfer->headers);
	SET_OPTION(easy, CURLOPT_USERAGENT, USER_AGENT);
	SET_OPTION(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
	SET_OPTION(easy, CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
	if (request->form == NULL)
		return;
	transfer->form = pstrdup(request->form);
	SET_OPTION(easy, CURLOPT_POST, 1L);
	/* on a kept connection that has died libcurl would send it a second time by itself */
	SET_OPTION(easy, CURLOPT_FRESH_CONNECT, 1L);
	SET_OPTION(easy, CURLOPT_FORBID_REUSE, 1L);
	SET_OPTION(easy, CURLOPT_POSTFIELDSIZE, (long) strlen(transfer->form));
	SET_OPTION(easy, CURLOPT_POSTFIELDS, transfer->form);
}

RqboTransfer *
rqbo_transfer_make(const RqboHttpRequest *request, void *owner)
{
	RqboTransfer *transfer = palloc0(sizeof(RqboTransfer));
	RqboOwned  *owned = rqbo_owned_reserve(CurrentMemoryContext, release_transfer);

	transfer->context = CurrentMemoryContext;
	transfer->owner = owner;
	transfer->body_limit = (size_t) rqbo_max_response_size * 1024;
	transfer->result.date = -1;
	rqbo_owned_set(owned, transfer);

	transfer->easy = curl_easy_init();
	if (transfer->easy == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("could not make a libcurl handle")));
	set_security(transfer->easy);
	set_limits(transfer->easy, request->timeout_ms);
	set_callbacks(transfer);
	set_request(transfer, request);
	return transfer;
}

static bool
is_untrusted(CURLcode code)
{
	switch (code)
	{
		case CURLE_PEER_FAILED_VERIFICATION:
		case CURLE_SSL_CACERT_BADFILE:
		case CURLE_SSL_ISSUER_ERROR:
		case CURLE_URL_MALFORMAT:
		case CURLE_UNSUPPORTED_PROTOCOL:
			return true;
		default:
			return false;
	}
}

/*
 * Whether the request was sent is not told from the code: a connection may be
 * reset, or the time be over, before and after.
 */
static RqboNetOutcome
outcome_of(const RqboTransfer *transfer, CURLcode code)
{
	if (transfer->too_large)
		return RQBO_NET_TOO_LARGE;
	if (code == CURLE_OK)
		return RQBO_NET_ANSWERED;
	if (is_untrusted(code))
		return RQBO_NET_UNTRUSTED;
	if (!transfer->was_sent)
		return RQBO_NET_UNREACHABLE;
	return code == CURLE_OPERATION_TIMEDOUT ? RQBO_NET_TIMED_OUT : RQBO_NET_BROKEN;
}

/*
 * Seconds, or a date (RFC 9110 section 10.2.3) by the clock that stands beside
 * it in the answer: the two may be far from ours.  -1 for what is neither.
 */
static int
read_retry_after(const char *value, int64 server_date)
{
	size_t		length = value != NULL ? strlen(value) : 0;
	int64		seconds;

	if (length == 0)
		return -1;
	if (strspn(value, "0123456789") == length)
		seconds = length > 9 ? PG_INT32_MAX : strtol(value, NULL, 10);
	else
	{
		int64		date = isalpha((unsigned char) value[0]) ? (int64) curl_getdate(value, NULL) : -1;

		if (date < 0)
			return -1;
		seconds = date - (server_date >= 0 ? server_date : (int64) time(NULL));
	}
	return (int) Min(Max(seconds, 0), RQBO_LONGEST_PAUSE_MS / 1000) * 1000;
}

/*
 * Why there is no answer.  Before the tunnel to Intuit stands, and where a
 * certificate is refused, libcurl's own words name the proxy, which whoever
 * calls is not to know: those are for the server's log, once.
 */
static char *
words_of(const RqboTransfer *transfer, CURLcode code, RqboNetOutcome outcome)
{
	static bool is_logged = false;
	const char *words = transfer->error[0] ? transfer->error : curl_easy_strerror(code);
	MemoryContext saved = MemoryContextSwitchTo(transfer->context);
	char	   *result;

	if (rqbo_proxy != NULL && rqbo_proxy[0] != '\0' && (!transfer->was_sent || outcome == RQBO_NET_UNTRUSTED))
	{
		/* what has an @ may have a password before it */
		if (!is_logged && strchr(words, '@') == NULL)
			ereport(LOG_SERVER_ONLY,
					(errmsg("could not reach Intuit through reefqbo.proxy: %s", words)));
		is_logged = true;
		result = psprintf("%s, by way of reefqbo.proxy", curl_easy_strerror(code));
	}
	else
		result = pstrdup(words);
	MemoryContextSwitchTo(saved);
	return result;
}

void
rqbo_transfer_finish(RqboTransfer *transfer, CURLcode code)
{
	RqboHttpResult *result = &transfer->result;
	long		status = 0;
	curl_off_t	bytes = 0;

	(void) curl_multi_remove_handle(transfer->multi, transfer->easy);
	transfer->is_running = false;
	(*transfer->nrunning)--;
	(void) curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
	(void) curl_easy_getinfo(transfer->easy, CURLINFO_SIZE_DOWNLOAD_T, &bytes);
	result->status = (int) status;
	result->bytes = bytes;
	result->ended_ms = rqbo_clock_ms();
	result->retry_after_ms = read_retry_after(transfer->retry_after, result->date);
	result->outcome = outcome_of(transfer, code);
	if (result->body == NULL)
		result->body = MemoryContextStrdup(transfer->context, "");
	if (code != CURLE_OK)
		result->message = words_of(transfer, code, result->outcome);
}
