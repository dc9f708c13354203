/*-------------------------------------------------------------------------
 *
 * connect.c
 *	  Ending a sign-in, and ending a connection.
 *
 * The state is looked at before anything else, and it is used up, durably,
 * before the code it came with is exchanged.  From then on the work commits
 * step by step, whatever becomes of the session that asked for it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/memutils.h"

#include "company.h"
#include "connect.h"
#include "db.h"
#include "errors.h"
#include "fault.h"
#include "lock.h"
#include "oauth.h"
#include "oauth_answer.h"
#include "secret.h"
#include "session.h"

#define LOCK_RETRY_MS 200
#define MAX_REALM_ID 32

static void store_grant(RqboTask *task);

static RqboJob *
job_of(RqboTask *task)
{
	return (RqboJob *) rqbo_session_of(task)->work;
}

static void
fail(RqboTask *task)
{
	rqbo_job_add_failure(job_of(task), task->failure);
	rqbo_session_close(rqbo_session_of(task));
}

static RqboSession *
add_task(RqboEngine *engine, RqboJob *job, RqboStep first, RqboStep on_failure)
{
	RqboTask   *task = rqbo_engine_add(engine, first, on_failure);
	RqboSession *session = rqbo_session_open(task);

	session->work = job;
	return session;
}

/* ---- ending a sign-in: the state ---- */

static void
state_is_invalid(RqboRequestState state)
{
	const char *what =
		state == RQBO_REQUEST_USED ? "has been used already" :
		state == RQBO_REQUEST_TOO_OLD ? "is older than ten minutes" : "is not known";

	ereport(ERROR,
			(errcode(ERRCODE_RQBO_AUTHORIZATION_INVALID),
			 errmsg("the state of this sign-in %s", what),
			 errhint("Begin again with reefqbo.connect, and pass on the address the browser comes back to once, within ten minutes. If connect was called in a transaction that is still open, commit it.")));
}

static void
user_said_no(const char *refusal)
{
	ereport(ERROR,
			(errcode(ERRCODE_RQBO_AUTHORIZATION_INVALID),
			 strcmp(refusal, "access_denied") == 0 ?
			 errmsg("the user did not allow the connection") :
			 errmsg("Intuit ended the sign-in with an error"),
			 errdetail("Intuit says: %s.", rqbo_secret_redact(refusal)),
			 errhint("Begin again with reefqbo.connect.")));
}

static void
check_realm_id(const char *realm_id)
{
	size_t		length = strlen(realm_id);

	if (length == 0 || length > MAX_REALM_ID || strspn(realm_id, "0123456789") != length)
		ereport(ERROR,
				(errcode(ERRCODE_RQBO_AUTHORIZATION_INVALID),
				 errmsg("the realm id of this sign-in is malformed"),
				 errhint("It is the realmId of the address the browser came back to: digits only.")));
}

/*
 * A reconnect takes the company it had.  One that was never read once was
 * never proved to be right, and may be replaced.
 */
static void
check_same_company(RqboSession *session, const char *realm_id)
{
	RqboConnection *c = session->connection;
	RqboSealOwner owner = {RQBO_SEAL_REALM_ID, c->model_id, c->connection_id};
	char	   *known;
	bool		is_same;

	if (c->connection_id == 0 || !c->is_verified)
		return;
	known = rqbo_secret_unseal(session->ring, owner, c->realm_sealed);
	is_same = rqbo_secret_equal(known, realm_id);
	rqbo_secret_wipe(known);
	if (!is_same)
		ereport(ERROR,
				(errcode(ERRCODE_RQBO_COMPANY_MISMATCH),
				 errmsg("the sign-in was for another company than \"%s\"", rqbo_session_company(session)),
				 errdetail("Branch \"%s\" of model \"%s\" is connected to \"%s\" and keeps its accounts and actuals.",
						   c->branch, c->model, rqbo_session_company(session)),
				 errhint("Begin again with reefqbo.reconnect and choose \"%s\" in QuickBooks. Another company belongs to another branch or model.",
						 rqbo_session_company(session))));
}

/*
 * Look at the state, use it up, and take over what the browser brought.
 * A missing key is told before the state is used up, so that the same address
 * can be passed on again once the key is there.
 */
