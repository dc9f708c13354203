/*-------------------------------------------------------------------------
 *
 * qbo/oauth.c
 *	  OAuth 2.0 with Intuit: address, code exchange, refresh, revoke.
 *
 * A refresh token changes value when it is used, and whoever uses an old one
 * may lose the grant for good.  Hence:
 * - one refresher at a time, by a lock that the server drops with its holder;
 * - the intent to refresh is durable before the request, so that a lost
 *	 answer is known to be lost;
 * - the place for the new pair is there before the request: where the tables
 *	 cannot take it, a file does (store/kept.c);
 * - the new pair is durable before the access token in it is used, and so is a
 *	 refresh token that has come alone;
 * - the refresh token before it is kept, and tried once if the newer one is
 *	 rejected;
 * - only a definite rejection of the living generation ends the grant:
 *	 outages, wrong app keys and broken answers never do.
 *
 * https://developer.intuit.com/app/developer/qbo/docs/develop/authentication-and-authorization/oauth-2.0
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "common/pg_prng.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "base/clock.h"
#include "base/db.h"
#include "base/errors.h"
#include "base/guc.h"
#include "base/url.h"
#include "qbo/oauth.h"
#include "qbo/oauth_answer.h"
#include "qbo/oauth_exchange.h"
#include "qbo/oauth_kept.h"
#include "qbo/oauth_request.h"
#include "secret/clear.h"
#include "secret/seal.h"
#include "store/kept.h"

#define REVOKE_TIMEOUT_MS 10000
#define LOCK_RETRY_MS 200
#define REJECTION_RETRY_MS 2000
#define STORE_RETRY_MS 200
#define STORE_PATIENCE_MS 60000
#define KEPT_PATIENCE_MS 30000

static void ensure_token(RqboTask *task);
static void send_refresh(RqboTask *task);
static void send_code(RqboTask *task);

/* ---- code exchange ---- */

static void
code_answered(RqboTask *task)
{
	RqboSession *session = rqbo_session_of(task);
	RqboExchange *x = rqbo_exchange_of(session);
	RqboTokenVerdict verdict;

	Assert(task->result != NULL && x->code != NULL);
	verdict = rqbo_oauth_read_answer(task->result, task->context, &x->tokens);
	if (verdict != RQBO_TOKENS_WHOLE)
		rqbo_task_release(task);
	rqbo_session_note_answer(session);
	switch (verdict)
	{
		case RQBO_TOKENS_WHOLE:
			rqbo_clear_wipe(x->code);
			x->code = NULL;
			x->then(task);
			return;
		case RQBO_TOKENS_CLIENT_REJECTED:
			rqbo_token_raise_client(session, task->result);
			return;
		case RQBO_TOKENS_GRANT_REJECTED:
		case RQBO_TOKENS_REQUEST_REJECTED:
			ereport(ERROR,
					(errcode(ERRCODE_RQBO_AUTHORIZATION_INVALID),
					 errmsg("Intuit refused the authorization code"),
					 errdetail("%s", rqbo_oauth_answer_words(task->result)),
					 errhint("A code works once and for a few minutes only. Begin again with reefqbo.connect.")));
			return;
		case RQBO_TOKENS_REFRESH_ALONE:
		case RQBO_TOKENS_NOT_WHOLE:
			rqbo_token_raise_not_whole(task->result);
		case RQBO_TOKENS_NO_VERDICT:
			/* a code works once: what may have been executed is not sent again */
			rqbo_token_repeat_or_raise(session, task->result, false, send_code);
			return;
	}
}

static void
send_code(RqboTask *task)
{
	RqboSession *session = rqbo_session_of(task);
	char	   *form = rqbo_token_make_form("authorization_code", "code", rqbo_exchange_of(session)->code,
											"redirect_uri", session->connection->redirect_uri);

	rqbo_db_begin();
	rqbo_token_post(session, form, code_answered);
	rqbo_db_commit();
}

void
rqbo_oauth_take_code(RqboSession *session, const char *code)
{
	rqbo_exchange_of(session)->code = rqbo_clear_copy(session->task->context, code);
}

