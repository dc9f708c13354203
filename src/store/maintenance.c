/*-------------------------------------------------------------------------
 *
 * store/maintenance.c
 *	  What the background worker does besides companies, in tables: the log of
 *	  imports is kept short and honest, and grants that end are found.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/timestamp.h"

#include "base/db.h"
#include "base/guc.h"
#include "base/lock.h"
#include "store/imports.h"
#include "store/maintenance.h"

/*
 * A grant ends when it was not refreshed for its rolling life, or for good,
 * whichever comes first; an SQL expression over credential t.  It is told at
 * these marks.
 */
#define GRANT_ENDS_AT "LEAST(t.refresh_expires_at, t.hard_expires_at)"
#define ENDING_MARKS "(VALUES (90), (30), (7)) AS mark (days)"

/* ---- when ---- */

TimestampTz
rqbo_store_next_maintenance(void)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"SELECT LEAST("
		" (SELECT min(" GRANT_ENDS_AT " - interval '1 day' * mark.days)"
		"  FROM reefqbo.connection c"
		"  JOIN reefqbo.credential t ON t.model_id = c.model_id AND t.connection_id = c.connection_id, " ENDING_MARKS
		"  WHERE c.status <> 'disconnected' AND t.rejected_at IS NULL"
		"  AND mark.days < COALESCE(t.ending_told_days, 1000)"
		"  AND " GRANT_ENDS_AT " > reefqbo._now()),"
		" (SELECT min(l.started_at) + interval '1 minute' * NULLIF($1, 0) + interval '1 hour'"
		"  FROM reefqbo.import_log l WHERE l.status <> 'running'"
		"  AND NOT EXISTS (SELECT 1 FROM reefqbo.upkeep u WHERE u.model_id = l.model_id"
		"   AND u.backfill_import_id = l.import_id)),"
		" (SELECT min(a.called_at) + interval '1 minute' * NULLIF($1, 0) + interval '1 hour' FROM reefqbo.api_call a))",
		INT8OID);
	RqboArgs	args = {0};

	rqbo_arg_int8(&args, rqbo_log_retention);
	rqbo_db_run(&statement, &args);
	return rqbo_column_is_null(1) ? DT_NOEND : (TimestampTz) rqbo_column_int8(1);
}

/* ---- the log ---- */

/*
 * What counts as running though nobody holds its connection's import lock was
 * cut off.  The lock comes before the line in the log and goes after its end.
 */
void
rqbo_store_mark_interrupted(void)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"UPDATE reefqbo.import_log l SET status = 'interrupted', finished_at = reefqbo._now()"
		" FROM reefqbo.connection c"
		" WHERE l.status = 'running' AND c.model_id = l.model_id AND c.connection_id = l.connection_id"
		" AND " RQBO_NOBODY_IMPORTS_FROM_C,
		INT8OID);
	RqboArgs	args = {0};

	rqbo_arg_int8(&args, rqbo_lock_class(RQBO_LOCK_IMPORT));
	rqbo_db_run(&statement, &args);
}

/* A line of the log, reefqbo.import_log o, that is too old and that nothing goes on with. */
#define IS_OLD \
	"o.started_at < reefqbo._now() - interval '1 minute' * $1 AND o.status <> 'running'" \
	" AND NOT EXISTS (SELECT 1 FROM reefqbo.upkeep u WHERE u.model_id = o.model_id" \
	"  AND u.backfill_import_id = o.import_id)"

/*
 * The proof of an import goes before its line.
 */
int
rqbo_store_prune_proof(int limit)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"DELETE FROM reefqbo._proof t WHERE (t.model_id, t.connection_id, t.import_id, t.proof_id) IN ("
		"  SELECT k.model_id, k.connection_id, k.import_id, k.proof_id FROM reefqbo.import_log o"
		"  JOIN reefqbo._proof k ON k.model_id = o.model_id AND k.connection_id = o.connection_id"
		"   AND k.import_id = o.import_id"
		"  WHERE " IS_OLD " LIMIT $2)",
		INT8OID, INT8OID);

	return rqbo_log_retention == 0 ? 0 : (int) rqbo_db_run_ids(&statement, rqbo_log_retention, limit);
}

