/*-------------------------------------------------------------------------
 *
 * store/proof_compare.c
 *	  Holds what QuickBooks prints against what is stored, account by account,
 *	  and returns the outcome: one set-based statement for each kind of check.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "base/array.h"
#include "store/amounts.h"
#include "store/proof.h"

/* 1 if statements print the account debit positive, -1 if credit positive, NULL if its type is not known. */
#define DEBIT_SIDE(a) \
	"CASE WHEN " a ".account_type IN ('Bank', 'Accounts Receivable', 'Other Current Asset', 'Fixed Asset'," \
	"   'Other Asset', 'Cost of Goods Sold', 'Expense', 'Other Expense') THEN 1" \
	"  WHEN " a ".account_type IN ('Accounts Payable', 'Credit Card', 'Other Current Liability'," \
	"   'Long Term Liability', 'Equity', 'Income', 'Other Income') THEN -1" \
	"  WHEN " a ".classification IN ('Asset', 'Expense') THEN 1" \
	"  WHEN " a ".classification IN ('Liability', 'Equity', 'Revenue') THEN -1 END"

/* Where an account belongs that no statement has shown. */
#define STATEMENT_OF(a) \
	"CASE WHEN " a ".account_type IN ('Income', 'Other Income', 'Cost of Goods Sold', 'Expense', 'Other Expense')" \
	"   OR " a ".classification IN ('Revenue', 'Expense') THEN 'profit_and_loss' ELSE 'balance_sheet' END"

/*
 * The account of each row, looked up by its key.  The tables may be new and
 * nobody have counted their rows: a plain join would then be planned as if
 * there were one.
 */
#define JOIN_ACCOUNT(row) \
	" LEFT JOIN LATERAL (SELECT o.* FROM reefqbo.account o WHERE o.model_id = $1 AND o.connection_id = $2" \
	"  AND o.account_id = " row ".account_id LIMIT 1) a ON true"

/* A line of a statement, of reefqbo._amount v, that is no account's. */
#define IS_COMPUTED "v.account_id LIKE 'computed:%'"

/*
 * The end of each such statement.  Before it stand "checked", a row a check:
 * statement, period_start, period_end; and "pair", a row an account in it:
 * account_id, statement, period_start, figure, other_figure, and the two as
 * they count in the check's sums; excuse, why they may differ, or NULL; is_told,
 * whether it is known that they differ for that.  $1 to $3 say whose, $4 is the
 * method.
 */
#define OUTCOME(kind) \
	", judged AS (" \
	"  SELECT p.*, p.figure <> p.other_figure AND p.excuse IS NULL AS differs," \
	"   p.figure <> p.other_figure AND p.excuse IS NOT NULL AS is_excused, row_number() OVER (" \
	"   PARTITION BY p.statement, p.period_start, p.figure <> p.other_figure AND p.excuse IS NULL" \
	"   ORDER BY abs(p.figure - p.other_figure) DESC, p.account_id) AS place" \
	"  FROM pair p" \
	"), outcome AS (" \
	"  SELECT c.statement, c.period_start, c.period_end, NULL::text AS account_id," \
	"   COALESCE(sum(j.counted), 0) AS figure, COALESCE(sum(j.other_counted), 0) AS other_figure," \
	"   count(j.account_id)::integer AS compared," \
	"   CASE WHEN bool_or(j.differs) THEN false WHEN bool_or(j.is_excused AND NOT j.is_told) THEN NULL ELSE true END AS passed," \
	"   CASE WHEN bool_or(j.differs) THEN format('%s of %s accounts differ', count(*) FILTER (WHERE j.differs)," \
	"    count(j.account_id)) ELSE min(j.excuse) FILTER (WHERE j.is_excused) END AS detail" \
	"  FROM checked c LEFT JOIN judged j ON j.statement = c.statement AND j.period_start = c.period_start" \
	"  GROUP BY c.statement, c.period_start, c.period_end" \
	"  UNION ALL" \
	"  SELECT c.statement, c.period_start, c.period_end, j.account_id, j.figure, j.other_figure, 1, false," \
	"   COALESCE(a.fully_qualified_name, 'an account that the chart of accounts does not have')" \
	"  FROM checked c JOIN judged j ON j.statement = c.statement AND j.period_start = c.period_start" \
	   JOIN_ACCOUNT("j") \
	"  WHERE j.differs AND j.place <= 20" \
	") SELECT " kind ", o.statement, $4, o.period_start, o.period_end, o.account_id, o.figure," \
	"  o.other_figure, o.compared, o.passed, o.detail" \
	" FROM outcome o ORDER BY o.statement, o.period_start, o.account_id NULLS FIRST"

