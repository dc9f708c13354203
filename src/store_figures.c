/*-------------------------------------------------------------------------
 *
 * store_figures.c
 *	  Accounts and amounts in tables: one set-based statement writes a whole
 *	  chart or a whole report, touches only what differs, and says how much.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "db.h"
#include "store_import.h"

/* ---- arrays as parameters ---- */

/* One column of rows under way to a statement. */
typedef struct Column
{
	Datum	   *values;
	bool	   *nulls;
	int			count;
} Column;

static void
column_begin(Column *column, int size)
{
	column->values = palloc(Max(size, 1) * sizeof(Datum));
	column->nulls = palloc(Max(size, 1) * sizeof(bool));
	column->count = 0;
}

static void
column_add(Column *column, Datum value, bool is_null)
{
	column->values[column->count] = value;
	column->nulls[column->count] = is_null;
	column->count++;
}

static void
column_add_text(Column *column, const char *value)
{
	column_add(column, value != NULL ? CStringGetTextDatum(value) : (Datum) 0, value == NULL);
}

static void
arg_column(RqboArgs *args, const Column *column, Oid type, int length, bool by_value, char align)
{
	int			dims[] = {column->count};
	int			bounds[] = {1};

	if (column->count == 0)
		rqbo_arg_datum(args, PointerGetDatum(construct_empty_array(type)));
	else
		rqbo_arg_datum(args, PointerGetDatum(construct_md_array(column->values, column->nulls, 1, dims, bounds,
																type, length, by_value, align)));
}

static void
arg_text_column(RqboArgs *args, const Column *column)
{
	arg_column(args, column, TEXTOID, -1, false, TYPALIGN_INT);
}

/* ---- the chart of accounts ---- */

#define ACCOUNT_FIELDS 12

/*
 * Store the whole chart.  Accounts that are not in it any more are marked
 * gone; a parent that the chart does not name gets a row that is gone as well.
 */
