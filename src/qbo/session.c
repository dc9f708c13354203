/*-------------------------------------------------------------------------
 *
 * qbo/session.c
 *	  One company being talked to, for the length of a task.
 *	  What is asked of it stands in qbo/accounting.c and qbo/oauth.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/clock.h"
#include "base/db.h"
#include "base/errors.h"
#include "base/lock.h"
#include "base/owned.h"
#include "base/show.h"
#include "qbo/notify.h"
#include "qbo/session.h"
#include "secret/clear.h"
#include "secret/seal.h"
#include "store/upkeep.h"

/*
 * At the end of the session and again at that of its task, since what comes in
 * between may be secret as well.
 */
static void
wipe_session(void *object)
{
	RqboSession *session = object;
	ListCell   *cell;

	foreach(cell, session->secrets)
	{
		char	  **place = lfirst(cell);
		char	   *secret = *place;

		*place = NULL;
		rqbo_clear_wipe(secret);
	}
}

RqboSession *
rqbo_session_open(RqboTask *task)
{
	RqboOwned  *owned = rqbo_owned_reserve(task->context, wipe_session);
	RqboSession *session = MemoryContextAllocZero(task->context, sizeof(RqboSession));

	session->task = task;
	session->place = RQBO_NO_PLACE;
	rqbo_session_guard(session, &session->realm_id);
	rqbo_session_guard(session, &session->access_token);
	rqbo_owned_set(owned, session);
	task->data = session;
	return session;
}

void
rqbo_session_guard(RqboSession *session, char **place)
{
	MemoryContext saved = MemoryContextSwitchTo(session->task->context);

	session->secrets = lappend(session->secrets, place);
	MemoryContextSwitchTo(saved);
}

RqboSession *
rqbo_session_of(RqboTask *task)
{
	return (RqboSession *) task->data;
}

void
rqbo_session_read_connection(RqboSession *session, int64 model_id, int64 connection_id)
{
	MemoryContext saved = MemoryContextSwitchTo(session->task->context);

	rqbo_db_begin();
	session->connection = rqbo_store_read_connection(model_id, connection_id);
	rqbo_db_commit();
	MemoryContextSwitchTo(saved);
	if (session->connection == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("connection " INT64_FORMAT " does not exist any more", connection_id)));
}

void
rqbo_session_check_status(const RqboSession *session)
{
	const RqboConnection *c = session->connection;

	if (strcmp(c->status, "disconnected") != 0)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_RQBO_RECONNECT_REQUIRED),
			 errmsg("branch \"%s\" of model \"%s\" is disconnected", c->branch, c->title),
			 errdetail("It was connected to \"%s\" and keeps its accounts and actuals.", rqbo_session_company(session)),
			 errhint("%s", rqbo_fault_hint(ERRCODE_RQBO_RECONNECT_REQUIRED))));
}

void
rqbo_session_unseal_realm(RqboSession *session, RqboKeyring *ring)
{
	RqboConnection *c = session->connection;
	MemoryContext saved;

	session->ring = ring;
	rqbo_db_begin();
	saved = MemoryContextSwitchTo(session->task->context);
	session->realm_id = rqbo_secret_unseal(ring, rqbo_connection_owner(c, RQBO_SEAL_REALM_ID, 0), c->realm_sealed);
	MemoryContextSwitchTo(saved);
	rqbo_db_commit();
}

void
rqbo_session_keep(RqboSession *session, char **place, const char *value)
{
	char	   *kept = value != NULL ? MemoryContextStrdup(session->task->context, value) : NULL;

	if (*place != NULL)
		pfree(*place);
	*place = kept;
}

/* ---- requests ---- */

RqboCallNote *
rqbo_session_begin_note(RqboSession *session, const RqboHttpRequest *request)
{
	const RqboConnection *c = session->connection;

	return rqbo_calls_begin(c->model_id, c->connection_id, request, session->realm_id);
}

void
rqbo_session_send(RqboSession *session, const RqboHttpRequest *request, RqboStep next)
{
	rqbo_task_send(session->task, request, next);
	session->note = rqbo_session_begin_note(session, request);
}

void
rqbo_session_exchange(RqboSession *session, const RqboHttpRequest *request, RqboStep next)
{
	rqbo_task_exchange(session->task, request, next);
	session->note = rqbo_session_begin_note(session, request);
}

