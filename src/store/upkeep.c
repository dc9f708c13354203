/*-------------------------------------------------------------------------
 *
 * store/upkeep.c
 *	  The schedule and how connections stand with it, in tables.
 *	  Who asks what is due is worker/upkeep.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/array.h"
#include "store/upkeep.h"

/* ---- what is due ---- */

void
rqbo_store_arg_left_alone(RqboArgs *args, const RqboLeftAlone *left_alone)
{
	RqboColumn	ids;

	rqbo_column_begin(&ids, left_alone->count);
	for (int i = 0; i < left_alone->count; i++)
		rqbo_column_add(&ids, Int64GetDatum(left_alone->connections[i]), false);
	rqbo_arg_column(args, &ids, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE);
}

/*
 * Models take turns: the first of each model's connections come before the
 * second of any, and among them the model that was served longest ago.  Those
 * that are failing come after all others.  An import to go on with and a
 * refresh take turns when they fail, so that neither is in the other's way for
 * ever.
 */
RqboDue *
rqbo_store_list_due(int limit, int failing_limit, const RqboLeftAlone *left_alone, int nworkers, int rank, int *count)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"SELECT model_id, connection_id,"
		" CASE WHEN backfill_due_at <= now AND (failures % 2 = 0 OR refresh_due_at > now) THEN 0"
		"  WHEN refresh_due_at <= now THEN 1 ELSE 2 END::bigint,"
		" COALESCE(backfill_import_id, 0), is_failing, COALESCE(attempted_at, '-infinity')"
		" FROM (SELECT d.*,"
		"   row_number() OVER (PARTITION BY is_failing ORDER BY turn, model_served_at NULLS FIRST, model_id) AS place"
		"  FROM (SELECT d.*, reefqbo._now() AS now, d.failures > 0 AS is_failing,"
		"    row_number() OVER (PARTITION BY model_id ORDER BY attempted_at NULLS FIRST, connection_id) AS turn,"
		"    max(attempted_at) OVER (PARTITION BY model_id) AS model_served_at"
		"   FROM reefqbo._due d WHERE d.due_at <= reefqbo._now() AND d.connection_id <> ALL ($3)) d) d"
		" WHERE (NOT is_failing OR place <= $2) AND connection_id % $4 = $5"
		" ORDER BY is_failing, place LIMIT $1",
		INT8OID, INT8OID, INT8ARRAYOID, INT8OID, INT8OID);
	RqboArgs	args = {0};
	RqboDue    *due;

	rqbo_arg_ids(&args, limit, failing_limit);
	rqbo_store_arg_left_alone(&args, left_alone);
	rqbo_arg_ids(&args, nworkers, rank);
	*count = (int) rqbo_db_run(&statement, &args);
	due = SPI_palloc((*count + 1) * sizeof(RqboDue));
	memset(due, 0, (*count + 1) * sizeof(RqboDue));
	for (int i = 0; i < *count; i++)
	{
		due[i].model_id = rqbo_cell_int8(i, 1);
		due[i].connection_id = rqbo_cell_int8(i, 2);
		due[i].kind = (RqboDueKind) rqbo_cell_int8(i, 3);
		due[i].backfill_import_id = rqbo_cell_int8(i, 4);
		due[i].is_failing = rqbo_cell_bool(i, 5);
		due[i].attempted_at = (TimestampTz) rqbo_cell_int8(i, 6);
	}
	return due;
}

TimestampTz
rqbo_store_next_due(const RqboLeftAlone *left_alone)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"SELECT min(due_at) FROM reefqbo._due WHERE connection_id <> ALL ($1)",
		INT8ARRAYOID);
	RqboArgs	args = {0};

	rqbo_store_arg_left_alone(&args, left_alone);
	rqbo_db_run(&statement, &args);
	return rqbo_column_is_null(1) ? DT_NOEND : (TimestampTz) rqbo_column_int8(1);
}

/* ---- refreshing ---- */