void
rqbo_store_accounts(int64 model_id, int64 connection_id, List *accounts, RqboCounts *counts)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"WITH chart AS ("
		"  SELECT account_id, name, fully_qualified_name, account_number, classification, account_type,"
		"   account_subtype, parent_account_id, is_active::boolean AS is_active, currency,"
		"   current_balance::numeric AS current_balance, description"
		"  FROM ROWS FROM (unnest($3), unnest($4), unnest($5), unnest($6), unnest($7), unnest($8),"
		"   unnest($9), unnest($10), unnest($11), unnest($12), unnest($13), unnest($14))"
		"  AS t(account_id, name, fully_qualified_name, account_number, classification, account_type,"
		"   account_subtype, parent_account_id, is_active, currency, current_balance, description)"
		"), unnamed_parent AS ("
		"  INSERT INTO reefqbo.account (model_id, connection_id, account_id, name, fully_qualified_name,"
		"   is_active, gone_since)"
		"  SELECT DISTINCT $1, $2, c.parent_account_id, c.parent_account_id, c.parent_account_id, false,"
		"   pg_catalog.now()"
		"  FROM chart c WHERE c.parent_account_id IS NOT NULL"
		"  AND NOT EXISTS (SELECT FROM chart p WHERE p.account_id = c.parent_account_id)"
		"  AND NOT EXISTS (SELECT FROM reefqbo.account a WHERE a.model_id = $1 AND a.connection_id = $2"
		"   AND a.account_id = c.parent_account_id)"
		"), inserted AS ("
		"  INSERT INTO reefqbo.account (model_id, connection_id, account_id, name, fully_qualified_name,"
		"   account_number, classification, account_type, account_subtype, parent_account_id, is_active,"
		"   currency, current_balance, description)"
		"  SELECT $1, $2, c.* FROM chart c"
		"  WHERE NOT EXISTS (SELECT FROM reefqbo.account a WHERE a.model_id = $1 AND a.connection_id = $2"
		"   AND a.account_id = c.account_id)"
		"  RETURNING 1"
		"), updated AS ("
		"  UPDATE reefqbo.account a SET name = c.name, fully_qualified_name = c.fully_qualified_name,"
		"   account_number = c.account_number, classification = c.classification,"
		"   account_type = c.account_type, account_subtype = c.account_subtype,"
		"   parent_account_id = c.parent_account_id, is_active = c.is_active, currency = c.currency,"
		"   current_balance = c.current_balance, description = c.description, gone_since = NULL,"
		"   changed_at = pg_catalog.now()"
		"  FROM chart c WHERE a.model_id = $1 AND a.connection_id = $2 AND a.account_id = c.account_id"
		"  AND (a.name, a.fully_qualified_name, a.account_number, a.classification, a.account_type,"
		"   a.account_subtype, a.parent_account_id, a.is_active, a.currency, a.current_balance,"
		"   a.description, a.gone_since) IS DISTINCT FROM"
		"   (c.name, c.fully_qualified_name, c.account_number, c.classification, c.account_type,"
		"   c.account_subtype, c.parent_account_id, c.is_active, c.currency, c.current_balance,"
		"   c.description, NULL::timestamptz)"
		"  RETURNING 1"
		"), gone AS ("
		"  UPDATE reefqbo.account a SET gone_since = pg_catalog.now(), changed_at = pg_catalog.now()"
		"  WHERE a.model_id = $1 AND a.connection_id = $2 AND NOT a.is_computed AND a.gone_since IS NULL"
		"  AND NOT EXISTS (SELECT FROM chart c WHERE c.account_id = a.account_id)"
		"  RETURNING 1"
		") SELECT (SELECT count(*) FROM inserted),"
		"  (SELECT count(*) FROM updated) + (SELECT count(*) FROM gone)",
		INT8OID, INT8OID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID,
		TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID);
	Column		columns[ACCOUNT_FIELDS];
	RqboArgs	args = {0};
	ListCell   *cell;

	for (int i = 0; i < ACCOUNT_FIELDS; i++)
		column_begin(&columns[i], list_length(accounts));
	foreach(cell, accounts)
	{
		const RqboAccount *a = lfirst(cell);
		const char *fields[ACCOUNT_FIELDS] = {
			a->id, a->name, a->fully_qualified_name, a->number, a->classification, a->type,
			a->subtype, a->parent_id, a->active, a->currency, a->balance, a->description
		};

		for (int i = 0; i < ACCOUNT_FIELDS; i++)
			column_add_text(&columns[i], fields[i]);
	}
	rqbo_arg_int8(&args, model_id);
	rqbo_arg_int8(&args, connection_id);
	for (int i = 0; i < ACCOUNT_FIELDS; i++)
		arg_text_column(&args, &columns[i]);
	rqbo_db_run(&statement, &args);
	counts->accounts_seen += list_length(accounts);
	counts->accounts_new += rqbo_column_int8(1);
	counts->accounts_changed += rqbo_column_int8(2);
}

/* ---- accounts that only a report knows ---- */

/* Where a line stands in a report tells what kind of account it is. */
typedef struct SectionType
{
	const char *group;
	const char *type;
	const char *classification;
} SectionType;

static const SectionType section_types[] = {
	{"Income", "Income", "Revenue"},
	{"COGS", "Cost of Goods Sold", "Expense"},
	{"Expenses", "Expense", "Expense"},
	{"OtherIncome", "Other Income", "Revenue"},
	{"OtherExpenses", "Other Expense", "Expense"},
	{"BankAccounts", "Bank", "Asset"},
	{"AR", "Accounts Receivable", "Asset"},
	{"OtherCurrentAssets", "Other Current Asset", "Asset"},
	{"CurrentAssets", "Other Current Asset", "Asset"},
	{"FixedAssets", "Fixed Asset", "Asset"},
	{"OtherAssets", "Other Asset", "Asset"},
	{"TotalAssets", "Other Asset", "Asset"},
	{"AP", "Accounts Payable", "Liability"},
	{"CreditCards", "Credit Card", "Liability"},
	{"OtherCurrentLiabilities", "Other Current Liability", "Liability"},
	{"CurrentLiabilities", "Other Current Liability", "Liability"},
	{"LongTermLiabilities", "Long Term Liability", "Liability"},
	{"Liabilities", "Long Term Liability", "Liability"},
	{"Equity", "Equity", "Equity"},
};

