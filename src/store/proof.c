/*-------------------------------------------------------------------------
 *
 * store/proof.c
 *	  Checks in tables: kept, read, and what there is to be checked.
 *	  What is compared with what is decided in import/proof.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "base/array.h"
#include "store/proof.h"

/* ---- keeping ---- */

static void
arg_of(RqboArgs *args, RqboProofOf of)
{
	rqbo_arg_ids(args, of.model_id, of.connection_id);
	rqbo_arg_int8(args, of.import_id);
}

static void
arg_names(RqboArgs *args, List *rows)
{
	RqboColumn	columns[5];
	ListCell   *cell;

	for (int i = 0; i < 5; i++)
		rqbo_column_begin(&columns[i], list_length(rows));
	foreach(cell, rows)
	{
		const RqboProofRow *row = lfirst(cell);

		rqbo_column_add_text(&columns[0], row->kind);
		rqbo_column_add_text(&columns[1], row->statement);
		rqbo_column_add_text(&columns[2], row->method);
		rqbo_column_add_text(&columns[3], row->account_id);
		rqbo_column_add_text(&columns[4], row->detail);
	}
	for (int i = 0; i < 5; i++)
		rqbo_arg_text_column(args, &columns[i]);
}

static void
arg_dates(RqboArgs *args, List *rows)
{
	RqboColumn	starts;
	RqboColumn	ends;
	ListCell   *cell;

	rqbo_column_begin(&starts, list_length(rows));
	rqbo_column_begin(&ends, list_length(rows));
	foreach(cell, rows)
	{
		const RqboProofRow *row = lfirst(cell);

		rqbo_column_add(&starts, DateADTGetDatum(row->start), false);
		rqbo_column_add(&ends, DateADTGetDatum(row->end), false);
	}
	rqbo_arg_column(args, &starts, DATEOID, sizeof(DateADT), true, TYPALIGN_INT);
	rqbo_arg_column(args, &ends, DATEOID, sizeof(DateADT), true, TYPALIGN_INT);
}

static void
arg_outcomes(RqboArgs *args, List *rows)
{
	RqboColumn	columns[4];
	ListCell   *cell;

	for (int i = 0; i < 4; i++)
		rqbo_column_begin(&columns[i], list_length(rows));
	foreach(cell, rows)
	{
		const RqboProofRow *row = lfirst(cell);

		rqbo_column_add(&columns[0], NumericGetDatum(row->figure), row->figure == NULL);
		rqbo_column_add(&columns[1], NumericGetDatum(row->other_figure), row->other_figure == NULL);
		rqbo_column_add(&columns[2], Int32GetDatum(row->compared), false);
		rqbo_column_add(&columns[3], BoolGetDatum(row->verdict == RQBO_PASSED), row->verdict == RQBO_UNKNOWN);
	}
	rqbo_arg_column(args, &columns[0], NUMERICOID, -1, false, TYPALIGN_INT);
	rqbo_arg_column(args, &columns[1], NUMERICOID, -1, false, TYPALIGN_INT);
	rqbo_arg_column(args, &columns[2], INT4OID, sizeof(int32), true, TYPALIGN_INT);
	rqbo_arg_column(args, &columns[3], BOOLOID, sizeof(bool), true, TYPALIGN_CHAR);
}

void
rqbo_store_proof_rows(RqboProofOf of, List *rows)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"INSERT INTO reefqbo._proof (model_id, connection_id, import_id, kinds, statements, methods, account_ids, details,"
		" starts, ends, figures, other_figures, compared, passed)"
		" SELECT $1, $2, $3, array_agg(array_position(reefqbo._proof_kinds(), t.kind)::smallint ORDER BY t.place),"
		"  array_agg(array_position(reefqbo._proof_statements(), t.statement)::smallint ORDER BY t.place),"
		"  array_agg(array_position(reefqbo._proof_methods(), t.method)::smallint ORDER BY t.place),"
		"  CASE WHEN count(t.account_id) > 0 THEN $7 END, CASE WHEN count(t.detail) > 0 THEN $8 END, $9, $10, $11,"
		"  CASE WHEN bool_or(t.figure IS DISTINCT FROM t.other_figure) THEN $12 END, $13,"
		"  CASE WHEN bool_or(t.passed IS NOT TRUE) THEN $14 END"
		" FROM unnest($4, $5, $6, $7, $8, $11, $12, $14) WITH ORDINALITY"
		"  AS t(kind, statement, method, account_id, detail, figure, other_figure, passed, place)",
		INT8OID, INT8OID, INT8OID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID,
		DATEARRAYOID, DATEARRAYOID, NUMERICARRAYOID, NUMERICARRAYOID, INT4ARRAYOID, BOOLARRAYOID);
	RqboArgs	args = {0};

	if (rows == NIL)
		return;
	arg_of(&args, of);
	arg_names(&args, rows);
	arg_dates(&args, rows);
	arg_outcomes(&args, rows);
	rqbo_db_run(&statement, &args);
}