/*
 * A column of text[] as an array ended by NULL.
 */
static char **
column_texts(int column)
{
	char	  **texts;
	Datum	   *values = NULL;
	bool	   *nulls;
	int			count = 0;
	bool		is_null;
	Datum		datum = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column, &is_null);

	if (!is_null)
		deconstruct_array(DatumGetArrayTypeP(datum), TEXTOID, -1, false, TYPALIGN_INT, &values, &nulls, &count);
	texts = SPI_palloc((count + 1) * sizeof(char *));
	for (int i = 0; i < count; i++)
	{
		char	   *element = TextDatumGetCString(values[i]);

		texts[i] = strcpy(SPI_palloc(strlen(element) + 1), element);
	}
	texts[count] = NULL;
	return texts;
}

/*
 * QuickBooks tells changes of the last 30 days; one day is left for clocks and
 * slowness.  Both moments of that are ours; until when it has told them is by
 * its own clock, and is held against it.  A month that was not over when it was read is read again when it
 * is over everywhere on earth.
 */
RqboRefreshState *
rqbo_store_read_refresh_state(int64 model_id, int64 connection_id, TimestampTz now)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"SELECT COALESCE(u.full_due_at <= n.t OR u.full_due_at > reefqbo._now() + s.full_every + interval '1 day', true),"
		" COALESCE(u.changes_until IS NOT NULL"
		"  AND u.changes_read_at BETWEEN reefqbo._now() - interval '29 days' AND reefqbo._now() + interval '1 day', false),"
		" u.changes_until, array_remove(u.changes_seen, NULL),"
		" (t.since - date '2000-01-01')::bigint,"
		" ((date_trunc('month', n.t) - interval '1 month' * (s.reread_months - 1))::date - date '2000-01-01')::bigint,"
		" (SELECT count(*) FROM reefqbo.account a WHERE a.model_id = $1 AND a.connection_id = $2),"
		" (SELECT (min(q.period_start) - date '2000-01-01')::bigint FROM reefqbo.unsettled_month q"
		"  WHERE q.model_id = $1 AND q.connection_id = $2 AND q.reason = 'reclassified'),"
		" (SELECT (min(i.period_start) - date '2000-01-01')::bigint FROM reefqbo.imported_month i"
		"  WHERE i.model_id = $1 AND i.connection_id = $2 AND i.is_provisional"
		"  AND (c.multicurrency OR EXISTS (SELECT 1 FROM reefqbo.account o WHERE o.model_id = $1 AND o.connection_id = $2"
		"   AND o.currency <> c.home_currency)))"
		" FROM reefqbo.connection c"
		" JOIN reefqbo.schedule s ON s.model_id = c.model_id"
		" CROSS JOIN (SELECT $3) AS n (t)"
		" LEFT JOIN reefqbo.upkeep u ON u.model_id = c.model_id AND u.connection_id = c.connection_id"
		" CROSS JOIN LATERAL (SELECT LEAST("
		"   (SELECT min(i.period_start) FROM reefqbo.imported_month i WHERE i.model_id = $1 AND i.connection_id = $2"
		"     AND i.is_provisional AND i.period_end < ((n.t AT TIME ZONE 'UTC') - interval '12 hours')::date),"
		"   (SELECT min(m.last) FROM (SELECT (max(i.period_end) + 1) AS last FROM reefqbo.imported_month i"
		"     WHERE i.model_id = $1 AND i.connection_id = $2 GROUP BY i.accounting_method) m"
		"     WHERE m.last <= n.t::date))) AS t (since)"
		" WHERE c.model_id = $1 AND c.connection_id = $2",
		INT8OID, INT8OID, TIMESTAMPTZOID);
	RqboArgs	args = {0};
	RqboRefreshState *state;

	rqbo_arg_ids(&args, model_id, connection_id);
	rqbo_arg_datum(&args, TimestampTzGetDatum(now));
	if (rqbo_db_run(&statement, &args) == 0)
		elog(ERROR, "a connection has vanished");
	state = SPI_palloc(sizeof(RqboRefreshState));
	state->is_full_due = rqbo_column_bool(1);
	state->knows_changes = rqbo_column_bool(2);
	state->changes_until = (TimestampTz) rqbo_column_int8(3);
	state->month_has_turned = !rqbo_column_is_null(5);
	state->turned_since = (DateADT) rqbo_column_int8(5);
	state->window_start = (DateADT) rqbo_column_int8(6);
	state->naccounts = (int) rqbo_column_int8(7);
	state->unsettled_since = rqbo_column_is_null(8) ? DATEVAL_NOEND : (DateADT) rqbo_column_int8(8);
	state->revalued_since = rqbo_column_is_null(9) ? DATEVAL_NOEND : (DateADT) rqbo_column_int8(9);
	state->changes_seen = column_texts(4);
	return state;
}