void
rqbo_oauth_exchange_code(RqboSession *session, RqboStep then)
{
	(void) rqbo_exchange_begin(session, then);
	send_code(session->task);
}

bool
rqbo_oauth_has_answer(const RqboSession *session)
{
	return session->exchange != NULL && session->exchange->tokens.refresh_token != NULL;
}

void
rqbo_oauth_use_answer(RqboSession *session)
{
	const RqboTokens *tokens = &rqbo_exchange_of(session)->tokens;

	session->access_token = rqbo_clear_copy(session->task->context, tokens->access_token);
	session->is_fresh_grant = true;
}

/* ---- storing ---- */

static RqboSealedTokens
seal_tokens(RqboSession *session, int64 generation)
{
	const RqboConnection *c = session->connection;
	const RqboTokens *tokens = &rqbo_exchange_of(session)->tokens;
	RqboSealOwner access_owner = rqbo_connection_owner(c, RQBO_SEAL_ACCESS_TOKEN, generation);
	RqboSealOwner refresh_owner = rqbo_connection_owner(c, RQBO_SEAL_REFRESH_TOKEN, generation);
	RqboSealedTokens sealed = {
		.generation = generation,
		.access_sealed = tokens->access_token != NULL ?
			rqbo_secret_seal(session->ring, access_owner, tokens->access_token) : NULL,
		.refresh_sealed = rqbo_secret_seal(session->ring, refresh_owner, tokens->refresh_token),
		.access_seconds = tokens->access_seconds,
		.refresh_seconds = tokens->refresh_seconds,
		.hard_seconds = tokens->hard_seconds
	};

	return sealed;
}

void
rqbo_oauth_put_tokens(RqboSession *session, bool is_new_consent)
{
	const RqboConnection *c = session->connection;
	RqboSealedTokens sealed = seal_tokens(session, rqbo_store_next_generation(c->model_id, c->connection_id));

	rqbo_store_put_tokens(c->model_id, c->connection_id, &sealed, is_new_consent);
	session->generation = session->verdict_generation = sealed.generation;
}

static void
store_in_tables(RqboSession *session)
{
	rqbo_db_begin_nowait();
	rqbo_exchange_of(session)->store(session);
	/* before it is used */
	rqbo_db_make_durable();
	rqbo_db_commit();
}

/*
 * With nothing that somebody could lock: sealing reads catalogs, and that is all.
 */
static void
keep_in_file(RqboSession *session)
{
	RqboExchange *x = rqbo_exchange_of(session);
	RqboSealedTokens sealed;

	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	sealed = seal_tokens(session, x->owner.generation + 1);
	rqbo_kept_write(&x->owner, &sealed);
	PopActiveSnapshot();
	CommitTransactionCommand();
	x->is_kept = true;
	session->generation = session->verdict_generation = sealed.generation;
}

/*
 * With interrupts held off, in a transaction that waits for nobody.  An error is
 * none here, unless patience has ended: what is in the way (a lock, a full disk)
 * is no reason to throw away what may be the only copy of a living refresh token.
 */
