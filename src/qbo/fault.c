/*-------------------------------------------------------------------------
 *
 * qbo/fault.c
 *	  Intuit's faults, and the SQLSTATEs they become.
 *
 * A Fault comes in four forms: JSON of the service, JSON of the gateway (the
 * same keys in lower case), XML although JSON was asked for, and plain text.
 * It comes with any status, 200 included.  Its detail may hold a piece of a
 * token, so that all text is redacted before it goes anywhere.
 *
 * https://developer.intuit.com/app/developer/qbo/docs/develop/troubleshooting/error-codes
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"

#include "base/encoding.h"
#include "base/errors.h"
#include "base/show.h"
#include "net/json_fault.h"
#include "qbo/fault.h"
#include "secret/redact.h"

/* A body that is no JSON, or a text in it, is quoted up to here, in bytes. */
#define MAX_QUOTED 200

/*
 * Text from outside, up to where it is UTF-8, redacted and in the database
 * encoding; NULL if that is nothing.
 */
static char *
presentable(const char *text, size_t length)
{
	char	   *shown = text != NULL ? rqbo_show_foreign(text, length) : NULL;

	return shown != NULL && *shown != '\0' ? rqbo_secret_redact(shown) : NULL;
}

char *
rqbo_fault_text(const char *text)
{
	return presentable(text, text != NULL ? strlen(text) : 0);
}

/*
 * The number of a fault: "3200", "003200", or inside the message as
 * errorCode=003200.
 */
static int
code_number(const char *code, const char *message)
{
	int			number = code != NULL ? atoi(code) : 0;
	const char *inside = message != NULL ? strstr(message, "errorCode=") : NULL;

	if (number == 0 && inside != NULL)
		number = atoi(inside + strlen("errorCode="));
	return number > 0 ? number : -1;
}

/* ---- JSON ---- */

static void
read_json(const RqboHttpResult *result, RqboFault *fault)
{
	const char *reason;
	RqboJsonFault said;

	if (!rqbo_json_read_fault(rqbo_json_parse(result->body, result->length, &reason), &said))
		return;
	fault->code = code_number(said.code, said.message);
	fault->message = rqbo_fault_text(said.message);
	fault->detail = rqbo_fault_text(said.detail);
}

/*
 * Only an answer that says "fault" somewhere is worth parsing for one: reports
 * are large, and the report reader parses them anyway.
 */
static bool
may_hold_json_fault(const RqboHttpResult *result)
{
	return strstr(result->body, "\"Fault\"") != NULL || strstr(result->body, "\"fault\"") != NULL;
}

/*
 * How much of a text is quoted, in bytes: what could be a secret is taken
 * whole, or it could not be told from a word.
 */
static size_t
quoted_length(const char *text)
{
	size_t		length = rqbo_encoding_prefix(text, MAX_QUOTED);

	return length + rqbo_secret_run(text + length);
}

/* ---- XML: enough of it to find three texts ---- */

static char *
xml_between(const char *body, const char *open, const char *close)
{
	const char *start = strstr(body, open);
	const char *end;

	if (start == NULL)
		return NULL;
	start += strlen(open);
	end = strstr(start, close);
	return end != NULL ? pnstrdup(start, Min((size_t) (end - start), quoted_length(start))) : NULL;
}

static void
read_xml(const RqboHttpResult *result, RqboFault *fault)
{
	const char *error = strstr(result->body, "<Error");
	char	   *message;

	if (strstr(result->body, "<Fault") == NULL || error == NULL)
		return;
	message = xml_between(error, "<Message>", "</Message>");
	fault->code = code_number(xml_between(error, "code=\"", "\""), message);
	fault->message = rqbo_fault_text(message);
	fault->detail = rqbo_fault_text(xml_between(error, "<Detail>", "</Detail>"));
}

