/*-------------------------------------------------------------------------
 *
 * grant/disconnect.c
 *	  Ending a connection, with or without what was imported.
 *
 * The local part comes first and cannot fail for reasons of Intuit's: tokens
 * are wiped, and Intuit is asked to revoke the grant afterwards.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/memutils.h"

#include "base/db.h"
#include "base/errors.h"
#include "grant/disconnect.h"
#include "qbo/fault.h"
#include "qbo/notify.h"
#include "qbo/oauth.h"
#include "qbo/oauth_kept.h"
#include "qbo/oauth_answer.h"
#include "qbo/session.h"
#include "secret/clear.h"
#include "secret/seal.h"
#include "store/access.h"
#include "store/kept.h"

#define LOCK_RETRY_MS 200
#define NO_TOKENS "there were no tokens"

/* What the session's work points to. */
typedef struct Disconnection
{
	RqboJob    *job;
	bool		forgets;
	char	   *token;			/* to be revoked, wiped with the session */
	RqboHoldings *holdings;		/* what was removed */
} Disconnection;

static Disconnection *
work_of(RqboTask *task)
{
	return (Disconnection *) rqbo_session_of(task)->work;
}

static void
fail(RqboTask *task)
{
	rqbo_job_add_failure(work_of(task)->job, task->failure);
	rqbo_session_close(rqbo_session_of(task));
}

/* ---- the end ---- */

static void
audit(RqboTask *task, const char *action, const char *detail)
{
	const RqboJobRequest *request = work_of(task)->job->request;

	rqbo_store_audit_connection(request->user, request->role, action, rqbo_session_of(task)->connection, detail);
}

static void
end(RqboTask *task, bool revoked, const char *note)
{
	RqboSession *session = rqbo_session_of(task);
	const RqboHoldings *h = work_of(task)->holdings;
	const char *values[] = {rqbo_session_company_name(session), revoked ? "true" : "false", note, NULL, NULL, NULL, NULL};

	if (h != NULL)
	{
		values[3] = psprintf(INT64_FORMAT, h->accounts);
		values[4] = psprintf(INT64_FORMAT, h->amounts);
		values[5] = psprintf(INT64_FORMAT, h->months);
		values[6] = psprintf(INT64_FORMAT, h->restatements);
	}
	rqbo_job_add_row(work_of(task)->job, h != NULL ? 7 : 3, values);
	rqbo_session_close(session);
	rqbo_task_end(task);
}

/*
 * That others are connected to the company is for those who see all models.
 * The rest are not told why Intuit was not asked, whatever the reason is.
 */
static void
end_unasked(RqboTask *task, const char *note)
{
	bool		is_plain = work_of(task)->job->request->sees_all || strcmp(note, NO_TOKENS) == 0;

	end(task, false, is_plain ? note : "tokens wiped; Intuit was not asked to revoke the grant");
}

static void
end_revoked(RqboTask *task, bool revoked, const char *note)
{
	rqbo_db_begin();
	audit(task, "revoke_asked", note);
	rqbo_db_commit();
	end(task, revoked, note);
}

static void
revoke_answered(RqboTask *task)
{
	const RqboHttpResult *result = task->result;

	rqbo_task_release(task);
	rqbo_session_note_answer(rqbo_session_of(task));
	if (result->outcome == RQBO_NET_ANSWERED && result->status == 200)
		end_revoked(task, true, "tokens wiped; Intuit has revoked the grant");
	else if (result->outcome == RQBO_NET_ANSWERED && result->status == 400)
		end_revoked(task, false, "tokens wiped; Intuit says that the grant was revoked already");
	else
		end_revoked(task, false, psprintf("tokens wiped; Intuit did not confirm that the grant is revoked: %s",
										  rqbo_oauth_answer_words(result)));
}

/*
 * The realm's digest by each key of the ring, as an array.
 */
static Datum
realm_digests(const RqboSession *session)
{
	const RqboConnection *c = session->connection;
	RqboSealOwner owner = rqbo_connection_owner(c, RQBO_SEAL_REALM_ID, 0);
	char	   *realm_id = rqbo_secret_unseal(session->ring, owner, c->realm_sealed);
	Datum		digests = rqbo_secret_realm_digests(session->ring, c->environment_id, realm_id);

	rqbo_clear_wipe(realm_id);
	return digests;
}

/*
 * Read the refresh token, for Intuit to revoke; NULL if there is none or
 * others live on the same company.  note says why.
 */
