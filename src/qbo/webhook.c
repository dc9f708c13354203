/*-------------------------------------------------------------------------
 *
 * qbo/webhook.c
 *	  Reads the body of a webhook.
 *	  Whose it is, and what follows from it, is not decided here.
 *
 * https://developer.intuit.com/app/developer/qbo/docs/develop/webhooks
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "base/clock.h"
#include "base/errors.h"
#include "net/json.h"
#include "qbo/webhook.h"

#define MOST_IN_AN_ID 200
#define MOST_IN_A_NAME 64
#define MOST_EVENTS 10000

typedef struct Reading
{
	RqboWebhookEvent *events;
	int			count;
	int			size;
} Reading;

/* ---- what may stand in an event ---- */

static bool
is_plain(const char *text, size_t most)
{
	size_t		length = text != NULL ? strlen(text) : 0;

	for (size_t i = 0; i < length; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return false;
	return length > 0 && length <= most;
}

static bool
is_digits(const char *text)
{
	return is_plain(text, MOST_IN_A_NAME) && strspn(text, "0123456789") == strlen(text);
}

/*
 * One that lacks something is kept without an id, for whoever counts.
 */
static void
add_event(Reading *reading, const char *id, const char *realm_id, const char *entity, const char *time)
{
	RqboWebhookEvent *event;
	bool		is_whole = is_plain(id, MOST_IN_AN_ID) && is_digits(realm_id) && is_plain(entity, MOST_IN_A_NAME);

	CHECK_FOR_INTERRUPTS();
	if (reading->count == MOST_EVENTS)
		ereport(ERROR,
				(errcode(ERRCODE_RQBO_INVALID_RESPONSE),
				 errmsg("a webhook has more than %d events", MOST_EVENTS)));
	if (reading->count == reading->size)
	{
		reading->size *= 2;
		reading->events = repalloc(reading->events, reading->size * sizeof(RqboWebhookEvent));
	}
	event = &reading->events[reading->count++];
	event->id = is_whole ? pstrdup(id) : NULL;
	event->realm_id = is_whole ? pstrdup(realm_id) : NULL;
	event->entity = is_plain(entity, MOST_IN_A_NAME) ? pstrdup(entity) : NULL;
	event->has_time = rqbo_clock_parse(time, &event->happened_at);
}

/* ---- the two forms ---- */

/*
 * The entity of a type such as "qbo.account.created.v1"; NULL if it is none of
 * QuickBooks Online's.
 */
static const char *
entity_of_type(const char *type)
{
	const char *begin = type != NULL && strncmp(type, "qbo.", 4) == 0 ? type + 4 : NULL;
	const char *end = begin != NULL ? strchr(begin, '.') : NULL;

	return end != NULL ? pnstrdup(begin, end - begin) : NULL;
}

/*
 * [{"specversion": "1.0", "id": …, "type": …, "time": …, "intuitaccountid": …}, …]
 */
static void
read_cloud_events(Reading *reading, const RqboJson *body)
{
	int			count = rqbo_json_length(body);

	for (int i = 0; i < count; i++)
	{
		const RqboJson *event = rqbo_json_element(body, i);

		add_event(reading, rqbo_json_member_text(event, "id"), rqbo_json_member_text(event, "intuitaccountid"),
				  entity_of_type(rqbo_json_member_text(event, "type")), rqbo_json_member_text(event, "time"));
	}
}

/*
 * Such events have no id of their own: what they say is one.
 */
static void
read_change(Reading *reading, const char *realm_id, const RqboJson *change)
{
	const char *name = rqbo_json_member_text(change, "name");
	const char *id = rqbo_json_member_text(change, "id");
	const char *operation = rqbo_json_member_text(change, "operation");
	const char *changed = rqbo_json_member_text(change, "lastUpdated");
	bool		is_whole = realm_id != NULL && name != NULL && id != NULL && operation != NULL && changed != NULL;

	add_event(reading, is_whole ? psprintf("%s/%s/%s/%s/%s", realm_id, name, id, operation, changed) : NULL,
			  realm_id, name, changed);
}

/*
 * {"eventNotifications": [{"realmId": …, "dataChangeEvent": {"entities": […]}}, …]}
 */
static void
read_notifications(Reading *reading, const RqboJson *notifications)
{
	int			count = rqbo_json_length(notifications);

	for (int i = 0; i < count; i++)
	{
		const RqboJson *notification = rqbo_json_element(notifications, i);
		const RqboJson *changes = rqbo_json_member(rqbo_json_member(notification, "dataChangeEvent"), "entities");
		int			nchanges = rqbo_json_length(changes);

		for (int j = 0; j < nchanges; j++)
			read_change(reading, rqbo_json_member_text(notification, "realmId"), rqbo_json_element(changes, j));
	}
}

RqboWebhookEvent *
rqbo_webhook_read(const char *body, size_t length, int *count)
{
	Reading		reading = {.size = 64};
	const char *reason = NULL;
	const RqboJson *parsed = rqbo_json_parse(body, length, &reason);
	const RqboJson *notifications = rqbo_json_member(parsed, "eventNotifications");

	reading.events = palloc(reading.size * sizeof(RqboWebhookEvent));
	if (rqbo_json_is_array(parsed))
		read_cloud_events(&reading, parsed);
	else if (rqbo_json_is_array(notifications))
		read_notifications(&reading, notifications);
	else
		ereport(ERROR,
				(errcode(ERRCODE_RQBO_INVALID_RESPONSE),
				 errmsg("the body is not a webhook of Intuit's"),
				 errdetail("%s", parsed == NULL ? reason : "It is neither an array of events nor has it eventNotifications.")));
	*count = reading.count;
	return reading.events;
}
