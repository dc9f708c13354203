/*-------------------------------------------------------------------------
 *
 * qbo/sending.c
 *	  Requests to the accounting API on their way, side by side.
 *	  What an answer means is qbo/accounting.c's; what is asked, import's.
 *
 * An import asks for one thing after the other and stores it in that order. It
 * says beforehand what it is going to ask for, and that is sent ahead:
 *
 *	 planned --budget, capacity--> under way --> answered --asked for--> taken
 *		|							  |				 |
 *		+-------- asked for ----------+				 +-- never --> forgotten
 *
 * So each answer is read when its turn comes, as if it had been asked for only
 * then: what is too much is halved, what fails fails in the order of today, and a
 * token that was refused is refreshed once, whatever else was sent with it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "base/clock.h"
#include "base/guc.h"
#include "qbo/places.h"
#include "qbo/sending.h"
#include "secret/clear.h"

/* Older minor versions were switched off on 2025-08-01. */
#define MINOR_VERSION "75"

typedef struct RqboAhead
{
	char	   *path;
	bool		is_once;
	int64		generation;		/* of the token it was sent with */
	RqboSent   *sent;			/* NULL while it is planned only */
	int			place;			/* RQBO_NO_PLACE when it was answered */
	RqboCallNote *note;			/* NULL then */
} RqboAhead;

/* ---- one request ---- */

static char *
make_url(const RqboSession *session, const char *path)
{
	return psprintf("%s/v3/company/%s%s%cminorversion=" MINOR_VERSION,
					session->connection->api_url, session->realm_id, path,
					strchr(path, '?') != NULL ? '&' : '?');
}

/*
 * Spend a request of both budgets; false, and how long to wait, if there is none.
 */
static bool
spend(RqboSession *session, int *place, int *wait_ms)
{
	RqboConnection *c = session->connection;

	*wait_ms = rqbo_throttle_wait_ms(&c->throttle, GetCurrentTimestamp());
	if (*wait_ms > 0)
		return false;
	*place = rqbo_place_take(&session->places, c, session->holds_realm_lock, wait_ms);
	if (*place == RQBO_NO_PLACE)
		return false;
	(void) rqbo_throttle_spend(&c->throttle, GetCurrentTimestamp());
	return true;
}

/*
 * As the one that is waited for, if there is a step to follow it; ahead, else,
 * and then NULL if no more may be under way.
 */
static RqboSent *
start(RqboSession *session, const char *path, bool is_once, RqboStep then, RqboCallNote **note)
{
	char	   *bearer = rqbo_clear_format("Authorization: Bearer %s", session->access_token);
	const char *headers[] = {bearer, "Accept: application/json", NULL};
	RqboHttpRequest request = {
		.url = make_url(session, path),
		.headers = headers,
		.timeout_ms = is_once ? Min(rqbo_request_timeout, RQBO_ONCE_TIMEOUT_MS) : rqbo_request_timeout
	};
	RqboSent   *sent = NULL;

	if (then != NULL)
		rqbo_session_send(session, &request, then);
	else if ((sent = rqbo_task_send_ahead(session->task, &request)) != NULL)
		*note = rqbo_session_begin_note(session, &request);
	if (then != NULL || sent != NULL)
		session->requests++;
	rqbo_clear_wipe(bearer);
	return sent;
}

int
rqbo_sending_send(RqboSession *session, const char *path, bool is_once, RqboStep then)
{
	int			wait_ms;

	Assert(session->access_token != NULL && session->realm_id != NULL && session->place == RQBO_NO_PLACE);
	if (!spend(session, &session->place, &wait_ms))
		return wait_ms;
	(void) start(session, path, is_once, then, NULL);
	return 0;
}

/* ---- what is sent ahead ---- */

/*
 * Of each that was answered: when, for the evidence and the budget.  QuickBooks
 * may have said that it is too much.
 */
static void
note_answers(RqboSession *session)
{
	ListCell   *cell;

	foreach(cell, session->ahead)
	{
		RqboAhead  *ahead = lfirst(cell);
		const RqboHttpResult *result = ahead->sent != NULL ? rqbo_sent_result(ahead->sent) : NULL;

		if (result == NULL || ahead->place == RQBO_NO_PLACE)
			continue;
		rqbo_session_end_request(session, &ahead->note, &ahead->place, result);
		session->holds_back |= result->status != 200;
	}
}