void
rqbo_session_end_request(RqboSession *session, RqboCallNote **note, int *place, const RqboHttpResult *result)
{
	if (*note != NULL)
		rqbo_calls_end(*note, result);
	*note = NULL;
	if (*place != RQBO_NO_PLACE)
	{
		rqbo_place_leave(&session->places, *place, result != NULL ? result->ended_ms : rqbo_clock_ms());
		rqbo_throttle_answered(&session->connection->throttle, GetCurrentTimestamp());
	}
	*place = RQBO_NO_PLACE;
}

static void
end_note(RqboSession *session, const RqboHttpResult *result)
{
	rqbo_session_end_request(session, &session->note, &session->place, result);
}

void
rqbo_session_note_answer(RqboSession *session)
{
	const RqboHttpResult *result = session->task->result;

	end_note(session, result);
	if (result->date >= 0)
		session->header_time = time_t_to_timestamptz((pg_time_t) result->date);
	if (result->intuit_tid != NULL)
		rqbo_session_keep(session, &session->intuit_tid, result->intuit_tid);
}

void
rqbo_session_note_time(RqboSession *session, const char *time)
{
	TimestampTz told;

	if (!rqbo_clock_parse(time, &told))
		return;
	session->told_time = told;
	if (session->has_server_time)
		return;
	session->has_server_time = true;
	session->server_time = told;
}

static void
release_lock(RqboLockKind kind, int64 id, bool *held)
{
	if (*held)
		rqbo_lock_release(kind, id);
	*held = false;
}

bool
rqbo_session_lock_import(RqboSession *session)
{
	const RqboConnection *c = session->connection;

	if (!session->holds_import_lock)
		session->holds_import_lock = rqbo_lock_try(RQBO_LOCK_IMPORT, c->branch_id);
	if (session->holds_import_lock && !session->holds_realm_lock)
	{
		session->realm_lock = c->realm_key;
		session->holds_realm_lock = rqbo_lock_try(RQBO_LOCK_REALM, session->realm_lock);
	}
	if (!session->holds_realm_lock)
		release_lock(RQBO_LOCK_IMPORT, c->branch_id, &session->holds_import_lock);
	return session->holds_realm_lock;
}

bool
rqbo_session_lock_grant(RqboSession *session)
{
	if (!session->holds_grant_lock)
		session->holds_grant_lock = rqbo_lock_try(RQBO_LOCK_GRANT, session->connection->branch_id);
	return session->holds_grant_lock;
}

void
rqbo_session_unlock_grant(RqboSession *session)
{
	if (!session->is_sign_in)
		release_lock(RQBO_LOCK_GRANT, session->connection->branch_id, &session->holds_grant_lock);
}

int64
rqbo_session_locked_ms(RqboSession *session)
{
	const RqboConnection *c = session->connection;
	bool		is_locked;

	rqbo_db_begin();
	is_locked = rqbo_store_is_locked(c->model_id, c->connection_id);
	rqbo_db_commit();
	if (!is_locked)
		session->locked_since_ms = 0;
	else if (session->locked_since_ms == 0)
		session->locked_since_ms = rqbo_clock_ms();
	return is_locked ? rqbo_clock_ms() - session->locked_since_ms + 1 : 0;
}

bool
rqbo_session_waits_for_lock(RqboSession *session)
{
	int64		ms = rqbo_session_locked_ms(session);

	return ms > 0 && ms <= RQBO_LONGEST_LOCK_WAIT_MS;
}

void
rqbo_session_forget_ahead(RqboSession *session)
{
	end_note(session, NULL);
	if (session->forget_ahead != NULL)
		session->forget_ahead(session);
}

void
rqbo_session_close(RqboSession *session)
{
	rqbo_session_forget_ahead(session);
	rqbo_place_return_all(&session->places);
	if (session->connection != NULL)
	{
		release_lock(RQBO_LOCK_GRANT, session->connection->branch_id, &session->holds_grant_lock);
		release_lock(RQBO_LOCK_REALM, session->realm_lock, &session->holds_realm_lock);
		release_lock(RQBO_LOCK_IMPORT, session->connection->branch_id, &session->holds_import_lock);
	}
	wipe_session(session);
}

void
rqbo_session_judge(const RqboSession *session)
{
	const RqboConnection *c = session->connection;

	if (session->verdict != NULL &&
		rqbo_store_judge(c->model_id, c->connection_id, session->verdict_generation, session->verdict,
						 session->task->failure))
		rqbo_notify_status(c, session->verdict);
}

const char *
rqbo_session_company_name(const RqboSession *session)
{
	const RqboConnection *connection = session->connection;

	return connection->company != NULL ? connection->company : connection->branch;
}

const char *
rqbo_session_company(const RqboSession *session)
{
	return rqbo_show_line(rqbo_session_company_name(session));
}
