/*-------------------------------------------------------------------------
 *
 * store/connection.c
 *	  Environments, apps and connections in tables: one function a statement,
 *	  plans kept, parameters bound.  Knows nothing of the network.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "utils/timestamp.h"

#include "base/db.h"
#include "store/connection.h"

RqboSealOwner
rqbo_connection_owner(const RqboConnection *c, RqboSealPurpose purpose, int64 generation)
{
	bool		is_app = purpose == RQBO_SEAL_CLIENT_SECRET;

	return (RqboSealOwner) {
		.purpose = purpose,
		.installation = c->installation,
		.id1 = is_app ? c->environment_id : c->model_id,
		.id2 = is_app ? 0 : c->connection_id,
		.generation = generation
	};
}

/*
 * The extension makes no row of its own, which would be in the way of the one
 * that a dump brings.
 */
char *
rqbo_store_installation(void)
{
	static RqboStatement make = {.text = "INSERT INTO reefqbo.installation DEFAULT VALUES ON CONFLICT DO NOTHING"};
	static RqboStatement statement = {.text = "SELECT identity::text FROM reefqbo.installation"};
	RqboArgs	none = {0};

	rqbo_db_run(&make, &none);
	rqbo_db_run(&statement, &none);
	return rqbo_column_text(1);
}

int64
rqbo_store_find_model(const char *model)
{
	static RqboStatement statement = RQBO_STATEMENT("SELECT model_id FROM reefqbo.model WHERE name = $1", TEXTOID);
	RqboArgs	args = {0};

	rqbo_arg_text(&args, model);
	return rqbo_db_run(&statement, &args) > 0 ? rqbo_column_int8(1) : 0;
}

void
rqbo_store_raise_no_model(const char *model)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("model \"%s\" does not exist", model),
			 errhint("reefqbo.create_model makes one; the table reefqbo.model lists them.")));
	pg_unreachable();
}

/*
 * branch NULL is the root.
 */
int64
rqbo_store_branch_id(int64 model_id, const char *branch)
{
	static RqboStatement statement = RQBO_STATEMENT("SELECT reefqbo._branch_id($1, $2)", INT8OID, TEXTOID);
	RqboArgs	args = {0};

	rqbo_arg_int8(&args, model_id);
	rqbo_arg_text(&args, branch);
	rqbo_db_run(&statement, &args);
	return rqbo_column_int8(1);
}

int64
rqbo_store_environment_needed(const char *environment)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"SELECT environment_id FROM reefqbo.environment WHERE name = $1",
		TEXTOID);
	RqboArgs	args = {0};

	rqbo_arg_text(&args, environment);
	if (rqbo_db_run(&statement, &args) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("environment \"%s\" does not exist", environment),
				 errhint("There are \"production\", \"sandbox\", and what a superuser has added with reefqbo.create_environment.")));
	return rqbo_column_int8(1);
}

void
rqbo_store_put_app(int64 environment_id, const char *client_id, const bytea *secret_sealed, const char *redirect_uri)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"INSERT INTO reefqbo.app (environment_id, client_id, client_secret_sealed, redirect_uri)"
		" VALUES ($1, $2, $3, $4)"
		" ON CONFLICT (environment_id) DO UPDATE SET client_id = EXCLUDED.client_id,"
		" client_secret_sealed = EXCLUDED.client_secret_sealed,"
		" redirect_uri = EXCLUDED.redirect_uri, registered_at = reefqbo._now()",
		INT8OID, TEXTOID, BYTEAOID, TEXTOID);
	RqboArgs	args = {0};

	rqbo_arg_int8(&args, environment_id);
	rqbo_arg_text(&args, client_id);
	rqbo_arg_bytea(&args, secret_sealed);
	rqbo_arg_text(&args, redirect_uri);
	rqbo_db_run(&statement, &args);
}

/* ---- connections ---- */

/* What a company's locks are by. */
#define REALM_KEY "('x' || encode(substring(c.realm_digest FROM 1 FOR 8), 'hex'))::bit(64)::bigint"

