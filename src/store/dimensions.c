/*-------------------------------------------------------------------------
 *
 * store/dimensions.c
 *	  Classes, departments and what they are parts of, in tables: set-based
 *	  statements that touch only what differs.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "base/amount.h"
#include "base/array.h"
#include "store/dimensions.h"

#define VALUE_FIELDS 5

int
rqbo_store_dimension_requests(int64 model_id, int64 connection_id, const char *dimension, const RqboRange *range)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"SELECT reefqbo._dimension_requests($1, $2, $3, $4, $5)::bigint",
		INT8OID, INT8OID, TEXTOID, DATEOID, DATEOID);
	RqboArgs	args = {0};

	rqbo_arg_ids(&args, model_id, connection_id);
	rqbo_arg_text(&args, dimension);
	rqbo_arg_datum(&args, DateADTGetDatum(range->start));
	rqbo_arg_datum(&args, DateADTGetDatum(range->end));
	rqbo_db_run(&statement, &args);
	return (int) rqbo_column_int8(1);
}

char *
rqbo_store_missing_months(int64 model_id, int64 connection_id, const RqboRange *range)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"SELECT string_agg(to_char(g, 'YYYY-MM'), ', ' ORDER BY g)"
		" FROM generate_series($4::timestamp, $5::timestamp, interval '1 month') g"
		" WHERE NOT EXISTS (SELECT 1 FROM reefqbo.imported_month i WHERE i.model_id = $1 AND i.connection_id = $2"
		"  AND i.statement = 'profit_and_loss' AND i.accounting_method = $3 AND i.period_start = g::date)",
		INT8OID, INT8OID, TEXTOID, DATEOID, DATEOID);
	RqboArgs	args = {0};

	rqbo_arg_ids(&args, model_id, connection_id);
	rqbo_store_arg_range(&args, range);
	rqbo_db_run(&statement, &args);
	return rqbo_column_text(1);
}

/* ---- values ---- */

/*
 * $1 to $3 name the connection and the dimension, $4 to $8 are the list's
 * columns.
 */
#define STORE_VALUES \
	"WITH list AS (" \
	"  SELECT value_id, name, fully_qualified_name, parent_value_id, is_active::boolean AS is_active" \
	"  FROM ROWS FROM (unnest($4), unnest($5), unnest($6), unnest($7), unnest($8))" \
	"  AS t(value_id, name, fully_qualified_name, parent_value_id, is_active)" \
	"), inserted AS (" \
	"  INSERT INTO reefqbo.dimension_value (model_id, connection_id, dimension, value_id, name," \
	"   fully_qualified_name, parent_value_id, is_active)" \
	"  SELECT $1, $2, $3, l.* FROM list l" \
	"  WHERE NOT EXISTS (SELECT 1 FROM reefqbo.dimension_value v WHERE v.model_id = $1 AND v.connection_id = $2" \
	"   AND v.dimension = $3 AND v.value_id = l.value_id)" \
	"), updated AS (" \
	"  UPDATE reefqbo.dimension_value v SET name = l.name, fully_qualified_name = l.fully_qualified_name," \
	"   parent_value_id = l.parent_value_id, is_active = l.is_active, gone_since = NULL" \
	"  FROM list l WHERE v.model_id = $1 AND v.connection_id = $2 AND v.dimension = $3 AND v.value_id = l.value_id" \
	"  AND (v.name, v.fully_qualified_name, v.parent_value_id, v.is_active, v.gone_since) IS DISTINCT FROM" \
	"   (l.name, l.fully_qualified_name, l.parent_value_id, l.is_active, NULL::timestamptz)" \
	") UPDATE reefqbo.dimension_value v SET gone_since = reefqbo._now()" \
	" WHERE v.model_id = $1 AND v.connection_id = $2 AND v.dimension = $3 AND v.gone_since IS NULL" \
	" AND NOT EXISTS (SELECT 1 FROM list l WHERE l.value_id = v.value_id)"

static void
add_value(RqboColumn *columns, const RqboDimensionValue *v)
{
	const char *fields[VALUE_FIELDS] = {v->id, v->name, v->fully_qualified_name, v->parent_id, v->active};

	for (int i = 0; i < VALUE_FIELDS; i++)
		rqbo_column_add_text(&columns[i], fields[i]);
}

void
rqbo_store_dimension_values(int64 model_id, int64 connection_id, const char *dimension, List *values)
{
	static RqboStatement statement = RQBO_STATEMENT(
		STORE_VALUES,
		INT8OID, INT8OID, TEXTOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID);
	static const RqboDimensionValue unspecified = {
		RQBO_UNSPECIFIED, "Not specified", "Not specified", NULL, "true"
	};
	RqboColumn	columns[VALUE_FIELDS];
	RqboArgs	args = {0};
	ListCell   *cell;

	for (int i = 0; i < VALUE_FIELDS; i++)
		rqbo_column_begin(&columns[i], list_length(values) + 1);
	foreach(cell, values)
		add_value(columns, lfirst(cell));
	add_value(columns, &unspecified);
	rqbo_arg_ids(&args, model_id, connection_id);
	rqbo_arg_text(&args, dimension);
	for (int i = 0; i < VALUE_FIELDS; i++)
		rqbo_arg_text_column(&args, &columns[i]);
	rqbo_db_run(&statement, &args);
}

