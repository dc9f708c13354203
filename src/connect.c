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
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/memutils.h"

#include "company.h"
#include "connect.h"
#include "db.h"
#include "errors.h"
#include "fault.h"
#include "oauth.h"
#include "oauth_answer.h"
#include "secret.h"
#include "session.h"
#include "store_upkeep.h"
#include "tell.h"

#define LOCK_RETRY_MS 200
#define MAX_REALM_ID 32

static void put_grant(RqboSession *session);
static void grant_is_stored(RqboTask *task);

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
 * The request this sign-in belongs to, and the branch with the connection it
 * has now.
 */
static void
find_request(RqboTask *task, const bytea *digest)
{
	RqboSession *session = rqbo_session_of(task);
	RqboRequestState state;
	int64		model_id,
				branch_id,
				environment_id;

	state = rqbo_store_find_request(digest, &model_id, &branch_id, &environment_id);
	if (state != RQBO_REQUEST_VALID)
		state_is_invalid(state);
	session->connection = rqbo_store_read_branch(model_id, branch_id, environment_id);
}

/*
 * Look at the state before anything else, and lock the branch: nobody may
 * refresh or replace its grant until this sign-in has ended, which it has when
 * the company was read.
 */
static bool
lock_branch(RqboTask *task)
{
	MemoryContext saved = MemoryContextSwitchTo(task->context);

	rqbo_db_begin();
	find_request(task, rqbo_secret_digest_state(job_of(task)->request->state));
	rqbo_db_commit();
	MemoryContextSwitchTo(saved);
	return rqbo_session_lock_grant(rqbo_session_of(task));
}

/*
 * Under the lock, use the state up and take over what the browser brought.
 * What the DBA or the caller can mend is told before the state is used, so
 * that the same address can be passed on again.
 */
static void
claim_state(RqboTask *task)
{
	RqboSession *session = rqbo_session_of(task);
	const RqboJobRequest *request = job_of(task)->request;
	bytea	   *digest;

	rqbo_db_begin();
	digest = rqbo_secret_digest_state(request->state);
	find_request(task, digest);
	if (request->refusal[0] == '\0')
	{
		rqbo_oauth_check_app(session->connection);
		check_realm_id(request->realm_id);
		check_same_company(session, request->realm_id);
	}
	rqbo_store_use_request(session->connection->model_id, digest);
	rqbo_db_make_durable();
	rqbo_db_commit();
}

static void
exchange_answered(RqboTask *task)
{
	rqbo_oauth_store_answer(rqbo_session_of(task), put_grant, grant_is_stored);
}

static void
begin_completion(RqboTask *task)
{
	RqboSession *session = rqbo_session_of(task);
	const RqboJobRequest *request = job_of(task)->request;
	MemoryContext saved;

	session->is_sign_in = true;
	if (!lock_branch(task))
	{
		rqbo_task_sleep(task, LOCK_RETRY_MS, begin_completion);
		return;
	}
	if (request->refusal[0] == '\0')
		session->ring = rqbo_job_keyring(job_of(task));
	saved = MemoryContextSwitchTo(task->context);
	claim_state(task);
	if (request->refusal[0] != '\0')
		user_said_no(request->refusal);
	session->realm_id = pstrdup(request->realm_id);
	session->exchange.code = pstrdup(request->code);
	rqbo_job_forget_code(job_of(task));
	MemoryContextSwitchTo(saved);
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
	rqbo_store_begin_upkeep(c->model_id, c->connection_id);
	rqbo_tell_connected(c);
	rqbo_db_commit();
	rqbo_job_add_row(job_of(task), lengthof(values), values);
	rqbo_session_close(session);
	rqbo_task_end(task);
}

/*
 * If the grant is stored but the company could not be read, say so on the
 * connection, which stays.
 */
