/*-------------------------------------------------------------------------
 *
 * grant/sign_in_state.c
 *	  The state of a sign-in: whether it may be ended, by whom, and which way.
 *	  What is done with the code it came with is not said here.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/db.h"
#include "base/errors.h"
#include "base/show.h"
#include "grant/sign_in_state.h"
#include "grant/sign_in_work.h"
#include "qbo/oauth_request.h"
#include "qbo/session.h"
#include "secret/clear.h"
#include "secret/redact.h"
#include "secret/seal.h"

#define MAX_REALM_ID 32

/* ---- looking at it ---- */

void
rqbo_sign_in_state_raise(RqboRequestState state)
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

void
rqbo_sign_in_state_raise_refusal(const char *refusal)
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

static bool
is_of_session(const RqboJobRequest *job, const RqboSignInRequest *request)
{
	return job->has_session && request->session_digest != NULL &&
		rqbo_secret_is_digest(request->session_digest, job->session_digest);
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

	if ((!was_begun_in_one && !job->has_session) || is_of_session(job, request))
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
		rqbo_sign_in_state_raise(state);
	rqbo_session_of(task)->connection =
		rqbo_store_read_branch(request->model_id, request->branch_id, request->environment_id);
	check_session(sign_in_of(task)->job->request, request);
}

/*
 * Look at the state before anything else, and lock the branch: nobody may
 * refresh or replace its grant until this sign-in has ended, which it has when
 * the company was read.  Nobody may import into a company that goes, either.
 */
bool
rqbo_sign_in_state_lock(RqboTask *task)
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
 * Two branches of a model with one company would count all its figures twice.
 */
static void
refuse_twice(RqboTask *task, const char *realm_id)
{
	RqboSession *session = rqbo_session_of(task);
	const RqboConnection *c = session->connection;
	char	   *other = rqbo_store_branch_of_company(c, rqbo_secret_realm_digests(session->ring, c->environment_id, realm_id));

	if (other != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_RQBO_COMPANY_MISMATCH),
				 errmsg("this company is connected to branch \"%s\" of model \"%s\" already", rqbo_show_line(other), rqbo_show_line(c->title)),
				 errdetail("In branch \"%s\" as well, every figure of it would count twice in the model. Nothing was changed, and the grant was not kept.",
						   rqbo_show_line(c->branch)),
				 errhint("Sign in again and choose another company. To move the company to this branch, an admin calls reefqbo.forget_company for the other one first; classes and departments of one company are given branches with reefqbo.map_dimension.")));
}

/* ---- loaded again ---- */

bool
rqbo_sign_in_state_is_again(RqboTask *task)
{
	const RqboJobRequest *job = sign_in_of(task)->job->request;
	RqboSignInRequest *request = &sign_in_of(task)->request;
	MemoryContext saved = MemoryContextSwitchTo(task->context);
	bool		is_again;

	rqbo_db_begin();
	is_again = rqbo_store_find_request(rqbo_secret_digest_state(job->state), request) == RQBO_REQUEST_USED &&
		job->refusal[0] == '\0' && is_of_session(job, request);
	if (is_again)
		rqbo_session_of(task)->connection =
			rqbo_store_read_branch(request->model_id, request->branch_id, request->environment_id);
	rqbo_db_commit();
	MemoryContextSwitchTo(saved);
	return is_again;
}

void
rqbo_sign_in_state_check_made(RqboTask *task)
{
	RqboSession *session = rqbo_session_of(task);
	const RqboJobRequest *job = sign_in_of(task)->job->request;
	bool		is_made;

	Assert(session->holds_grant_lock);
	session->ring = rqbo_job_keyring(sign_in_of(task)->job);
	rqbo_db_begin();
	is_made = rqbo_store_request_has_connected(rqbo_secret_digest_state(job->state)) &&
		is_same_realm(session, job->realm_id);
	rqbo_db_commit();
	if (!is_made)
		rqbo_sign_in_state_raise(RQBO_REQUEST_USED);
}

/* ---- using it up ---- */

/*
 * Under the lock, use the state up and take over what the browser brought.
 * What the DBA or the caller can mend is told before the state is used, so
 * that the same address can be passed on again.
 */
void
rqbo_sign_in_state_claim(RqboTask *task)
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
		if (sign_in->way != REFUSE)
			refuse_twice(task, request->realm_id);
	}
	rqbo_store_use_request(sign_in->request.model_id, digest);
	rqbo_db_make_durable();
	rqbo_db_commit();
	sign_in->state_is_used = true;
}