static void
arg_check(RqboArgs *args, RqboProofOf of, const RqboRange *range)
{
	rqbo_arg_ids(args, of.model_id, of.connection_id);
	rqbo_arg_int8(args, of.import_id);
	rqbo_store_arg_range(args, range);
}

/* ---- of what is stored alone ---- */

List *
rqbo_store_prove_balance(RqboProofOf of, const RqboRange *range)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"SELECT 'balance', 'balance_sheet', $4, b.period_start, b.period_end, NULL::text, b.assets, b.others, 1,"
		"  CASE WHEN b.unknown = 0 THEN b.assets = b.others END,"
		"  CASE WHEN b.unknown <> 0 THEN format('%s accounts are of no known classification', b.unknown) END"
		" FROM (SELECT v.period_start, v.period_end,"
		"   COALESCE(sum(v.amount) FILTER (WHERE a.classification = 'Asset'), 0) AS assets,"
		"   COALESCE(sum(v.amount) FILTER (WHERE a.classification IN ('Liability', 'Equity') OR " IS_COMPUTED "), 0)"
		"    AS others,"
		"   count(*) FILTER (WHERE v.amount <> 0 AND a.classification IS NULL AND NOT " IS_COMPUTED ") AS unknown"
		"  FROM reefqbo._amount v" JOIN_ACCOUNT("v")
		"  WHERE v.model_id = $1 AND v.connection_id = $2 AND v.statement = 'balance_sheet'"
		"  AND v.accounting_method = $4 AND v." RQBO_YEARS_OF("$5", "$6") " AND v.period_start BETWEEN $5 AND $6"
		"  GROUP BY v.period_start, v.period_end) b ORDER BY b.period_start",
		INT8OID, INT8OID, INT8OID, TEXTOID, DATEOID, DATEOID);
	RqboArgs	args = {0};

	arg_check(&args, of, range);
	return rqbo_store_read_proof_rows(rqbo_db_run(&statement, &args));
}

List *
rqbo_store_prove_net_income(RqboProofOf of)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"WITH month AS MATERIALIZED ("
		"  SELECT k.accounting_method, k.period_start, k.period_end,"
		"   (k.period_start - interval '1 month' * months.before)::date AS year_start, months.before + 1 AS needed"
		"  FROM reefqbo.tie_out_check k"
		"  JOIN reefqbo.connection c ON c.model_id = $1 AND c.connection_id = $2"
		"  CROSS JOIN LATERAL (SELECT (extract(month FROM k.period_start)::integer - c.fiscal_year_start_month + 12) % 12"
		"   AS before) months"
		"  WHERE k.model_id = $1 AND k.connection_id = $2 AND k.import_id = $3 AND k.kind = 'section_totals'"
		"  AND k.statement = 'balance_sheet' AND k.account_id IS NULL"
		"  AND k.period_end = (k.period_start + interval '1 month')::date - 1"
		"), earned AS MATERIALIZED ("
		"  SELECT i.accounting_method, i.period_start, t.amount, t.unknown"
		"  FROM reefqbo.imported_month i"
		"  CROSS JOIN LATERAL (SELECT COALESCE(sum(-v.amount * " DEBIT_SIDE("a") "), 0) AS amount,"
		"    count(*) FILTER (WHERE v.amount <> 0 AND " DEBIT_SIDE("a") " IS NULL) AS unknown"
		"   FROM reefqbo._amount v" JOIN_ACCOUNT("v")
		"   WHERE v.model_id = $1 AND v.connection_id = $2 AND v.statement = 'profit_and_loss'"
		"   AND v.accounting_method = i.accounting_method AND v.year = reefqbo._year(i.period_start)"
		"   AND v.period_start = i.period_start) t"
		"  WHERE i.model_id = $1 AND i.connection_id = $2 AND i.statement = 'profit_and_loss'"
		"  AND i.period_start >= (SELECT min(COALESCE(m.year_start, m.period_start)) FROM month m)"
		"  AND i.period_start <= (SELECT max(m.period_start) FROM month m)"
		"), year AS ("
		"  SELECT m.*, count(e.period_start) AS months, sum(e.amount) AS amount, sum(e.unknown) AS unknown"
		"  FROM month m LEFT JOIN earned e ON e.accounting_method = m.accounting_method"
		"   AND e.period_start BETWEEN m.year_start AND m.period_start"
		"  GROUP BY m.accounting_method, m.period_start, m.period_end, m.year_start, m.needed"
		"), equity AS MATERIALIZED ("
		"  SELECT y.*, y.months = y.needed AND y.unknown = 0 AS is_known, COALESCE("
		"   (SELECT COALESCE(sum(v.amount) FILTER (WHERE v.account_id = 'computed:NetIncome'), sum(v.amount))"
		"    FROM reefqbo._amount v"
		"    WHERE v.model_id = $1 AND v.connection_id = $2 AND v.statement = 'balance_sheet'"
		"    AND v.accounting_method = y.accounting_method AND v.year = reefqbo._year(y.period_start)"
		"    AND v.period_start = y.period_start AND " IS_COMPUTED "), 0)"
		"   AS line"
		"  FROM year y"
		") SELECT 'net_income', 'balance_sheet', e.accounting_method, e.period_start, e.period_end, NULL::text, e.line,"
		"  CASE WHEN e.is_known THEN e.amount END, CASE WHEN e.is_known THEN 1 ELSE 0 END,"
		"  CASE WHEN e.is_known THEN e.line = e.amount END,"
		"  CASE WHEN e.needed IS NULL THEN 'it is not known when the fiscal year of the company begins'"
		"   WHEN e.months < e.needed THEN format('the fiscal year begins in %s, and %s of its %s months up to here"
		" are not imported', to_char(e.year_start, 'YYYY-MM'), e.needed - e.months, e.needed)"
		"   WHEN e.unknown > 0 THEN 'accounts of no known type have amounts: import the chart of accounts' END"
		" FROM equity e ORDER BY e.accounting_method, e.period_start",
		INT8OID, INT8OID, INT8OID);
	RqboArgs	args = {0};

	rqbo_arg_ids(&args, of.model_id, of.connection_id);
	rqbo_arg_int8(&args, of.import_id);
	return rqbo_store_read_proof_rows(rqbo_db_run(&statement, &args));
}

