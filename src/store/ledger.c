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
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "base/array.h"
#include "base/month.h"
#include "store/ledger.h"

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

/* So many lines at a time. */
#define MOST_AT_ONCE 1000

static void
remove_months(const RqboLedgerKeeping *keeping)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"DELETE FROM reefqbo.ledger_line WHERE model_id = $1 AND connection_id = $2 AND account_id = $3"
		" AND accounting_method = $4 AND period_start BETWEEN $5 AND $6",
		INT8OID, INT8OID, TEXTOID, TEXTOID, DATEOID, DATEOID);
	RqboArgs	args = {0};

	arg_account(&args, keeping->model_id, keeping->connection_id, keeping->account_id, keeping->range);
	rqbo_db_run(&statement, &args);
}

static void
begin_columns(RqboLedgerKeeping *keeping)
{
	MemoryContext saved;

	MemoryContextReset(keeping->context);
	saved = MemoryContextSwitchTo(keeping->context);
	rqbo_column_begin(&keeping->numbers, MOST_AT_ONCE);
	for (int i = 0; i < RQBO_KEPT_FIELDS; i++)
		rqbo_column_begin(&keeping->fields[i], MOST_AT_ONCE);
	MemoryContextSwitchTo(saved);
}

static void
store_columns(const RqboLedgerKeeping *keeping)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"INSERT INTO reefqbo.ledger_line (model_id, connection_id, account_id, accounting_method, import_id,"
		"  period_start, line, transaction_date, transaction_type, transaction_id, document_number, name, memo,"
		"  split_account, amount)"
		" SELECT $1, $2, $3, $4, $5, date_trunc('month', t.day::timestamp)::date, t.line, t.day::date,"
		"  t.type, t.id, t.number, t.name, t.memo, t.split, t.amount::numeric"
		" FROM ROWS FROM (unnest($6), unnest($7), unnest($8), unnest($9), unnest($10), unnest($11), unnest($12),"
		"  unnest($13), unnest($14)) AS t(line, day, type, id, number, name, memo, split, amount)",
		INT8OID, INT8OID, TEXTOID, TEXTOID, INT8OID, INT4ARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID,
		TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID);
	MemoryContext saved = MemoryContextSwitchTo(keeping->context);
	RqboArgs	args = {0};

	rqbo_arg_ids(&args, keeping->model_id, keeping->connection_id);
	rqbo_arg_text(&args, keeping->account_id);
	rqbo_arg_text(&args, keeping->range->method);
	rqbo_arg_int8(&args, keeping->import_id);
	rqbo_arg_column(&args, &keeping->numbers, INT4OID, sizeof(int32), true, TYPALIGN_INT);
	for (int i = 0; i < RQBO_KEPT_FIELDS; i++)
		rqbo_arg_text_column(&args, &keeping->fields[i]);
	rqbo_db_run(&statement, &args);
	MemoryContextSwitchTo(saved);
}

void
rqbo_store_begin_ledger(RqboLedgerKeeping *keeping)
{
	keeping->context = AllocSetContextCreate(CurrentMemoryContext, "reefqbo ledger lines", ALLOCSET_DEFAULT_SIZES);
	keeping->counts = palloc0(rqbo_month_count(keeping->range->start, keeping->range->end) * sizeof(int));
	remove_months(keeping);
	begin_columns(keeping);
}

/*
 * Where the line stands in its month.
 */
static int
next_number(RqboLedgerKeeping *keeping, Datum day)
{
	char	   *iso = TextDatumGetCString(day);
	DateADT		date;

	if (!rqbo_month_parse_date(iso, &date) || date < keeping->range->start || date > keeping->range->end)
		elog(ERROR, "a ledger line of \"%s\"", iso);
	return ++keeping->counts[rqbo_month_count(keeping->range->start, date) - 1];
}

void
rqbo_store_put_ledger_line(RqboLedgerKeeping *keeping, const Datum *values, const bool *nulls)
{
	MemoryContext saved = MemoryContextSwitchTo(keeping->context);

	rqbo_column_add(&keeping->numbers, Int32GetDatum(next_number(keeping, values[0])), false);
	for (int i = 0; i < RQBO_KEPT_FIELDS; i++)
		rqbo_column_add(&keeping->fields[i],
						nulls[i] ? (Datum) 0 : PointerGetDatum(PG_DETOAST_DATUM_COPY(values[i])), nulls[i]);
	MemoryContextSwitchTo(saved);
	if (keeping->numbers.count < MOST_AT_ONCE)
		return;
	store_columns(keeping);
	begin_columns(keeping);
}

void
rqbo_store_end_ledger(RqboLedgerKeeping *keeping)
{
	if (keeping->numbers.count > 0)
		store_columns(keeping);
	MemoryContextDelete(keeping->context);
}
