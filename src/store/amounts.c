/*-------------------------------------------------------------------------
 *
 * store/amounts.c
 *	  Amounts in tables: one set-based statement writes a whole report, touches
 *	  only what differs, and says how much.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "base/amount.h"
#include "base/array.h"
#include "base/month.h"
#include "store/amounts.h"
#include "store/imports.h"

static const char *
statement_name(const RqboReport *report)
{
	return report->name == RQBO_PROFIT_AND_LOSS ? "profit_and_loss" : "balance_sheet";
}

/*
 * The arguments that name a statement of a connection over a range.
 */
static void
arg_range(RqboArgs *args, int64 model_id, int64 connection_id, const RqboReport *report, const RqboRange *range)
{
	rqbo_arg_ids(args, model_id, connection_id);
	rqbo_arg_text(args, statement_name(report));
	rqbo_store_arg_range(args, range);
}

/*
 * The amounts of a report that are not 0, as three columns.
 */
void
rqbo_store_arg_amounts(RqboArgs *args, const RqboReport *report)
{
	RqboColumn	ids;
	RqboColumn	periods;
	RqboColumn	amounts;
	int			size = report->nlines * report->ncolumns;

	rqbo_column_begin(&ids, size);
	rqbo_column_begin(&periods, size);
	rqbo_column_begin(&amounts, size);
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
			if (report->columns[j].is_total || rqbo_amount_is_zero(line->amounts[j]))
				continue;
			rqbo_column_add(&ids, id, false);
			rqbo_column_add(&periods, DateADTGetDatum(report->columns[j].start), false);
			rqbo_column_add(&amounts, NumericGetDatum(line->amounts[j]), false);
		}
	}
	rqbo_arg_column(args, &ids, TEXTOID, -1, false, TYPALIGN_INT);
	rqbo_arg_column(args, &periods, DATEOID, sizeof(DateADT), true, TYPALIGN_INT);
	rqbo_arg_column(args, &amounts, NUMERICOID, -1, false, TYPALIGN_INT);
}

/* An array of the twelve months of a year: of rows with a month each. */
#define OF_MONTH(value, n) "max(" value ") FILTER (WHERE c.month = " #n ")"
#define MONTHS(value) \
	"ARRAY[" OF_MONTH(value, 1) ", " OF_MONTH(value, 2) ", " OF_MONTH(value, 3) ", " OF_MONTH(value, 4) "," \
	" " OF_MONTH(value, 5) ", " OF_MONTH(value, 6) ", " OF_MONTH(value, 7) ", " OF_MONTH(value, 8) "," \
	" " OF_MONTH(value, 9) ", " OF_MONTH(value, 10) ", " OF_MONTH(value, 11) ", " OF_MONTH(value, 12) "]"

/*
 * Bring reefqbo.actual to what the report says, writing only years in which
 * something differs.  An amount that has vanished becomes 0.  What changes in
 * a month that was fetched before is a restatement.  Only computed lines may
 * share an id: they are summed.  Both sides are put together by grouping, not
 * by a join, which a planner that knows nothing of either could make a loop.
 */
