/*-------------------------------------------------------------------------
 *
 * store/requests.c
 *	  What callers have asked of the background worker, in tables: put there,
 *	  taken in hand, ended.
 *	  How one is carried out is import's.
 *
 * The one that is begun leads others that want the same of the same connection,
 * and all end together.  What a caller has cancelled has ended, and stays so
 * whatever becomes of the import.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"

#include "base/array.h"
#include "base/db.h"
#include "base/guc.h"
#include "base/lock.h"
#include "store/requests.h"

/* ---- by callers ---- */

/*
 * All that wait are looked at whenever the next one is, for everybody: so many of
 * a model, or of each of its connections, are more than anybody needs.
 */
static void
check_room(int64 model_id)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"SELECT EXISTS (SELECT 1 FROM reefqbo._request r WHERE r.model_id = $1 AND r.finished_at IS NULL"
		"  OFFSET GREATEST(10000, 20 * (SELECT count(*) FROM reefqbo.connection c WHERE c.model_id = $1)) - 1)",
		INT8OID);
	RqboArgs	args = {0};

	rqbo_arg_int8(&args, model_id);
	rqbo_db_run(&statement, &args);
	if (rqbo_column_bool(1))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many requests of this model wait"),
				 errhint("Wait for some of them, or take them back with reefqbo.cancel_request. The view reefqbo.request lists them.")));
}

int64
rqbo_store_put_request(int64 model_id, int64 branch_id, const RqboRequest *request)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"WITH made AS MATERIALIZED (SELECT nextval('reefqbo._request_id_seq') AS request_id)"
		" INSERT INTO reefqbo._request (model_id, request_id, connection_id, branch_id, kind, is_whole, requested_by,"
		"  accounting_method, start_date, end_date)"
		" SELECT c.model_id, made.request_id, c.connection_id, NULLIF($2, 0), $3, $4, $5::name, $6, $7, $8"
		" FROM reefqbo.connection c, made WHERE c.model_id = $1 AND ($2 = 0 OR c.branch_id = $2)"
		" RETURNING request_id",
		INT8OID, INT8OID, TEXTOID, BOOLOID, TEXTOID, TEXTOID, DATEOID, DATEOID);
	RqboArgs	args = {0};

	check_room(model_id);
	rqbo_arg_ids(&args, model_id, branch_id);
	rqbo_arg_text(&args, request->is_refresh ? "refresh" : "import");
	rqbo_arg_datum(&args, BoolGetDatum(request->is_whole));
	rqbo_arg_text(&args, request->requested_by);
	if (request->is_refresh)
	{
		for (int i = 0; i < 3; i++)
			rqbo_arg_null(&args);
	}
	else
		rqbo_store_arg_range(&args, &request->range);
	rqbo_db_run(&statement, &args);
	return rqbo_column_int8(1);
}

int64
rqbo_store_model_of_request(int64 request_id)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"SELECT COALESCE((SELECT model_id FROM reefqbo._request WHERE request_id = $1 LIMIT 1), 0)", INT8OID);
	RqboArgs	args = {0};

	rqbo_arg_int8(&args, request_id);
	rqbo_db_run(&statement, &args);
	return rqbo_column_int8(1);
}

bool
rqbo_store_cancel_request(int64 model_id, int64 request_id)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"UPDATE reefqbo._request SET finished_at = reefqbo._now(), outcome = 'cancelled'"
		" WHERE model_id = $1 AND request_id = $2 AND finished_at IS NULL",
		INT8OID, INT8OID);

	return rqbo_db_run_ids(&statement, model_id, request_id) > 0;
}

/*
 * An update of those of request $2 of model $1 that satisfy a condition.  A row
 * that somebody's open transaction has locked is left as it is.
 */
#define UPDATE_UNLOCKED(what, condition) \
	"WITH free AS MATERIALIZED (" \
	"  SELECT r.connection_id FROM reefqbo._request r" \
	"  WHERE r.model_id = $1 AND r.request_id = $2 AND r.finished_at IS NULL AND " condition \
	"  FOR NO KEY UPDATE SKIP LOCKED)" \
	" UPDATE reefqbo._request r SET " what " FROM free f" \
	" WHERE r.model_id = $1 AND r.request_id = $2 AND r.connection_id = f.connection_id"