/* ---- of a report and what is stored ---- */

/*
 * Net income is what the amounts count as: accounts of no known type count as
 * printed, on either side.
 */
List *
rqbo_store_prove_year(RqboProofOf of, const RqboRange *range, const RqboReport *report)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"WITH printed AS ("
		"  SELECT account_id, sum(amount) AS amount"
		"  FROM ROWS FROM (unnest($7), unnest($8), unnest($9)) AS t(account_id, period_start, amount)"
		"  GROUP BY account_id"
		"), stored AS ("
		"  SELECT v.account_id, sum(v.amount) AS amount FROM reefqbo._amount v"
		"  WHERE v.model_id = $1 AND v.connection_id = $2 AND v.statement = 'profit_and_loss'"
		"  AND v.accounting_method = $4 AND v." RQBO_YEARS_OF("$5", "$6") " AND v.period_start BETWEEN $5 AND $6"
		"  GROUP BY v.account_id HAVING sum(v.amount) <> 0"
		"), checked AS (SELECT 'profit_and_loss'::text AS statement, $5 AS period_start, $6 AS period_end"
		"), pair AS ("
		"  SELECT q.account_id, 'profit_and_loss'::text AS statement, $5 AS period_start, q.figure, q.other_figure,"
		"   q.figure * -COALESCE(" DEBIT_SIDE("a") ", -1) AS counted,"
		"   q.other_figure * -COALESCE(" DEBIT_SIDE("a") ", -1) AS other_counted, NULL::text AS excuse, true AS is_told"
		"  FROM (SELECT COALESCE(p.account_id, s.account_id) AS account_id, COALESCE(p.amount, 0) AS figure,"
		"    COALESCE(s.amount, 0) AS other_figure"
		"   FROM printed p FULL JOIN stored s ON s.account_id = p.account_id) q" JOIN_ACCOUNT("q")
		")" OUTCOME("'year_in_one_column'"),
		INT8OID, INT8OID, INT8OID, TEXTOID, DATEOID, DATEOID, TEXTARRAYOID, DATEARRAYOID, NUMERICARRAYOID);
	RqboArgs	args = {0};

	arg_check(&args, of, range);
	rqbo_store_arg_amounts(&args, report);
	return rqbo_store_read_proof_rows(rqbo_db_run(&statement, &args));
}

/*
 * The lines of a trial balance: account ids, debits, credits.
 */