#define CONNECTION_COLUMNS \
	"m.model_id, c.connection_id, b.branch_id, e.environment_id, m.name, b.name, e.name," \
	" c.company_name, c.status, c.realm_id_sealed," \
	" c.company_read_at IS NOT NULL, c.accounts_as_of IS NOT NULL," \
	" e.authorize_url, e.token_url, e.revoke_url, e.api_url," \
	" a.client_id, a.client_secret_sealed, a.redirect_uri," \
	" COALESCE(r.throttle_tokens, 0), r.throttle_counted_at," \
	" " REALM_KEY "," \
	" EXISTS (SELECT 1 FROM reefqbo.imported_month i WHERE i.model_id = m.model_id AND i.connection_id = c.connection_id)," \
	" c.accounts_as_of, COALESCE(c.multicurrency, false), COALESCE(c.country = 'FR', false)," \
	" (SELECT i.identity::text FROM reefqbo.installation i), COALESCE(m.title, m.name)"

#define BUCKET CppAsString2(RQBO_THROTTLE_BUCKET)

/*
 * The budget of a company, whichever of its connections has spent of it last;
 * of several that have done so at about the same time, knowing nothing of each
 * other, what all of them have left.
 */
#define LAST_SPENDER \
	" LEFT JOIN LATERAL (SELECT LEAST(min(n.throttle_tokens)," \
	"   GREATEST(0, " BUCKET " - sum(" BUCKET " - n.throttle_tokens))) AS throttle_tokens," \
	"  max(n.throttle_counted_at) AS throttle_counted_at" \
	"  FROM (SELECT o.throttle_tokens, o.throttle_counted_at, max(o.throttle_counted_at) OVER () AS newest" \
	"   FROM reefqbo.connection o WHERE o.realm_digest = c.realm_digest) n" \
	"  WHERE n.throttle_counted_at > n.newest - interval '1 second') r ON true"

/*
 * From two columns.
 */
static void
read_throttle(RqboThrottle *throttle, int column)
{
	throttle->is_begun = !rqbo_column_is_null(column + 1);
	throttle->tokens = rqbo_column_float8(column);
	throttle->counted_at = rqbo_column_int8(column + 1);
	/* it is kept ahead; who lifts the pause from now on knows of it */
	throttle->asked_at = Min(throttle->counted_at, GetCurrentTransactionStartTimestamp());
	throttle->quiet_until = 0;
}

static RqboConnection *
read_connection_row(void)
{
	RqboConnection *c = SPI_palloc(sizeof(RqboConnection));

	c->model_id = rqbo_column_int8(1);
	c->connection_id = rqbo_column_int8(2);
	c->branch_id = rqbo_column_int8(3);
	c->environment_id = rqbo_column_int8(4);
	c->model = rqbo_column_text(5);
	c->branch = rqbo_column_text(6);
	c->environment = rqbo_column_text(7);
	c->company = rqbo_column_text(8);
	c->status = rqbo_column_text(9);
	c->realm_sealed = rqbo_column_bytea(10);
	c->is_verified = rqbo_column_bool(11);
	c->has_accounts = rqbo_column_bool(12);
	c->authorize_url = rqbo_column_text(13);
	c->token_url = rqbo_column_text(14);
	c->revoke_url = rqbo_column_text(15);
	c->api_url = rqbo_column_text(16);
	c->client_id = rqbo_column_text(17);
	c->client_secret_sealed = rqbo_column_bytea(18);
	c->redirect_uri = rqbo_column_text(19);
	read_throttle(&c->throttle, 20);
	c->realm_key = rqbo_column_int8(22);
	c->has_actuals = rqbo_column_bool(23);
	c->accounts_as_of = (TimestampTz) rqbo_column_int8(24);
	c->has_currencies = rqbo_column_bool(25);
	c->is_french = rqbo_column_bool(26);
	c->installation = rqbo_column_text(27);
	c->title = rqbo_column_text(28);
	return c;
}