/*
 * What a report has a column for and the list does not name gets a row of its
 * title, which is gone already.
 */
void
rqbo_store_report_values(const RqboDimensionMonth *month, const RqboReport *report, const char *const *values)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"INSERT INTO reefqbo.dimension_value (model_id, connection_id, dimension, value_id, name,"
		"  fully_qualified_name, is_active, gone_since)"
		" SELECT $1, $2, $3, n.value_id, n.title, n.title, false, reefqbo._now()"
		" FROM ROWS FROM (unnest($4), unnest($5)) AS n(value_id, title)"
		" WHERE NOT EXISTS (SELECT 1 FROM reefqbo.dimension_value v WHERE v.model_id = $1 AND v.connection_id = $2"
		"  AND v.dimension = $3 AND v.value_id = n.value_id)",
		INT8OID, INT8OID, TEXTOID, TEXTARRAYOID, TEXTARRAYOID);
	RqboColumn	columns[2];
	RqboArgs	args = {0};

	rqbo_column_begin(&columns[0], report->ncolumns);
	rqbo_column_begin(&columns[1], report->ncolumns);
	for (int i = 0; i < report->ncolumns; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (values[i] == NULL)
			continue;
		rqbo_column_add_text(&columns[0], values[i]);
		rqbo_column_add_text(&columns[1], report->columns[i].title);
	}
	rqbo_arg_ids(&args, month->model_id, month->connection_id);
	rqbo_arg_text(&args, month->dimension);
	rqbo_arg_text_column(&args, &columns[0]);
	rqbo_arg_text_column(&args, &columns[1]);
	rqbo_db_run(&statement, &args);
}

/* ---- parts ---- */

static void
arg_month(RqboArgs *args, const RqboDimensionMonth *month)
{
	rqbo_arg_ids(args, month->model_id, month->connection_id);
	rqbo_arg_text(args, month->dimension);
	rqbo_arg_text(args, month->method);
	rqbo_arg_datum(args, DateADTGetDatum(month->start));
}

/*
 * The amounts of a report that are parts and not 0, as three columns.
 */
static void
arg_parts(RqboArgs *args, const RqboReport *report, const char *const *values)
{
	RqboColumn	columns[3];
	Size		size = (Size) report->nlines * report->ncolumns;

	for (int i = 0; i < 3; i++)
		rqbo_column_begin(&columns[i], size);
	for (int i = 0; i < report->nlines; i++)
	{
		const RqboReportLine *line = &report->lines[i];
		Datum		id;

		if (!rqbo_report_line_is_stored(line))
			continue;
		id = CStringGetTextDatum(line->stored_id);
		for (int j = 0; j < report->ncolumns; j++)
		{
			CHECK_FOR_INTERRUPTS();
			if (values[j] == NULL || rqbo_amount_is_zero(line->amounts[j]))
				continue;
			rqbo_column_add_text(&columns[0], values[j]);
			rqbo_column_add(&columns[1], id, false);
			rqbo_column_add(&columns[2], NumericGetDatum(line->amounts[j]), false);
		}
	}
	rqbo_arg_text_column(args, &columns[0]);
	rqbo_arg_text_column(args, &columns[1]);
	rqbo_arg_column(args, &columns[2], NUMERICOID, -1, false, TYPALIGN_INT);
}

RqboDimensionDifference *
rqbo_store_find_difference(const RqboDimensionMonth *month, const RqboReport *report, const char *const *values)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"WITH part AS ("
		"  SELECT account_id, sum(amount) AS amount"
		"  FROM ROWS FROM (unnest($5), unnest($6)) AS t(account_id, amount) GROUP BY account_id"
		"), whole AS ("
		"  SELECT account_id, amount FROM reefqbo._amount"
		"  WHERE model_id = $1 AND connection_id = $2 AND statement = 'profit_and_loss'"
		"  AND accounting_method = $3 AND year = reefqbo._year($4) AND period_start = $4"
		") SELECT COALESCE(a.fully_qualified_name || ' (' || a.account_id || ')', p.account_id),"
		"  (COALESCE(p.amount, 0) + 0.00)::text, (COALESCE(w.amount, 0) + 0.00)::text"
		" FROM part p FULL JOIN whole w ON w.account_id = p.account_id"
		" LEFT JOIN reefqbo.account a ON a.model_id = $1 AND a.connection_id = $2"
		"  AND a.account_id = COALESCE(p.account_id, w.account_id)"
		" WHERE COALESCE(p.amount, 0) <> COALESCE(w.amount, 0)"
		" ORDER BY COALESCE(p.account_id, w.account_id) LIMIT 1",
		INT8OID, INT8OID, TEXTOID, DATEOID, TEXTARRAYOID, NUMERICARRAYOID);
	RqboArgs	parts = {0};
	RqboArgs	args = {0};
	RqboDimensionDifference *difference;

	arg_parts(&parts, report, values);
	rqbo_arg_ids(&args, month->model_id, month->connection_id);
	rqbo_arg_text(&args, month->method);
	rqbo_arg_datum(&args, DateADTGetDatum(month->start));
	rqbo_arg_datum(&args, parts.values[1]);
	rqbo_arg_datum(&args, parts.values[2]);
	if (rqbo_db_run(&statement, &args) == 0)
		return NULL;
	difference = SPI_palloc(sizeof(RqboDimensionDifference));
	difference->account = rqbo_column_text(1);
	difference->parts = rqbo_column_text(2);
	difference->figure = rqbo_column_text(3);
	return difference;
}