/*
 * The row of a connection, made unless it is there.
 */
bool
rqbo_store_schedule_connection(int64 model_id, int64 connection_id)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"INSERT INTO reefqbo.upkeep (model_id, connection_id, refresh_due_at)"
		" SELECT $1, $2, reefqbo._next_turn(reefqbo._now(), s.refresh_every, reefqbo._phase($2),"
		"  s.quiet_from, s.quiet_until, s.time_zone)"
		" FROM reefqbo.schedule s WHERE s.model_id = $1"
		" AND NOT EXISTS (SELECT 1 FROM reefqbo.upkeep u WHERE u.model_id = $1 AND u.connection_id = $2)"
		" ON CONFLICT DO NOTHING",
		INT8OID, INT8OID);

	return rqbo_db_run_ids(&statement, model_id, connection_id) > 0;
}

bool
rqbo_store_is_locked(int64 model_id, int64 connection_id)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"WITH free AS MATERIALIZED ("
		"  SELECT u.connection_id FROM reefqbo.upkeep u"
		"  JOIN reefqbo.connection c ON c.model_id = u.model_id AND c.connection_id = u.connection_id"
		"  WHERE u.model_id = $1 AND u.connection_id = $2 FOR NO KEY UPDATE OF u, c SKIP LOCKED)"
		" SELECT EXISTS (SELECT 1 FROM reefqbo.upkeep u WHERE u.model_id = $1 AND u.connection_id = $2)"
		" AND NOT EXISTS (SELECT 1 FROM free)",
		INT8OID, INT8OID);

	rqbo_db_run_ids(&statement, model_id, connection_id);
	return rqbo_column_bool(1);
}

/*
 * An update of that row, which is made first if it is not there.  False if it
 * was not to be updated.
 */
static bool
run_on_row(RqboStatement *statement, RqboArgs *args, int64 model_id, int64 connection_id)
{
	if (rqbo_db_run(statement, args) > 0)
		return true;
	return rqbo_store_schedule_connection(model_id, connection_id) && rqbo_db_run(statement, args) > 0;
}

/*
 * An operator whose transaction stays open has rows of its model locked, and
 * shall make nobody else wait.  What an attempt writes to is its connection's
 * row here and in connection; other rows refer to that.
 */
bool
rqbo_store_claim(int64 model_id, int64 connection_id, TimestampTz attempted_at)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"WITH free AS MATERIALIZED ("
		"  SELECT u.model_id, u.connection_id FROM reefqbo.upkeep u"
		"  JOIN reefqbo.connection c ON c.model_id = u.model_id AND c.connection_id = u.connection_id"
		"  WHERE u.model_id = $1 AND u.connection_id = $2 AND COALESCE(u.attempted_at, '-infinity') = $3"
		"  FOR NO KEY UPDATE OF u, c SKIP LOCKED)"
		" UPDATE reefqbo.upkeep u SET attempted_at = reefqbo._now(),"
		" not_before = reefqbo._now() + interval '1 minute' * (1 << LEAST(u.failures, 6))"
		" FROM free WHERE u.model_id = free.model_id AND u.connection_id = free.connection_id",
		INT8OID, INT8OID, TIMESTAMPTZOID);
	RqboArgs	args = {0};

	rqbo_arg_ids(&args, model_id, connection_id);
	rqbo_arg_datum(&args, TimestampTzGetDatum(attempted_at));
	return run_on_row(&statement, &args, model_id, connection_id);
}

