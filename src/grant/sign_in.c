/*-------------------------------------------------------------------------
 *
 * grant/sign_in.c
 *	  Ending a sign-in.
 *
 * The state is looked at before anything else, and it is used up, durably,
 * before the code it came with is exchanged.  A state that was begun in one
 * session of a browser is of no use in another (RFC 6749, 10.12).  What follows
 * depends on what the branch has:
 *
 * - no company yet, or no living grant: the grant is stored at once, and then
 *	 the company is read.  There is nothing to lose by it.
 * - a living grant: the company is read with the new one first, since a code
 *	 that belongs to another company must not push out what works.  Should the
 *	 process die meanwhile, the old grant lives, and the user signs in again.
 * - a company that is to be replaced: that is read first as well; then the old
 *	 one goes and the new one comes in one transaction.
 * - another company than it should be: nothing is stored.  Its name is asked
 *	 for, so that the error can tell both.
 *
 * From then on the work commits step by step, whatever becomes of the session
 * that asked for it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/memutils.h"

#include "base/db.h"
#include "base/errors.h"
#include "base/show.h"
#include "grant/sign_in.h"
#include "qbo/company.h"
#include "qbo/fault.h"
#include "qbo/notify.h"
#include "qbo/oauth.h"
#include "qbo/oauth_request.h"
#include "qbo/session.h"
#include "secret/clear.h"
#include "secret/redact.h"
#include "secret/seal.h"
#include "store/access.h"
#include "store/chunks.h"
#include "store/kept.h"
#include "store/upkeep.h"

#define LOCK_RETRY_MS 200
#define MAX_REALM_ID 32

typedef enum SignInWay
{
	STORE_FIRST,
	READ_FIRST,
	REPLACE,
	REFUSE
} SignInWay;

/* What the session's work points to. */
typedef struct SignIn
{
	RqboJob    *job;
	RqboSignInRequest request;
	SignInWay	way;
	bool		proves_by_name; /* the realm id of before cannot be unsealed any more */
	bool		was_connected;	/* the branch had a company */
	bool		state_is_used;	/* the address cannot be passed on again */
	char	   *old_company;
} SignIn;

static void put_grant(RqboSession *session);
static void grant_is_stored(RqboTask *task);

static SignIn *
sign_in_of(RqboTask *task)
{
	return (SignIn *) rqbo_session_of(task)->work;
}

/* ---- the state ---- */

void
rqbo_sign_in_raise_state(RqboRequestState state)
{
	const char *what =
		state == RQBO_REQUEST_USED ? "has been used already" :
		state == RQBO_REQUEST_TOO_OLD ? "is older than ten minutes" : "is not known";

	ereport(ERROR,
			(errcode(ERRCODE_RQBO_AUTHORIZATION_INVALID),
			 errmsg("the state of this sign-in %s", what),
			 errhint("Begin again with reefqbo.connect, and pass on the address the browser comes back to once, within ten minutes. If connect was called in a transaction that is still open, commit it.")));
	pg_unreachable();
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
 * Whoever sends the address of a sign-in of his own to somebody else would have
 * her company linked to his model.  It is his browser that the state was begun
 * in, or none that the application knows of.
 */
static void
check_session(const RqboJobRequest *job, const RqboSignInRequest *request)
{
	bool		was_begun_in_one = request->session_digest != NULL;

	if (was_begun_in_one == job->has_session &&
		(!was_begun_in_one || rqbo_secret_is_digest(request->session_digest, job->session_digest)))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_RQBO_AUTHORIZATION_INVALID),
			 was_begun_in_one && job->has_session ? errmsg("this sign-in was begun in another session") :
			 was_begun_in_one ? errmsg("this sign-in was begun in a session, and is to be ended without one") :
			 errmsg("this sign-in was begun without a session, and is to be ended in one"),
			 errdetail("Intuit was asked nothing, and the state is not used up."),
			 errhint("Whoever signs in begins it in her own browser: call reefqbo.connect there with what the application keeps in that browser's session, and complete_connection with the same. An address that somebody else has sent is not to be completed.")));
}

/*
 * The request this sign-in belongs to, and the branch with the connection it
 * has now.
 */