static void
arg_trial_balance(RqboArgs *args, const RqboReport *report)
{
	RqboColumn	columns[3];

	for (int i = 0; i < 3; i++)
		rqbo_column_begin(&columns[i], report->nlines);
	for (int i = 0; i < report->nlines && report->ncolumns == 2; i++)
	{
		const RqboReportLine *line = &report->lines[i];

		CHECK_FOR_INTERRUPTS();
		if (!rqbo_report_line_is_stored(line))
			continue;
		rqbo_column_add_text(&columns[0], line->stored_id);
		rqbo_column_add(&columns[1], NumericGetDatum(line->amounts[0]), false);
		rqbo_column_add(&columns[2], NumericGetDatum(line->amounts[1]), false);
	}
	rqbo_arg_text_column(args, &columns[0]);
	rqbo_arg_column(args, &columns[1], NUMERICOID, -1, false, TYPALIGN_INT);
	rqbo_arg_column(args, &columns[2], NUMERICOID, -1, false, TYPALIGN_INT);
}

/*
 * Accounts of income and costs can be compared only when all months of the
 * fiscal year are there ($10).  An account of no known type is compared
 * without its sign.
 *
 * A trial balance knows no revaluation: accounts in another currency stand in it
 * at the rates of their postings, and in the balance sheet at the day's.  The
 * whole of that is the line of the profit and loss that is in no chart, of this
 * year, and in retained earnings of the years before.  Whatever else differs is
 * a difference.
 */
List *
rqbo_store_prove_trial_balance(RqboProofOf of, const RqboProofPeriod *period, const RqboReport *report)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"WITH printed AS ("
		"  SELECT account_id, sum(debit - credit) AS amount"
		"  FROM ROWS FROM (unnest($7), unnest($8), unnest($9)) AS t(account_id, debit, credit)"
		"  GROUP BY account_id HAVING sum(debit - credit) <> 0"
		"), stored AS ("
		"  SELECT v.account_id, v.statement, v.amount FROM reefqbo._amount v"
		"  WHERE v.model_id = $1 AND v.connection_id = $2 AND v.statement = 'balance_sheet'"
		"  AND v.accounting_method = $4 AND v.year = reefqbo._year($6)"
		"  AND v.period_start = date_trunc('month', $6::timestamp)::date"
		"  AND v.amount <> 0 AND NOT " IS_COMPUTED
		"  UNION ALL"
		"  SELECT v.account_id, 'profit_and_loss', sum(v.amount) FROM reefqbo._amount v"
		"  WHERE v.model_id = $1 AND v.connection_id = $2 AND v.statement = 'profit_and_loss'"
		"  AND v.accounting_method = $4 AND v." RQBO_YEARS_OF("$5", "$6") " AND v.period_start BETWEEN $5 AND $6"
		"  GROUP BY v.account_id HAVING sum(v.amount) <> 0"
		"), checked AS ("
		"  SELECT s.statement, $5 AS period_start, $6 AS period_end"
		"  FROM (VALUES ('balance_sheet', true), ('profit_and_loss', $10)) AS s (statement, is_whole)"
		"  WHERE s.is_whole"
		"), both_sides AS ("
		"  SELECT COALESCE(p.account_id, s.account_id) AS account_id, s.statement, COALESCE(p.amount, 0) AS figure,"
		"   COALESCE(s.amount, 0) AS printed"
		"  FROM printed p FULL JOIN stored s ON s.account_id = p.account_id"
		"), signed AS ("
		"  SELECT b.account_id, COALESCE(b.statement, " STATEMENT_OF("a") ") AS statement, b.figure,"
		"   COALESCE(b.printed * " DEBIT_SIDE("a") ","
		"    CASE WHEN b.figure < 0 THEN -1 ELSE 1 END * abs(b.printed)) AS other_figure,"
		"   CASE WHEN b.account_id LIKE 'computed:%' THEN 'line' WHEN a.currency <> c.home_currency THEN 'revalued'"
		"    WHEN a.account_subtype = 'RetainedEarnings' THEN 'retained' END AS role, a.fully_qualified_name AS name"
		"  FROM both_sides b" JOIN_ACCOUNT("b")
		"  JOIN reefqbo.connection c ON c.model_id = $1 AND c.connection_id = $2"
		"), revaluation AS MATERIALIZED ("
		"  SELECT COALESCE(sum(g.figure - g.other_figure) FILTER (WHERE g.role = 'revalued'), 0) AS revalued,"
		"   COALESCE(sum(g.figure - g.other_figure) FILTER (WHERE g.role = 'retained'), 0) AS retained,"
		"   COALESCE(sum(g.figure - g.other_figure) FILTER (WHERE g.role = 'line'), 0) AS line,"
		"   count(*) FILTER (WHERE g.role = 'revalued' AND g.figure <> g.other_figure) AS accounts,"
		"   min(g.name) FILTER (WHERE g.role = 'revalued' AND g.figure <> g.other_figure) AS name,"
		"   COALESCE((SELECT -sum(v.amount * " DEBIT_SIDE("a") ") FROM reefqbo._amount v" JOIN_ACCOUNT("v")
		"    WHERE v.model_id = $1 AND v.connection_id = $2 AND v.statement = 'profit_and_loss' AND v.accounting_method = $4"
		"    AND v.period_start < $5 AND " IS_COMPUTED "), 0) AS before"
		"  FROM signed g"
		"), excused AS ("
		"  SELECT format('%s accounts in another currency (%s) are revalued by %s, which the trial balance does not know;"
		" the profit and loss has it as a line that is in no chart, %s', r.accounts, r.name, -r.revalued, -r.line) AS excuse,"
		"   $10 AND r.retained = r.before AS is_told"
		"  FROM revaluation r"
		"  WHERE r.accounts > 0 AND (r.revalued + r.retained + r.line = 0 OR (NOT $10 AND r.retained = 0))"
		"), pair AS ("
		"  SELECT g.account_id, g.statement, $5 AS period_start, g.figure, g.other_figure,"
		"   abs(g.figure) AS counted, abs(g.other_figure) AS other_counted,"
		"   CASE WHEN g.role IS NOT NULL THEN e.excuse END AS excuse, COALESCE(e.is_told, true) AS is_told"
		"  FROM signed g LEFT JOIN excused e ON true"
		")" OUTCOME("'trial_balance_statements'"),
		INT8OID, INT8OID, INT8OID, TEXTOID, DATEOID, DATEOID, TEXTARRAYOID, NUMERICARRAYOID, NUMERICARRAYOID, BOOLOID);
	RqboArgs	args = {0};
	RqboRange	year = {period->range.method, period->year_start, period->range.end};

	arg_check(&args, of, &year);
	arg_trial_balance(&args, report);
	rqbo_arg_datum(&args, BoolGetDatum(period->year_is_known && period->range.start == period->year_start));
	return rqbo_store_read_proof_rows(rqbo_db_run(&statement, &args));
}

