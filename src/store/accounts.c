/*-------------------------------------------------------------------------
 *
 * store/accounts.c
 *	  Accounts in tables: the whole chart by one set-based statement that
 *	  touches only what differs, and the accounts that only a report knows.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"

#include "base/array.h"
#include "store/imports.h"

#define ACCOUNT_FIELDS 12

/*
 * $1 and $2 name the connection, $3 to $14 are the chart's columns, $15 is the
 * import.  One statement, so that a parent and its children may come in any
 * order.  What has changed is compared with the chart as it was before; the
 * accounts of the first chart are no news.  An account that was known only by
 * its id or by a report has no subtype, and is new when a chart names it.  Where
 * one has gone to the other side of the ledger, or to the other statement, the
 * months that were read before have to be read again, whoever reads the chart.
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
	"  AND NOT EXISTS (SELECT 1 FROM chart p WHERE p.account_id = c.parent_account_id)" \
	"  AND NOT EXISTS (SELECT 1 FROM reefqbo.account a WHERE a.model_id = $1 AND a.connection_id = $2" \
	"   AND a.account_id = c.parent_account_id)" \
	"), inserted AS (" \
	"  INSERT INTO reefqbo.account (model_id, connection_id, account_id, name, fully_qualified_name," \
	"   account_number, classification, account_type, account_subtype, parent_account_id, is_active," \
	"   currency, current_balance, description)" \
	"  SELECT $1, $2, c.* FROM chart c" \
	"  WHERE NOT EXISTS (SELECT 1 FROM reefqbo.account a WHERE a.model_id = $1 AND a.connection_id = $2" \
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
	"  AND NOT EXISTS (SELECT 1 FROM chart c WHERE c.account_id = a.account_id)" \
	"  RETURNING a.account_id, a.fully_qualified_name" \
	"), compared AS (" \
	"  SELECT c.account_id, v.change, v.old_value, v.new_value, v.rank" \
	"  FROM chart c" \
	"  LEFT JOIN reefqbo.account a ON a.model_id = $1 AND a.connection_id = $2 AND a.account_id = c.account_id" \
	"  LEFT JOIN reefqbo.account_mapping p ON p.model_id = $1 AND p.connection_id = $2 AND p.account_id = c.account_id" \
	"  CROSS JOIN LATERAL (SELECT c.name ~* '[(]deleted[)]$' AND NOT c.is_active AS is_deleted," \
	"   regexp_replace(a.name, '[[:space:]]*[(]deleted[)]$', '', 'i') AS old_name," \
	"   regexp_replace(c.name, '[[:space:]]*[(]deleted[)]$', '', 'i') AS new_name," \
	"   a.account_id IS NULL OR (a.gone_since IS NOT NULL AND a.account_subtype IS NULL) AS is_new) n" \
	"  CROSS JOIN LATERAL (VALUES" \
	"   (1, 'new', NULL, c.fully_qualified_name, n.is_new)," \
	"   (2, 'returned', NULL, c.fully_qualified_name, a.gone_since IS NOT NULL)," \
	"   (3, 'renamed', a.fully_qualified_name, c.fully_qualified_name, n.old_name <> n.new_name)," \
	"   (4, 'moved', a.fully_qualified_name, c.fully_qualified_name," \
	"    a.parent_account_id IS DISTINCT FROM c.parent_account_id)," \
	"   (5, 'renumbered', a.account_number, c.account_number, a.account_number IS DISTINCT FROM c.account_number)," \
	"   (11, 'mismapped', p.variable_type, c.account_type," \
	"    p.variable_type = ANY (reefqbo._fitting_types(a.classification))" \
	"    AND p.variable_type <> ALL (reefqbo._fitting_types(c.classification)))," \
	"   (6, 'reclassified', concat_ws(', ', a.account_type, a.account_subtype)," \
	"    concat_ws(', ', c.account_type, c.account_subtype)," \
	"    (a.account_type, a.account_subtype) IS DISTINCT FROM (c.account_type, c.account_subtype))," \
	"   (7, 'deleted', a.name, c.name, n.is_deleted AND a.is_active)," \
	"   (8, 'inactivated', 'active', 'inactive', NOT c.is_active AND a.is_active AND NOT n.is_deleted)," \
	"   (9, 'reactivated', 'inactive', 'active', c.is_active AND NOT a.is_active AND a.gone_since IS NULL)" \
	"  ) v (rank, change, old_value, new_value, has_happened)" \
	"  WHERE v.has_happened AND (NOT n.is_new OR v.change = 'new')" \
	"  UNION ALL" \
	"  SELECT g.account_id, 'gone', g.fully_qualified_name, NULL, 10 FROM gone g" \
	"), noticed AS (" \
	"  INSERT INTO reefqbo.account_change (model_id, connection_id, account_id, change, old_value, new_value," \
	"   noticed_at, import_id)" \
	"  SELECT $1, $2, d.account_id, d.change, d.old_value, d.new_value, (SELECT reefqbo._moment($1)), $15" \
	"  FROM compared d" \
	"  JOIN reefqbo.connection k ON k.model_id = $1 AND k.connection_id = $2 AND k.accounts_as_of IS NOT NULL" \
	"  ORDER BY d.account_id COLLATE \"C\", d.rank" \
	"  RETURNING change" \
	"), moved AS (" \
	"  SELECT c.account_id, format('%s: %s, now %s', c.fully_qualified_name, COALESCE(a.account_type, 'of no known type')," \
	"    c.account_type) AS words," \
	"   COALESCE(a.classification IN ('Revenue', 'Expense'), false)" \
	"    <> COALESCE(c.classification IN ('Revenue', 'Expense'), false) AS is_elsewhere" \
	"  FROM chart c" \
	"  JOIN reefqbo.account a ON a.model_id = $1 AND a.connection_id = $2 AND a.account_id = c.account_id" \
	"  WHERE reefqbo._debit_sign(a.account_type, a.classification) <> reefqbo._debit_sign(c.account_type, c.classification)" \
	"  OR COALESCE(a.classification IN ('Revenue', 'Expense'), false)" \
	"   <> COALESCE(c.classification IN ('Revenue', 'Expense'), false)" \
	"), noted AS (" \
	"  UPDATE reefqbo.unsettled_month u SET detail = (SELECT min(m.words) FROM moved m), import_id = $15" \
	"  WHERE u.model_id = $1 AND u.connection_id = $2 AND u.reason = 'reclassified' AND EXISTS (SELECT 1 FROM moved)" \
	"), unsettled AS (" \
	"  INSERT INTO reefqbo.unsettled_month (model_id, connection_id, accounting_method, period_start, reason," \
	"   period_end, detail, import_id)" \
	"  SELECT $1, $2, i.accounting_method, i.period_start, 'reclassified', i.period_end, min(m.words), $15" \
	"  FROM moved m" \
	"  JOIN reefqbo.imported_month i ON i.model_id = $1 AND i.connection_id = $2" \
	"  WHERE (m.is_elsewhere OR EXISTS (SELECT 1 FROM reefqbo.actual v WHERE v.model_id = $1 AND v.connection_id = $2" \
	"   AND v.account_id = m.account_id AND v.amount <> 0))" \
	"  AND NOT EXISTS (SELECT 1 FROM reefqbo.unsettled_month u WHERE u.model_id = $1 AND u.connection_id = $2" \
	"   AND u.accounting_method = i.accounting_method AND u.period_start = i.period_start AND u.reason = 'reclassified')" \
	"  GROUP BY i.accounting_method, i.period_start, i.period_end" \
	") SELECT (SELECT count(*) FROM inserted)," \
	"  (SELECT count(*) FROM updated) + (SELECT count(*) FROM gone), (SELECT count(*) FROM noticed)," \
	"  (SELECT count(*) FROM noticed n WHERE n.change = 'reclassified')"

/*
 * Store the whole chart.  Accounts that are not in it any more are marked
 * gone; a parent that the chart does not name gets a row that is gone as well.
 */