void
rqbo_store_release_cut_attempts(void)
{
	static RqboStatement statement = {
		.text = "WITH cut AS ("
		"  SELECT t.model_id, t.connection_id FROM reefqbo.credential t"
		"  JOIN reefqbo.upkeep u ON u.model_id = t.model_id AND u.connection_id = t.connection_id"
		"  WHERE t.refresh_started_at >= u.attempted_at AND t.rejected_at IS NULL"
		"  AND (u.failed_at IS NULL OR u.failed_at < t.refresh_started_at)"
		"  FOR NO KEY UPDATE SKIP LOCKED),"
		" due AS (UPDATE reefqbo.credential t SET keep_alive_at = reefqbo._now() FROM cut"
		"  WHERE t.model_id = cut.model_id AND t.connection_id = cut.connection_id)"
		" UPDATE reefqbo.upkeep u SET not_before = NULL FROM cut"
		" WHERE u.model_id = cut.model_id AND u.connection_id = cut.connection_id"
	};
	RqboArgs	none = {0};

	rqbo_db_run(&statement, &none);
}

void
rqbo_store_postpone(int64 model_id, int64 connection_id, int seconds)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"WITH free AS MATERIALIZED ("
		"  SELECT u.model_id, u.connection_id FROM reefqbo.upkeep u"
		"  WHERE u.model_id = $1 AND u.connection_id = $2 FOR NO KEY UPDATE SKIP LOCKED)"
		" UPDATE reefqbo.upkeep u SET not_before = reefqbo._now() + interval '1 second' * $3"
		" FROM free WHERE u.model_id = free.model_id AND u.connection_id = free.connection_id",
		INT8OID, INT8OID, INT8OID);
	RqboArgs	args = {0};

	rqbo_arg_ids(&args, model_id, connection_id);
	rqbo_arg_int8(&args, seconds);
	(void) run_on_row(&statement, &args, model_id, connection_id);
}

/*
 * That says nothing about failures that came from reading: the company is
 * suspended, say, or throttles.
 */
void
rqbo_store_grant_kept(int64 model_id, int64 connection_id)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"UPDATE reefqbo.upkeep SET not_before = NULL, failures = CASE"
		" WHEN sqlstate IN ('RQ003', 'RQ004', 'RQ005', 'RQ006', 'RQ007', 'RQ008') THEN failures ELSE 0 END"
		" WHERE model_id = $1 AND connection_id = $2",
		INT8OID, INT8OID);

	rqbo_db_run_ids(&statement, model_id, connection_id);
}

/*
 * A moment left ahead, by a clock set back since, would make it due again at once,
 * for ever.
 */