static const SectionType *
section_type(const char *group)
{
	static const SectionType unknown = {NULL, NULL, NULL};

	for (int i = 0; group != NULL && i < (int) lengthof(section_types); i++)
		if (strcmp(section_types[i].group, group) == 0)
			return &section_types[i];
	return &unknown;
}

static bool
is_stored(const RqboReportLine *line)
{
	return line->kind != RQBO_LINE_TOTAL && line->is_summand;
}

/*
 * The account id a line is stored under.  A computed line has none of
 * QuickBooks'; its group is the same in every language.
 */
static char *
stored_id(const RqboReportLine *line)
{
	if (line->kind == RQBO_LINE_ACCOUNT)
		return line->account_id;
	return psprintf("computed:%s", line->group != NULL ? line->group : line->name);
}

/*
 * Accounts that a report names and the chart does not get a row; so do the
 * lines QuickBooks computes.
 */
static void
store_unknown_accounts(int64 model_id, int64 connection_id, const RqboReport *report, RqboCounts *counts)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"INSERT INTO reefqbo.account (model_id, connection_id, account_id, name, fully_qualified_name,"
		" account_type, classification, is_computed)"
		" SELECT DISTINCT ON (n.account_id) $1, $2, n.account_id, n.name, n.name, n.account_type,"
		"  n.classification, n.account_id LIKE 'computed:%'"
		" FROM ROWS FROM (unnest($3), unnest($4), unnest($5), unnest($6))"
		"  AS n(account_id, name, account_type, classification)"
		" WHERE NOT EXISTS (SELECT FROM reefqbo.account a WHERE a.model_id = $1 AND a.connection_id = $2"
		"  AND a.account_id = n.account_id)",
		INT8OID, INT8OID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID);
	Column		columns[4];
	RqboArgs	args = {0};

	for (int i = 0; i < 4; i++)
		column_begin(&columns[i], report->nlines);
	for (int i = 0; i < report->nlines; i++)
	{
		const RqboReportLine *line = &report->lines[i];
		const SectionType *type = section_type(line->section);

		if (!is_stored(line))
			continue;
		column_add_text(&columns[0], stored_id(line));
		column_add_text(&columns[1], line->name);
		column_add_text(&columns[2], type->type);
		column_add_text(&columns[3], type->classification);
	}
	rqbo_arg_int8(&args, model_id);
	rqbo_arg_int8(&args, connection_id);
	for (int i = 0; i < 4; i++)
		arg_text_column(&args, &columns[i]);
	counts->accounts_new += rqbo_db_run(&statement, &args);
}

/* ---- amounts ---- */

static const char *
statement_name(const RqboReport *report)
{
	return report->name == RQBO_PROFIT_AND_LOSS ? "profit_and_loss" : "balance_sheet";
}

static bool
is_zero(Numeric amount)
{
	return DatumGetBool(DirectFunctionCall2(numeric_eq, NumericGetDatum(amount),
											DirectFunctionCall1(int4_numeric, Int32GetDatum(0))));
}

/*
 * The arguments that name a statement of a connection over a range.
 */
static void
arg_range(RqboArgs *args, int64 model_id, int64 connection_id, const RqboReport *report, const RqboRange *range)
{
	rqbo_arg_int8(args, model_id);
	rqbo_arg_int8(args, connection_id);
	rqbo_arg_text(args, statement_name(report));
	rqbo_arg_text(args, range->method);
	rqbo_arg_datum(args, DateADTGetDatum(range->start));
	rqbo_arg_datum(args, DateADTGetDatum(range->end));
}

/*
 * The amounts of a report that are not 0, as three columns.
 */
