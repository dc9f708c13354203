/*-------------------------------------------------------------------------
 *
 * store_accounts.c
 *	  Accounts in tables: the whole chart by one set-based statement that
 *	  touches only what differs, and the accounts that only a report knows.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"

#include "db_array.h"
#include "store_import.h"

#define ACCOUNT_FIELDS 12

/*
 * $1 and $2 name the connection, $3 to $14 are the chart's columns.  One
 * statement, so that a parent and its children may come in any order.
 */
#define STORE_CHART \
	"WITH chart AS (" \
	"  SELECT account_id, name, fully_qualified_name, account_number, classification, account_type," \
	"   account_subtype, parent_account_id, is_active::boolean AS is_active, currency," \
	"   current_balance::numeric AS current_balance, description" \
	"  FROM ROWS FROM (unnest($3), unnest($4), unnest($5), unnest($6), unnest($7), unnest($8)," \
	"   unnest($9), unnest($10), unnest($11), unnest($12), unnest($13), unnest($14))" \
	"  AS t(account_id, name, fully_qualified_name, account_number, classification, account_type," \
	"   account_subtype, parent_account_id, is_active, currency, current_balance, description)" \
	"), unnamed_parent AS (" \
	"  INSERT INTO reefqbo.account (model_id, connection_id, account_id, name, fully_qualified_name," \
	"   is_active, gone_since)" \
	"  SELECT DISTINCT $1, $2, c.parent_account_id, c.parent_account_id, c.parent_account_id, false," \
	"   reefqbo._now()" \
	"  FROM chart c WHERE c.parent_account_id IS NOT NULL" \
	"  AND NOT EXISTS (SELECT FROM chart p WHERE p.account_id = c.parent_account_id)" \
	"  AND NOT EXISTS (SELECT FROM reefqbo.account a WHERE a.model_id = $1 AND a.connection_id = $2" \
	"   AND a.account_id = c.parent_account_id)" \
	"), inserted AS (" \
	"  INSERT INTO reefqbo.account (model_id, connection_id, account_id, name, fully_qualified_name," \
	"   account_number, classification, account_type, account_subtype, parent_account_id, is_active," \
	"   currency, current_balance, description)" \
	"  SELECT $1, $2, c.* FROM chart c" \
	"  WHERE NOT EXISTS (SELECT FROM reefqbo.account a WHERE a.model_id = $1 AND a.connection_id = $2" \
	"   AND a.account_id = c.account_id)" \
	"  RETURNING 1" \
	"), updated AS (" \
	"  UPDATE reefqbo.account a SET name = c.name, fully_qualified_name = c.fully_qualified_name," \
	"   account_number = c.account_number, classification = c.classification," \
	"   account_type = c.account_type, account_subtype = c.account_subtype," \
	"   parent_account_id = c.parent_account_id, is_active = c.is_active, currency = c.currency," \
	"   current_balance = c.current_balance, description = c.description, gone_since = NULL," \
	"   changed_at = reefqbo._now()" \
	"  FROM chart c WHERE a.model_id = $1 AND a.connection_id = $2 AND a.account_id = c.account_id" \
	"  AND (a.name, a.fully_qualified_name, a.account_number, a.classification, a.account_type," \
	"   a.account_subtype, a.parent_account_id, a.is_active, a.currency, a.current_balance," \
	"   a.description, a.gone_since) IS DISTINCT FROM" \
	"   (c.name, c.fully_qualified_name, c.account_number, c.classification, c.account_type," \
	"   c.account_subtype, c.parent_account_id, c.is_active, c.currency, c.current_balance," \
	"   c.description, NULL::timestamptz)" \
	"  RETURNING 1" \
	"), gone AS (" \
	"  UPDATE reefqbo.account a SET gone_since = reefqbo._now(), changed_at = reefqbo._now()" \
	"  WHERE a.model_id = $1 AND a.connection_id = $2 AND NOT a.is_computed AND a.gone_since IS NULL" \
	"  AND NOT EXISTS (SELECT FROM chart c WHERE c.account_id = a.account_id)" \
	"  RETURNING 1" \
	") SELECT (SELECT count(*) FROM inserted)," \
	"  (SELECT count(*) FROM updated) + (SELECT count(*) FROM gone)"