RqboConnection *
rqbo_store_read_branch(int64 model_id, int64 branch_id, int64 environment_id)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"SELECT " CONNECTION_COLUMNS
		" FROM reefqbo.model m"
		" JOIN reefqbo.branch b ON b.model_id = m.model_id AND b.branch_id = $2"
		" LEFT JOIN reefqbo.connection c ON c.model_id = m.model_id AND c.branch_id = b.branch_id"
		" JOIN reefqbo.environment e ON e.environment_id = COALESCE(NULLIF($3, 0), c.environment_id)"
		" LEFT JOIN reefqbo.app a ON a.environment_id = e.environment_id"
		LAST_SPENDER
		" WHERE m.model_id = $1",
		INT8OID, INT8OID, INT8OID);
	RqboArgs	args = {0};

	rqbo_arg_ids(&args, model_id, branch_id);
	rqbo_arg_int8(&args, environment_id);
	return rqbo_db_run(&statement, &args) > 0 ? read_connection_row() : NULL;
}

RqboConnection *
rqbo_store_read_connection(int64 model_id, int64 connection_id)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"SELECT " CONNECTION_COLUMNS
		" FROM reefqbo.connection c"
		" JOIN reefqbo.model m ON m.model_id = c.model_id"
		" JOIN reefqbo.branch b ON b.model_id = c.model_id AND b.branch_id = c.branch_id"
		" JOIN reefqbo.environment e ON e.environment_id = c.environment_id"
		" LEFT JOIN reefqbo.app a ON a.environment_id = e.environment_id"
		LAST_SPENDER
		" WHERE c.model_id = $1 AND c.connection_id = $2",
		INT8OID, INT8OID);

	return rqbo_db_run_ids(&statement, model_id, connection_id) > 0 ? read_connection_row() : NULL;
}

/*
 * A production model takes no sandbox company.
 */
bool
rqbo_store_environment_suits(int64 model_id, int64 environment_id)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"SELECT m.purpose <> 'production' OR NOT e.is_sandbox"
		" FROM reefqbo.model m, reefqbo.environment e WHERE m.model_id = $1 AND e.environment_id = $2",
		INT8OID, INT8OID);

	rqbo_db_run_ids(&statement, model_id, environment_id);
	return rqbo_column_bool(1);
}

int64 *
rqbo_store_list_connections(int64 model_id, int64 branch_id)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"SELECT connection_id FROM reefqbo.connection"
		" WHERE model_id = $1 AND ($2 = 0 OR branch_id = $2) ORDER BY connection_id",
		INT8OID, INT8OID);
	RqboArgs	args = {0};
	uint64		count;
	int64	   *list;

	rqbo_arg_ids(&args, model_id, branch_id);
	count = rqbo_db_run(&statement, &args);
	list = SPI_palloc((count + 1) * sizeof(int64));
	for (uint64 i = 0; i < count; i++)
		list[i] = rqbo_cell_int8(i, 1);
	list[count] = 0;
	return list;
}

/*
 * Insert the connection of a branch, or give the one it has a new company
 * (which the caller has checked) and the status connected.
 */
int64
rqbo_store_put_connection(const RqboConnection *connection, const bytea *realm_digest)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"INSERT INTO reefqbo.connection AS c"
		" (model_id, branch_id, environment_id, status, realm_id_sealed, realm_digest)"
		" VALUES ($1, $2, $3, 'connected', $4, $5)"
		" ON CONFLICT (model_id, branch_id) DO UPDATE SET environment_id = EXCLUDED.environment_id,"
		" status = 'connected', status_reason = NULL, status_sqlstate = NULL,"
		" status_since = CASE WHEN c.status = 'connected' THEN c.status_since ELSE reefqbo._now() END,"
		" realm_id_sealed = EXCLUDED.realm_id_sealed, realm_digest = EXCLUDED.realm_digest,"
		" connected_at = reefqbo._now()"
		" RETURNING connection_id",
		INT8OID, INT8OID, INT8OID, BYTEAOID, BYTEAOID);
	RqboArgs	args = {0};

	rqbo_arg_ids(&args, connection->model_id, connection->branch_id);
	rqbo_arg_int8(&args, connection->environment_id);
	rqbo_arg_bytea(&args, connection->realm_sealed);
	rqbo_arg_bytea(&args, realm_digest);
	rqbo_db_run(&statement, &args);
	return rqbo_column_int8(1);
}