static void
find_request(RqboTask *task, const bytea *digest)
{
	RqboSignInRequest *request = &sign_in_of(task)->request;
	RqboRequestState state = rqbo_store_find_request(digest, request);

	if (state != RQBO_REQUEST_VALID)
		rqbo_sign_in_raise_state(state);
	rqbo_session_of(task)->connection =
		rqbo_store_read_branch(request->model_id, request->branch_id, request->environment_id);
	check_session(sign_in_of(task)->job->request, request);
}

/*
 * Look at the state before anything else, and lock the branch: nobody may
 * refresh or replace its grant until this sign-in has ended, which it has when
 * the company was read.  Nobody may import into a company that goes, either.
 */
static bool
lock_branch(RqboTask *task)
{
	RqboSession *session = rqbo_session_of(task);
	SignIn	   *sign_in = sign_in_of(task);
	MemoryContext saved = MemoryContextSwitchTo(task->context);

	rqbo_db_begin();
	find_request(task, rqbo_secret_digest_state(sign_in->job->request->state));
	rqbo_db_commit();
	MemoryContextSwitchTo(saved);
	if (sign_in->request.kind == RQBO_SIGN_IN_REPLACE && !rqbo_session_lock_import(session))
		return false;
	return rqbo_session_lock_grant(session);
}

/* ---- which way ---- */

static bool
has_living_grant(const RqboConnection *c)
{
	RqboCredential *credential = rqbo_store_read_credential(c->model_id, c->connection_id);

	return credential != NULL && credential->refresh_sealed != NULL && !credential->is_rejected;
}

static bool
is_same_realm(RqboSession *session, const char *realm_id)
{
	const RqboConnection *c = session->connection;
	char	   *known = rqbo_secret_unseal(session->ring, rqbo_connection_owner(c, RQBO_SEAL_REALM_ID, 0), c->realm_sealed);
	bool		is_same = rqbo_secret_equal(known, realm_id);

	rqbo_clear_wipe(known);
	return is_same;
}

/*
 * A company that was never read once was never proved to be right, and may be
 * replaced.  Where the key is lost, the company of before is known by its name
 * alone.
 */
static SignInWay
choose_way(RqboTask *task, const char *realm_id)
{
	RqboSession *session = rqbo_session_of(task);
	SignIn	   *sign_in = sign_in_of(task);
	const RqboConnection *c = session->connection;
	bool		replaces = sign_in->request.kind == RQBO_SIGN_IN_REPLACE;

	if (c->connection_id == 0 || !c->is_verified)
		return STORE_FIRST;
	sign_in->was_connected = true;
	sign_in->old_company = c->company;
	if (!rqbo_secret_opens(session->ring, rqbo_connection_owner(c, RQBO_SEAL_REALM_ID, 0), c->realm_sealed))
	{
		sign_in->proves_by_name = !replaces;
		return replaces ? REPLACE : READ_FIRST;
	}
	if (!is_same_realm(session, realm_id))
		return replaces ? REPLACE : REFUSE;
	return has_living_grant(c) ? READ_FIRST : STORE_FIRST;
}

/*
 * Under the lock, use the state up and take over what the browser brought.
 * What the DBA or the caller can mend is told before the state is used, so
 * that the same address can be passed on again.
 */
static void
claim_state(RqboTask *task)
{
	SignIn	   *sign_in = sign_in_of(task);
	const RqboJobRequest *request = sign_in->job->request;
	bytea	   *digest;

	Assert(rqbo_session_of(task)->holds_grant_lock);
	rqbo_db_begin();
	digest = rqbo_secret_digest_state(request->state);
	find_request(task, digest);
	if (request->refusal[0] == '\0')
	{
		rqbo_oauth_check_app(rqbo_session_of(task)->connection);
		check_realm_id(request->realm_id);
		sign_in->way = choose_way(task, request->realm_id);
	}
	rqbo_store_use_request(sign_in->request.model_id, digest);
	rqbo_db_make_durable();
	rqbo_db_commit();
	sign_in->state_is_used = true;
}

/* ---- the end ---- */

static void
audit(const SignIn *sign_in, const RqboConnection *c, const char *action, const char *detail)
{
	const RqboJobRequest *request = sign_in->job->request;

	rqbo_store_audit_connection(request->user, request->role, action, c, detail);
}

/*
 * A replacement is written down with what it removes.
 */
static void
audit_end(const SignIn *sign_in, const RqboConnection *c)
{
	if (sign_in->way != REPLACE)
		audit(sign_in, c, sign_in->was_connected ? "reconnected" : "connected",
			  sign_in->proves_by_name ? "the company was recognised by its name, since the key of before is lost" : NULL);
}