bool
rqbo_store_cancel_unlocked(int64 model_id, int64 request_id)
{
	static RqboStatement cancel = RQBO_STATEMENT(
		UPDATE_UNLOCKED("finished_at = reefqbo._now(), outcome = 'cancelled'", "true"),
		INT8OID, INT8OID);
	static RqboStatement count = RQBO_STATEMENT(
		"SELECT count(*) FROM reefqbo._request WHERE model_id = $1 AND request_id = $2 AND finished_at IS NULL",
		INT8OID, INT8OID);

	rqbo_db_run_ids(&cancel, model_id, request_id);
	rqbo_db_run_ids(&count, model_id, request_id);
	return rqbo_column_int8(1) == 0;
}

/* ---- what may begin ---- */

static const RqboRequest *
read_request(uint64 row)
{
	RqboRequest *request = SPI_palloc(sizeof(RqboRequest));

	request->request_id = rqbo_cell_int8(row, 3);
	request->is_refresh = rqbo_cell_bool(row, 4);
	request->is_whole = rqbo_cell_bool(row, 5);
	request->requested_by = rqbo_cell_text(row, 6);
	request->range.method = rqbo_cell_text(row, 7);
	request->range.start = (DateADT) rqbo_cell_int8(row, 8);
	request->range.end = (DateADT) rqbo_cell_int8(row, 9);
	return request;
}

RqboDue *
rqbo_store_list_requests(int limit, const RqboLeftAlone *left_alone, int nworkers, int rank, int *count)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"SELECT d.model_id, d.connection_id, d.request_id, d.kind = 'refresh', d.is_whole, d.requested_by::text,"
		" COALESCE(d.accounting_method, ''), COALESCE(d.start_date - date '2000-01-01', 0)::bigint,"
		" COALESCE(d.end_date - date '2000-01-01', 0)::bigint"
		" FROM reefqbo._request_due d"
		" WHERE d.not_before <= reefqbo._now() AND d.connection_id <> ALL ($2) AND d.connection_id % $3 = $4"
		" ORDER BY d.place LIMIT $1",
		INT8OID, INT8ARRAYOID, INT8OID, INT8OID);
	RqboArgs	args = {0};
	RqboDue    *due;

	rqbo_arg_int8(&args, limit);
	rqbo_store_arg_left_alone(&args, left_alone);
	rqbo_arg_ids(&args, nworkers, rank);
	*count = (int) rqbo_db_run(&statement, &args);
	due = SPI_palloc((*count + 1) * sizeof(RqboDue));
	memset(due, 0, (*count + 1) * sizeof(RqboDue));
	for (int i = 0; i < *count; i++)
	{
		due[i].model_id = rqbo_cell_int8(i, 1);
		due[i].connection_id = rqbo_cell_int8(i, 2);
		due[i].kind = RQBO_DUE_REQUEST;
		due[i].request = read_request(i);
	}
	return due;
}

/*
 * Those under way are looked at now and then: whoever is at it may be cut off, and
 * what was done may have been locked.
 */
TimestampTz
rqbo_store_next_request(const RqboLeftAlone *left_alone)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"SELECT LEAST((SELECT min(d.not_before) FROM reefqbo._request_due d WHERE d.connection_id <> ALL ($1)),"
		" (SELECT reefqbo._now() + interval '15 seconds' FROM reefqbo._request r"
		"  WHERE r.finished_at IS NULL AND r.led_by IS NOT NULL LIMIT 1))",
		INT8ARRAYOID);
	RqboArgs	args = {0};

	rqbo_store_arg_left_alone(&args, left_alone);
	rqbo_db_run(&statement, &args);
	return rqbo_column_is_null(1) ? DT_NOEND : (TimestampTz) rqbo_column_int8(1);
}

/* ---- under way ---- */

/*
 * An update of those that an import does.  A row that somebody's open transaction
 * has locked is left as it is: it is released when that has ended.
 */
#define UPDATE_LED(what) \
	"WITH free AS MATERIALIZED (" \
	"  SELECT r.request_id FROM reefqbo._request r" \
	"  WHERE r.model_id = $1 AND r.connection_id = $2 AND r.led_by = $3 AND r.finished_at IS NULL" \
	"  FOR NO KEY UPDATE SKIP LOCKED)" \
	" UPDATE reefqbo._request r SET " what " FROM free f" \
	" WHERE r.model_id = $1 AND r.connection_id = $2 AND r.request_id = f.request_id"

static uint64
run(RqboStatement *statement, int64 model_id, int64 connection_id, int64 request_id)
{
	RqboArgs	args = {0};

	rqbo_arg_ids(&args, model_id, connection_id);
	rqbo_arg_int8(&args, request_id);
	return rqbo_db_run(statement, &args);
}