void
rqbo_store_put_company(int64 model_id, int64 connection_id, const RqboCompanyInfo *info)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"UPDATE reefqbo.connection SET company_name = $3, legal_name = $4, country = $5,"
		" fiscal_year_start_month = COALESCE(NULLIF($6, 0), fiscal_year_start_month)"
		" WHERE model_id = $1 AND connection_id = $2",
		INT8OID, INT8OID, TEXTOID, TEXTOID, TEXTOID, INT4OID);
	RqboArgs	args = {0};

	rqbo_arg_ids(&args, model_id, connection_id);
	rqbo_arg_text(&args, info->company_name);
	rqbo_arg_text(&args, info->legal_name);
	rqbo_arg_text(&args, info->country);
	rqbo_arg_int4(&args, info->fiscal_month);
	rqbo_db_run(&statement, &args);
}

void
rqbo_store_put_preferences(int64 model_id, int64 connection_id, const RqboCompanyInfo *info)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"UPDATE reefqbo.connection SET home_currency = $3, multicurrency = $4, report_basis = $5,"
		" book_close_date = $6::date, fiscal_year_start_month = COALESCE(NULLIF($7, 0), fiscal_year_start_month),"
		" company_read_at = reefqbo._now()"
		" WHERE model_id = $1 AND connection_id = $2",
		INT8OID, INT8OID, TEXTOID, BOOLOID, TEXTOID, TEXTOID, INT4OID);
	RqboArgs	args = {0};

	rqbo_arg_ids(&args, model_id, connection_id);
	rqbo_arg_text(&args, info->home_currency);
	rqbo_arg_datum(&args, BoolGetDatum(info->multicurrency));
	rqbo_arg_text(&args, info->report_basis);
	rqbo_arg_text(&args, info->book_close_date);
	rqbo_arg_int4(&args, info->fiscal_month);
	rqbo_db_run(&statement, &args);
}

bool
rqbo_store_judge(int64 model_id, int64 connection_id, int64 generation, const char *status,
				 const ErrorData *failure)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"UPDATE reefqbo.connection c SET status = $4, status_reason = $5, status_sqlstate = $6,"
		" status_since = CASE WHEN c.status = $4 THEN c.status_since ELSE reefqbo._now() END"
		" FROM reefqbo.credential t"
		" WHERE c.model_id = $1 AND c.connection_id = $2 AND c.status <> 'disconnected'"
		" AND (c.status, c.status_reason, c.status_sqlstate) IS DISTINCT FROM ($4, $5, $6)"
		" AND t.model_id = c.model_id AND t.connection_id = c.connection_id AND t.generation = $3"
		" RETURNING c.status_since = reefqbo._now()",
		INT8OID, INT8OID, INT8OID, TEXTOID, TEXTOID, TEXTOID);
	RqboArgs	args = {0};

	rqbo_arg_ids(&args, model_id, connection_id);
	rqbo_arg_int8(&args, generation);
	rqbo_arg_text(&args, status);
	rqbo_arg_text(&args, failure->message);
	rqbo_arg_text(&args, unpack_sql_state(failure->sqlerrcode));
	return rqbo_db_run(&statement, &args) > 0 && rqbo_column_bool(1);
}

void
rqbo_store_mark_working(int64 model_id, int64 connection_id)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"UPDATE reefqbo.connection SET status = 'connected', status_reason = NULL, status_sqlstate = NULL,"
		" status_since = reefqbo._now()"
		" WHERE model_id = $1 AND connection_id = $2 AND status IN ('suspended', 'reconnect_required')",
		INT8OID, INT8OID);

	rqbo_db_run_ids(&statement, model_id, connection_id);
}

/*
 * A definite rejection ends one generation; it is not asked about again.
 */
void
rqbo_store_reject_grant(int64 model_id, int64 connection_id, int64 generation)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"UPDATE reefqbo.credential SET rejected_at = reefqbo._now()"
		" WHERE model_id = $1 AND connection_id = $2 AND generation = $3",
		INT8OID, INT8OID, INT8OID);
	RqboArgs	args = {0};

	rqbo_arg_ids(&args, model_id, connection_id);
	rqbo_arg_int8(&args, generation);
	rqbo_db_run(&statement, &args);
}

/*
 * End a connection: its tokens go, its accounts and actuals stay.  The tokens
 * of a later sign-in go on counting from here: those of before are none of them.
 */