void
rqbo_fault_read(const RqboHttpResult *result, RqboFault *fault)
{
	const char *body = result->body;

	memset(fault, 0, sizeof(*fault));
	if (result->outcome != RQBO_NET_ANSWERED)
		return;
	while (*body != '\0' && strchr(" \t\r\n\xEF\xBB\xBF", *body) != NULL)
		body++;
	if (*body == '<')
		read_xml(result, fault);
	else if (*body == '{' && may_hold_json_fault(result))
		read_json(result, fault);
	else if (*body != '{' && result->status != 200)
	{
		if (strstr(body, "errorCode=") != NULL)
			fault->code = code_number(NULL, body);
		fault->message = presentable(body, quoted_length(body));
	}
}

/* ---- errors ---- */

/*
 * An access token that is refused says nothing of the grant: the token
 * endpoint alone says that one has ended.  Where it gives a new token and that
 * is refused as well, Intuit's own authentication is out of order.
 */
static int
sqlstate_of_fault(int code)
{
	switch (code)
	{
		case RQBO_FAULT_AUTHORIZATION:
			return ERRCODE_RQBO_RECONNECT_REQUIRED;
		case RQBO_FAULT_APP_AUTHORIZATION:
			return ERRCODE_RQBO_ENVIRONMENT_MISMATCH;
		case RQBO_FAULT_COMPANY_STATUS:
		case RQBO_FAULT_SUBSCRIPTION:
			return ERRCODE_RQBO_COMPANY_SUSPENDED;
		case RQBO_FAULT_PERMISSION:
			return ERRCODE_RQBO_PERMISSION_DENIED;
		case RQBO_FAULT_THROTTLED:
			return ERRCODE_RQBO_THROTTLED;
		case RQBO_FAULT_TOKEN:
		case RQBO_FAULT_AUTHENTICATION:
		case RQBO_FAULT_SYSTEM:
			return ERRCODE_RQBO_UNAVAILABLE;
		default:
			return 0;
	}
}

static int
sqlstate_of_status(int status)
{
	if (status == 403)
		return ERRCODE_RQBO_PERMISSION_DENIED;
	if (status == 429)
		return ERRCODE_RQBO_THROTTLED;
	if (status == 401 || status >= 500)
		return ERRCODE_RQBO_UNAVAILABLE;
	return ERRCODE_RQBO_INVALID_RESPONSE;
}

static int
sqlstate_of(const RqboAttempt *attempt)
{
	int			sqlstate;

	if (attempt->outcome == RQBO_NET_TOO_LARGE)
		return ERRCODE_RQBO_INVALID_RESPONSE;
	if (attempt->outcome != RQBO_NET_ANSWERED)
		return ERRCODE_RQBO_UNAVAILABLE;
	sqlstate = sqlstate_of_fault(attempt->fault_code);
	return sqlstate != 0 ? sqlstate : sqlstate_of_status(attempt->status);
}

/*
 * What went wrong, in a few words that end the message.
 */
static const char *
complaint(int sqlstate, const RqboAttempt *attempt)
{
	if (attempt->outcome == RQBO_NET_TOO_LARGE)
		return "the answer is larger than reefqbo.max_response_size";
	if (attempt->outcome == RQBO_NET_UNTRUSTED)
		return "the server's certificate could not be verified";
	if (attempt->outcome == RQBO_NET_TIMED_OUT)
		return "no answer in time";
	if (attempt->outcome != RQBO_NET_ANSWERED)
		return "QuickBooks could not be reached";
	if (rqbo_retry_token_is_refused(attempt))
		return "QuickBooks refuses an access token that should be good";
	switch (sqlstate)
	{
		case ERRCODE_RQBO_RECONNECT_REQUIRED:
			return "QuickBooks refuses the grant";
		case ERRCODE_RQBO_ENVIRONMENT_MISMATCH:
			return "the app's keys and the company do not belong together";
		case ERRCODE_RQBO_COMPANY_SUSPENDED:
			return "the company's QuickBooks subscription is not active";
		case ERRCODE_RQBO_PERMISSION_DENIED:
			return "the QuickBooks user who connected may not read this";
		case ERRCODE_RQBO_THROTTLED:
			return "QuickBooks throttles requests";
		case ERRCODE_RQBO_UNAVAILABLE:
			return "QuickBooks is not available";
		default:
			return attempt->status == 200 ? "the answer is not one QuickBooks gives" : "QuickBooks refuses the request";
	}
}