static bool
try_to(void (*do_it) (RqboSession *), RqboSession *session)
{
	MemoryContext context = CurrentMemoryContext;
	uint32		held = InterruptHoldoffCount;
	int64		known_id = session->connection->connection_id;
	int64		waited_ms = rqbo_clock_ms() - rqbo_exchange_of(session)->answered_ms;
	volatile bool is_done = true;

	PG_TRY();
	{
		do_it(session);
	}
	PG_CATCH();
	{
		InterruptHoldoffCount = held;	/* the ERROR has reset it */
		if (waited_ms > STORE_PATIENCE_MS)
			PG_RE_THROW();
		MemoryContextSwitchTo(context);
		FlushErrorState();
		AbortOutOfAnyTransaction();
		MemoryContextSwitchTo(context);
		session->connection->connection_id = known_id;
		is_done = false;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	return is_done;
}

static void
note_kept(RqboSession *session)
{
	RqboExchange *x = rqbo_exchange_of(session);

	if (!x->is_noted)
		ereport(LOG,
				(errmsg("reefqbo: the tables cannot take new tokens of \"%s\", which are kept in a file until they can",
						rqbo_session_company(session))));
	x->is_noted = true;
}

/*
 * First into the file, where there is one: whatever happens then, even a crash
 * of the server for a full disk, they are not lost.  Once they are there the
 * tables are waited for like anything else, and then the work goes on without
 * them.
 */
static void
store_answer(RqboTask *task)
{
	RqboSession *session = rqbo_session_of(task);
	RqboExchange *x = rqbo_exchange_of(session);
	RqboTokens *tokens = &x->tokens;

	Assert(tokens->refresh_token != NULL);
	if (x->has_place && !x->is_kept)
		(void) try_to(keep_in_file, session);
	/* what was kept of another consent is older than what is stored now */
	if (try_to(store_in_tables, session))
		rqbo_oauth_give_up_place(session);
	else if (!x->is_kept)
	{
		rqbo_task_sleep_with_answer(task, STORE_RETRY_MS, store_answer);
		return;
	}
	else if (rqbo_clock_ms() - x->answered_ms < KEPT_PATIENCE_MS)
	{
		note_kept(session);
		rqbo_task_sleep(task, STORE_RETRY_MS, store_answer);
		return;
	}
	rqbo_clear_wipe(tokens->refresh_token);
	rqbo_clear_wipe(session->access_token);
	session->access_token = tokens->access_token;
	tokens->refresh_token = tokens->access_token = NULL;
	/* a step of its own: interrupts are held off in this one */
	rqbo_task_sleep(task, 0, x->after_store);
}

void
rqbo_oauth_store_answer(RqboSession *session, void (*store) (RqboSession *), RqboStep then)
{
	RqboExchange *x = rqbo_exchange_of(session);

	x->store = store;
	x->after_store = then;
	x->is_noted = false;
	x->answered_ms = rqbo_clock_ms();
	store_answer(session->task);
}

/* ---- refresh ---- */

static void
reconnect_is_required(const RqboSession *session, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_RQBO_RECONNECT_REQUIRED),
			 errmsg("the grant of \"%s\" has ended or was revoked", rqbo_session_company(session)),
			 errdetail("%s", detail),
			 errhint("%s", rqbo_fault_hint(ERRCODE_RQBO_RECONNECT_REQUIRED))));
}

/*
 * Take the stored access token if it is one to use.
 */
static bool
take_stored_token(RqboSession *session, const RqboCredential *credential)
{
	const RqboConnection *c = session->connection;
	RqboSealOwner owner = rqbo_connection_owner(c, RQBO_SEAL_ACCESS_TOKEN, credential->generation);
	const RqboExchange *x = rqbo_exchange_of(session);
	MemoryContext saved;

	if (x->is_forced || !credential->access_is_fresh || credential->access_sealed == NULL)
		return false;
	if (x->was_refused && credential->generation <= session->generation)
		return false;
	saved = MemoryContextSwitchTo(session->task->context);
	rqbo_clear_wipe(session->access_token);
	session->access_token = NULL;
	session->access_token = rqbo_secret_unseal(session->ring, owner, credential->access_sealed);
	session->generation = credential->generation;
	MemoryContextSwitchTo(saved);
	return true;
}

static RqboCredential *
read_credential(RqboSession *session)
{
	const RqboConnection *c = session->connection;
	RqboCredential *credential = rqbo_store_read_credential(c->model_id, c->connection_id);

	if (credential == NULL || credential->refresh_sealed == NULL)
		reconnect_is_required(session, "It has no tokens: it was disconnected.");
	session->verdict_generation = credential->generation;
	if (credential->is_rejected)
		reconnect_is_required(session, "Intuit has rejected its refresh token before, and is not asked again.");
	return credential;
}

/*
 * The grant was rejected.  An outage at Intuit may look just so, hence the
 * second try after a pause; then the refresh token before this one has its
 * only try; then the grant is dead.
 */