static void
store_amounts(int64 model_id, int64 connection_id, int64 import_id, const RqboReport *report,
			  const RqboRange *range, RqboCounts *counts)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"WITH both_sides AS ("
		"  SELECT account_id, year, date_part('month', period_start)::integer AS month, amount AS stored,"
		"   import_id, NULL::numeric AS fetched"
		"  FROM reefqbo._amount"
		"  WHERE model_id = $1 AND connection_id = $2 AND statement = $3 AND accounting_method = $4"
		"  AND " RQBO_YEARS_OF("$5", "$6")
		"  UNION ALL"
		"  SELECT account_id, reefqbo._year(period_start), date_part('month', period_start)::integer, NULL, NULL, amount"
		"  FROM ROWS FROM (unnest($7), unnest($8), unnest($9)) AS t(account_id, period_start, amount)"
		"), cell AS ("
		"  SELECT account_id, year, month, max(stored) AS stored, max(import_id) AS import_id,"
		"   COALESCE(sum(fetched), 0) AS fetched, count(fetched) > 0 AS is_fetched"
		"  FROM both_sides GROUP BY account_id, year, month"
		"), judged AS MATERIALIZED ("
		"  SELECT c.*, make_date(c.year, c.month, 1) AS period_start,"
		"   COALESCE(c.stored, 0) <> c.fetched AND make_date(c.year, c.month, 1) BETWEEN $5 AND $6 AS differs"
		"  FROM cell c"
		"), changed AS MATERIALIZED ("
		"  SELECT c.account_id, c.year, bool_or(c.is_stored) AS is_stored, max(c.import_id) AS import_id,"
		"   " MONTHS("c.amount") " AS amounts,"
		"   CASE WHEN min(c.import_id) <> max(c.import_id) THEN " MONTHS("c.import_id") " END AS import_ids"
		"  FROM (SELECT j.account_id, j.year, j.month, j.stored IS NOT NULL AS is_stored, j.differs,"
		"    CASE WHEN j.differs THEN j.fetched ELSE j.stored END AS amount,"
		"    CASE WHEN j.differs THEN $10 ELSE j.import_id END AS import_id FROM judged j) c"
		"  GROUP BY c.account_id, c.year HAVING bool_or(c.differs)"
		"), inserted AS ("
		"  INSERT INTO reefqbo._actual_year (model_id, connection_id, account_id, statement, accounting_method,"
		"   year, amounts, import_id, import_ids)"
		"  SELECT $1, $2, c.account_id, $3, $4, c.year, c.amounts, c.import_id, c.import_ids"
		"  FROM changed c WHERE NOT c.is_stored"
		"), updated AS ("
		"  UPDATE reefqbo._actual_year y SET amounts = c.amounts, import_id = c.import_id, import_ids = c.import_ids"
		"  FROM changed c"
		"  WHERE y.model_id = $1 AND y.connection_id = $2 AND y.statement = $3 AND y.accounting_method = $4"
		"  AND y.account_id = c.account_id AND y.year = c.year AND c.is_stored"
		"), restated AS ("
		"  INSERT INTO reefqbo.restatement (model_id, connection_id, account_id, statement,"
		"   accounting_method, period_start, period_end, old_amount, new_amount, restated_at, import_id,"
		"   in_closed_period, was_provisional)"
		"  SELECT $1, $2, j.account_id, $3, $4, m.period_start, m.period_end, COALESCE(j.stored, 0),"
		"   j.fetched, (SELECT reefqbo._moment($1)), $10, COALESCE(m.period_end <= c.book_close_date, false), m.is_provisional"
		"  FROM judged j"
		"  JOIN reefqbo.imported_month m ON m.model_id = $1 AND m.connection_id = $2 AND m.statement = $3"
		"   AND m.accounting_method = $4 AND m.period_start = j.period_start"
		"  JOIN reefqbo.connection c ON c.model_id = $1 AND c.connection_id = $2"
		"  WHERE j.differs"
		"  RETURNING 1"
		") SELECT count(*) FILTER (WHERE j.differs AND j.stored IS NULL),"
		"  count(*) FILTER (WHERE j.differs AND j.stored IS NOT NULL), (SELECT count(*) FROM restated),"
		"  count(*) FILTER (WHERE j.stored = j.fetched AND j.is_fetched)"
		" FROM judged j WHERE j.period_start BETWEEN $5 AND $6",
		INT8OID, INT8OID, TEXTOID, TEXTOID, DATEOID, DATEOID, TEXTARRAYOID, DATEARRAYOID, NUMERICARRAYOID, INT8OID);
	RqboArgs	args = {0};

	arg_range(&args, model_id, connection_id, report, range);
	rqbo_store_arg_amounts(&args, report);
	rqbo_arg_int8(&args, import_id);
	rqbo_db_run(&statement, &args);
	counts->amounts_inserted += rqbo_column_int8(1);
	counts->amounts_changed += rqbo_column_int8(2);
	counts->amounts_restated += rqbo_column_int8(3);
	counts->amounts_unchanged += rqbo_column_int8(4);
}