static void
claim_state(RqboTask *task)
{
	RqboSession *session = rqbo_session_of(task);
	const RqboJobRequest *request = job_of(task)->request;
	bytea	   *digest;
	RqboRequestState state;
	int64		model_id,
				branch_id,
				environment_id;

	rqbo_db_begin();
	digest = rqbo_secret_digest_state(request->state);
	state = rqbo_store_find_request(digest, &model_id, &branch_id, &environment_id);
	if (state != RQBO_REQUEST_VALID)
		state_is_invalid(state);
	session->ring = rqbo_job_keyring(job_of(task));
	session->connection = rqbo_store_read_branch(model_id, branch_id, environment_id);
	rqbo_store_use_request(model_id, digest);
	ForceSyncCommit();
	rqbo_db_commit();
}

static void
exchange_answered(RqboTask *task)
{
	RqboSession *session = rqbo_session_of(task);

	/* a worker may be refreshing the old grant: let it finish first */
	if (session->connection->connection_id != 0 && !session->holds_grant_lock)
		session->holds_grant_lock = rqbo_lock_try(RQBO_LOCK_GRANT, session->connection->connection_id);
	if (session->connection->connection_id != 0 && !session->holds_grant_lock)
		rqbo_task_sleep(task, LOCK_RETRY_MS, exchange_answered);
	else
		store_grant(task);
}

static void
begin_completion(RqboTask *task)
{
	RqboSession *session = rqbo_session_of(task);
	const RqboJobRequest *request = job_of(task)->request;
	MemoryContext saved = MemoryContextSwitchTo(task->context);

	claim_state(task);
	if (request->refusal[0] != '\0')
		user_said_no(request->refusal);
	check_realm_id(request->realm_id);
	session->realm_id = pstrdup(request->realm_id);
	session->exchange.code = pstrdup(request->code);
	MemoryContextSwitchTo(saved);

	if (session->connection->client_id == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("no app is registered for environment \"%s\"", session->connection->environment),
				 errhint("Register one with reefqbo.register_app, and begin again with reefqbo.connect.")));
	rqbo_db_begin();
	check_same_company(session, session->realm_id);
	rqbo_db_commit();
	rqbo_oauth_exchange_code(session, exchange_answered);
}

/* ---- ending a sign-in: the grant and the company ---- */

static void
end_completion(RqboTask *task)
{
	RqboSession *session = rqbo_session_of(task);
	RqboConnection *c = session->connection;
	const char *values[] = {
		c->model, c->branch, c->company, c->environment, "connected", psprintf(INT64_FORMAT, c->connection_id)
	};

	rqbo_db_begin();
	rqbo_store_put_throttle(c);
	rqbo_db_commit();
	rqbo_job_add_row(job_of(task), lengthof(values), values);
	rqbo_session_close(session);
	rqbo_task_end(task);
}

/*
 * The grant is stored, but the company could not be read: say so on the
 * connection, which stays.
 */
static void
fail_after_grant(RqboTask *task)
{
	RqboConnection *c = rqbo_session_of(task)->connection;

	if (c != NULL && c->connection_id != 0 && rqbo_session_of(task)->generation != 0)
	{
		int			sqlstate = task->failure->sqlerrcode;

		rqbo_db_begin();
		if (sqlstate == ERRCODE_RQBO_ENVIRONMENT_MISMATCH || sqlstate == ERRCODE_RQBO_RECONNECT_REQUIRED)
			rqbo_store_set_status(c->model_id, c->connection_id, "reconnect_required", task->failure->message);
		else if (sqlstate == ERRCODE_RQBO_COMPANY_SUSPENDED)
			rqbo_store_set_status(c->model_id, c->connection_id, "suspended", task->failure->message);
		rqbo_store_put_throttle(c);
		rqbo_db_commit();
	}
	fail(task);
}

static void
store_grant(RqboTask *task)
{
	RqboSession *session = rqbo_session_of(task);
	RqboConnection *c = session->connection;
	RqboSealOwner owner = {RQBO_SEAL_REALM_ID, c->model_id, 0};
	bytea	   *digest;

	rqbo_db_begin();
	digest = rqbo_secret_realm_digest(session->ring, c->environment_id, session->realm_id);
	/* sealing needs the id of the row: the first time, it is put once to get it */
	if (c->connection_id == 0)
	{
		c->realm_sealed = rqbo_secret_seal(session->ring, owner, session->realm_id);
		c->connection_id = rqbo_store_put_connection(c, digest);
	}
	owner.id2 = c->connection_id;
	c->realm_sealed = rqbo_secret_seal(session->ring, owner, session->realm_id);
	c->connection_id = rqbo_store_put_connection(c, digest);
	rqbo_oauth_store_tokens(session);
	rqbo_db_commit();
	c->realm_sealed = NULL;

	if (session->holds_grant_lock)
		rqbo_lock_release(RQBO_LOCK_GRANT, c->connection_id);
	session->holds_grant_lock = false;
	rqbo_company_read(session, end_completion);
}