const char *
rqbo_fault_verdict(const RqboAttempt *attempt)
{
	switch (sqlstate_of(attempt))
	{
		case ERRCODE_RQBO_RECONNECT_REQUIRED:
		case ERRCODE_RQBO_ENVIRONMENT_MISMATCH:
			return "reconnect_required";
		case ERRCODE_RQBO_COMPANY_SUSPENDED:
			return "suspended";
		default:
			return NULL;
	}
}

bool
rqbo_fault_is_about_request(const RqboAttempt *attempt)
{
	int			sqlstate = sqlstate_of(attempt);

	return sqlstate == ERRCODE_RQBO_INVALID_RESPONSE || sqlstate == ERRCODE_RQBO_PERMISSION_DENIED;
}

const char *
rqbo_fault_hint(int sqlstate)
{
	switch (sqlstate)
	{
		case ERRCODE_RQBO_RECONNECT_REQUIRED:
			return "Call reefqbo.reconnect, open the address it returns and sign in as an admin of the company.";
		case ERRCODE_RQBO_ENVIRONMENT_MISMATCH:
			return "Development keys work with sandbox companies only, production keys with real ones. Check the environment and reefqbo.register_app; if they are right, the app was disconnected in QuickBooks: call reefqbo.reconnect.";
		case ERRCODE_RQBO_COMPANY_SUSPENDED:
			return "Renew the company's QuickBooks subscription, then import again.";
		case ERRCODE_RQBO_PERMISSION_DENIED:
			return "Call reefqbo.reconnect and sign in as an admin of the company with access to its reports.";
		case ERRCODE_RQBO_THROTTLED:
			return "Try again later. Refusals that last for hours mean that the app's monthly quota at Intuit is used up.";
		case ERRCODE_RQBO_UNAVAILABLE:
			return "Try again later; nothing was changed. If it lasts, check the server's network, reefqbo.ca_file and https://status.developer.intuit.com.";
		default:
			return "Nothing was changed. Try again; if it lasts, ask Intuit's support with the intuit_tid.";
	}
}

char *
rqbo_fault_words(const RqboFault *fault, const RqboHttpResult *result)
{
	StringInfoData words;
	char	   *reason = rqbo_fault_text(result->message);

	initStringInfo(&words);
	if (result->outcome != RQBO_NET_ANSWERED && reason != NULL)
		appendStringInfo(&words, "libcurl says: %s.", reason);
	if (result->outcome == RQBO_NET_ANSWERED)
		appendStringInfo(&words, "HTTP status %d.", result->status);
	if (fault->code > 0)
		appendStringInfo(&words, " Fault %d.", fault->code);
	if (fault->message != NULL)
		appendStringInfo(&words, " Intuit says: %s%s%s.", fault->message,
						 fault->detail != NULL ? ": " : "", fault->detail != NULL ? fault->detail : "");
	if (result->intuit_tid != NULL)
		appendStringInfo(&words, " intuit_tid: %s.", result->intuit_tid);
	return words.data;
}

char *
rqbo_fault_describe(const RqboAttempt *attempt, const RqboFault *fault, const RqboHttpResult *result)
{
	return psprintf("%s; %s", complaint(sqlstate_of(attempt), attempt), rqbo_fault_words(fault, result));
}

void
rqbo_fault_raise(const char *doing, const RqboAttempt *attempt, const RqboFault *fault, const RqboHttpResult *result)
{
	int			sqlstate = sqlstate_of(attempt);

	ereport(ERROR,
			(errcode(sqlstate),
			 errmsg("%s: %s", doing, complaint(sqlstate, attempt)),
			 errdetail("%s", rqbo_fault_words(fault, result)),
			 errhint("%s", rqbo_fault_hint(sqlstate))));
	pg_unreachable();
}