/*
 * The date at the company when the report was made; NULL if it does not say.
 */
static char *
report_date(const RqboReport *report)
{
	char	   *date = report->time != NULL ? pnstrdup(report->time, 10) : NULL;
	DateADT		value;

	return date != NULL && rqbo_month_parse_date(date, &value) ? date : NULL;
}

/*
 * Record that the months were fetched.  A month that was recorded is written
 * again only when it has stopped, or begun, to be provisional.
 */
static void
store_months(int64 model_id, int64 connection_id, int64 import_id, const RqboReport *report, const RqboRange *range)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"WITH month AS ("
		"  SELECT g::date AS period_start, (g + interval '1 month')::date - 1 AS period_end,"
		"   (g + interval '1 month')::date - 1 >= COALESCE($7::date, reefqbo._now()::date) AS is_provisional"
		"  FROM generate_series($5::timestamp, $6::timestamp, interval '1 month') g"
		"), updated AS ("
		"  UPDATE reefqbo.imported_month i SET is_provisional = m.is_provisional, import_id = $8,"
		"   over_since = CASE WHEN NOT m.is_provisional THEN (SELECT reefqbo._moment($1)) END"
		"  FROM month m WHERE i.model_id = $1 AND i.connection_id = $2 AND i.statement = $3"
		"  AND i.accounting_method = $4 AND i.period_start = m.period_start"
		"  AND i.is_provisional <> m.is_provisional"
		") INSERT INTO reefqbo.imported_month (model_id, connection_id, statement, accounting_method,"
		"  period_start, period_end, is_provisional, import_id, known_since)"
		" SELECT $1, $2, $3, $4, m.period_start, m.period_end, m.is_provisional, $8, (SELECT reefqbo._moment($1)) FROM month m"
		" WHERE NOT EXISTS (SELECT 1 FROM reefqbo.imported_month i WHERE i.model_id = $1"
		"  AND i.connection_id = $2 AND i.statement = $3 AND i.accounting_method = $4"
		"  AND i.period_start = m.period_start)",
		INT8OID, INT8OID, TEXTOID, TEXTOID, DATEOID, DATEOID, TEXTOID, INT8OID);
	RqboArgs	args = {0};

	arg_range(&args, model_id, connection_id, report, range);
	rqbo_arg_text(&args, report_date(report));
	rqbo_arg_int8(&args, import_id);
	rqbo_db_run(&statement, &args);
}

void
rqbo_store_report(int64 model_id, int64 connection_id, int64 import_id, const RqboReport *report,
				  const RqboRange *range, RqboCounts *counts)
{
	rqbo_store_report_accounts(model_id, connection_id, report, counts);
	store_amounts(model_id, connection_id, import_id, report, range, counts);
	store_months(model_id, connection_id, import_id, report, range);
}

int64
rqbo_store_count_amounts(int64 model_id, int64 connection_id, const RqboReport *report, const RqboRange *range)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"SELECT count(*) FROM reefqbo._amount WHERE model_id = $1 AND connection_id = $2 AND statement = $3"
		" AND accounting_method = $4 AND " RQBO_YEARS_OF("$5", "$6") " AND period_start BETWEEN $5 AND $6 AND amount <> 0",
		INT8OID, INT8OID, TEXTOID, TEXTOID, DATEOID, DATEOID);
	RqboArgs	args = {0};

	arg_range(&args, model_id, connection_id, report, range);
	rqbo_db_run(&statement, &args);
	return rqbo_column_int8(1);
}