/*
 * Bring reefqbo.dimension_actual to what the report says, writing only what
 * differs.  A part that has vanished becomes 0.
 */
static void
store_amounts(const RqboDimensionMonth *month, const RqboReport *report, const char *const *values, RqboCounts *counts)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"WITH fetched AS ("
		"  SELECT value_id, account_id, sum(amount) AS amount"
		"  FROM ROWS FROM (unnest($6), unnest($7), unnest($8)) AS t(value_id, account_id, amount)"
		"  GROUP BY value_id, account_id"
		"), stored AS ("
		"  SELECT value_id, account_id, amount FROM reefqbo.dimension_actual"
		"  WHERE model_id = $1 AND connection_id = $2 AND dimension = $3 AND accounting_method = $4"
		"  AND period_start = $5"
		"), difference AS ("
		"  SELECT value_id, account_id, s.amount AS old_amount, COALESCE(f.amount, 0) AS new_amount"
		"  FROM fetched f FULL JOIN stored s USING (value_id, account_id)"
		"  WHERE COALESCE(s.amount, 0) <> COALESCE(f.amount, 0)"
		"), inserted AS ("
		"  INSERT INTO reefqbo.dimension_actual (model_id, connection_id, dimension, accounting_method,"
		"   period_start, value_id, account_id, period_end, amount, import_id)"
		"  SELECT $1, $2, $3, $4, $5, d.value_id, d.account_id, ($5 + interval '1 month')::date - 1,"
		"   d.new_amount, $9"
		"  FROM difference d WHERE d.old_amount IS NULL"
		"  RETURNING 1"
		"), updated AS ("
		"  UPDATE reefqbo.dimension_actual a SET amount = d.new_amount, import_id = $9"
		"  FROM difference d"
		"  WHERE a.model_id = $1 AND a.connection_id = $2 AND a.dimension = $3 AND a.accounting_method = $4"
		"  AND a.period_start = $5 AND a.value_id = d.value_id AND a.account_id = d.account_id"
		"  AND d.old_amount IS NOT NULL"
		"  RETURNING 1"
		") SELECT (SELECT count(*) FROM inserted), (SELECT count(*) FROM updated),"
		"  (SELECT count(*) FROM fetched f JOIN stored s USING (value_id, account_id) WHERE s.amount = f.amount)",
		INT8OID, INT8OID, TEXTOID, TEXTOID, DATEOID, TEXTARRAYOID, TEXTARRAYOID, NUMERICARRAYOID, INT8OID);
	RqboArgs	args = {0};

	arg_month(&args, month);
	arg_parts(&args, report, values);
	rqbo_arg_int8(&args, month->import_id);
	rqbo_db_run(&statement, &args);
	counts->amounts_inserted += rqbo_column_int8(1);
	counts->amounts_changed += rqbo_column_int8(2);
	counts->amounts_unchanged += rqbo_column_int8(3);
}

static void
store_month(const RqboDimensionMonth *month)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"INSERT INTO reefqbo.dimension_month AS m (model_id, connection_id, dimension, accounting_method,"
		"  period_start, period_end, import_id)"
		" VALUES ($1, $2, $3, $4, $5, ($5 + interval '1 month')::date - 1, $6)"
		" ON CONFLICT (model_id, connection_id, dimension, accounting_method, period_start)"
		" DO UPDATE SET import_id = EXCLUDED.import_id, fetched_at = EXCLUDED.fetched_at",
		INT8OID, INT8OID, TEXTOID, TEXTOID, DATEOID, INT8OID);
	RqboArgs	args = {0};

	arg_month(&args, month);
	rqbo_arg_int8(&args, month->import_id);
	rqbo_db_run(&statement, &args);
}

void
rqbo_store_parts(const RqboDimensionMonth *month, const RqboReport *report, const char *const *values,
				 RqboCounts *counts)
{
	store_amounts(month, report, values, counts);
	store_month(month);
	counts->months++;
}