/* ---- reading ---- */

static Datum
cell(uint64 row, int column, bool *is_null)
{
	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, is_null);
}

static char *
cell_word(uint64 row, int column)
{
	return SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column);
}

static Numeric
cell_numeric(uint64 row, int column)
{
	bool		is_null;
	Datum		value = cell(row, column, &is_null);

	return is_null ? NULL : DatumGetNumeric(value);
}

static RqboProofRow *
read_proof_row(uint64 i)
{
	RqboProofRow *row = palloc(sizeof(RqboProofRow));
	bool		is_null;
	bool		passed;

	row->kind = cell_word(i, 1);
	row->statement = cell_word(i, 2);
	row->method = cell_word(i, 3);
	row->start = DatumGetDateADT(cell(i, 4, &is_null));
	row->end = DatumGetDateADT(cell(i, 5, &is_null));
	row->account_id = cell_word(i, 6);
	row->figure = cell_numeric(i, 7);
	row->other_figure = cell_numeric(i, 8);
	row->compared = DatumGetInt32(cell(i, 9, &is_null));
	passed = DatumGetBool(cell(i, 10, &is_null));
	row->verdict = is_null ? RQBO_UNKNOWN : passed ? RQBO_PASSED : RQBO_FAILED;
	row->detail = cell_word(i, 11);
	return row;
}

List *
rqbo_store_read_proof_rows(uint64 count)
{
	List	   *rows = NIL;

	for (uint64 i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		rows = lappend(rows, read_proof_row(i));
	}
	return rows;
}

void
rqbo_store_read_proof(RqboProofOf of, RqboProofSink sink, void *arg)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"SELECT m.name, b.name, c.company_name, k.kind, k.statement, k.accounting_method, k.period_start::text,"
		" k.period_end::text, k.account_id, k.figure::text, k.other_figure::text, k.difference::text,"
		" k.passed::text, k.detail, k.currency"
		" FROM reefqbo.tie_out_check k"
		" JOIN reefqbo.connection c ON c.model_id = k.model_id AND c.connection_id = k.connection_id"
		" JOIN reefqbo.model m ON m.model_id = k.model_id"
		" JOIN reefqbo.branch b ON b.model_id = c.model_id AND b.branch_id = c.branch_id"
		" WHERE k.model_id = $1 AND k.connection_id = $2 AND k.import_id = $3"
		" ORDER BY k.accounting_method, k.period_end, k.check_id",
		INT8OID, INT8OID, INT8OID);
	RqboArgs	args = {0};
	uint64		count;

	arg_of(&args, of);
	count = rqbo_db_run(&statement, &args);
	for (uint64 i = 0; i < count; i++)
	{
		const char *values[RQBO_PROOF_COLUMNS];

		for (int j = 0; j < RQBO_PROOF_COLUMNS; j++)
			values[j] = rqbo_cell_text(i, j + 1);
		sink(values, arg);
	}
}

/*
 * The first that names an account, if there is one: it says most.
 */
RqboProofFailure *
rqbo_store_read_proof_failure(RqboProofOf of)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"SELECT count(*) FILTER (WHERE k.account_id IS NULL) OVER (), k.kind, k.statement, k.accounting_method,"
		" k.period_start || ' to ' || k.period_end, k.account_id, a.fully_qualified_name,"
		" k.figure::text, k.other_figure::text, k.difference::text, k.detail"
		" FROM reefqbo.tie_out_check k"
		" LEFT JOIN reefqbo.account a ON a.model_id = k.model_id AND a.connection_id = k.connection_id"
		"  AND a.account_id = k.account_id"
		" WHERE k.model_id = $1 AND k.connection_id = $2 AND k.import_id = $3 AND NOT k.passed"
		" ORDER BY k.account_id IS NULL, k.check_id LIMIT 1",
		INT8OID, INT8OID, INT8OID);
	RqboArgs	args = {0};
	RqboProofFailure *failure;

	arg_of(&args, of);
	if (rqbo_db_run(&statement, &args) == 0)
		return NULL;
	failure = SPI_palloc(sizeof(RqboProofFailure));
	failure->count = (int) rqbo_column_int8(1);
	failure->kind = rqbo_column_text(2);
	failure->statement = rqbo_column_text(3);
	failure->method = rqbo_column_text(4);
	failure->period = rqbo_column_text(5);
	failure->account_id = rqbo_column_text(6);
	failure->account = rqbo_column_text(7);
	failure->figure = rqbo_column_text(8);
	failure->other_figure = rqbo_column_text(9);
	failure->difference = rqbo_column_text(10);
	failure->detail = rqbo_column_text(11);
	return failure;
}