List *
rqbo_store_prove_stored(RqboProofOf of, const RqboRange *range, const RqboReport *report)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"WITH printed AS ("
		"  SELECT account_id, period_start, sum(amount) AS amount"
		"  FROM ROWS FROM (unnest($7), unnest($8), unnest($9)) AS t(account_id, period_start, amount)"
		"  GROUP BY account_id, period_start"
		"), stored AS ("
		"  SELECT v.account_id, v.period_start, v.amount FROM reefqbo._amount v"
		"  WHERE v.model_id = $1 AND v.connection_id = $2 AND v.statement = $10"
		"  AND v.accounting_method = $4 AND v." RQBO_YEARS_OF("$5", "$6") " AND v.period_start BETWEEN $5 AND $6 AND v.amount <> 0"
		"), checked AS ("
		"  SELECT i.statement, i.period_start, i.period_end FROM reefqbo.imported_month i"
		"  WHERE i.model_id = $1 AND i.connection_id = $2 AND i.statement = $10"
		"  AND i.accounting_method = $4 AND i.period_start BETWEEN $5 AND $6"
		"), both_sides AS ("
		"  SELECT COALESCE(p.account_id, s.account_id) AS account_id,"
		"   COALESCE(p.period_start, s.period_start) AS period_start, COALESCE(p.amount, 0) AS figure,"
		"   COALESCE(s.amount, 0) AS other_figure"
		"  FROM printed p FULL JOIN stored s ON s.account_id = p.account_id AND s.period_start = p.period_start"
		"), pair AS ("
		"  SELECT b.account_id, $10 AS statement, b.period_start, b.figure, b.other_figure,"
		"   b.figure AS counted, b.other_figure AS other_counted, NULL::text AS excuse, true AS is_told FROM both_sides b"
		")" OUTCOME("'stored'"),
		INT8OID, INT8OID, INT8OID, TEXTOID, DATEOID, DATEOID, TEXTARRAYOID, DATEARRAYOID, NUMERICARRAYOID, TEXTOID);
	RqboArgs	args = {0};

	arg_check(&args, of, range);
	rqbo_store_arg_amounts(&args, report);
	rqbo_arg_text(&args, report->name == RQBO_PROFIT_AND_LOSS ? "profit_and_loss" : "balance_sheet");
	return rqbo_store_read_proof_rows(rqbo_db_run(&statement, &args));
}