/* What an attempt for connection $2 of model $1 writes first; no row if somebody has locked it. */
#define LOCK_WHAT_IS_WRITTEN \
	"SELECT 1 FROM reefqbo.upkeep u" \
	" JOIN reefqbo.connection c ON c.model_id = u.model_id AND c.connection_id = u.connection_id" \
	" WHERE u.model_id = $1 AND u.connection_id = $2 FOR NO KEY UPDATE OF u, c SKIP LOCKED"

/*
 * What an attempt writes must be free: as on schedule.  One that is cut off is
 * begun again at once for the first time, and with pauses after that.
 */
bool
rqbo_store_claim_request(int64 model_id, int64 connection_id, int64 request_id)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"WITH ready AS MATERIALIZED (" LOCK_WHAT_IS_WRITTEN "),"
		" free AS MATERIALIZED ("
		"  SELECT r.request_id FROM reefqbo._request l"
		"  JOIN reefqbo._request r ON r.model_id = l.model_id AND r.connection_id = l.connection_id"
		"   AND (r.kind, r.is_whole, r.accounting_method, r.start_date, r.end_date)"
		"    IS NOT DISTINCT FROM (l.kind, l.is_whole, l.accounting_method, l.start_date, l.end_date)"
		"  WHERE l.model_id = $1 AND l.connection_id = $2 AND l.request_id = $3"
		"  AND l.finished_at IS NULL AND l.led_by IS NULL AND r.finished_at IS NULL AND r.led_by IS NULL"
		"  AND EXISTS (SELECT 1 FROM ready) FOR NO KEY UPDATE OF r SKIP LOCKED)"
		" UPDATE reefqbo._request r SET led_by = $3, attempts = r.attempts + 1,"
		" not_before = reefqbo._now() + interval '1 minute' * ((1 << LEAST(r.attempts, 6)) - 1),"
		" started_at = COALESCE(r.started_at, reefqbo._now()), sqlstate = NULL, message = NULL, detail = NULL, hint = NULL"
		" FROM free f WHERE r.model_id = $1 AND r.connection_id = $2 AND r.request_id = f.request_id"
		" AND EXISTS (SELECT 1 FROM free l WHERE l.request_id = $3)",
		INT8OID, INT8OID, INT8OID);

	(void) rqbo_store_schedule_connection(model_id, connection_id);
	return run(&statement, model_id, connection_id, request_id) > 0;
}

void
rqbo_store_request_import(int64 model_id, int64 connection_id, int64 request_id, int64 import_id)
{
	static RqboStatement statement = RQBO_STATEMENT(
		UPDATE_LED("import_id = $4"),
		INT8OID, INT8OID, INT8OID, INT8OID);
	RqboArgs	args = {0};

	rqbo_arg_ids(&args, model_id, connection_id);
	rqbo_arg_ids(&args, request_id, import_id);
	rqbo_db_run(&statement, &args);
}

int
rqbo_store_request_attempts(int64 model_id, int64 connection_id, int64 request_id)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"SELECT COALESCE(max(attempts), 0)::bigint FROM reefqbo._request"
		" WHERE model_id = $1 AND connection_id = $2 AND led_by = $3 AND finished_at IS NULL",
		INT8OID, INT8OID, INT8OID);

	run(&statement, model_id, connection_id, request_id);
	return (int) rqbo_column_int8(1);
}

/* ---- ended ---- */

void
rqbo_store_request_succeeded(int64 model_id, int64 connection_id, int64 request_id)
{
	static RqboStatement statement = RQBO_STATEMENT(
		UPDATE_LED("finished_at = reefqbo._now(), outcome = 'succeeded'"),
		INT8OID, INT8OID, INT8OID);

	run(&statement, model_id, connection_id, request_id);
}

/* Somebody waits for the leader's end, and is told of the failure: whoever wants to tries again. */
#define IS_FOR_GOOD "$8 < 0 OR ($9 AND r.request_id = $3)"

static void
arg_failure(RqboArgs *args, const ErrorData *failure)
{
	rqbo_arg_text(args, unpack_sql_state(failure->sqlerrcode));
	rqbo_arg_text(args, failure->message);
	rqbo_arg_text(args, failure->detail);
	rqbo_arg_text(args, failure->hint);
}