/*
 * A grant that is stored is a connection, though its company could not be
 * read.
 */
static void
audit_failure(const SignIn *sign_in, const RqboSession *session, const ErrorData *failure)
{
	const char *action = "sign_in_failed";

	if (session->generation != 0 && sign_in->way != REPLACE)
		action = sign_in->was_connected ? "reconnected" : "connected";
	audit(sign_in, session->connection, action,
		  psprintf("%s: %s", unpack_sql_state(failure->sqlerrcode), failure->message));
}

static void
notice_what_next(const RqboConnection *c, bool goes_on)
{
	const char *company = rqbo_show_line(c->company);

	if (goes_on)
		ereport(NOTICE,
				(errmsg("\"%s\" is connected to branch \"%s\"; an import that had failed is tried again", company, c->branch),
				 errhint("The background worker does so by itself. Without one: SELECT * FROM reefqbo.refresh(%s);", quote_literal_cstr(c->model))));
	else if (!c->has_actuals)
		ereport(NOTICE,
				(errmsg("\"%s\" is connected to branch \"%s\"", company, c->branch),
				 errhint("Import its figures, for example: SELECT * FROM reefqbo.import_actuals(%s, '2025-01-01', '2025-12-31');", quote_literal_cstr(c->model))));
	else
		ereport(NOTICE,
				(errmsg("\"%s\" is connected to branch \"%s\" again; nothing else is needed", company, c->branch)));
}

static void
end(RqboTask *task)
{
	RqboSession *session = rqbo_session_of(task);
	SignIn	   *sign_in = sign_in_of(task);
	RqboConnection *c = session->connection;
	const char *values[] = {
		c->model, c->branch, c->company, c->environment, "connected", psprintf(INT64_FORMAT, c->connection_id)
	};
	bool		goes_on;

	rqbo_db_begin();
	rqbo_store_put_throttle(c);
	goes_on = rqbo_store_begin_upkeep(c->model_id, c->connection_id);
	audit_end(sign_in, c);
	rqbo_notify_connected(c);
	rqbo_db_commit();
	notice_what_next(c, goes_on);
	rqbo_job_add_row(sign_in->job, lengthof(values), values);
	rqbo_session_close(session);
	rqbo_task_end(task);
}

/* ---- the grant and the company ---- */

static void
seal_realm(RqboSession *session)
{
	RqboConnection *c = session->connection;

	c->realm_sealed = rqbo_secret_seal(session->ring, rqbo_connection_owner(c, RQBO_SEAL_REALM_ID, 0),
									   session->realm_id);
}

/*
 * Store the connection and its tokens.  Sealing needs the id of the row: the
 * first time, it is put once to get it.
 */
static void
put_grant(RqboSession *session)
{
	RqboConnection *c = session->connection;
	bytea	   *digest = rqbo_secret_realm_digest(rqbo_keyring_newest(session->ring), c->environment_id,
												  session->realm_id);

	rqbo_store_lock_grant(c);
	if (c->connection_id == 0)
	{
		seal_realm(session);
		c->connection_id = rqbo_store_put_connection(c, digest);
	}
	seal_realm(session);
	(void) rqbo_store_put_connection(c, digest);
	rqbo_store_schedule_connection(c->model_id, c->connection_id);
	rqbo_oauth_put_tokens(session, true);
	c->realm_sealed = NULL;
}

/*
 * Read what of the company has not been read yet.
 */
static void
grant_is_stored(RqboTask *task)
{
	RqboSession *session = rqbo_session_of(task);

	session->is_fresh_grant = false;
	rqbo_db_begin();
	rqbo_store_read_throttle(session->connection);
	if (session->company != NULL)
		rqbo_company_store(session);
	rqbo_db_commit();
	if (session->company != NULL)
		rqbo_company_read_preferences(session, end);
	else
		rqbo_company_read(session, end);
}

/*
 * The old company goes and the new one comes, with an id of its own: figures
 * of two companies can never meet under one.
 */