void
rqbo_store_accounts(int64 model_id, int64 connection_id, int64 import_id, List *accounts, RqboCounts *counts)
{
	static RqboStatement statement = RQBO_STATEMENT(
		STORE_CHART,
		INT8OID, INT8OID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID,
		TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, INT8OID);
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

		CHECK_FOR_INTERRUPTS();
		for (int i = 0; i < ACCOUNT_FIELDS; i++)
			rqbo_column_add_text(&columns[i], fields[i]);
	}
	rqbo_arg_ids(&args, model_id, connection_id);
	for (int i = 0; i < ACCOUNT_FIELDS; i++)
		rqbo_arg_text_column(&args, &columns[i]);
	rqbo_arg_int8(&args, import_id);
	rqbo_db_run(&statement, &args);
	counts->accounts_seen += list_length(accounts);
	counts->accounts_new += rqbo_column_int8(1);
	counts->accounts_changed += rqbo_column_int8(2);
	counts->accounts_noticed += rqbo_column_int8(3);
	counts->accounts_reclassified += rqbo_column_int8(4);
}

int64
rqbo_store_count_accounts(int64 model_id, int64 connection_id)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"SELECT count(*) FROM reefqbo.account WHERE model_id = $1 AND connection_id = $2"
		" AND gone_since IS NULL AND NOT is_computed",
		INT8OID, INT8OID);

	rqbo_db_run_ids(&statement, model_id, connection_id);
	return rqbo_column_int8(1);
}