/*
 * Nobody waits for its answer any more; it was sent all the same.
 */
static void
give_up(RqboSession *session, RqboAhead *ahead)
{
	rqbo_session_end_request(session, &ahead->note, &ahead->place, NULL);
}

static void
forget(RqboSession *session)
{
	ListCell   *cell;

	note_answers(session);
	foreach(cell, session->ahead)
		give_up(session, lfirst(cell));
}

static RqboAhead *
find(const RqboSession *session, const char *path)
{
	ListCell   *cell;

	foreach(cell, session->ahead)
		if (strcmp(((RqboAhead *) lfirst(cell))->path, path) == 0)
			return lfirst(cell);
	return NULL;
}

void
rqbo_sending_plan(RqboSession *session, const char *path, bool is_once)
{
	MemoryContext saved;
	RqboAhead  *ahead;

	if (rqbo_max_requests_per_company == 1 || find(session, path) != NULL)
		return;
	saved = MemoryContextSwitchTo(session->task->context);
	ahead = palloc0(sizeof(RqboAhead));
	ahead->path = pstrdup(path);
	ahead->is_once = is_once;
	ahead->place = RQBO_NO_PLACE;
	session->ahead = lappend(session->ahead, ahead);
	session->forget_ahead = forget;
	MemoryContextSwitchTo(saved);
}

bool
rqbo_sending_has_plan(const RqboSession *session)
{
	return session->ahead != NIL;
}

static void
remove_ahead(RqboSession *session, RqboAhead *ahead)
{
	session->ahead = list_delete_ptr(session->ahead, ahead);
	pfree(ahead->path);
	pfree(ahead);
}

/*
 * With another token than the present one it may have been refused: what was
 * not accepted is sent anew.
 */
static bool
is_usable(const RqboSession *session, const RqboAhead *ahead)
{
	const RqboHttpResult *result = rqbo_sent_result(ahead->sent);

	return ahead->generation == session->generation || (result != NULL && result->status == 200);
}

static void
drop_unusable(RqboSession *session)
{
	ListCell   *cell;

	note_answers(session);
	foreach(cell, session->ahead)
	{
		RqboAhead  *ahead = lfirst(cell);

		if (ahead->sent == NULL || is_usable(session, ahead))
			continue;
		give_up(session, ahead);
		rqbo_task_drop(ahead->sent);
		ahead->sent = NULL;
	}
}

bool
rqbo_sending_await(RqboSession *session, const char *path, RqboStep then)
{
	RqboAhead  *ahead = find(session, path);
	bool		is_sent;

	if (ahead == NULL)
		return false;
	drop_unusable(session);
	is_sent = ahead->sent != NULL;
	if (is_sent)
	{
		session->place = ahead->place;
		session->note = ahead->note;
		rqbo_task_await(session->task, ahead->sent, then);
	}
	remove_ahead(session, ahead);
	return is_sent;
}

/*
 * With the one that is waited for, which is the caller's.
 */
static int
count_under_way(const RqboSession *session)
{
	int			count = 1;
	ListCell   *cell;

	foreach(cell, session->ahead)
		count += ((RqboAhead *) lfirst(cell))->place != RQBO_NO_PLACE;
	return count;
}

/*
 * What was planned first goes first.  Where something has gone wrong, nothing
 * more is sent before the import has seen it, and has been answered since.
 */
void
rqbo_sending_go_on(RqboSession *session)
{
	ListCell   *cell;

	drop_unusable(session);
	foreach(cell, session->ahead)
	{
		RqboAhead  *ahead = lfirst(cell);
		int			wait_ms;

		if (ahead->sent != NULL)
			continue;
		if (session->holds_back || count_under_way(session) >= rqbo_max_requests_per_company ||
			!spend(session, &ahead->place, &wait_ms))
			return;
		ahead->generation = session->generation;
		ahead->sent = start(session, ahead->path, ahead->is_once, NULL, &ahead->note);
		if (ahead->sent == NULL)
		{
			rqbo_place_return(&session->places, ahead->place);
			ahead->place = RQBO_NO_PLACE;
			return;
		}
	}
}
