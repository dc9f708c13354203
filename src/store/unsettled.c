/*-------------------------------------------------------------------------
 *
 * store/unsettled.c
 *	  Months that must be read again, in tables, and what a report is held
 *	  against before it is stored.
 *	  When they are read is decided in import/refresh.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"

#include "base/array.h"
#include "base/db.h"
#include "store/amounts.h"
#include "store/unsettled.h"

static void
arg_range(RqboArgs *args, int64 model_id, int64 connection_id, const RqboRange *range)
{
	rqbo_arg_ids(args, model_id, connection_id);
	rqbo_store_arg_range(args, range);
}

void
rqbo_store_settled(int64 model_id, int64 connection_id, const RqboRange *range)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"DELETE FROM reefqbo.unsettled_month WHERE model_id = $1 AND connection_id = $2"
		" AND accounting_method = $3 AND period_start BETWEEN $4 AND $5",
		INT8OID, INT8OID, TEXTOID, DATEOID, DATEOID);
	RqboArgs	args = {0};

	arg_range(&args, model_id, connection_id, range);
	rqbo_db_run(&statement, &args);
}

void
rqbo_store_untied(int64 model_id, int64 connection_id, int64 import_id, const RqboRange *month, const char *detail)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"INSERT INTO reefqbo.unsettled_month (model_id, connection_id, accounting_method, period_start, period_end,"
		"  reason, import_id, detail)"
		" VALUES ($1, $2, $3, $4, $5, 'does not tie out', $6, $7)"
		" ON CONFLICT (model_id, connection_id, accounting_method, period_start, reason)"
		" DO UPDATE SET detail = EXCLUDED.detail, import_id = EXCLUDED.import_id",
		INT8OID, INT8OID, TEXTOID, DATEOID, DATEOID, INT8OID, TEXTOID);
	RqboArgs	args = {0};

	arg_range(&args, model_id, connection_id, month);
	rqbo_arg_int8(&args, import_id);
	rqbo_arg_text(&args, detail);
	rqbo_db_run(&statement, &args);
}

DateADT *
rqbo_store_untied_months(int64 model_id, int64 connection_id, const RqboRange *range)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"SELECT (period_start - date '2000-01-01')::bigint FROM reefqbo.unsettled_month"
		" WHERE model_id = $1 AND connection_id = $2 AND accounting_method = $3 AND period_start BETWEEN $4 AND $5"
		" AND reason = 'does not tie out' ORDER BY period_start",
		INT8OID, INT8OID, TEXTOID, DATEOID, DATEOID);
	RqboArgs	args = {0};
	DateADT    *months;
	uint64		count;

	arg_range(&args, model_id, connection_id, range);
	count = rqbo_db_run(&statement, &args);
	months = SPI_palloc((count + 1) * sizeof(DateADT));
	for (uint64 i = 0; i < count; i++)
		months[i] = (DateADT) rqbo_cell_int8(i, 1);
	months[count] = DATEVAL_NOEND;
	return months;
}

/*
 * The accounts of a report and the classification that the section of each
 * tells, where it tells one.
 */
static void
arg_sections(RqboArgs *args, const RqboReport *report)
{
	RqboColumn	ids;
	RqboColumn	classes;

	rqbo_column_begin(&ids, report->nlines);
	rqbo_column_begin(&classes, report->nlines);
	for (int i = 0; i < report->nlines; i++)
	{
		const RqboReportLine *line = &report->lines[i];

		CHECK_FOR_INTERRUPTS();
		if (!rqbo_report_line_is_stored(line))
			continue;
		rqbo_column_add_text(&ids, line->stored_id);
		rqbo_column_add_text(&classes, rqbo_store_section_classification(line));
	}
	rqbo_arg_text_column(args, &ids);
	rqbo_arg_text_column(args, &classes);
}

bool
rqbo_store_chart_is_old(int64 model_id, int64 connection_id, const RqboReport *report)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"SELECT EXISTS (SELECT 1 FROM ROWS FROM (unnest($3), unnest($4)) AS t(account_id, classification)"
		" JOIN reefqbo.account a ON a.model_id = $1 AND a.connection_id = $2 AND a.account_id = t.account_id"
		" WHERE NOT a.is_computed AND a.gone_since IS NULL AND t.classification IS NOT NULL"
		" AND (reefqbo._debit_sign(NULL, t.classification) <> reefqbo._debit_sign(a.account_type, a.classification)"
		"  OR (t.classification IN ('Revenue', 'Expense')) <> COALESCE(a.classification IN ('Revenue', 'Expense'), false)))",
		INT8OID, INT8OID, TEXTARRAYOID, TEXTARRAYOID);
	RqboArgs	args = {0};

	rqbo_arg_ids(&args, model_id, connection_id);
	arg_sections(&args, report);
	rqbo_db_run(&statement, &args);
	return rqbo_column_bool(1);
}

/*
 * For balance sheets whose layout does not show the two sides.  An account that
 * the chart does not have is what its section says; what is in no chart at all
 * and in no known section is the profit inside equity.
 */
char *
rqbo_store_find_imbalance(int64 model_id, int64 connection_id, const RqboReport *balance_sheet)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"SELECT string_agg(format('%s: assets %s, liabilities and equity %s, of unknown classification %s',"
		"  to_char(b.period_start, 'YYYY-MM'), b.assets, b.others, b.unknown), '; ' ORDER BY b.period_start)"
		" FROM (SELECT v.period_start,"
		"   COALESCE(sum(v.amount) FILTER (WHERE k.classification = 'Asset'), 0) AS assets,"
		"   COALESCE(sum(v.amount) FILTER (WHERE k.classification IN ('Liability', 'Equity')), 0) AS others,"
		"   COALESCE(sum(abs(v.amount)) FILTER (WHERE k.classification NOT IN ('Asset', 'Liability', 'Equity')), 0) AS unknown"
		"  FROM ROWS FROM (unnest($3), unnest($4), unnest($5)) AS v(account_id, period_start, amount)"
		"  LEFT JOIN ROWS FROM (unnest($6), unnest($7)) AS s(account_id, classification) ON s.account_id = v.account_id"
		"  LEFT JOIN reefqbo.account a ON a.model_id = $1 AND a.connection_id = $2 AND a.account_id = v.account_id"
		"  CROSS JOIN LATERAL (SELECT COALESCE(a.classification, s.classification,"
		"   CASE WHEN v.account_id LIKE 'computed:%' THEN 'Equity' ELSE 'unknown' END) AS classification) k"
		"  GROUP BY v.period_start) b"
		" WHERE b.assets <> b.others OR b.unknown <> 0",
		INT8OID, INT8OID, TEXTARRAYOID, DATEARRAYOID, NUMERICARRAYOID, TEXTARRAYOID, TEXTARRAYOID);
	RqboArgs	args = {0};

	rqbo_arg_ids(&args, model_id, connection_id);
	rqbo_store_arg_amounts(&args, balance_sheet);
	arg_sections(&args, balance_sheet);
	rqbo_db_run(&statement, &args);
	return rqbo_column_text(1);
}