void
rqbo_store_upkeep_done(int64 model_id, int64 connection_id, bool is_refreshed, bool is_full)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"UPDATE reefqbo.upkeep u SET not_before = NULL, failures = 0, throttled_since = NULL,"
		" succeeded_at = CASE WHEN $3 THEN reefqbo._now() ELSE u.succeeded_at END,"
		" failed_at = CASE WHEN u.failed_at > reefqbo._now() THEN reefqbo._now() ELSE u.failed_at END,"
		" refresh_due_at = CASE WHEN $3 THEN reefqbo._next_turn(reefqbo._now(), reefqbo._pace(s.refresh_every, u.webhook_at), reefqbo._phase($2),"
		"  s.quiet_from, s.quiet_until, s.time_zone) ELSE u.refresh_due_at END,"
		" full_due_at = CASE WHEN $4 THEN reefqbo._now() + s.full_every * (1 - reefqbo._phase($2) / 4)"
		"  ELSE u.full_due_at END"
		" FROM reefqbo.schedule s WHERE s.model_id = $1 AND u.model_id = $1 AND u.connection_id = $2",
		INT8OID, INT8OID, BOOLOID, BOOLOID);
	static RqboStatement end_events = RQBO_STATEMENT("SELECT reefqbo._end_events($1, $2)", INT8OID, INT8OID);
	RqboArgs	args = {0};

	if (is_refreshed)
		rqbo_db_run_ids(&end_events, model_id, connection_id);
	rqbo_arg_ids(&args, model_id, connection_id);
	rqbo_arg_datum(&args, BoolGetDatum(is_refreshed));
	rqbo_arg_datum(&args, BoolGetDatum(is_full));
	(void) run_on_row(&statement, &args, model_id, connection_id);
}

void
rqbo_store_put_changes(int64 model_id, int64 connection_id, const RqboChangesKnown *changes)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"UPDATE reefqbo.upkeep SET changes_until = $3, changes_read_at = reefqbo._now(), changes_seen = $4"
		" WHERE model_id = $1 AND connection_id = $2",
		INT8OID, INT8OID, TIMESTAMPTZOID, TEXTARRAYOID);
	RqboArgs	args = {0};
	RqboColumn	seen;
	ListCell   *cell;

	rqbo_column_begin(&seen, list_length(changes->seen));
	foreach(cell, changes->seen)
		rqbo_column_add_text(&seen, lfirst(cell));
	rqbo_arg_ids(&args, model_id, connection_id);
	rqbo_arg_datum(&args, TimestampTzGetDatum(changes->until));
	rqbo_arg_text_column(&args, &seen);
	rqbo_db_run(&statement, &args);
}

void
rqbo_store_forget_changes(int64 model_id, int64 connection_id)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"UPDATE reefqbo.upkeep SET changes_until = NULL, changes_seen = NULL"
		" WHERE model_id = $1 AND connection_id = $2 AND changes_until IS NOT NULL",
		INT8OID, INT8OID);

	rqbo_db_run_ids(&statement, model_id, connection_id);
}

void
rqbo_store_count_requests(int64 model_id, int64 connection_id, int made, int saved)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"UPDATE reefqbo.upkeep u SET requests_on = n.t::date,"
		" requests_today = CASE WHEN u.requests_on = n.t::date THEN u.requests_today ELSE 0 END + $3,"
		" saved_today = CASE WHEN u.requests_on = n.t::date THEN u.saved_today ELSE 0 END + $4,"
		" requests_total = u.requests_total + $3, saved_total = u.saved_total + $4"
		" FROM (SELECT reefqbo._now() AT TIME ZONE 'UTC') AS n (t)"
		" WHERE u.model_id = $1 AND u.connection_id = $2",
		INT8OID, INT8OID, INT4OID, INT4OID);
	RqboArgs	args = {0};

	rqbo_arg_ids(&args, model_id, connection_id);
	rqbo_arg_int4(&args, made);
	rqbo_arg_int4(&args, saved);
	rqbo_db_run(&statement, &args);
}

/* ---- failing ---- */

int
rqbo_store_count_failures(int64 model_id, int64 connection_id, int *throttled_seconds)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"SELECT failures::bigint, COALESCE(extract(epoch FROM reefqbo._now() - throttled_since)::bigint, -1)"
		" FROM reefqbo.upkeep WHERE model_id = $1 AND connection_id = $2",
		INT8OID, INT8OID);

	*throttled_seconds = -1;
	if (rqbo_db_run_ids(&statement, model_id, connection_id) == 0)
		return 0;
	*throttled_seconds = (int) Min(rqbo_column_int8(2), PG_INT32_MAX);
	return (int) rqbo_column_int8(1);
}