static char *
token_to_revoke(RqboSession *session, const char **note)
{
	RqboConnection *c = session->connection;
	RqboCredential *credential = rqbo_store_read_credential(c->model_id, c->connection_id);

	if (credential == NULL || credential->refresh_sealed == NULL)
		*note = NO_TOKENS;
	else if (c->client_id == NULL)
		*note = "tokens wiped; not revoked at Intuit, since no app is registered any more";
	else if (rqbo_store_grant_is_shared(c->model_id, c->connection_id, realm_digests(session)))
		*note = "tokens wiped; not revoked at Intuit, since another connection is to the same company";
	else
	{
		rqbo_oauth_prepare_revoke(session);
		MemoryContextSwitchTo(session->task->context);
		return rqbo_secret_unseal(session->ring, rqbo_connection_owner(c, RQBO_SEAL_REFRESH_TOKEN, credential->generation),
								  credential->refresh_sealed);
	}
	return NULL;
}

/*
 * The same without an ERROR: a connection can be ended without the key.
 */
static char *
try_token_to_revoke(RqboSession *session, const char **note)
{
	MemoryContext context = CurrentMemoryContext;
	char	   *volatile token = NULL;

	PG_TRY();
	{
		session->ring = rqbo_job_keyring(work_of(session->task)->job);
		rqbo_db_begin();
		token = token_to_revoke(session, note);
		rqbo_db_commit();
	}
	PG_CATCH();
	{
		if (geterrcode() != ERRCODE_RQBO_KEY_UNAVAILABLE)
			PG_RE_THROW();
		MemoryContextSwitchTo(context);
		FlushErrorState();
		AbortOutOfAnyTransaction();
		MemoryContextSwitchTo(context);
		*note = "tokens wiped; not revoked at Intuit, since they could not be unsealed";
	}
	PG_END_TRY();
	return token;
}

/*
 * The local part, which must not depend on Intuit.
 */
static void
end_here(RqboTask *task, const char *note)
{
	Disconnection *work = work_of(task);
	const RqboConnection *c = rqbo_session_of(task)->connection;
	MemoryContext saved = MemoryContextSwitchTo(task->context);

	rqbo_db_begin();
	if (work->forgets)
	{
		work->holdings = rqbo_store_count_holdings(c->model_id, c->connection_id);
		rqbo_store_forget(c->model_id, c->connection_id);
	}
	else
		rqbo_store_disconnect(c->model_id, c->connection_id);
	audit(task, work->forgets ? "forgotten" : "disconnected", note);
	rqbo_notify_status(c, "disconnected");
	rqbo_db_commit();
	MemoryContextSwitchTo(saved);
}

/*
 * A company that is forgotten is not imported into meanwhile.
 */
static bool
lock(RqboTask *task)
{
	RqboSession *session = rqbo_session_of(task);

	return (!work_of(task)->forgets || rqbo_session_lock_import(session)) && rqbo_session_lock_grant(session);
}

static void
begin(RqboTask *task)
{
	RqboSession *session = rqbo_session_of(task);
	const char *note = NULL;
	char	   *token;

	if (!lock(task) || rqbo_session_waits_for_lock(session))
	{
		rqbo_task_stand_by(task, LOCK_RETRY_MS, begin);
		return;
	}
	/* what is revoked is the newest */
	rqbo_oauth_take_kept(session->connection);
	token = try_token_to_revoke(session, &note);
	work_of(task)->token = token;
	end_here(task, note);
	rqbo_kept_remove(session->connection->model_id, session->connection->connection_id);
	if (token == NULL)
		end_unasked(task, note);
	else
		rqbo_oauth_revoke(session, token, revoke_answered);
}

static Disconnection *
add_task(RqboEngine *engine, RqboJob *job)
{
	RqboTask   *task = rqbo_engine_add(engine, begin, fail);
	RqboSession *session = rqbo_session_open(task);
	Disconnection *work = MemoryContextAllocZero(task->context, sizeof(Disconnection));

	session->work = work;
	rqbo_session_guard(session, &work->token);
	session->connection = rqbo_store_read_connection(job->request->model_id,
													 *rqbo_store_list_connections(job->request->model_id, job->request->branch_id));
	work->job = job;
	work->forgets = job->request->kind == RQBO_JOB_FORGET;
	return work;
}

void
rqbo_disconnect_add(RqboEngine *engine, RqboJob *job)
{
	rqbo_db_begin();
	if (*rqbo_store_list_connections(job->request->model_id, job->request->branch_id) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("the branch has no connection that a worker can see"),
				 errhint("If it was connected in the present transaction, commit it first.")));
	(void) add_task(engine, job);
	rqbo_db_commit();
}
