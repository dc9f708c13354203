/*-------------------------------------------------------------------------
 *
 * store/imports.c
 *	  The log of imports and what is known of imported ranges, in tables.
 *	  The figures themselves are in store/amounts.c, the accounts in store/accounts.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"

#include "store/imports.h"

void
rqbo_store_arg_range(RqboArgs *args, const RqboRange *range)
{
	rqbo_arg_text(args, range->method);
	rqbo_arg_datum(args, DateADTGetDatum(range->start));
	rqbo_arg_datum(args, DateADTGetDatum(range->end));
}

/*
 * Begin an import.  The caller holds the connection's import lock, so that
 * whatever still counts as running was cut off.
 */
int64
rqbo_store_begin_import(int64 model_id, int64 connection_id, const char *kind, const RqboRange *range,
						const char *started_by)
{
	static RqboStatement interrupted = RQBO_STATEMENT(
		"UPDATE reefqbo.import_log SET status = 'interrupted', finished_at = reefqbo._now()"
		" WHERE model_id = $1 AND connection_id = $2 AND status = 'running'",
		INT8OID, INT8OID);
	static RqboStatement begin = RQBO_STATEMENT(
		"INSERT INTO reefqbo.import_log"
		" (model_id, connection_id, kind, accounting_method, start_date, end_date, started_by)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7::name) RETURNING import_id",
		INT8OID, INT8OID, TEXTOID, TEXTOID, DATEOID, DATEOID, TEXTOID);
	RqboArgs	args = {0};

	rqbo_arg_ids(&args, model_id, connection_id);
	rqbo_db_run(&interrupted, &args);
	rqbo_arg_text(&args, kind);
	if (range != NULL)
		rqbo_store_arg_range(&args, range);
	else
	{
		for (int i = 0; i < 3; i++)
			rqbo_arg_null(&args);
	}
	rqbo_arg_text(&args, started_by);
	rqbo_db_run(&begin, &args);
	return rqbo_column_int8(1);
}

void
rqbo_store_import_progress(int64 model_id, int64 import_id, const RqboCounts *counts, int requests)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"UPDATE reefqbo.import_log SET accounts_seen = $3, accounts_new = $4, accounts_changed = $5,"
		" months = $6, amounts_inserted = $7, amounts_changed = $8, amounts_unchanged = $9, requests = $10"
		" WHERE model_id = $1 AND import_id = $2",
		INT8OID, INT8OID, INT4OID, INT4OID, INT4OID, INT4OID, INT4OID, INT4OID, INT4OID, INT4OID);
	RqboArgs	args = {0};

	rqbo_arg_ids(&args, model_id, import_id);
	rqbo_arg_int4(&args, counts->accounts_seen);
	rqbo_arg_int4(&args, counts->accounts_new);
	rqbo_arg_int4(&args, counts->accounts_changed);
	rqbo_arg_int4(&args, counts->months);
	rqbo_arg_int4(&args, counts->amounts_inserted);
	rqbo_arg_int4(&args, counts->amounts_changed);
	rqbo_arg_int4(&args, counts->amounts_unchanged);
	rqbo_arg_int4(&args, requests);
	rqbo_db_run(&statement, &args);
}

void
rqbo_store_import_succeeded(int64 model_id, int64 import_id, int requests_saved)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"UPDATE reefqbo.import_log SET status = 'succeeded', finished_at = reefqbo._now(), requests_saved = $3"
		" WHERE model_id = $1 AND import_id = $2",
		INT8OID, INT8OID, INT4OID);
	RqboArgs	args = {0};

	rqbo_arg_ids(&args, model_id, import_id);
	rqbo_arg_int4(&args, requests_saved);
	rqbo_db_run(&statement, &args);
}

int64
rqbo_store_repeated_failure(int64 model_id, int64 connection_id, const ErrorData *failure, const char *started_by)
{
	static RqboStatement again = RQBO_STATEMENT(
		"UPDATE reefqbo.import_log l SET attempts = l.attempts + 1"
		" WHERE l.model_id = $1 AND l.import_id = (SELECT max(o.import_id) FROM reefqbo.import_log o"
		"  WHERE o.model_id = $1 AND o.connection_id = $2)"
		" AND l.status = 'failed' AND l.kind = 'refresh' AND l.months = 0 AND l.accounts_seen = 0"
		" AND l.sqlstate = $3 AND l.started_by = $4::name"
		" RETURNING l.import_id",
		INT8OID, INT8OID, TEXTOID, TEXTOID);
	RqboArgs	args = {0};

	rqbo_arg_ids(&args, model_id, connection_id);
	rqbo_arg_text(&args, unpack_sql_state(failure->sqlerrcode));
	rqbo_arg_text(&args, started_by);
	if (rqbo_db_run(&again, &args) > 0)
		return rqbo_column_int8(1);
	return rqbo_store_begin_import(model_id, connection_id, "refresh", NULL, started_by);
}

