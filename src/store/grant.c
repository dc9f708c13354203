/*-------------------------------------------------------------------------
 *
 * store/grant.c
 *	  Sign-ins under way and the sealed tokens they end in, in tables.
 *	  Sealing, and asking Intuit, is done in qbo/oauth.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"

#include "base/db.h"
#include "store/connection.h"

/* ---- sign-ins under way ---- */

static const char *const kind_names[] = {
	[RQBO_SIGN_IN_CONNECT] = "connect",
	[RQBO_SIGN_IN_RECONNECT] = "reconnect",
	[RQBO_SIGN_IN_REPLACE] = "replace"
};

static RqboSignInKind
kind_of(const char *name)
{
	int			kind = 0;

	while (kind < (int) lengthof(kind_names) - 1 && strcmp(kind_names[kind], name) != 0)
		kind++;
	return (RqboSignInKind) kind;
}

void
rqbo_store_add_request(const RqboConnection *branch, RqboSignInKind kind, const bytea *digest,
					   const bytea *session_digest)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"INSERT INTO reefqbo.authorization_request"
		" (model_id, state_digest, branch_id, environment_id, kind, session_digest, expires_at)"
		" VALUES ($1, $4, $2, $3, $5, $6, reefqbo._now() + interval '10 minutes')",
		INT8OID, INT8OID, INT8OID, BYTEAOID, TEXTOID, BYTEAOID);
	static RqboStatement prune = RQBO_STATEMENT(
		"DELETE FROM reefqbo.authorization_request"
		" WHERE model_id = $1 AND (expires_at < reefqbo._now() - interval '1 day' OR created_at > reefqbo._now() + interval '1 day')",
		INT8OID);
	RqboArgs	args = {0};
	RqboArgs	prune_args = {0};

	rqbo_arg_ids(&args, branch->model_id, branch->branch_id);
	rqbo_arg_int8(&args, branch->environment_id);
	rqbo_arg_bytea(&args, digest);
	rqbo_arg_text(&args, kind_names[kind]);
	rqbo_arg_bytea(&args, session_digest);
	rqbo_db_run(&statement, &args);
	rqbo_arg_int8(&prune_args, branch->model_id);
	rqbo_db_run(&prune, &prune_args);
}

/*
 * Find a request by the digest of its state and lock it, so that of two who
 * come with the same state one waits and then finds it used.
 */
RqboRequestState
rqbo_store_find_request(const bytea *digest, RqboSignInRequest *request)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"SELECT model_id, branch_id, environment_id, used_at IS NOT NULL,"
		" reefqbo._now() NOT BETWEEN created_at - interval '1 minute' AND expires_at, kind, session_digest"
		" FROM reefqbo.authorization_request WHERE state_digest = $1 FOR UPDATE",
		BYTEAOID);
	RqboArgs	args = {0};

	rqbo_arg_bytea(&args, digest);
	if (rqbo_db_run(&statement, &args) == 0)
		return RQBO_REQUEST_UNKNOWN;
	request->model_id = rqbo_column_int8(1);
	request->branch_id = rqbo_column_int8(2);
	request->environment_id = rqbo_column_int8(3);
	request->kind = kind_of(rqbo_column_text(6));
	request->session_digest = rqbo_column_bytea(7);
	if (rqbo_column_bool(4))
		return RQBO_REQUEST_USED;
	return rqbo_column_bool(5) ? RQBO_REQUEST_TOO_OLD : RQBO_REQUEST_VALID;
}

/*
 * The grant of a sign-in is stored with the moment, and after its state was used.
 */
bool
rqbo_store_request_has_connected(const bytea *digest)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"SELECT 1 FROM reefqbo.authorization_request r"
		" JOIN reefqbo.connection c ON c.model_id = r.model_id AND c.branch_id = r.branch_id"
		"  AND c.environment_id = r.environment_id"
		" WHERE r.state_digest = $1 AND c.connected_at >= r.used_at AND c.status = 'connected'",
		BYTEAOID);
	RqboArgs	args = {0};

	rqbo_arg_bytea(&args, digest);
	return rqbo_db_run(&statement, &args) > 0;
}

int64
rqbo_store_request_model(const bytea *digest)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"SELECT model_id FROM reefqbo.authorization_request WHERE state_digest = $1",
		BYTEAOID);
	RqboArgs	args = {0};

	rqbo_arg_bytea(&args, digest);
	return rqbo_db_run(&statement, &args) > 0 ? rqbo_column_int8(1) : 0;
}

void
rqbo_store_use_request(int64 model_id, const bytea *digest)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"UPDATE reefqbo.authorization_request SET used_at = reefqbo._now()"
		" WHERE model_id = $1 AND state_digest = $2",
		INT8OID, BYTEAOID);
	RqboArgs	args = {0};

	rqbo_arg_int8(&args, model_id);
	rqbo_arg_bytea(&args, digest);
	rqbo_db_run(&statement, &args);
}

