/*-------------------------------------------------------------------------
 *
 * store/calls.c
 *	  Requests that were made, in a table.
 *	  They are noted by qbo/calls.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "storage/lmgr.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "base/array.h"
#include "base/guc.h"
#include "store/calls.h"

/* The columns of the table that a request fills, as arrays, in the order of their types below. */
enum
{
	MODEL_ID, CONNECTION_ID, CALLED_AT, METHOD, PATH, STATUS, INTUIT_TID, MILLISECONDS, BYTES, ERROR_TEXT, NCOLUMNS
};

static void
add_row(RqboColumn *columns, const RqboCallRow *row)
{
	rqbo_column_add(&columns[MODEL_ID], Int64GetDatum(row->model_id), false);
	rqbo_column_add(&columns[CONNECTION_ID], Int64GetDatum(row->connection_id), row->connection_id == 0);
	rqbo_column_add(&columns[CALLED_AT], TimestampTzGetDatum(row->called_at), false);
	rqbo_column_add_text(&columns[METHOD], row->method);
	rqbo_column_add_text(&columns[PATH], row->path);
	rqbo_column_add(&columns[STATUS], Int64GetDatum(row->status), row->status == 0);
	rqbo_column_add_text(&columns[INTUIT_TID], row->intuit_tid);
	rqbo_column_add(&columns[MILLISECONDS], Int64GetDatum(row->milliseconds), false);
	rqbo_column_add(&columns[BYTES], Int64GetDatum(row->bytes), false);
	rqbo_column_add_text(&columns[ERROR_TEXT], row->error);
}

void
rqbo_store_add_calls(const RqboCallRow **rows, int count)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"INSERT INTO reefqbo.api_call"
		" (model_id, connection_id, called_at, method, path, status, intuit_tid, milliseconds, bytes, error)"
		" SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
		INT8ARRAYOID, INT8ARRAYOID, TIMESTAMPTZARRAYOID, TEXTARRAYOID, TEXTARRAYOID, INT8ARRAYOID, TEXTARRAYOID,
		INT8ARRAYOID, INT8ARRAYOID, TEXTARRAYOID);
	RqboColumn	columns[NCOLUMNS];
	RqboArgs	args = {0};

	for (int i = 0; i < NCOLUMNS; i++)
		rqbo_column_begin(&columns[i], count);
	for (int i = 0; i < count; i++)
		add_row(columns, rows[i]);
	for (int i = 0; i < NCOLUMNS; i++)
	{
		if (statement.types[i] == TEXTARRAYOID)
			rqbo_arg_text_column(&args, &columns[i]);
		else
			rqbo_arg_column(&args, &columns[i], statement.types[i] == INT8ARRAYOID ? INT8OID : TIMESTAMPTZOID,
							sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE);
	}
	rqbo_db_run(&statement, &args);
}

bool
rqbo_store_try_lock_calls(void)
{
	Oid			table = get_relname_relid("api_call", get_namespace_oid("reefqbo", true));

	return OidIsValid(table) && ConditionalLockRelationOid(table, RowExclusiveLock);
}

int
rqbo_store_prune_calls(int limit)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"WITH gone AS (DELETE FROM reefqbo.api_call l WHERE (l.model_id, l.call_id) IN ("
		"  SELECT o.model_id, o.call_id FROM reefqbo.api_call o"
		"  WHERE o.called_at < reefqbo._now() - interval '1 minute' * $1 ORDER BY o.called_at LIMIT $2)"
		"  RETURNING l.model_id, l.method, l.status, l.milliseconds),"
		" columns AS MATERIALIZED (SELECT count(*) AS removed, array_agg(g.model_id) AS models, array_agg(g.method) AS methods,"
		"  array_agg(g.status) AS statuses, array_agg(g.milliseconds) AS took FROM gone g)"
		" SELECT c.removed, reefqbo._count_removed_calls(c.models, c.methods, c.statuses, c.took) FROM columns c",
		INT8OID, INT8OID);

	if (rqbo_log_retention == 0)
		return 0;
	rqbo_db_run_ids(&statement, rqbo_log_retention, limit);
	return (int) rqbo_column_int8(1);
}