static void
arg_amounts(RqboArgs *args, const RqboReport *report)
{
	Column		ids;
	Column		periods;
	Column		amounts;
	int			size = report->nlines * report->ncolumns;

	column_begin(&ids, size);
	column_begin(&periods, size);
	column_begin(&amounts, size);
	for (int i = 0; i < report->nlines; i++)
	{
		const RqboReportLine *line = &report->lines[i];
		Datum		id;

		if (!is_stored(line))
			continue;
		id = CStringGetTextDatum(stored_id(line));
		for (int j = 0; j < report->ncolumns; j++)
		{
			if (report->columns[j].is_total || is_zero(line->amounts[j]))
				continue;
			column_add(&ids, id, false);
			column_add(&periods, DateADTGetDatum(report->columns[j].start), false);
			column_add(&amounts, NumericGetDatum(line->amounts[j]), false);
		}
	}
	arg_column(args, &ids, TEXTOID, -1, false, TYPALIGN_INT);
	arg_column(args, &periods, DATEOID, sizeof(DateADT), true, TYPALIGN_INT);
	arg_column(args, &amounts, NUMERICOID, -1, false, TYPALIGN_INT);
}

/*
 * Bring reefqbo.actual to what the report says, writing only what differs.
 * An amount that has vanished becomes 0.  What changes in a month that was
 * fetched before is a restatement.
 */
static void
store_amounts(int64 model_id, int64 connection_id, int64 import_id, const RqboReport *report,
			  const RqboRange *range, RqboCounts *counts)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"WITH fetched AS ("
		"  SELECT account_id, period_start, amount"
		"  FROM ROWS FROM (unnest($7), unnest($8), unnest($9)) AS t(account_id, period_start, amount)"
		"), stored AS ("
		"  SELECT account_id, period_start, amount FROM reefqbo.actual"
		"  WHERE model_id = $1 AND connection_id = $2 AND statement = $3 AND accounting_method = $4"
		"  AND period_start BETWEEN $5 AND $6"
		"), difference AS ("
		"  SELECT COALESCE(f.account_id, s.account_id) AS account_id,"
		"   COALESCE(f.period_start, s.period_start) AS period_start,"
		"   s.amount AS old_amount, COALESCE(f.amount, 0) AS new_amount"
		"  FROM fetched f"
		"  FULL JOIN stored s ON s.account_id = f.account_id AND s.period_start = f.period_start"
		"  WHERE COALESCE(s.amount, 0) <> COALESCE(f.amount, 0)"
		"), inserted AS ("
		"  INSERT INTO reefqbo.actual (model_id, connection_id, account_id, statement, accounting_method,"
		"   period_start, period_end, amount, import_id)"
		"  SELECT $1, $2, d.account_id, $3, $4, d.period_start,"
		"   (d.period_start + interval '1 month')::date - 1, d.new_amount, $10"
		"  FROM difference d WHERE d.old_amount IS NULL"
		"  RETURNING 1"
		"), updated AS ("
		"  UPDATE reefqbo.actual a SET amount = d.new_amount, import_id = $10"
		"  FROM difference d"
		"  WHERE a.model_id = $1 AND a.connection_id = $2 AND a.statement = $3 AND a.accounting_method = $4"
		"  AND a.period_start = d.period_start AND a.account_id = d.account_id AND d.old_amount IS NOT NULL"
		"  RETURNING 1"
		"), restated AS ("
		"  INSERT INTO reefqbo.restatement (model_id, connection_id, account_id, statement,"
		"   accounting_method, period_start, period_end, old_amount, new_amount, import_id,"
		"   in_closed_period, was_provisional)"
		"  SELECT $1, $2, d.account_id, $3, $4, m.period_start, m.period_end, COALESCE(d.old_amount, 0),"
		"   d.new_amount, $10, COALESCE(m.period_end <= c.book_close_date, false), m.is_provisional"
		"  FROM difference d"
		"  JOIN reefqbo.imported_month m ON m.model_id = $1 AND m.connection_id = $2 AND m.statement = $3"
		"   AND m.accounting_method = $4 AND m.period_start = d.period_start"
		"  JOIN reefqbo.connection c ON c.model_id = $1 AND c.connection_id = $2"
		"  RETURNING 1"
		") SELECT (SELECT count(*) FROM inserted), (SELECT count(*) FROM updated),"
		"  (SELECT count(*) FROM restated),"
		"  (SELECT count(*) FROM fetched f JOIN stored s ON s.account_id = f.account_id"
		"   AND s.period_start = f.period_start AND s.amount = f.amount)",
		INT8OID, INT8OID, TEXTOID, TEXTOID, DATEOID, DATEOID, TEXTARRAYOID, DATEARRAYOID, NUMERICARRAYOID, INT8OID);
	RqboArgs	args = {0};

	arg_range(&args, model_id, connection_id, report, range);
	arg_amounts(&args, report);
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
	if (report->time == NULL || strlen(report->time) < 10 || strspn(report->time, "0123456789-") < 10)
		return NULL;
	return pnstrdup(report->time, 10);
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
		"   (g + interval '1 month')::date - 1 >= COALESCE($7::date, current_date) AS is_provisional"
		"  FROM generate_series($5::timestamp, $6::timestamp, interval '1 month') g"
		"), updated AS ("
		"  UPDATE reefqbo.imported_month i SET is_provisional = m.is_provisional, import_id = $8"
		"  FROM month m WHERE i.model_id = $1 AND i.connection_id = $2 AND i.statement = $3"
		"  AND i.accounting_method = $4 AND i.period_start = m.period_start"
		"  AND i.is_provisional <> m.is_provisional"
		") INSERT INTO reefqbo.imported_month (model_id, connection_id, statement, accounting_method,"
		"  period_start, period_end, is_provisional, import_id)"
		" SELECT $1, $2, $3, $4, m.period_start, m.period_end, m.is_provisional, $8 FROM month m"
		" WHERE NOT EXISTS (SELECT FROM reefqbo.imported_month i WHERE i.model_id = $1"
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
	store_unknown_accounts(model_id, connection_id, report, counts);
	store_amounts(model_id, connection_id, import_id, report, range, counts);
	store_months(model_id, connection_id, import_id, report, range);
}