/* ---- grants ---- */

/*
 * NULL if the connection has none.  An access token counts as fresh while it
 * is good for three more minutes: longer than one request may take.
 */
RqboCredential *
rqbo_store_read_credential(int64 model_id, int64 connection_id)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"SELECT generation, refresh_token_sealed, previous_refresh_token_sealed, access_token_sealed,"
		" COALESCE(access_expires_at > reefqbo._now() + interval '3 minutes' AND obtained_at < reefqbo._now() + interval '1 day', false),"
		" rejected_at IS NOT NULL, obtained_at"
		" FROM reefqbo.credential WHERE model_id = $1 AND connection_id = $2",
		INT8OID, INT8OID);
	RqboArgs	args = {0};
	RqboCredential *c;

	rqbo_arg_ids(&args, model_id, connection_id);
	if (rqbo_db_run(&statement, &args) == 0)
		return NULL;
	c = SPI_palloc(sizeof(RqboCredential));
	c->generation = rqbo_column_int8(1);
	c->refresh_sealed = rqbo_column_bytea(2);
	c->previous_sealed = rqbo_column_bytea(3);
	c->access_sealed = rqbo_column_bytea(4);
	c->access_is_fresh = rqbo_column_bool(5);
	c->is_rejected = rqbo_column_bool(6);
	c->obtained_at = (TimestampTz) rqbo_column_int8(7);
	return c;
}

void
rqbo_store_begin_refresh(int64 model_id, int64 connection_id)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"UPDATE reefqbo.credential SET refresh_started_at = reefqbo._now()"
		" WHERE model_id = $1 AND connection_id = $2",
		INT8OID, INT8OID);

	rqbo_db_run_ids(&statement, model_id, connection_id);
}

/*
 * Lock what storing refreshed tokens will touch, or fail at once: interrupts
 * are held off meanwhile, so that it must not wait.  It is one row, which no
 * foreign key points to: nobody who works with models locks it.
 */
void
rqbo_store_lock_credential(int64 model_id, int64 connection_id)
{
	static RqboStatement table = {.text = "LOCK TABLE reefqbo.credential IN ROW EXCLUSIVE MODE NOWAIT"};
	static RqboStatement row = RQBO_STATEMENT(
		"SELECT 1 FROM reefqbo.credential WHERE model_id = $1 AND connection_id = $2 FOR NO KEY UPDATE NOWAIT",
		INT8OID, INT8OID);
	RqboArgs	none = {0};

	rqbo_db_run(&table, &none);
	rqbo_db_run_ids(&row, model_id, connection_id);
}

/*
 * The same of what a sign-in will touch.  Rows of others refer to the
 * connection: what they lock of it is no hindrance.  The connection itself
 * refers to its branch and its environment, which foreign keys will lock.
 */
void
rqbo_store_lock_grant(const RqboConnection *c)
{
	static RqboStatement tables = {
		.text = "LOCK TABLE reefqbo.connection, reefqbo.schedule, reefqbo.upkeep IN ROW EXCLUSIVE MODE NOWAIT"
	};
	static RqboStatement referred_tables = {
		.text = "LOCK TABLE reefqbo.model, reefqbo.branch, reefqbo.environment IN ROW SHARE MODE NOWAIT"
	};
	static RqboStatement referred_rows = RQBO_STATEMENT(
		"SELECT 1 FROM reefqbo.branch b, reefqbo.environment e"
		" WHERE b.model_id = $1 AND b.branch_id = $2 AND e.environment_id = $3 FOR KEY SHARE NOWAIT",
		INT8OID, INT8OID, INT8OID);
	static RqboStatement connection = RQBO_STATEMENT(
		"SELECT 1 FROM reefqbo.connection WHERE model_id = $1 AND connection_id = $2 FOR NO KEY UPDATE NOWAIT",
		INT8OID, INT8OID);
	RqboArgs	none = {0};
	RqboArgs	referred = {0};

	rqbo_db_run(&tables, &none);
	rqbo_db_run(&referred_tables, &none);
	rqbo_arg_ids(&referred, c->model_id, c->branch_id);
	rqbo_arg_int8(&referred, c->environment_id);
	rqbo_db_run(&referred_rows, &referred);
	rqbo_db_run_ids(&connection, c->model_id, c->connection_id);
	rqbo_store_lock_credential(c->model_id, c->connection_id);
}

/*
 * When an idle grant is refreshed: so early in its rolling life that months are
 * left for outages, and at times that the phase spreads.
 */
#define KEEP_ALIVE_AT \
	"reefqbo._now() + GREATEST(interval '1 hour', LEAST(interval '7 days', ($4 - reefqbo._now()) / 10))" \
	" * (1 - reefqbo._phase($2) / 4)"