static void
replace(RqboTask *task)
{
	RqboSession *session = rqbo_session_of(task);
	RqboConnection *c = session->connection;
	int64		old_id = c->connection_id;

	Assert(sign_in_of(task)->way == REPLACE && session->holds_import_lock && session->is_fresh_grant);
	rqbo_db_begin();
	rqbo_store_forget(c->model_id, old_id);
	c->connection_id = 0;
	c->has_actuals = false;
	put_grant(session);
	rqbo_company_store(session);
	audit(sign_in_of(task), c, "replaced", psprintf("in the place of \"%s\"", sign_in_of(task)->old_company));
	rqbo_db_make_durable();
	rqbo_db_commit();
	rqbo_kept_remove(c->model_id, old_id);
	session->is_fresh_grant = false;
	rqbo_company_read_preferences(session, end);
}

/* ---- a company that is read before anything is stored ---- */

/*
 * The company of before has another name, or may have: without its realm id
 * there is no telling.
 */
static void
raise_mismatch(const RqboSession *session, const char *other)
{
	const RqboConnection *c = session->connection;

	ereport(ERROR,
			(errcode(ERRCODE_RQBO_COMPANY_MISMATCH),
			 errmsg("the sign-in was for \"%s\", another company than \"%s\"", other, rqbo_session_company(session)),
			 errdetail("Branch \"%s\" of model \"%s\" is connected to \"%s\" and keeps its accounts and actuals, and its grant. The grant for \"%s\" was not kept.",
					   c->branch, c->model, rqbo_session_company(session), other),
			 errhint("Begin again with reefqbo.reconnect and choose \"%s\" in QuickBooks. To put another company in its place on purpose, an admin calls reefqbo.replace_company.",
					 rqbo_session_company(session))));
}

static void
raise_unproved(const RqboSession *session, const char *other)
{
	ereport(ERROR,
			(errcode(ERRCODE_RQBO_COMPANY_MISMATCH),
			 errmsg("the sign-in was for \"%s\", and it cannot be shown that this is \"%s\"", other, rqbo_session_company(session)),
			 errdetail("The company id of \"%s\" was sealed with a key that the key ring does not have, so that the name had to prove it. Nothing was changed, and the grant for \"%s\" was not kept.",
					   rqbo_session_company(session), other),
			 errhint("Put the lost key's line back into the ring; or begin again with reefqbo.reconnect and choose \"%s\". If it was renamed in QuickBooks, give it its old name there for the time of the sign-in.",
					 rqbo_session_company(session))));
}

static void
company_is_known(RqboTask *task)
{
	RqboSession *session = rqbo_session_of(task);
	SignIn	   *sign_in = sign_in_of(task);
	const char *name;

	Assert(sign_in->way != STORE_FIRST && session->access_token != NULL);
	rqbo_company_keep(session);
	name = session->company->company_name;
	if (sign_in->way == REFUSE)
		raise_mismatch(session, rqbo_show_line(name));
	if (sign_in->proves_by_name && strcmp(name, rqbo_session_company_name(session)) != 0)
		raise_unproved(session, rqbo_show_line(name));
	if (sign_in->way == REPLACE)
		replace(task);
	else
		rqbo_oauth_store_answer(session, put_grant, grant_is_stored);
}

static void
exchange_answered(RqboTask *task)
{
	RqboSession *session = rqbo_session_of(task);

	Assert(rqbo_oauth_has_answer(session));
	if (sign_in_of(task)->way == STORE_FIRST)
	{
		rqbo_oauth_store_answer(session, put_grant, grant_is_stored);
		return;
	}
	/* a consent that is not stored yet can be given again */
	rqbo_task_release(task);
	rqbo_oauth_use_answer(session);
	rqbo_company_ask(session, company_is_known);
}

static void
begin(RqboTask *task)
{
	RqboSession *session = rqbo_session_of(task);
	RqboJob    *job = sign_in_of(task)->job;
	MemoryContext saved;

	session->is_sign_in = true;
	if (!lock_branch(task))
	{
		rqbo_task_sleep(task, LOCK_RETRY_MS, begin);
		return;
	}
	if (job->request->refusal[0] == '\0')
		session->ring = rqbo_job_keyring(job);
	saved = MemoryContextSwitchTo(task->context);
	claim_state(task);
	if (job->request->refusal[0] != '\0')
		user_said_no(job->request->refusal);
	session->realm_id = rqbo_clear_copy(task->context, job->request->realm_id);
	rqbo_oauth_take_code(session, job->request->code);
	rqbo_job_forget_code(job);
	MemoryContextSwitchTo(saved);
	rqbo_oauth_exchange_code(session, exchange_answered);
}

/* ---- failing ---- */