/*
 * An account that is not active any more, and whose every figure has gone to 0
 * while another of its type has grown by just that in each of those months, was
 * merged into the other.  QuickBooks itself does not say so.  A month that was
 * not over may have changed for other reasons as well.  The figures may have
 * been read before the chart was, by an import of their own: those accounts are
 * looked at that have lost figures in this import, or their place in the chart.
 */
void
rqbo_store_notice_merges(int64 model_id, int64 connection_id, int64 import_id, RqboCounts *counts)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"WITH loser AS MATERIALIZED ("
		"  SELECT a.account_id, a.account_type, (SELECT max(r.import_id) FROM reefqbo.restatement r"
		"   WHERE r.model_id = $1 AND r.connection_id = $2 AND r.account_id = a.account_id) AS import_id"
		"  FROM reefqbo.account a"
		"  WHERE a.model_id = $1 AND a.connection_id = $2 AND NOT a.is_computed"
		"  AND (NOT a.is_active OR a.gone_since IS NOT NULL)"
		"  AND (EXISTS (SELECT 1 FROM reefqbo.restatement r WHERE r.model_id = $1 AND r.connection_id = $2"
		"    AND r.import_id = $3 AND r.account_id = a.account_id)"
		"   OR EXISTS (SELECT 1 FROM reefqbo.account_change h WHERE h.model_id = $1 AND h.connection_id = $2"
		"    AND h.account_id = a.account_id AND h.import_id = $3 AND h.change IN ('inactivated', 'deleted', 'gone')))"
		"  AND NOT EXISTS (SELECT 1 FROM reefqbo._amount x WHERE x.model_id = $1 AND x.connection_id = $2"
		"   AND x.account_id = a.account_id AND x.amount <> 0)"
		"  AND NOT EXISTS (SELECT 1 FROM reefqbo.account_change h WHERE h.model_id = $1 AND h.connection_id = $2"
		"   AND h.account_id = a.account_id AND h.change = 'merged')"
		"), cell AS MATERIALIZED ("
		"  SELECT r.import_id, r.account_id, r.statement, r.accounting_method, r.period_start,"
		"   bool_or(r.was_provisional) AS is_open, sum(r.new_amount - r.old_amount) AS change"
		"  FROM reefqbo.restatement r"
		"  WHERE r.model_id = $1 AND r.connection_id = $2 AND r.import_id IN (SELECT l.import_id FROM loser l)"
		"  GROUP BY r.import_id, r.account_id, r.statement, r.accounting_method, r.period_start"
		"), pair AS ("
		"  SELECT l.account_id AS loser, w.account_id AS survivor"
		"  FROM loser l"
		"  JOIN reefqbo.account w ON w.model_id = $1 AND w.connection_id = $2 AND w.account_type = l.account_type"
		"   AND w.is_active AND w.gone_since IS NULL"
		"  JOIN cell c ON c.account_id = l.account_id AND c.import_id = l.import_id"
		"  LEFT JOIN cell s ON s.account_id = w.account_id AND s.import_id = c.import_id AND s.statement = c.statement"
		"   AND s.accounting_method = c.accounting_method AND s.period_start = c.period_start"
		"  GROUP BY l.account_id, w.account_id"
		"  HAVING bool_and(c.is_open OR s.change IS NOT DISTINCT FROM -c.change) AND bool_or(s.change = -c.change)"
		"), noticed AS ("
		"  INSERT INTO reefqbo.account_change (model_id, connection_id, account_id, change, old_value, new_value,"
		"   noticed_at, import_id)"
		"  SELECT $1, $2, p.loser, 'merged', p.loser, min(p.survivor), (SELECT reefqbo._moment($1)), $3 FROM pair p"
		"  GROUP BY p.loser HAVING count(*) = 1"
		"  RETURNING 1"
		") SELECT count(*) FROM noticed",
		INT8OID, INT8OID, INT8OID);
	RqboArgs	args = {0};

	rqbo_arg_ids(&args, model_id, connection_id);
	rqbo_arg_int8(&args, import_id);
	rqbo_db_run(&statement, &args);
	counts->accounts_noticed += rqbo_column_int8(1);
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