bool
rqbo_store_upkeep_failed(int64 model_id, int64 connection_id, const RqboUpkeepFailure *failure)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"UPDATE reefqbo.upkeep u SET failures = u.failures + 1, failed_at = reefqbo._now(),"
		" sqlstate = $3, message = $4, not_before = reefqbo._now() + interval '1 second' * $5,"
		" throttled_since = CASE WHEN $6 THEN COALESCE(u.throttled_since, reefqbo._now()) END"
		" FROM reefqbo.upkeep old"
		" WHERE u.model_id = $1 AND u.connection_id = $2 AND old.model_id = $1 AND old.connection_id = $2"
		" RETURNING old.failures = 0 OR old.sqlstate IS DISTINCT FROM $3",
		INT8OID, INT8OID, TEXTOID, TEXTOID, INT4OID, BOOLOID);
	RqboArgs	args = {0};

	(void) rqbo_store_schedule_connection(model_id, connection_id);
	rqbo_arg_ids(&args, model_id, connection_id);
	rqbo_arg_text(&args, failure->sqlstate);
	rqbo_arg_text(&args, failure->message);
	rqbo_arg_int4(&args, failure->wait_seconds);
	rqbo_arg_datum(&args, BoolGetDatum(failure->is_throttled));
	rqbo_db_run(&statement, &args);
	return rqbo_column_bool(1);
}

bool
rqbo_store_want_failed_import(int64 model_id, int64 connection_id)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"UPDATE reefqbo.upkeep u SET backfill_import_id = f.import_id, backfill_is_wanted = true"
		" FROM (SELECT l.import_id FROM reefqbo.import_log l"
		"  WHERE l.model_id = $1 AND l.connection_id = $2 AND l.kind = 'actuals' AND l.status = 'failed'"
		"  AND l.sqlstate LIKE 'RQ%' AND l.started_at > reefqbo._now() - interval '30 days'"
		"  AND NOT EXISTS (SELECT 1 FROM reefqbo.import_log n"
		"   WHERE n.model_id = $1 AND n.connection_id = $2 AND n.kind = 'actuals' AND n.import_id > l.import_id"
		"   AND n.accounting_method = l.accounting_method AND n.start_date <= l.start_date AND n.end_date >= l.end_date"
		"   AND n.status <> 'failed')"
		"  ORDER BY l.import_id DESC LIMIT 1) f"
		" WHERE u.model_id = $1 AND u.connection_id = $2"
		" AND (u.backfill_import_id IS NULL OR NOT u.backfill_is_wanted)",
		INT8OID, INT8OID);

	return rqbo_db_run_ids(&statement, model_id, connection_id) > 0;
}

/*
 * After a sign-in: what has failed is tried again at once.  Tells whether there
 * is something of that kind.
 */
bool
rqbo_store_begin_upkeep(int64 model_id, int64 connection_id)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"UPDATE reefqbo.upkeep u SET not_before = NULL, failures = 0, throttled_since = NULL,"
		" refresh_due_at = CASE WHEN f.has_failed THEN reefqbo._now() ELSE u.refresh_due_at END"
		" FROM (SELECT o.failures > 0 OR COALESCE((SELECT l.status = 'failed' FROM reefqbo.import_log l"
		"   WHERE l.model_id = $1 AND l.connection_id = $2 ORDER BY l.import_id DESC LIMIT 1), false) AS has_failed"
		"  FROM reefqbo.upkeep o WHERE o.model_id = $1 AND o.connection_id = $2) f"
		" WHERE u.model_id = $1 AND u.connection_id = $2 RETURNING f.has_failed",
		INT8OID, INT8OID);
	bool		has_failed;

	(void) rqbo_store_schedule_connection(model_id, connection_id);
	has_failed = rqbo_db_run_ids(&statement, model_id, connection_id) > 0 && rqbo_column_bool(1);
	return rqbo_store_want_failed_import(model_id, connection_id) || has_failed;
}
