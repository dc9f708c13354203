/*-------------------------------------------------------------------------
 *
 * store/chunks.c
 *	  What an import of a range has yet to read, in its line of the log.
 *	  Which range is read next is decided in import/chunks.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/date.h"

#include "base/db.h"
#include "store/chunks.h"
#include "store/upkeep.h"

/*
 * Take over what an import of the same range has left, if it was cut off less
 * than a day ago.  False if there is nothing of that kind.
 */
static bool
take_over_chunks(int64 model_id, int64 connection_id, int64 import_id, const RqboRange *range)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"UPDATE reefqbo.import_log l SET continues = old.import_id, chunks_total = old.chunks_total,"
		"  chunks_done = old.chunks_done, chunks_before = old.chunks_done, pending = old.pending, months = old.months"
		" FROM reefqbo.upkeep u JOIN reefqbo.import_log old ON old.model_id = u.model_id"
		"  AND old.import_id = u.backfill_import_id"
		" WHERE l.model_id = $1 AND l.import_id = $3 AND u.model_id = $1 AND u.connection_id = $2"
		" AND old.accounting_method = $4 AND old.start_date = $5 AND old.end_date = $6"
		" AND old.started_at > reefqbo._now() - interval '1 day' AND cardinality(old.pending) > 0",
		INT8OID, INT8OID, INT8OID, TEXTOID, DATEOID, DATEOID);
	RqboArgs	args = {0};

	rqbo_arg_ids(&args, model_id, connection_id);
	rqbo_arg_int8(&args, import_id);
	rqbo_store_arg_range(&args, range);
	return rqbo_db_run(&statement, &args) > 0;
}

/*
 * Cut the range into chunks that end with it, so that the newest is whole.
 */
static void
make_chunks(int64 model_id, int64 import_id, const RqboRange *range, int chunk_months)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"UPDATE reefqbo.import_log SET pending = made.chunks, chunks_total = cardinality(made.chunks)"
		" FROM (SELECT array_agg(daterange(GREATEST($3, (e.t - interval '1 month' * $5)::date), e.t::date) ORDER BY e.t)"
		"  FROM generate_series(0, 2400) n, LATERAL (SELECT $4 + 1 - interval '1 month' * (n * $5)) AS e (t)"
		"  WHERE e.t > $3) AS made (chunks)"
		" WHERE model_id = $1 AND import_id = $2",
		INT8OID, INT8OID, DATEOID, DATEOID, INT4OID);
	RqboArgs	args = {0};

	rqbo_arg_ids(&args, model_id, import_id);
	rqbo_arg_datum(&args, DateADTGetDatum(range->start));
	rqbo_arg_datum(&args, DateADTGetDatum(range->end));
	rqbo_arg_int4(&args, chunk_months);
	rqbo_db_run(&statement, &args);
}

static RqboRange *
read_chunks(int64 model_id, int64 import_id, const char *method)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"SELECT (lower(p.chunk) - date '2000-01-01')::bigint, (upper(p.chunk) - 1 - date '2000-01-01')::bigint"
		" FROM reefqbo.import_log l, unnest(l.pending) AS p (chunk)"
		" WHERE l.model_id = $1 AND l.import_id = $2 ORDER BY p.chunk",
		INT8OID, INT8OID);
	uint64		count = rqbo_db_run_ids(&statement, model_id, import_id);
	RqboRange  *chunks = SPI_palloc((count + 1) * sizeof(RqboRange));

	for (uint64 i = 0; i < count; i++)
	{
		chunks[i].method = method;
		chunks[i].start = (DateADT) rqbo_cell_int8(i, 1);
		chunks[i].end = (DateADT) rqbo_cell_int8(i, 2);
	}
	chunks[count].method = NULL;
	return chunks;
}

/*
 * What the schedule knows of an import to go on with.
 */
static void
run_on_backfill(RqboStatement *statement, int64 model_id, int64 connection_id, int64 import_id)
{
	RqboArgs	args = {0};

	rqbo_arg_ids(&args, model_id, connection_id);
	rqbo_arg_int8(&args, import_id);
	rqbo_db_run(statement, &args);
}

RqboRange *
rqbo_store_plan_chunks(int64 model_id, int64 connection_id, int64 import_id, const RqboRange *range, int chunk_months)
{
	static RqboStatement want = RQBO_STATEMENT(
		"UPDATE reefqbo.upkeep SET backfill_import_id = $3, backfill_is_wanted = true"
		" WHERE model_id = $1 AND connection_id = $2",
		INT8OID, INT8OID, INT8OID);

	(void) rqbo_store_schedule_connection(model_id, connection_id);
	if (!take_over_chunks(model_id, connection_id, import_id, range))
		make_chunks(model_id, import_id, range, chunk_months);
	run_on_backfill(&want, model_id, connection_id, import_id);
	return read_chunks(model_id, import_id, range->method);
}

void
rqbo_store_expect_chunks(int64 model_id, int64 import_id, int chunks)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"UPDATE reefqbo.import_log SET chunks_total = $3 WHERE model_id = $1 AND import_id = $2",
		INT8OID, INT8OID, INT4OID);
	RqboArgs	args = {0};

	rqbo_arg_ids(&args, model_id, import_id);
	rqbo_arg_int4(&args, chunks);
	rqbo_db_run(&statement, &args);
}