const char *
rqbo_store_section_classification(const RqboReportLine *line)
{
	return section_type(line->section)->classification;
}

/*
 * An account that stands in the same section as a line, or NULL.
 */
static const char *
account_beside(const RqboReport *report, int line)
{
	const char *section = report->lines[line].section;

	for (int i = 0; i < report->nlines && report->lines[line].kind == RQBO_LINE_COMPUTED; i++)
	{
		const RqboReportLine *other = &report->lines[i];

		CHECK_FOR_INTERRUPTS();
		if (other->kind == RQBO_LINE_ACCOUNT && section != NULL && other->section != NULL &&
			strcmp(section, other->section) == 0)
			return other->account_id;
	}
	return NULL;
}

/*
 * Accounts that a report names and the chart does not get a row, gone as the
 * chart has them; so do the lines QuickBooks computes, which are what stands
 * beside them where the section does not tell.  A parent that the chart
 * told nothing of but its id has a row already, and the report tells the rest.
 */
void
rqbo_store_report_accounts(int64 model_id, int64 connection_id, const RqboReport *report, RqboCounts *counts)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"WITH named AS ("
		"  SELECT DISTINCT ON (n.account_id) n.account_id, n.name, n.account_id LIKE 'computed:%' AS is_computed,"
		"   COALESCE(n.account_type, b.account_type) AS account_type,"
		"   COALESCE(n.classification, b.classification) AS classification"
		"  FROM ROWS FROM (unnest($3), unnest($4), unnest($5), unnest($6), unnest($7))"
		"   AS n(account_id, name, account_type, classification, beside)"
		"  LEFT JOIN reefqbo.account b ON b.model_id = $1 AND b.connection_id = $2 AND b.account_id = n.beside"
		"   AND n.account_id LIKE 'computed:%'"
		"  ORDER BY n.account_id"
		"), retitled AS ("
		"  UPDATE reefqbo.account a SET name = n.name, fully_qualified_name = n.name, changed_at = reefqbo._now()"
		"  FROM named n WHERE a.model_id = $1 AND a.connection_id = $2 AND a.account_id = n.account_id"
		"  AND n.is_computed AND a.name <> n.name"
		"), completed AS ("
		"  UPDATE reefqbo.account a SET name = n.name, fully_qualified_name = n.name,"
		"   account_type = n.account_type, classification = n.classification, changed_at = reefqbo._now()"
		"  FROM named n WHERE a.model_id = $1 AND a.connection_id = $2 AND a.account_id = n.account_id"
		"  AND NOT n.is_computed AND a.account_type IS NULL AND n.account_type IS NOT NULL"
		") INSERT INTO reefqbo.account (model_id, connection_id, account_id, name, fully_qualified_name,"
		"  account_type, classification, is_computed, gone_since)"
		" SELECT $1, $2, n.account_id, n.name, n.name, n.account_type, n.classification,"
		"  n.is_computed, CASE WHEN NOT n.is_computed THEN reefqbo._now() END"
		" FROM named n"
		" WHERE NOT EXISTS (SELECT 1 FROM reefqbo.account a WHERE a.model_id = $1 AND a.connection_id = $2"
		"  AND a.account_id = n.account_id)",
		INT8OID, INT8OID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID);
	RqboColumn	columns[5];
	RqboArgs	args = {0};

	for (int i = 0; i < 5; i++)
		rqbo_column_begin(&columns[i], report->nlines);
	for (int i = 0; i < report->nlines; i++)
	{
		const RqboReportLine *line = &report->lines[i];
		const SectionType *type = section_type(line->section);

		CHECK_FOR_INTERRUPTS();
		if (!rqbo_report_line_is_stored(line))
			continue;
		rqbo_column_add_text(&columns[0], line->stored_id);
		rqbo_column_add_text(&columns[1], line->name);
		rqbo_column_add_text(&columns[2], type->type);
		rqbo_column_add_text(&columns[3], type->classification);
		rqbo_column_add_text(&columns[4], type->type == NULL ? account_beside(report, i) : NULL);
	}
	rqbo_arg_ids(&args, model_id, connection_id);
	for (int i = 0; i < 5; i++)
		rqbo_arg_text_column(&args, &columns[i]);
	counts->accounts_new += rqbo_db_run(&statement, &args);
}
