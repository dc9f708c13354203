/*-------------------------------------------------------------------------
 *
 * store/ledger.c
 *	  What an account's postings are held against, and where they are kept.
 *	  The postings are read in report/ledger.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "base/array.h"
#include "base/month.h"
#include "store/ledger.h"

#define TEXT_FIELDS 6

char *
rqbo_store_find_ledger(int64 model_id, const char *branch, const char *account, int64 *branch_id)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"SELECT c.branch_id, reefqbo._ledger_account(c.model_id, c.connection_id, $3)"
		" FROM reefqbo.connection c"
		" WHERE c.model_id = $1 AND c.connection_id = reefqbo._statement_connection($1, $2)",
		INT8OID, TEXTOID, TEXTOID);
	RqboArgs	args = {0};

	rqbo_arg_int8(&args, model_id);
	rqbo_arg_text(&args, branch);
	rqbo_arg_text(&args, account);
	rqbo_db_run(&statement, &args);
	*branch_id = rqbo_column_int8(1);
	return rqbo_column_text(2);
}

static void
arg_account(RqboArgs *args, int64 model_id, int64 connection_id, const char *account_id, const RqboRange *range)
{
	rqbo_arg_ids(args, model_id, connection_id);
	rqbo_arg_text(args, account_id);
	rqbo_store_arg_range(args, range);
}

/*
 * A month that was imported and has no row of the account is 0.
 */
RqboFigure *
rqbo_store_read_figure(int64 model_id, int64 connection_id, const char *account_id, const RqboRange *range)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"WITH month AS ("
		"  SELECT i.statement, i.period_start, COALESCE(v.amount, 0) AS amount"
		"  FROM reefqbo.imported_month i"
		"  LEFT JOIN reefqbo._amount v ON v.model_id = $1 AND v.connection_id = $2 AND v.account_id = $3"
		"   AND v.statement = i.statement AND v.accounting_method = $4 AND v.period_start = i.period_start"
		"  WHERE i.model_id = $1 AND i.connection_id = $2 AND i.accounting_method = $4"
		"  AND i.period_start BETWEEN ($5 - interval '1 month')::date AND $6"
		"), movement AS ("
		"  SELECT sum(m.amount) AS amount FROM month m"
		"  WHERE m.statement = 'profit_and_loss' AND m.period_start >= $5"
		"  HAVING count(*) = reefqbo._month_number($6) - reefqbo._month_number($5) + 1"
		"), line AS ("
		"  SELECT v.period_start, v.amount * reefqbo._debit_sign(o.account_type, o.classification) AS debit"
		"  FROM reefqbo.actual v"
		"  JOIN reefqbo.account o ON o.model_id = $1 AND o.connection_id = $2 AND o.account_id = v.account_id AND o.is_computed"
		"  WHERE v.model_id = $1 AND v.connection_id = $2 AND v.statement = 'profit_and_loss' AND v.accounting_method = $4"
		"  AND v.period_start <= $6 AND v.amount <> 0"
		"), balance AS ("
		"  SELECT m.period_start, m.amount FROM month m WHERE m.statement = 'balance_sheet'"
		") SELECT a.fully_qualified_name, b.has_balances, COALESCE(a.account_subtype = 'RetainedEarnings', false),"
		"  (SELECT (o.amount + 0.00)::text FROM balance o WHERE o.period_start < $5),"
		"  CASE WHEN b.has_balances"
		"   THEN (SELECT (e.amount + 0.00)::text FROM balance e WHERE e.period_start = date_trunc('month', $6::timestamp))"
		"   ELSE (SELECT (m.amount + 0.00)::text FROM movement m) END,"
		"  b.has_balances AND COALESCE(a.currency <> c.home_currency, false),"
		"  NOT EXISTS (SELECT 1 FROM reefqbo.account o"
		"   JOIN reefqbo.actual v ON v.model_id = $1 AND v.connection_id = $2 AND v.account_id = o.account_id"
		"    AND v.statement = 'balance_sheet' AND v.accounting_method = $4 AND v.amount <> 0"
		"    AND v.period_start BETWEEN ($5 - interval '1 month')::date AND $6"
		"   WHERE o.model_id = $1 AND o.connection_id = $2 AND o.account_id <> $3 AND o.currency <> c.home_currency),"
		"  EXISTS (SELECT 1 FROM line),"
		"  (-COALESCE((SELECT sum(l.debit) FROM line l WHERE l.period_start >= $5), 0)"
		"   * reefqbo._debit_sign(a.account_type, a.classification) + 0.00)::text"
		" FROM reefqbo.account a"
		" JOIN reefqbo.connection c ON c.model_id = $1 AND c.connection_id = $2"
		" CROSS JOIN LATERAL (SELECT COALESCE(a.classification NOT IN ('Revenue', 'Expense'), true) AS has_balances) b"
		" WHERE a.model_id = $1 AND a.connection_id = $2 AND a.account_id = $3",
		INT8OID, INT8OID, TEXTOID, TEXTOID, DATEOID, DATEOID);
	RqboArgs	args = {0};
	RqboFigure *figure;

	arg_account(&args, model_id, connection_id, account_id, range);
	rqbo_db_run(&statement, &args);
	figure = SPI_palloc(sizeof(RqboFigure));
	figure->account = rqbo_column_text(1);
	figure->has_balances = rqbo_column_bool(2);
	figure->is_retained = rqbo_column_bool(3);
	figure->opening = rqbo_column_text(4);
	figure->closing = rqbo_column_text(5);
	figure->is_foreign = rqbo_column_bool(6);
	figure->is_sole = rqbo_column_bool(7);
	figure->has_lines = rqbo_column_bool(8);
	figure->revaluation = rqbo_column_text(9);
	return figure;
}