int
rqbo_store_chunks_before(int64 model_id, int64 import_id, int *months)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"SELECT chunks_before::bigint, months::bigint FROM reefqbo.import_log WHERE model_id = $1 AND import_id = $2",
		INT8OID, INT8OID);

	rqbo_db_run_ids(&statement, model_id, import_id);
	*months = (int) rqbo_column_int8(2);
	return (int) rqbo_column_int8(1);
}

/*
 * A chunk of a refresh, which plans in memory, is in no array: only counted.
 */
void
rqbo_store_chunk_done(int64 model_id, int64 import_id, DateADT start, DateADT end)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"UPDATE reefqbo.import_log SET chunks_done = chunks_done + 1,"
		" pending = array_remove(pending, daterange($3, $4, '[]'))"
		" WHERE model_id = $1 AND import_id = $2",
		INT8OID, INT8OID, DATEOID, DATEOID);
	RqboArgs	args = {0};

	rqbo_arg_ids(&args, model_id, import_id);
	rqbo_arg_datum(&args, DateADTGetDatum(start));
	rqbo_arg_datum(&args, DateADTGetDatum(end));
	rqbo_db_run(&statement, &args);
}

void
rqbo_store_halve_chunk(int64 model_id, int64 import_id, const RqboRange *chunk, DateADT middle)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"UPDATE reefqbo.import_log SET chunks_total = chunks_total + 1,"
		" pending = array_remove(pending, daterange($3, $5, '[]'))"
		"  || ARRAY[daterange($3, $4), daterange($4, $5, '[]')]"
		" WHERE model_id = $1 AND import_id = $2",
		INT8OID, INT8OID, DATEOID, DATEOID, DATEOID);
	static RqboStatement count = RQBO_STATEMENT(
		"UPDATE reefqbo.import_log SET chunks_total = chunks_total + 1"
		" WHERE model_id = $1 AND import_id = $2 AND pending IS NULL",
		INT8OID, INT8OID);
	RqboArgs	args = {0};

	if (rqbo_db_run_ids(&count, model_id, import_id) > 0)
		return;
	rqbo_arg_ids(&args, model_id, import_id);
	rqbo_arg_datum(&args, DateADTGetDatum(chunk->start));
	rqbo_arg_datum(&args, DateADTGetDatum(middle));
	rqbo_arg_datum(&args, DateADTGetDatum(chunk->end));
	rqbo_db_run(&statement, &args);
}

void
rqbo_store_cut_chunk(int64 model_id, int64 import_id, const RqboRange *chunk, DateADT last)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"UPDATE reefqbo.import_log SET end_date = LEAST(end_date, $5),"
		" chunks_total = chunks_total - CASE WHEN $3 > $5 THEN 1 ELSE 0 END,"
		" pending = array_remove(pending, daterange($3, $4, '[]'))"
		"  || CASE WHEN $3 <= $5 AND pending IS NOT NULL THEN ARRAY[daterange($3, $5, '[]')] END"
		" WHERE model_id = $1 AND import_id = $2",
		INT8OID, INT8OID, DATEOID, DATEOID, DATEOID);
	RqboArgs	args = {0};

	rqbo_arg_ids(&args, model_id, import_id);
	rqbo_arg_datum(&args, DateADTGetDatum(chunk->start));
	rqbo_arg_datum(&args, DateADTGetDatum(chunk->end));
	rqbo_arg_datum(&args, DateADTGetDatum(last));
	rqbo_db_run(&statement, &args);
}

void
rqbo_store_backfill_done(int64 model_id, int64 connection_id, int64 import_id)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"UPDATE reefqbo.upkeep SET backfill_import_id = NULL, backfill_is_wanted = false"
		" WHERE model_id = $1 AND connection_id = $2 AND backfill_import_id = $3",
		INT8OID, INT8OID, INT8OID);

	run_on_backfill(&statement, model_id, connection_id, import_id);
}

void
rqbo_store_backfill_unwanted(int64 model_id, int64 connection_id, int64 import_id)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"UPDATE reefqbo.upkeep SET backfill_is_wanted = false"
		" WHERE model_id = $1 AND connection_id = $2 AND backfill_import_id = $3",
		INT8OID, INT8OID, INT8OID);

	run_on_backfill(&statement, model_id, connection_id, import_id);
}

bool
rqbo_store_read_backfill(int64 model_id, int64 import_id, RqboRange *range)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"SELECT accounting_method, (start_date - date '2000-01-01')::bigint, (end_date - date '2000-01-01')::bigint"
		" FROM reefqbo.import_log WHERE model_id = $1 AND import_id = $2",
		INT8OID, INT8OID);

	if (rqbo_db_run_ids(&statement, model_id, import_id) == 0)
		return false;
	range->method = rqbo_column_text(1);
	range->start = (DateADT) rqbo_column_int8(2);
	range->end = (DateADT) rqbo_column_int8(3);
	return true;
}