int
rqbo_store_prune(int limit)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"DELETE FROM reefqbo.import_log l WHERE (l.model_id, l.import_id) IN ("
		"  SELECT o.model_id, o.import_id FROM reefqbo.import_log o"
		"  WHERE " IS_OLD
		"  AND NOT EXISTS (SELECT 1 FROM reefqbo._proof k WHERE k.model_id = o.model_id"
		"   AND k.connection_id = o.connection_id AND k.import_id = o.import_id)"
		"  ORDER BY o.started_at LIMIT $2)",
		INT8OID, INT8OID);

	return rqbo_log_retention == 0 ? 0 : (int) rqbo_db_run_ids(&statement, rqbo_log_retention, limit);
}

/* ---- grants that end ---- */

/*
 * Which of the marks a grant is within, and since when that is told.  A refresh
 * that moves the end away takes the mark back.
 */
#define TELL_ENDINGS(which) \
	"WITH ending AS (" \
	"  SELECT t.model_id, t.connection_id, " GRANT_ENDS_AT " AS ends_at," \
	"   COALESCE(t.hard_expires_at <= t.refresh_expires_at, false) AS is_final, t.ending_told_days AS told," \
	"   (SELECT min(mark.days) FROM " ENDING_MARKS \
	"    WHERE " GRANT_ENDS_AT " <= reefqbo._now() + interval '1 day' * mark.days) AS mark" \
	"  FROM reefqbo.credential t WHERE t.rejected_at IS NULL" which \
	"), told AS (" \
	"  UPDATE reefqbo.credential t SET ending_told_days = e.mark FROM ending e" \
	"  WHERE t.model_id = e.model_id AND t.connection_id = e.connection_id" \
	"  AND t.ending_told_days IS DISTINCT FROM e.mark" \
	"  RETURNING e.*" \
	") SELECT d.model_id, d.connection_id, COALESCE(m.title, m.name), b.name, COALESCE(c.company_name, b.name)," \
	"  GREATEST(0, round(extract(epoch FROM d.ends_at - reefqbo._now()) / 86400))::bigint, d.is_final::int::bigint" \
	" FROM told d JOIN reefqbo.connection c ON c.model_id = d.model_id AND c.connection_id = d.connection_id" \
	" JOIN reefqbo.model m ON m.model_id = d.model_id" \
	" JOIN reefqbo.branch b ON b.model_id = c.model_id AND b.branch_id = c.branch_id" \
	" WHERE d.mark < COALESCE(d.told, 1000) AND c.status <> 'disconnected' ORDER BY d.ends_at"

RqboEnding *
rqbo_store_list_endings(int64 model_id, int64 connection_id, int *count)
{
	static RqboStatement of_all = {.text = TELL_ENDINGS("")};
	static RqboStatement of_one = RQBO_STATEMENT(
		TELL_ENDINGS(" AND t.model_id = $1 AND t.connection_id = $2"),
		INT8OID, INT8OID);
	RqboArgs	none = {0};
	RqboEnding *endings;

	*count = (int) (model_id == 0 ? rqbo_db_run(&of_all, &none) : rqbo_db_run_ids(&of_one, model_id, connection_id));
	endings = SPI_palloc((*count + 1) * sizeof(RqboEnding));
	for (int i = 0; i < *count; i++)
	{
		endings[i].model_id = rqbo_cell_int8(i, 1);
		endings[i].connection_id = rqbo_cell_int8(i, 2);
		endings[i].model = rqbo_cell_text(i, 3);
		endings[i].branch = rqbo_cell_text(i, 4);
		endings[i].company = rqbo_cell_text(i, 5);
		endings[i].days = rqbo_cell_int8(i, 6);
		endings[i].is_final = rqbo_cell_int8(i, 7) != 0;
	}
	return endings;
}

/* ---- keys ---- */

void
rqbo_store_write_late_keys(void)
{
	static RqboStatement statement = {.text = "SELECT reefqbo._write_late_keys()"};
	RqboArgs	none = {0};

	rqbo_db_run(&statement, &none);
}