static void
grant_was_rejected(RqboSession *session, const RqboHttpResult *result)
{
	RqboExchange *x = rqbo_exchange_of(session);
	const RqboConnection *c = session->connection;
	RqboCredential *credential;

	if (++x->rejections == 1)
	{
		rqbo_task_sleep(session->task, REJECTION_RETRY_MS, send_refresh);
		return;
	}
	rqbo_db_begin();
	credential = read_credential(session);
	if (!x->use_previous && credential->previous_sealed != NULL)
	{
		rqbo_db_commit();
		x->use_previous = true;
		rqbo_task_sleep(session->task, 0, send_refresh);
		return;
	}
	rqbo_store_reject_grant(c->model_id, c->connection_id, session->verdict_generation);
	rqbo_db_commit();
	session->verdict = "reconnect_required";
	reconnect_is_required(session, psprintf("Intuit rejects the refresh token of connection " INT64_FORMAT ". %s",
											c->connection_id, rqbo_oauth_answer_words(result)));
}

static void
put_refreshed(RqboSession *session)
{
	rqbo_store_lock_credential(session->connection->model_id, session->connection->connection_id);
	rqbo_oauth_put_tokens(session, false);
}

/*
 * The refresh token came alone, and is stored: it gives an access token, if it is
 * asked again.  Not while it is in its file: what the tables have is dead.
 */
static void
ask_for_access(RqboTask *task)
{
	RqboSession *session = rqbo_session_of(task);
	RqboExchange *x = rqbo_exchange_of(session);

	if (x->came_alone || x->is_kept)
		ereport(ERROR,
				(errcode(ERRCODE_RQBO_INVALID_RESPONSE),
				 errmsg("Intuit has refreshed the grant of \"%s\" without giving an access token", rqbo_session_company(session)),
				 errdetail("The new refresh token is stored."),
				 errhint("%s", rqbo_fault_hint(ERRCODE_RQBO_INVALID_RESPONSE))));
	x->came_alone = true;
	send_refresh(task);
}

static void
refresh_is_stored(RqboTask *task)
{
	RqboSession *session = rqbo_session_of(task);

	if (session->access_token == NULL)
	{
		ask_for_access(task);
		return;
	}
	rqbo_exchange_of(session)->has_refreshed = true;
	rqbo_session_unlock_grant(session);
	rqbo_exchange_of(session)->then(task);
}

static void
refresh_answered(RqboTask *task)
{
	RqboSession *session = rqbo_session_of(task);
	RqboTokenVerdict verdict;

	Assert(task->result != NULL && session->holds_grant_lock);
	verdict = rqbo_oauth_read_answer(task->result, task->context, &rqbo_exchange_of(session)->tokens);
	if (verdict != RQBO_TOKENS_WHOLE && verdict != RQBO_TOKENS_REFRESH_ALONE)
	{
		rqbo_oauth_give_up_place(session);
		rqbo_task_release(task);
	}
	rqbo_session_note_answer(session);
	switch (verdict)
	{
		case RQBO_TOKENS_WHOLE:
		case RQBO_TOKENS_REFRESH_ALONE:
			rqbo_oauth_store_answer(session, put_refreshed, refresh_is_stored);
			return;
		case RQBO_TOKENS_GRANT_REJECTED:
			grant_was_rejected(session, task->result);
			return;
		case RQBO_TOKENS_CLIENT_REJECTED:
			rqbo_token_raise_client(session, task->result);
			return;
		case RQBO_TOKENS_REQUEST_REJECTED:
			ereport(ERROR,
					(errcode(ERRCODE_RQBO_INVALID_RESPONSE),
					 errmsg("Intuit refused to refresh the grant of \"%s\"", rqbo_session_company(session)),
					 errdetail("%s", rqbo_oauth_answer_words(task->result)),
					 errhint("%s", rqbo_fault_hint(ERRCODE_RQBO_INVALID_RESPONSE))));
			return;
		case RQBO_TOKENS_NOT_WHOLE:
		case RQBO_TOKENS_NO_VERDICT:
			/* the answer is lost; the same token is good for a while yet */
			rqbo_token_repeat_or_raise(session, task->result, true, send_refresh);
			return;
	}
}