/*
 * Store the whole chart.  Accounts that are not in it any more are marked
 * gone; a parent that the chart does not name gets a row that is gone as well.
 */
void
rqbo_store_accounts(int64 model_id, int64 connection_id, List *accounts, RqboCounts *counts)
{
	static RqboStatement statement = RQBO_STATEMENT(
		STORE_CHART,
		INT8OID, INT8OID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID,
		TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID);
	RqboColumn	columns[ACCOUNT_FIELDS];
	RqboArgs	args = {0};
	ListCell   *cell;

	for (int i = 0; i < ACCOUNT_FIELDS; i++)
		rqbo_column_begin(&columns[i], list_length(accounts));
	foreach(cell, accounts)
	{
		const RqboAccount *a = lfirst(cell);
		const char *fields[ACCOUNT_FIELDS] = {
			a->id, a->name, a->fully_qualified_name, a->number, a->classification, a->type,
			a->subtype, a->parent_id, a->active, a->currency, a->balance, a->description
		};

		for (int i = 0; i < ACCOUNT_FIELDS; i++)
			rqbo_column_add_text(&columns[i], fields[i]);
	}
	rqbo_arg_ids(&args, model_id, connection_id);
	for (int i = 0; i < ACCOUNT_FIELDS; i++)
		rqbo_arg_text_column(&args, &columns[i]);
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

/*
 * Accounts that a report names and the chart does not get a row; so do the
 * lines QuickBooks computes.  A parent that the chart told nothing of but its
 * id has a row already, and the report tells the rest.
 */
void
rqbo_store_report_accounts(int64 model_id, int64 connection_id, const RqboReport *report, RqboCounts *counts)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"WITH named AS ("
		"  SELECT DISTINCT ON (n.account_id) n.*"
		"  FROM ROWS FROM (unnest($3), unnest($4), unnest($5), unnest($6))"
		"   AS n(account_id, name, account_type, classification)"
		"  ORDER BY n.account_id"
		"), completed AS ("
		"  UPDATE reefqbo.account a SET name = n.name, fully_qualified_name = n.name,"
		"   account_type = n.account_type, classification = n.classification, changed_at = reefqbo._now()"
		"  FROM named n WHERE a.model_id = $1 AND a.connection_id = $2 AND a.account_id = n.account_id"
		"  AND a.account_type IS NULL AND n.account_type IS NOT NULL"
		") INSERT INTO reefqbo.account (model_id, connection_id, account_id, name, fully_qualified_name,"
		"  account_type, classification, is_computed)"
		" SELECT $1, $2, n.account_id, n.name, n.name, n.account_type, n.classification,"
		"  n.account_id LIKE 'computed:%'"
		" FROM named n"
		" WHERE NOT EXISTS (SELECT FROM reefqbo.account a WHERE a.model_id = $1 AND a.connection_id = $2"
		"  AND a.account_id = n.account_id)",
		INT8OID, INT8OID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID);
	RqboColumn	columns[4];
	RqboArgs	args = {0};

	for (int i = 0; i < 4; i++)
		rqbo_column_begin(&columns[i], report->nlines);
	for (int i = 0; i < report->nlines; i++)
	{
		const RqboReportLine *line = &report->lines[i];
		const SectionType *type = section_type(line->section);

		if (!rqbo_report_line_is_stored(line))
			continue;
		rqbo_column_add_text(&columns[0], rqbo_report_line_id(line));
		rqbo_column_add_text(&columns[1], line->name);
		rqbo_column_add_text(&columns[2], type->type);
		rqbo_column_add_text(&columns[3], type->classification);
	}
	rqbo_arg_ids(&args, model_id, connection_id);
	for (int i = 0; i < 4; i++)
		rqbo_arg_text_column(&args, &columns[i]);
	counts->accounts_new += rqbo_db_run(&statement, &args);
}