/*
 * Whatever kept the other company from being asked for its name, it is the
 * wrong one.
 */
static void
name_mismatch(RqboSession *session, ErrorData *failure)
{
	if (failure->sqlerrcode == ERRCODE_RQBO_COMPANY_MISMATCH)
		return;
	failure->sqlerrcode = ERRCODE_RQBO_COMPANY_MISMATCH;
	failure->detail = psprintf("Its name could not be read: %s. Branch \"%s\" of model \"%s\" keeps its accounts and actuals, and its grant.",
							   failure->message, session->connection->branch, session->connection->model);
	failure->message = psprintf("the sign-in was for another company than \"%s\"", rqbo_session_company(session));
	failure->hint = psprintf("Begin again with reefqbo.reconnect and choose \"%s\" in QuickBooks.",
							 rqbo_session_company(session));
}

/*
 * QuickBooks has taken the grant for this company, and only will not have it
 * read: it is suspended, or the user may not.  An outage proves nothing: the
 * grant that lives is kept then, and the user signs in again.
 */
static bool
is_worth_keeping(const RqboSession *session, const SignIn *sign_in, int sqlstate)
{
	return session->is_fresh_grant && sign_in->way == READ_FIRST && !sign_in->proves_by_name &&
		rqbo_oauth_has_answer(session) &&
		(sqlstate == ERRCODE_RQBO_COMPANY_SUSPENDED || sqlstate == ERRCODE_RQBO_PERMISSION_DENIED);
}

/*
 * What passes by itself elsewhere does not here: whether the code has left or
 * not, its state is used up.  The hint says what there is to do about it.
 */
static void
hint_way_on(const SignIn *sign_in, ErrorData *failure, bool grant_is_kept)
{
	static const char *const begins[] = {
		[RQBO_SIGN_IN_CONNECT] = "reefqbo.connect",
		[RQBO_SIGN_IN_RECONNECT] = "reefqbo.reconnect",
		[RQBO_SIGN_IN_REPLACE] = "reefqbo.replace_company"
	};

	if (!sign_in->state_is_used ||
		(failure->sqlerrcode != ERRCODE_RQBO_UNAVAILABLE && failure->sqlerrcode != ERRCODE_RQBO_THROTTLED))
		return;
	if (grant_is_kept)
		failure->hint = "The connection is stored and need not be made again: the next import reads what is missing of its company.";
	else
		failure->hint = psprintf("Nothing of this sign-in was kept, and its state is used up: begin again with %s, a little later. %s",
								 begins[sign_in->request.kind],
								 failure->sqlerrcode == ERRCODE_RQBO_THROTTLED ?
								 "reefqbo.check() tells until when QuickBooks is left alone." :
								 "If it lasts, check the server's network, reefqbo.proxy, reefqbo.ca_file and https://status.developer.intuit.com.");
}

/*
 * If the grant is stored but the company could not be read, say so on the
 * connection, which stays.
 */
static void
fail(RqboTask *task)
{
	RqboSession *session = rqbo_session_of(task);
	SignIn	   *sign_in = sign_in_of(task);
	RqboConnection *c = session->connection;
	ErrorData  *failure = task->failure;
	MemoryContext saved = MemoryContextSwitchTo(sign_in->job->context);

	if (sign_in->way == REFUSE)
		name_mismatch(session, failure);
	hint_way_on(sign_in, failure, session->generation != 0);
	MemoryContextSwitchTo(saved);
	rqbo_job_add_failure(sign_in->job, failure);
	PG_TRY();
	{
		if (c != NULL)
		{
			rqbo_db_begin();
			if (is_worth_keeping(session, sign_in, failure->sqlerrcode))
			{
				put_grant(session);
				rqbo_db_make_durable();
			}
			audit_failure(sign_in, session, failure);
			if (session->generation != 0)
			{
				rqbo_session_judge(session);
				rqbo_store_put_throttle(c);
			}
			rqbo_db_commit();
		}
	}
	PG_FINALLY();
	{
		rqbo_session_close(session);
	}
	PG_END_TRY();
}

void
rqbo_sign_in_add(RqboEngine *engine, RqboJob *job)
{
	RqboTask   *task = rqbo_engine_add(engine, begin, fail);
	RqboSession *session = rqbo_session_open(task);
	SignIn	   *sign_in = MemoryContextAllocZero(task->context, sizeof(SignIn));

	sign_in->job = job;
	session->work = sign_in;
}