/* ---- what there is ---- */

/* The first day of the fiscal year that a month is in; of reefqbo.connection c. */
#define YEAR_START(month) \
	"(" month " - make_interval(months => (extract(month FROM " month ")::integer" \
	" - COALESCE(c.fiscal_year_start_month, 1) + 12) % 12))::date"

/* Dates as DateADT. */
#define DAYS(date) "(" date " - date '2000-01-01')::bigint"

static void
read_period(uint64 row, RqboProofPeriod *period)
{
	period->range.method = rqbo_cell_text(row, 1);
	period->range.start = (DateADT) rqbo_cell_int8(row, 2);
	period->range.end = (DateADT) rqbo_cell_int8(row, 3);
	period->year_start = (DateADT) rqbo_cell_int8(row, 4);
	period->year_is_known = rqbo_cell_int8(row, 5) != 0;
}

RqboProofPeriod *
rqbo_store_proof_period(RqboProofOf of, const RqboRange *range)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"SELECT $3, " DAYS("COALESCE((SELECT (max(g) + interval '1 month')::date"
		"   FROM generate_series(y.year_start::timestamp, $4::timestamp, interval '1 month') g"
		"   WHERE NOT EXISTS (SELECT 1 FROM reefqbo.imported_month i WHERE i.model_id = $1 AND i.connection_id = $2"
		"    AND i.statement = 'profit_and_loss' AND i.accounting_method = $3 AND i.period_start = g::date"
		"    AND NOT EXISTS (SELECT 1 FROM reefqbo.unsettled_month u WHERE u.model_id = $1 AND u.connection_id = $2"
		"     AND u.accounting_method = $3 AND u.period_start = i.period_start AND u.reason = 'does not tie out'))),"
		"  y.year_start)") ","
		" " DAYS("$4") ", " DAYS("y.year_start") ", (y.is_known)::integer::bigint"
		" FROM (SELECT " YEAR_START("date_trunc('month', $4::timestamp)") " AS year_start,"
		"   c.fiscal_year_start_month IS NOT NULL AS is_known"
		"  FROM reefqbo.connection c WHERE c.model_id = $1 AND c.connection_id = $2) y",
		INT8OID, INT8OID, TEXTOID, DATEOID);
	RqboArgs	args = {0};
	RqboProofPeriod *period = SPI_palloc(sizeof(RqboProofPeriod));

	rqbo_arg_ids(&args, of.model_id, of.connection_id);
	rqbo_arg_text(&args, range->method);
	rqbo_arg_datum(&args, DateADTGetDatum(range->end));
	rqbo_db_run(&statement, &args);
	read_period(0, period);
	return period;
}

RqboProofPeriod *
rqbo_store_proof_periods(RqboProofOf of, const char *method)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"SELECT n.accounting_method, " DAYS("min(n.period_start)") ", " DAYS("max(n.period_end)") ","
		" " DAYS("n.year_start") ", (n.is_known)::integer::bigint"
		" FROM (SELECT i.*, " YEAR_START("i.period_start") " AS year_start,"
		"   c.fiscal_year_start_month IS NOT NULL AS is_known,"
		"   i.period_start - interval '1 month' * row_number() OVER (PARTITION BY i.accounting_method"
		"    ORDER BY i.period_start) AS island"
		"  FROM reefqbo.imported_month i"
		"  JOIN reefqbo.connection c ON c.model_id = i.model_id AND c.connection_id = i.connection_id"
		"  WHERE i.model_id = $1 AND i.connection_id = $2 AND i.statement = 'profit_and_loss'"
		"  AND ($3 IS NULL OR i.accounting_method = $3)) n"
		" GROUP BY n.accounting_method, n.year_start, n.is_known, n.island"
		" ORDER BY n.accounting_method, min(n.period_start)",
		INT8OID, INT8OID, TEXTOID);
	RqboArgs	args = {0};
	RqboProofPeriod *periods;
	uint64		count;

	rqbo_arg_ids(&args, of.model_id, of.connection_id);
	rqbo_arg_text(&args, method);
	count = rqbo_db_run(&statement, &args);
	periods = SPI_palloc((count + 1) * sizeof(RqboProofPeriod));
	for (uint64 i = 0; i < count; i++)
		read_period(i, &periods[i]);
	periods[count].range.method = NULL;
	return periods;
}