void
rqbo_store_disconnect(int64 model_id, int64 connection_id)
{
	static RqboStatement wipe = RQBO_STATEMENT(
		"WITH wiped AS (DELETE FROM reefqbo.credential WHERE model_id = $1 AND connection_id = $2 RETURNING generation)"
		" UPDATE reefqbo.connection SET wiped_generation = wiped.generation FROM wiped"
		" WHERE model_id = $1 AND connection_id = $2",
		INT8OID, INT8OID);
	static RqboStatement statement = RQBO_STATEMENT(
		"UPDATE reefqbo.connection SET status = 'disconnected', status_reason = 'disconnected on request', status_sqlstate = NULL,"
		" status_since = reefqbo._now()"
		" WHERE model_id = $1 AND connection_id = $2 AND status <> 'disconnected'",
		INT8OID, INT8OID);

	rqbo_db_run_ids(&wipe, model_id, connection_id);
	rqbo_db_run_ids(&statement, model_id, connection_id);
}

void
rqbo_store_read_throttle(RqboConnection *connection)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"SELECT COALESCE(r.throttle_tokens, 0), r.throttle_counted_at, " REALM_KEY " FROM reefqbo.connection c"
		LAST_SPENDER
		" WHERE c.model_id = $1 AND c.connection_id = $2",
		INT8OID, INT8OID);

	if (rqbo_db_run_ids(&statement, connection->model_id, connection->connection_id) > 0)
	{
		read_throttle(&connection->throttle, 1);
		connection->realm_key = rqbo_column_int8(3);
	}
}

TimestampTz
rqbo_store_quiet_until(const RqboConnection *connection)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"SELECT max(o.throttle_counted_at) FROM reefqbo.connection o"
		" JOIN reefqbo.connection c ON c.realm_digest = o.realm_digest"
		" WHERE c.model_id = $1 AND c.connection_id = $2",
		INT8OID, INT8OID);

	rqbo_db_run_ids(&statement, connection->model_id, connection->connection_id);
	return rqbo_column_is_null(1) ? 0 : (TimestampTz) rqbo_column_int8(1);
}

bool
rqbo_store_put_throttle(const RqboConnection *connection)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"UPDATE reefqbo.connection SET throttle_tokens = $3, throttle_counted_at = $4"
		" WHERE model_id = $1 AND connection_id = $2 AND NOT ($5 AND COALESCE(pause_lifted_at >= $6, false))",
		INT8OID, INT8OID, FLOAT8OID, TIMESTAMPTZOID, BOOLOID, TIMESTAMPTZOID);
	const RqboThrottle *throttle = &connection->throttle;
	RqboArgs	args = {0};

	if (!throttle->is_begun)
		return true;
	rqbo_arg_ids(&args, connection->model_id, connection->connection_id);
	rqbo_arg_datum(&args, Float8GetDatum(throttle->tokens));
	rqbo_arg_datum(&args, TimestampTzGetDatum(rqbo_throttle_kept_at(throttle)));
	rqbo_arg_datum(&args, BoolGetDatum(rqbo_throttle_is_paused(throttle, GetCurrentTimestamp())));
	rqbo_arg_datum(&args, TimestampTzGetDatum(throttle->asked_at));
	return rqbo_db_run(&statement, &args) > 0;
}

char *
rqbo_store_home_currency(int64 model_id, int64 connection_id, const char *of_report)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"WITH told AS ("
		"  UPDATE reefqbo.connection SET home_currency = $3"
		"  WHERE model_id = $1 AND connection_id = $2 AND home_currency IS NULL AND $3 ~ '^[A-Z]{3}$'"
		"  RETURNING home_currency"
		") SELECT COALESCE(c.home_currency, (SELECT t.home_currency FROM told t)) FROM reefqbo.connection c"
		" WHERE c.model_id = $1 AND c.connection_id = $2",
		INT8OID, INT8OID, TEXTOID);
	RqboArgs	args = {0};

	rqbo_arg_ids(&args, model_id, connection_id);
	rqbo_arg_text(&args, of_report);
	rqbo_db_run(&statement, &args);
	return rqbo_column_text(1);
}