/*
 * The newest, or the one of the generation before it.
 */
static char *
unseal_refresh_token(RqboSession *session, const RqboCredential *credential)
{
	bool		is_previous = rqbo_exchange_of(session)->use_previous;
	RqboSealOwner owner = rqbo_connection_owner(session->connection, RQBO_SEAL_REFRESH_TOKEN,
												credential->generation - (is_previous ? 1 : 0));

	return rqbo_secret_unseal(session->ring, owner,
							  is_previous ? credential->previous_sealed : credential->refresh_sealed);
}

static void
send_refresh(RqboTask *task)
{
	RqboSession *session = rqbo_session_of(task);
	const RqboConnection *c = session->connection;
	RqboCredential *credential;
	char	   *token;
	char	   *form;

	Assert(session->holds_grant_lock);
	rqbo_db_begin();
	credential = read_credential(session);
	rqbo_oauth_reserve_place(session, credential);
	token = unseal_refresh_token(session, credential);
	/* durable before the request: a read-only or full server stops here, not after the rotation */
	rqbo_store_begin_refresh(c->model_id, c->connection_id);
	rqbo_db_make_durable();
	form = rqbo_token_make_form("refresh_token", "refresh_token", token, NULL, NULL);
	rqbo_clear_wipe(token);
	/* prepared inside, since unsealing the app's secret needs the transaction; sent by the engine after */
	rqbo_token_post(session, form, refresh_answered);
	rqbo_db_commit();
}

/*
 * Take the stored access token, or become the refresher, or wait for the one
 * who is.
 */
static void
ensure_token(RqboTask *task)
{
	RqboSession *session = rqbo_session_of(task);
	bool		is_usable;

	rqbo_db_begin();
	is_usable = take_stored_token(session, read_credential(session));
	rqbo_db_commit();
	/* somebody may have refreshed between the reading and the lock */
	if (!is_usable && rqbo_session_lock_grant(session))
	{
		rqbo_oauth_take_kept(session->connection);
		rqbo_db_begin();
		is_usable = take_stored_token(session, read_credential(session));
		rqbo_db_commit();
	}

	if (is_usable)
	{
		rqbo_session_unlock_grant(session);
		rqbo_exchange_of(session)->then(task);
	}
	else if (!session->holds_grant_lock)
		rqbo_task_stand_by(task, LOCK_RETRY_MS + pg_prng_uint32(&pg_global_prng_state) % LOCK_RETRY_MS, ensure_token);
	else
		send_refresh(task);
}

void
rqbo_oauth_ensure_token(RqboSession *session, bool was_refused, RqboStep then)
{
	rqbo_exchange_begin(session, then)->was_refused = was_refused;
	if (session->access_token != NULL && !was_refused)
		then(session->task);
	else
		ensure_token(session->task);
}

bool
rqbo_oauth_has_refreshed(const RqboSession *session)
{
	return session->exchange != NULL && session->exchange->has_refreshed;
}

void
rqbo_oauth_keep_alive(RqboSession *session, RqboStep then)
{
	rqbo_exchange_begin(session, then)->is_forced = true;
	ensure_token(session->task);
}

/* ---- revoke ---- */

void
rqbo_oauth_prepare_revoke(RqboSession *session)
{
	MemoryContext saved = MemoryContextSwitchTo(session->task->context);

	rqbo_exchange_of(session)->basic = rqbo_token_make_basic(session);
	MemoryContextSwitchTo(saved);
}

void
rqbo_oauth_revoke(RqboSession *session, const char *refresh_token, RqboStep then)
{
	char	   *body = rqbo_clear_format("{\"token\":\"%s\"}", refresh_token);
	const char *headers[] = {
		rqbo_exchange_of(session)->basic, "Accept: application/json", "Content-Type: application/json", NULL
	};
	RqboHttpRequest request = {
		.url = session->connection->revoke_url,
		.headers = headers,
		.form = body,
		.timeout_ms = Min(REVOKE_TIMEOUT_MS, rqbo_request_timeout)
	};

	rqbo_session_exchange(session, &request, then);
	rqbo_clear_wipe(body);
}