void
rqbo_store_request_failed(int64 model_id, int64 connection_id, int64 request_id, const ErrorData *failure,
						  int wait_seconds, bool is_awaited)
{
	static RqboStatement statement = RQBO_STATEMENT(
		UPDATE_LED("sqlstate = $4, message = $5, detail = $6, hint = $7,"
				   " led_by = CASE WHEN " IS_FOR_GOOD " THEN r.led_by END,"
				   " not_before = reefqbo._now() + interval '1 second' * GREATEST($8, 0),"
				   " finished_at = CASE WHEN " IS_FOR_GOOD " THEN reefqbo._now() END,"
				   " outcome = CASE WHEN " IS_FOR_GOOD " THEN 'failed' END"),
		INT8OID, INT8OID, INT8OID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, INT4OID, BOOLOID);
	RqboArgs	args = {0};

	rqbo_arg_ids(&args, model_id, connection_id);
	rqbo_arg_int8(&args, request_id);
	arg_failure(&args, failure);
	rqbo_arg_int4(&args, wait_seconds);
	rqbo_arg_datum(&args, BoolGetDatum(is_awaited));
	rqbo_db_run(&statement, &args);
}

void
rqbo_store_request_cut_off(int64 model_id, int64 connection_id, int64 request_id)
{
	static RqboStatement statement = RQBO_STATEMENT(UPDATE_LED("led_by = NULL"), INT8OID, INT8OID, INT8OID);

	run(&statement, model_id, connection_id, request_id);
}

void
rqbo_store_request_refused(int64 model_id, int64 connection_id, int64 request_id, const ErrorData *failure)
{
	static RqboStatement statement = RQBO_STATEMENT(
		UPDATE_UNLOCKED("sqlstate = $4, message = $5, detail = $6, hint = $7, finished_at = reefqbo._now(), outcome = 'failed'",
						"($3 = 0 OR r.connection_id = $3) AND r.led_by IS NULL"),
		INT8OID, INT8OID, INT8OID, TEXTOID, TEXTOID, TEXTOID, TEXTOID);
	RqboArgs	args = {0};

	rqbo_arg_ids(&args, model_id, request_id);
	rqbo_arg_int8(&args, connection_id);
	arg_failure(&args, failure);
	rqbo_db_run(&statement, &args);
}

bool
rqbo_store_request_is_locked(int64 model_id, int64 connection_id)
{
	static RqboStatement statement = RQBO_STATEMENT(
		LOCK_WHAT_IS_WRITTEN,
		INT8OID, INT8OID);

	return rqbo_db_run_ids(&statement, model_id, connection_id) == 0;
}

/* ---- for those who wait ---- */

int64 *
rqbo_store_ended_requests(const int64 *request_ids)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"SELECT q.id FROM unnest($1) q (id) WHERE NOT EXISTS ("
		" SELECT 1 FROM reefqbo._request r WHERE r.request_id = q.id AND r.finished_at IS NULL"
		"  AND (r.led_by IS NOT NULL OR r.sqlstate IS NULL))",
		INT8ARRAYOID);
	RqboArgs	args = {0};
	RqboColumn	ids;
	int			count = 0;
	int64	   *ended;

	while (request_ids[count] != 0)
		count++;
	rqbo_column_begin(&ids, count);
	for (int i = 0; i < count; i++)
		rqbo_column_add(&ids, Int64GetDatum(request_ids[i]), false);
	rqbo_arg_column(&args, &ids, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE);
	count = (int) rqbo_db_run(&statement, &args);
	ended = SPI_palloc((count + 1) * sizeof(int64));
	for (int i = 0; i < count; i++)
		ended[i] = rqbo_cell_int8(i, 1);
	ended[count] = 0;
	return ended;
}

void
rqbo_store_give_up_request(int64 model_id, int64 request_id)
{
	static RqboStatement statement = RQBO_STATEMENT(
		UPDATE_UNLOCKED("finished_at = reefqbo._now(), outcome = 'failed'", "r.led_by IS NULL AND r.sqlstate IS NOT NULL"),
		INT8OID, INT8OID);

	rqbo_db_run_ids(&statement, model_id, request_id);
}

static void
read_end(uint64 row, RqboRequestEnd *end)
{
	char	   *sqlstate = rqbo_cell_text(row, 4);

	end->outcome = rqbo_cell_text(row, 1);
	end->branch = rqbo_cell_text(row, 2);
	end->company = rqbo_cell_text(row, 3);
	if (sqlstate != NULL)
		end->failure.sqlerrcode = MAKE_SQLSTATE(sqlstate[0], sqlstate[1], sqlstate[2], sqlstate[3], sqlstate[4]);
	end->failure.message = rqbo_cell_text(row, 5);
	end->failure.detail = rqbo_cell_text(row, 6);
	end->failure.hint = rqbo_cell_text(row, 7);
	end->counts.accounts_seen = (int) rqbo_cell_int8(row, 8);
	end->counts.accounts_new = (int) rqbo_cell_int8(row, 9);
	end->counts.accounts_changed = (int) rqbo_cell_int8(row, 10);
	end->counts.months = (int) rqbo_cell_int8(row, 11);
	end->counts.amounts_inserted = (int) rqbo_cell_int8(row, 12);
	end->counts.amounts_changed = (int) rqbo_cell_int8(row, 13);
	end->counts.amounts_unchanged = (int) rqbo_cell_int8(row, 14);
	end->requests = (int) rqbo_cell_int8(row, 15);
	end->seconds = (double) rqbo_cell_int8(row, 16) / 100;
}