int64
rqbo_store_count_amounts(int64 model_id, int64 connection_id, const RqboReport *report, const RqboRange *range)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"SELECT count(*) FROM reefqbo.actual WHERE model_id = $1 AND connection_id = $2 AND statement = $3"
		" AND accounting_method = $4 AND period_start BETWEEN $5 AND $6 AND amount <> 0",
		INT8OID, INT8OID, TEXTOID, TEXTOID, DATEOID, DATEOID);
	RqboArgs	args = {0};

	arg_range(&args, model_id, connection_id, report, range);
	rqbo_db_run(&statement, &args);
	return rqbo_column_int8(1);
}

/*
 * For balance sheets whose layout does not show the two sides: add them up by
 * the accounts' classification.
 */
char *
rqbo_store_find_imbalance(int64 model_id, int64 connection_id, const RqboRange *range)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"SELECT string_agg(format('%s: assets %s, liabilities and equity %s, of unknown classification %s',"
		"  to_char(b.period_start, 'YYYY-MM'), b.assets, b.others, b.unknown), '; ' ORDER BY b.period_start)"
		" FROM (SELECT v.period_start,"
		"   COALESCE(sum(v.amount) FILTER (WHERE a.classification = 'Asset'), 0) AS assets,"
		"   COALESCE(sum(v.amount) FILTER (WHERE a.classification IN ('Liability', 'Equity') OR a.is_computed), 0)"
		"    AS others,"
		"   COALESCE(sum(abs(v.amount)) FILTER (WHERE a.classification IS NULL AND NOT a.is_computed), 0) AS unknown"
		"  FROM reefqbo.actual v"
		"  JOIN reefqbo.account a ON a.model_id = v.model_id AND a.connection_id = v.connection_id"
		"   AND a.account_id = v.account_id"
		"  WHERE v.model_id = $1 AND v.connection_id = $2 AND v.statement = 'balance_sheet'"
		"  AND v.accounting_method = $3 AND v.period_start BETWEEN $4 AND $5"
		"  GROUP BY v.period_start) b"
		" WHERE b.assets <> b.others OR b.unknown <> 0",
		INT8OID, INT8OID, TEXTOID, DATEOID, DATEOID);
	RqboArgs	args = {0};

	rqbo_arg_int8(&args, model_id);
	rqbo_arg_int8(&args, connection_id);
	rqbo_arg_text(&args, range->method);
	rqbo_arg_datum(&args, DateADTGetDatum(range->start));
	rqbo_arg_datum(&args, DateADTGetDatum(range->end));
	rqbo_db_run(&statement, &args);
	return rqbo_column_text(1);
}