void
rqbo_connect_add_completion(RqboEngine *engine, RqboJob *job)
{
	(void) add_task(engine, job, begin_completion, fail_after_grant);
}

/* ---- ending a connection ---- */

static void
end_disconnection(RqboTask *task, bool revoked, const char *note)
{
	RqboSession *session = rqbo_session_of(task);
	const char *values[] = {rqbo_session_company(session), revoked ? "true" : "false", note};

	rqbo_job_add_row(job_of(task), lengthof(values), values);
	rqbo_session_close(session);
	rqbo_task_end(task);
}

static void
revoke_answered(RqboTask *task)
{
	const RqboHttpResult *result = task->result;

	if (result->outcome == RQBO_NET_ANSWERED && result->status == 200)
		end_disconnection(task, true, "tokens wiped; Intuit has revoked the grant");
	else if (result->outcome == RQBO_NET_ANSWERED && result->status == 400)
		end_disconnection(task, false, "tokens wiped; Intuit says that the grant was revoked already");
	else
		end_disconnection(task, false, psprintf("tokens wiped; Intuit did not confirm that the grant is revoked: %s",
												rqbo_oauth_answer_words(result)));
}

/*
 * Read the refresh token, for Intuit to revoke; NULL if there is none, it
 * cannot be unsealed, or others live on the same company.  note says why.
 */
static char *
token_to_revoke(RqboSession *session, const char **note)
{
	RqboConnection *c = session->connection;
	RqboSealOwner owner = {RQBO_SEAL_REFRESH_TOKEN, c->model_id, c->connection_id};
	RqboCredential *credential = rqbo_store_read_credential(c->model_id, c->connection_id);

	if (credential == NULL || credential->refresh_sealed == NULL)
		*note = "there were no tokens";
	else if (c->client_id == NULL)
		*note = "tokens wiped; not revoked at Intuit, since no app is registered any more";
	else if (rqbo_store_grant_is_shared(c->model_id, c->connection_id))
		*note = "tokens wiped; not revoked at Intuit, since another connection is to the same company";
	else
	{
		session->ring = rqbo_job_keyring(job_of(session->task));
		MemoryContextSwitchTo(session->task->context);
		return rqbo_secret_unseal(session->ring, owner, credential->refresh_sealed);
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
		AbortCurrentTransaction();
		MemoryContextSwitchTo(context);
		*note = "tokens wiped; not revoked at Intuit, since they could not be unsealed";
	}
	PG_END_TRY();
	return token;
}

static void
begin_disconnection(RqboTask *task)
{
	RqboSession *session = rqbo_session_of(task);
	RqboConnection *c = session->connection;
	const char *note = NULL;
	MemoryContext saved = MemoryContextSwitchTo(task->context);
	char	   *token;

	if (!session->holds_grant_lock)
		session->holds_grant_lock = rqbo_lock_try(RQBO_LOCK_GRANT, c->connection_id);
	if (!session->holds_grant_lock)
	{
		MemoryContextSwitchTo(saved);
		rqbo_task_sleep(task, LOCK_RETRY_MS, begin_disconnection);
		return;
	}
	token = try_token_to_revoke(session, &note);
	session->exchange.tokens.refresh_token = token; /* wiped with the session */
	MemoryContextSwitchTo(saved);

	/* the local part first: it must not depend on Intuit */
	rqbo_db_begin();
	rqbo_store_wipe_tokens(c->model_id, c->connection_id);
	rqbo_store_set_status(c->model_id, c->connection_id, "disconnected", "disconnected on request");
	rqbo_db_commit();
	if (token == NULL)
	{
		end_disconnection(task, false, note);
		return;
	}
	rqbo_db_begin();
	rqbo_oauth_revoke(session, token, revoke_answered);
	rqbo_db_commit();
}

void
rqbo_connect_add_disconnection(RqboEngine *engine, RqboJob *job)
{
	const RqboJobRequest *request = job->request;
	int64	   *ids;

	rqbo_db_begin();
	ids = rqbo_store_list_connections(request->model_id, request->branch_id);
	if (*ids == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("the branch has no connection that a worker can see"),
				 errhint("If it was connected in the present transaction, commit it first.")));
	add_task(engine, job, begin_disconnection, fail)->connection =
		rqbo_store_read_connection(request->model_id, *ids);
	rqbo_db_commit();
}