RqboRequestEnd *
rqbo_store_read_request_ends(int64 model_id, int64 request_id, int *count)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"SELECT r.outcome, b.name, c.company_name, r.sqlstate, r.message, r.detail, r.hint,"
		" COALESCE(l.accounts_seen, 0)::bigint, COALESCE(l.accounts_new, 0)::bigint, COALESCE(l.accounts_changed, 0)::bigint,"
		" COALESCE(l.months, 0)::bigint, COALESCE(l.amounts_inserted, 0)::bigint, COALESCE(l.amounts_changed, 0)::bigint,"
		" COALESCE(l.amounts_unchanged, 0)::bigint, COALESCE(l.requests, 0)::bigint,"
		" COALESCE(EXTRACT(epoch FROM l.finished_at - l.started_at) * 100, 0)::bigint"
		" FROM reefqbo._request r"
		" JOIN reefqbo.connection c ON c.model_id = r.model_id AND c.connection_id = r.connection_id"
		" JOIN reefqbo.branch b ON b.model_id = c.model_id AND b.branch_id = c.branch_id"
		" LEFT JOIN reefqbo.import_log l ON l.model_id = r.model_id AND l.import_id = r.import_id"
		" WHERE r.model_id = $1 AND r.request_id = $2 ORDER BY r.finished_at, r.connection_id",
		INT8OID, INT8OID);
	RqboRequestEnd *ends;

	*count = (int) rqbo_db_run_ids(&statement, model_id, request_id);
	ends = SPI_palloc((*count + 1) * sizeof(RqboRequestEnd));
	memset(ends, 0, (*count + 1) * sizeof(RqboRequestEnd));
	for (int i = 0; i < *count; i++)
		read_end(i, &ends[i]);
	return ends;
}

/*
 * The lock comes before the claim and goes after the end.
 */
void
rqbo_store_release_requests(void)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"WITH cut AS MATERIALIZED ("
		"  SELECT r.model_id, r.request_id, r.connection_id FROM reefqbo._request r"
		"  JOIN reefqbo.connection c ON c.model_id = r.model_id AND c.connection_id = r.connection_id"
		"  WHERE r.finished_at IS NULL AND r.led_by IS NOT NULL AND " RQBO_NOBODY_IMPORTS_FROM_C
		"  FOR NO KEY UPDATE OF r SKIP LOCKED)"
		" UPDATE reefqbo._request r SET led_by = NULL FROM cut"
		" WHERE r.model_id = cut.model_id AND r.request_id = cut.request_id AND r.connection_id = cut.connection_id",
		INT8OID);
	RqboArgs	args = {0};

	rqbo_arg_int8(&args, rqbo_lock_class(RQBO_LOCK_IMPORT));
	rqbo_db_run(&statement, &args);
}

void
rqbo_store_remove_orphaned_requests(void)
{
	static RqboStatement statement = {
		.text = "DELETE FROM reefqbo._request r WHERE (r.model_id, r.request_id, r.connection_id) IN ("
		"  SELECT o.model_id, o.request_id, o.connection_id FROM reefqbo._request o"
		"  WHERE o.finished_at IS NULL AND NOT EXISTS (SELECT 1 FROM reefqbo.connection c"
		"   WHERE c.model_id = o.model_id AND c.connection_id = o.connection_id)"
		"  FOR UPDATE SKIP LOCKED)"
	};
	RqboArgs	none = {0};

	rqbo_db_run(&statement, &none);
}

int
rqbo_store_prune_requests(int limit)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"DELETE FROM reefqbo._request r WHERE (r.model_id, r.request_id, r.connection_id) IN ("
		"  SELECT o.model_id, o.request_id, o.connection_id FROM reefqbo._request o"
		"  WHERE o.finished_at < reefqbo._now() - interval '1 minute' * $1 ORDER BY o.finished_at LIMIT $2 FOR UPDATE SKIP LOCKED)",
		INT8OID, INT8OID);

	return rqbo_log_retention == 0 ? 0 : (int) rqbo_db_run_ids(&statement, rqbo_log_retention, limit);
}