int64
rqbo_store_next_generation(int64 model_id, int64 connection_id)
{
	static RqboStatement present = RQBO_STATEMENT(
		"SELECT generation + 1 FROM reefqbo.credential WHERE model_id = $1 AND connection_id = $2",
		INT8OID, INT8OID);
	static RqboStatement wiped = RQBO_STATEMENT(
		"SELECT wiped_generation + 1 FROM reefqbo.connection WHERE model_id = $1 AND connection_id = $2",
		INT8OID, INT8OID);

	/* a refresh reads its own row alone, since it must not wait for others */
	if (rqbo_db_run_ids(&present, model_id, connection_id) == 0)
		(void) rqbo_db_run_ids(&wiped, model_id, connection_id);
	return rqbo_column_int8(1);
}

/*
 * Store a new generation.  A refresh keeps the refresh token before it and
 * the hard end of the grant; a new consent has nothing to do with either.
 */
void
rqbo_store_put_tokens(int64 model_id, int64 connection_id, const RqboSealedTokens *tokens, bool is_new_consent)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"INSERT INTO reefqbo.credential AS c"
		" (model_id, connection_id, refresh_token_sealed, refresh_expires_at, hard_expires_at,"
		" access_token_sealed, access_expires_at, keep_alive_at, generation)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, " KEEP_ALIVE_AT ", $9)"
		" ON CONFLICT (model_id, connection_id) DO UPDATE SET generation = EXCLUDED.generation,"
		" previous_refresh_token_sealed = CASE WHEN $8 THEN NULL ELSE c.refresh_token_sealed END,"
		" refresh_token_sealed = EXCLUDED.refresh_token_sealed,"
		" refresh_expires_at = EXCLUDED.refresh_expires_at,"
		" hard_expires_at = COALESCE(EXCLUDED.hard_expires_at, CASE WHEN NOT $8 THEN c.hard_expires_at END),"
		" access_token_sealed = EXCLUDED.access_token_sealed,"
		" access_expires_at = EXCLUDED.access_expires_at,"
		" keep_alive_at = EXCLUDED.keep_alive_at,"
		" refresh_started_at = NULL, rejected_at = NULL, obtained_at = reefqbo._now()"
		" WHERE c.generation = EXCLUDED.generation - 1",
		INT8OID, INT8OID, BYTEAOID, TIMESTAMPTZOID, TIMESTAMPTZOID, BYTEAOID, TIMESTAMPTZOID, BOOLOID, INT8OID);
	RqboArgs	args = {0};

	rqbo_arg_ids(&args, model_id, connection_id);
	rqbo_arg_bytea(&args, tokens->refresh_sealed);
	rqbo_arg_timestamp_ms(&args, tokens->refresh_seconds * 1000, true);
	rqbo_arg_timestamp_ms(&args, tokens->hard_seconds * 1000, tokens->hard_seconds >= 0);
	rqbo_arg_bytea(&args, tokens->access_sealed);
	rqbo_arg_timestamp_ms(&args, tokens->access_seconds * 1000, true);
	rqbo_arg_datum(&args, BoolGetDatum(is_new_consent));
	rqbo_arg_int8(&args, tokens->generation);
	if (rqbo_db_run(&statement, &args) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("the tokens of connection " INT64_FORMAT " have changed meanwhile", connection_id)));
}

/*
 * Does another living connection stand on the same company, so that revoking
 * this grant could end that one's too?  realm_digests is an array of bytea:
 * the realm's digest by each key of the ring.
 */
bool
rqbo_store_grant_is_shared(int64 model_id, int64 connection_id, Datum realm_digests)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"SELECT EXISTS (SELECT 1 FROM reefqbo.connection o"
		" WHERE o.realm_digest = ANY ($3) AND o.status <> 'disconnected'"
		" AND (o.model_id, o.connection_id) <> ($1, $2))",
		INT8OID, INT8OID, BYTEAARRAYOID);
	RqboArgs	args = {0};

	rqbo_arg_ids(&args, model_id, connection_id);
	rqbo_arg_datum(&args, realm_digests);
	rqbo_db_run(&statement, &args);
	return rqbo_column_bool(1);
}

char *
rqbo_store_branch_of_company(const RqboConnection *branch, Datum realm_digests)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"SELECT b.name FROM reefqbo.connection o"
		" JOIN reefqbo.branch b ON b.model_id = o.model_id AND b.branch_id = o.branch_id"
		" WHERE o.model_id = $1 AND o.branch_id <> $2 AND o.realm_digest = ANY ($3) ORDER BY o.connection_id LIMIT 1",
		INT8OID, INT8OID, BYTEAARRAYOID);
	RqboArgs	args = {0};

	rqbo_arg_ids(&args, branch->model_id, branch->branch_id);
	rqbo_arg_datum(&args, realm_digests);
	return rqbo_db_run(&statement, &args) > 0 ? rqbo_column_text(1) : NULL;
}