void
rqbo_store_import_failed(int64 model_id, int64 import_id, const ErrorData *failure, const char *intuit_tid)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"UPDATE reefqbo.import_log SET status = 'failed', finished_at = reefqbo._now(),"
		" sqlstate = $3, message = $4, detail = $5, hint = $6, intuit_tid = $7"
		" WHERE model_id = $1 AND import_id = $2",
		INT8OID, INT8OID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID);
	RqboArgs	args = {0};

	rqbo_arg_ids(&args, model_id, import_id);
	rqbo_arg_text(&args, unpack_sql_state(failure->sqlerrcode));
	rqbo_arg_text(&args, failure->message);
	rqbo_arg_text(&args, failure->detail);
	rqbo_arg_text(&args, failure->hint);
	rqbo_arg_text(&args, intuit_tid);
	rqbo_db_run(&statement, &args);
}

void
rqbo_store_accounts_read(int64 model_id, int64 connection_id)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"UPDATE reefqbo.connection SET accounts_as_of = reefqbo._now()"
		" WHERE model_id = $1 AND connection_id = $2",
		INT8OID, INT8OID);

	rqbo_db_run_ids(&statement, model_id, connection_id);
}

void
rqbo_store_actuals_read(int64 model_id, int64 connection_id)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"UPDATE reefqbo.connection SET actuals_as_of = reefqbo._now()"
		" WHERE model_id = $1 AND connection_id = $2",
		INT8OID, INT8OID);

	rqbo_db_run_ids(&statement, model_id, connection_id);
}

/*
 * For each accounting method imported before: from its first month, or from
 * since, to the month that has begun, or to the last one that was imported,
 * unless that lies ahead.
 */
RqboRange *
rqbo_store_imported_ranges(int64 model_id, int64 connection_id, DateADT since, DateADT begun, DateADT last)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"SELECT accounting_method, (GREATEST(min(period_start), $3) - date '2000-01-01')::bigint,"
		" (GREATEST(LEAST(max(period_end), $5), $4) - date '2000-01-01')::bigint"
		" FROM (SELECT accounting_method, period_start, period_end FROM reefqbo.imported_month"
		"   WHERE model_id = $1 AND connection_id = $2"
		"  UNION ALL SELECT accounting_method, period_start, period_end FROM reefqbo.unsettled_month"
		"   WHERE model_id = $1 AND connection_id = $2) AS m"
		" GROUP BY accounting_method"
		" HAVING GREATEST(min(period_start), $3) <= GREATEST(LEAST(max(period_end), $5), $4)"
		" ORDER BY accounting_method",
		INT8OID, INT8OID, DATEOID, DATEOID, DATEOID);
	RqboArgs	args = {0};
	RqboRange  *ranges;
	uint64		count;

	rqbo_arg_ids(&args, model_id, connection_id);
	rqbo_arg_datum(&args, DateADTGetDatum(since));
	rqbo_arg_datum(&args, DateADTGetDatum(begun));
	rqbo_arg_datum(&args, DateADTGetDatum(last));
	count = rqbo_db_run(&statement, &args);
	ranges = SPI_palloc((count + 1) * sizeof(RqboRange));
	for (uint64 i = 0; i < count; i++)
	{
		ranges[i].method = rqbo_cell_text(i, 1);
		ranges[i].start = (DateADT) rqbo_cell_int8(i, 2);
		ranges[i].end = (DateADT) rqbo_cell_int8(i, 3);
	}
	ranges[count].method = NULL;
	return ranges;
}

void
rqbo_store_count_standing(int64 model_id, int64 connection_id, RqboCounts *counts)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"SELECT (SELECT count(*) FROM reefqbo.account a WHERE a.model_id = $1 AND a.connection_id = $2"
		"  AND a.gone_since IS NULL AND NOT a.is_computed),"
		" (SELECT count(*) FROM reefqbo.imported_month i WHERE i.model_id = $1 AND i.connection_id = $2"
		"  AND i.statement = 'profit_and_loss'),"
		" (SELECT count(*) FROM reefqbo._amount v WHERE v.model_id = $1 AND v.connection_id = $2 AND v.amount <> 0)",
		INT8OID, INT8OID);

	rqbo_db_run_ids(&statement, model_id, connection_id);
	counts->accounts_seen = (int) rqbo_column_int8(1);
	counts->months = (int) rqbo_column_int8(2);
	counts->amounts_unchanged = (int) rqbo_column_int8(3);
}

/*
 * The closing date was read again: were the restatements of this import in a
 * closed period?
 */
int64
rqbo_store_review_restatements(int64 model_id, int64 import_id)
{
	static RqboStatement closed = RQBO_STATEMENT(
		"SELECT count(*) FROM reefqbo.restatement r WHERE r.model_id = $1 AND r.import_id = $2 AND r.in_closed_period",
		INT8OID, INT8OID);
	static RqboStatement statement = RQBO_STATEMENT(
		"UPDATE reefqbo.restatement r SET in_closed_period = NOT r.in_closed_period"
		" FROM reefqbo.connection c"
		" WHERE r.model_id = $1 AND r.import_id = $2"
		" AND c.model_id = r.model_id AND c.connection_id = r.connection_id"
		" AND r.in_closed_period <> COALESCE(r.period_end <= c.book_close_date, false)",
		INT8OID, INT8OID);

	rqbo_db_run_ids(&statement, model_id, import_id);
	rqbo_db_run_ids(&closed, model_id, import_id);
	return rqbo_column_int8(1);
}