/* ---- keeping ---- */

static void
remove_months(int64 model_id, int64 connection_id, const char *account_id, const RqboRange *range)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"DELETE FROM reefqbo.ledger_line WHERE model_id = $1 AND connection_id = $2 AND account_id = $3"
		" AND accounting_method = $4 AND period_start BETWEEN $5 AND $6",
		INT8OID, INT8OID, TEXTOID, TEXTOID, DATEOID, DATEOID);
	RqboArgs	args = {0};

	arg_account(&args, model_id, connection_id, account_id, range);
	rqbo_db_run(&statement, &args);
}

static void
arg_lines(RqboArgs *args, const RqboLedgerLine *lines, int nlines)
{
	RqboColumn	dates;
	RqboColumn	amounts;
	RqboColumn	texts[TEXT_FIELDS];

	rqbo_column_begin(&dates, nlines);
	rqbo_column_begin(&amounts, nlines);
	for (int i = 0; i < TEXT_FIELDS; i++)
		rqbo_column_begin(&texts[i], nlines);
	for (const RqboLedgerLine *l = lines; l < lines + nlines; l++)
	{
		const char *fields[TEXT_FIELDS] = {l->type, l->transaction_id, l->number, l->name, l->memo, l->split};

		CHECK_FOR_INTERRUPTS();
		rqbo_column_add(&dates, DateADTGetDatum(l->date), false);
		rqbo_column_add(&amounts, NumericGetDatum(l->amount), false);
		for (int i = 0; i < TEXT_FIELDS; i++)
			rqbo_column_add_text(&texts[i], fields[i]);
	}
	rqbo_arg_column(args, &dates, DATEOID, sizeof(DateADT), true, TYPALIGN_INT);
	rqbo_arg_column(args, &amounts, NUMERICOID, -1, false, TYPALIGN_INT);
	for (int i = 0; i < TEXT_FIELDS; i++)
		rqbo_arg_text_column(args, &texts[i]);
}

void
rqbo_store_ledger_lines(int64 model_id, int64 connection_id, int64 import_id, const char *account_id,
						const RqboRange *range, const RqboLedgerLine *lines, int nlines)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"INSERT INTO reefqbo.ledger_line (model_id, connection_id, account_id, accounting_method, import_id,"
		"  period_start, line, transaction_date, amount, transaction_type, transaction_id, document_number, name,"
		"  memo, split_account)"
		" SELECT $1, $2, $3, $4, $5, date_trunc('month', t.day::timestamp)::date,"
		"  row_number() OVER (PARTITION BY date_trunc('month', t.day::timestamp) ORDER BY t.place),"
		"  t.day, t.amount, t.type, t.id, t.number, t.name, t.memo, t.split"
		" FROM ROWS FROM (unnest($6), unnest($7), unnest($8), unnest($9), unnest($10), unnest($11), unnest($12),"
		"  unnest($13)) WITH ORDINALITY AS t(day, amount, type, id, number, name, memo, split, place)",
		INT8OID, INT8OID, TEXTOID, TEXTOID, INT8OID, DATEARRAYOID, NUMERICARRAYOID, TEXTARRAYOID, TEXTARRAYOID,
		TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID);
	RqboArgs	args = {0};

	remove_months(model_id, connection_id, account_id, range);
	rqbo_arg_ids(&args, model_id, connection_id);
	rqbo_arg_text(&args, account_id);
	rqbo_arg_text(&args, range->method);
	rqbo_arg_int8(&args, import_id);
	arg_lines(&args, lines, nlines);
	rqbo_db_run(&statement, &args);
}
