/*-------------------------------------------------------------------------
 *
 * import/changes.c
 *	  Asks QuickBooks what has changed: change data capture, as a hint.
 *
 * It reaches back 30 days and names at most 1,000 objects.  The question
 * overlaps with the one before it, by QuickBooks' own clock, and what was told
 * then is not news.  A transaction that is new or was changed tells its date,
 * from which month on it is read; where one that was deleted stood, or the
 * entries of an account that was merged away, nobody says.  Nor does anybody
 * say that a changed one had another date before: what a move out of an older
 * month leaves there is found when everything is read.
 *
 * https://developer.intuit.com/app/developer/qbo/docs/learn/explore-the-quickbooks-online-api/change-data-capture
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/memutils.h"

#include "base/clock.h"
#include "base/month.h"
#include "base/url.h"
#include "import/changes.h"
#include "net/json.h"
#include "qbo/accounting.h"

#define OVERLAP_SECONDS 300
#define MOST_OBJECTS 1000
#define MOST_IN_A_NAME 64

/* Accounts, and what posts to them. */
static const char *const entities[] = {
	"Account", "Bill", "BillPayment", "CreditMemo", "Deposit", "Invoice", "JournalEntry", "Payment",
	"Purchase", "RefundReceipt", "SalesReceipt", "Transfer", "VendorCredit"
};

/* The question in hand. */
typedef struct RqboChangesWork
{
	const RqboRefreshState *state;
	RqboNews   *news;
	RqboStep	then;
} RqboChangesWork;

/* ---- reading the answer ---- */

static bool
is_plain(const char *text)
{
	size_t		length = text != NULL ? strlen(text) : 0;

	for (size_t i = 0; i < length; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return false;
	return length > 0 && length <= MOST_IN_A_NAME;
}

static bool
was_reported_before(const RqboImport *import, const char *key)
{
	for (char **seen = import->asked_changes->state->changes_seen; *seen != NULL; seen++)
		if (strcmp(*seen, key) == 0)
			return true;
	return false;
}

/*
 * What an object that is news can have touched.
 */
static void
take_news(RqboImport *import, const char *entity, const RqboJson *object)
{
	const char *status = rqbo_json_member_text(object, "status");
	const char *date = rqbo_json_member_text(object, "TxnDate");
	RqboNews   *news = import->asked_changes->news;
	DateADT		day;

	news->has_any = true;
	if (strcmp(entity, "Account") == 0)
		news->is_unbounded |= !rqbo_json_member_bool(object, "Active", status == NULL);
	else if ((status != NULL && strcmp(status, "Deleted") == 0) || date == NULL || !rqbo_month_parse_date(date, &day))
		news->is_unbounded = true;
	else
		news->since = Min(news->since, day);
}

/*
 * One object.  False if it is not what it should be.
 */
static bool
take_object(RqboImport *import, const char *entity, const RqboJson *object)
{
	const char *id = rqbo_json_member_text(object, "Id");
	const char *changed = rqbo_json_member_text(rqbo_json_member(object, "MetaData"), "LastUpdatedTime");
	char	   *key;

	if (!is_plain(id) || !is_plain(changed))
		return false;
	key = psprintf("%s/%s/%s", entity, id, changed);
	import->changes.seen = lappend(import->changes.seen, key);
	if (!was_reported_before(import, key))
		take_news(import, entity, object);
	return list_length(import->changes.seen) < MOST_OBJECTS;
}

static bool
take_entities(RqboImport *import, const RqboJson *response)
{
	for (int i = 0; i < (int) lengthof(entities); i++)
	{
		const RqboJson *objects = rqbo_json_member(response, entities[i]);
		int			count = rqbo_json_length(objects);

		for (int j = 0; j < count; j++)
			if (!take_object(import, entities[i], rqbo_json_element(objects, j)))
				return false;
	}
	return true;
}

/*
 * {"CDCResponse": [{"QueryResponse": [{"Account": […]}, {}, …]}], "time": …}
 */
static bool
take_answer(RqboImport *import, const RqboJson *body)
{
	const RqboJson *parts = rqbo_json_member(body, "CDCResponse");
	int			nparts = rqbo_json_length(parts);

	if (!rqbo_json_is_array(parts) || nparts == 0 ||
		!rqbo_clock_parse(rqbo_json_member_text(body, "time"), &import->changes.until))
		return false;
	for (int i = 0; i < nparts; i++)
	{
		const RqboJson *responses = rqbo_json_member(rqbo_json_element(parts, i), "QueryResponse");

		/* a Fault may stand in the place of one answer of several */
		if (!rqbo_json_is_array(responses))
			return false;
		for (int j = 0; j < rqbo_json_length(responses); j++)
		{
			const RqboJson *response = rqbo_json_element(responses, j);

			if (rqbo_json_member(response, "Fault") != NULL || !take_entities(import, response))
				return false;
		}
	}
	return true;
}

static void
changes_are_unusable(RqboTask *task)
{
	RqboImport *import = rqbo_import_of(task);

	import->asked_changes->news->is_usable = false;
	import->changes.is_set = false;
	import->changes.seen = NIL;
	import->asked_changes->then(task);
}

static void
changes_answered(RqboTask *task)
{
	RqboImport *import = rqbo_import_of(task);
	MemoryContext saved;
	const char *reason;
	RqboJson   *body = rqbo_json_parse(task->result->body, task->result->length, &reason);
	bool		is_usable;

	/* what was told outlives the answer */
	saved = MemoryContextSwitchTo(task->context);
	is_usable = take_answer(import, body);
	MemoryContextSwitchTo(saved);
	if (!is_usable)
	{
		changes_are_unusable(task);
		return;
	}
	rqbo_session_note_time(import->session, rqbo_json_member_text(body, "time"));
	import->asked_changes->news->is_usable = import->changes.is_set = true;
	import->asked_changes->then(task);
}

const char *
rqbo_import_changes_entity(const char *name)
{
	for (int i = 0; i < (int) lengthof(entities); i++)
		if (pg_strcasecmp(entities[i], name) == 0)
			return entities[i];
	return NULL;
}

/* ---- asking ---- */

char *
rqbo_import_changes_path(TimestampTz since)
{
	StringInfoData list;
	StringInfoData query;

	initStringInfo(&list);
	for (int i = 0; i < (int) lengthof(entities); i++)
		appendStringInfo(&list, "%s%s", i > 0 ? "," : "", entities[i]);
	initStringInfo(&query);
	rqbo_url_add(&query, '&', "entities", list.data);
	rqbo_url_add(&query, '&', "changedSince", rqbo_clock_iso(since));
	return psprintf("/cdc?%s", query.data);
}

void
rqbo_import_changes_ask(RqboImport *import, const RqboRefreshState *state, RqboNews *news, RqboStep then)
{
	RqboChangesWork *work = MemoryContextAllocZero(import->session->task->context, sizeof(RqboChangesWork));

	Assert(state->knows_changes);
	work->state = state;
	work->news = news;
	work->then = then;
	news->since = DATEVAL_NOEND;
	import->asked_changes = work;
	rqbo_qbo_get_optional(import->session,
						  psprintf("could not ask what has changed at \"%s\"", rqbo_session_company(import->session)),
						  rqbo_import_changes_path(state->changes_until - OVERLAP_SECONDS * USECS_PER_SEC),
						  changes_answered, changes_are_unusable);
}