static void
fail_completion(RqboTask *task)
{
	RqboSession *session = rqbo_session_of(task);
	RqboConnection *c = session->connection;
	const ErrorData *failure = task->failure;

	rqbo_job_add_failure(job_of(task), failure);
	if (c != NULL && session->generation != 0)
	{
		rqbo_db_begin();
		rqbo_session_judge(session);
		rqbo_store_put_throttle(c);
		rqbo_db_commit();
	}
	rqbo_session_close(session);
}

/*
 * Store the connection and its tokens.  Sealing needs the id of the row: the
 * first time, it is put once to get it.
 */
static void
put_grant(RqboSession *session)
{
	RqboConnection *c = session->connection;
	RqboSealOwner owner = {RQBO_SEAL_REALM_ID, c->model_id, c->connection_id};
	bytea	   *digest = rqbo_secret_realm_digest(rqbo_keyring_newest(session->ring), c->environment_id,
												  session->realm_id);

	rqbo_store_lock_grant(c->model_id, c->connection_id);
	if (c->connection_id == 0)
	{
		c->realm_sealed = rqbo_secret_seal(session->ring, owner, session->realm_id);
		c->connection_id = owner.id2 = rqbo_store_put_connection(c, digest);
	}
	c->realm_sealed = rqbo_secret_seal(session->ring, owner, session->realm_id);
	(void) rqbo_store_put_connection(c, digest);
	rqbo_store_schedule_connection(c->model_id, c->connection_id);
	rqbo_oauth_put_tokens(session, true);
	c->realm_sealed = NULL;
}

static void
grant_is_stored(RqboTask *task)
{
	RqboSession *session = rqbo_session_of(task);

	rqbo_db_begin();
	rqbo_store_read_throttle(session->connection);
	rqbo_db_commit();
	rqbo_company_read(session, end_completion);
}

void
rqbo_connect_add_completion(RqboEngine *engine, RqboJob *job)
{
	(void) add_task(engine, job, begin_completion, fail_completion);
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
 * The realm's digest by each key of the ring, as an array.
 */
static Datum
realm_digests(const RqboSession *session)
{
	const RqboConnection *c = session->connection;
	RqboSealOwner owner = {RQBO_SEAL_REALM_ID, c->model_id, c->connection_id};
	char	   *realm_id = rqbo_secret_unseal(session->ring, owner, c->realm_sealed);
	Datum	   *digests = palloc(session->ring->nkeys * sizeof(Datum));

	for (int i = 0; i < session->ring->nkeys; i++)
		digests[i] = PointerGetDatum(rqbo_secret_realm_digest(&session->ring->keys[i], c->environment_id,
															  realm_id));
	rqbo_secret_wipe(realm_id);
	return PointerGetDatum(construct_array(digests, session->ring->nkeys, BYTEAOID, -1, false, TYPALIGN_INT));
}

/*
 * Read the refresh token, for Intuit to revoke; NULL if there is none or
 * others live on the same company.  note says why.
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
	else if (rqbo_store_grant_is_shared(c->model_id, c->connection_id, realm_digests(session)))
		*note = "tokens wiped; not revoked at Intuit, since another connection is to the same company";
	else
	{
		rqbo_oauth_prepare_revoke(session);
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
		session->ring = rqbo_job_keyring(job_of(session->task));
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

static void
begin_disconnection(RqboTask *task)
{
	RqboSession *session = rqbo_session_of(task);
	RqboConnection *c = session->connection;
	const char *note = NULL;
	char	   *token;

	if (!rqbo_session_lock_grant(session))
	{
		rqbo_task_sleep(task, LOCK_RETRY_MS, begin_disconnection);
		return;
	}
	token = try_token_to_revoke(session, &note);
	session->exchange.tokens.refresh_token = token; /* wiped with the session */

	/* the local part first: it must not depend on Intuit */
	rqbo_db_begin();
	rqbo_store_disconnect(c->model_id, c->connection_id);
	rqbo_db_commit();
	if (token == NULL)
		end_disconnection(task, false, note);
	else
		rqbo_oauth_revoke(session, token, revoke_answered);
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
