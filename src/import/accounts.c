/*-------------------------------------------------------------------------
 *
 * import/accounts.c
 *	  Reads and stores the whole chart of accounts, inactive accounts too.
 *
 * https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/account
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/db.h"
#include "base/encoding.h"
#include "base/errors.h"
#include "import/accounts.h"
#include "import/pages.h"
#include "qbo/accounting.h"

/* ---- reading ---- */

/*
 * A text as the database can hold it; what is not text becomes NULL.
 */
static char *
field(const RqboJson *account, const char *key)
{
	return rqbo_encoding_import(rqbo_json_member_text(account, key));
}

/*
 * An amount as written, if it is a plain decimal number.
 */
static char *
amount_field(const RqboJson *account, const char *key)
{
	const char *amount = rqbo_json_member_text(account, key);
	const char *digits = amount != NULL && amount[0] == '-' ? amount + 1 : amount;
	size_t		whole = digits != NULL ? strspn(digits, "0123456789") : 0;
	size_t		length = whole;

	if (whole > 0 && digits[whole] == '.')
		length += 1 + strspn(digits + whole + 1, "0123456789");
	if (length == 0 || length > 40 || digits[length] != '\0')
		return NULL;
	return pstrdup(amount);
}

static void *
read_account(RqboSession *session, const RqboJson *node, const char **id)
{
	RqboAccount *a = palloc0(sizeof(RqboAccount));

	a->id = field(node, "Id");
	if (a->id == NULL || a->id[0] == '\0' || strlen(a->id) >= RQBO_PAGE_MAX_ID)
		rqbo_qbo_raise_invalid(session, "An account has no Id.");
	a->name = field(node, "Name");
	if (a->name == NULL)
		a->name = a->id;
	a->fully_qualified_name = field(node, "FullyQualifiedName");
	if (a->fully_qualified_name == NULL)
		a->fully_qualified_name = a->name;
	a->number = field(node, "AcctNum");
	a->classification = field(node, "Classification");
	a->type = field(node, "AccountType");
	a->subtype = field(node, "AccountSubType");
	a->parent_id = field(rqbo_json_member(node, "ParentRef"), "value");
	a->active = rqbo_json_member_bool(node, "Active", true) ? "true" : "false";
	a->currency = field(rqbo_json_member(node, "CurrencyRef"), "value");
	a->balance = amount_field(node, "CurrentBalance");
	a->description = field(node, "Description");
	*id = a->id;
	return a;
}

static void
raise_not_whole(const RqboImport *import, int expected, int returned)
{
	ereport(ERROR,
			(errcode(ERRCODE_RQBO_INVALID_RESPONSE),
			 errmsg("could not read the whole chart of accounts of \"%s\"", rqbo_session_company(import->session)),
			 errdetail("QuickBooks counts %d accounts and returned %d, in each of %d sweeps.",
					   expected, returned, RQBO_PAGE_SWEEPS),
			 errhint("Nothing was changed. Try again when nobody is editing the chart of accounts.")));
}

static const RqboPagesOf chart = {
	.entity = "Account",
	.what = "the chart of accounts",
	.read_row = read_account,
	.raise_not_whole = raise_not_whole
};

/* ---- storing ---- */

/*
 * A company always has accounts: QuickBooks makes some with it, and keeps those
 * that are inactive.
 */
static void
refuse_emptiness(const RqboImport *import)
{
	const RqboConnection *c = import->session->connection;
	int64		known = rqbo_store_count_accounts(c->model_id, c->connection_id);

	if (known > 0)
		ereport(ERROR,
				(errcode(ERRCODE_RQBO_INVALID_RESPONSE),
				 errmsg("the chart of accounts of \"%s\" came without a single account", rqbo_session_company(import->session)),
				 errdetail("QuickBooks says that there is none, and " INT64_FORMAT " accounts are known.", known),
				 errhint("Nothing was changed. Try again.")));
}

static void
store_chart(RqboTask *task)
{
	RqboImport *import = rqbo_import_of(task);
	RqboConnection *c = import->session->connection;
	RqboCounts *counts = &import->counts;

	rqbo_db_begin();
	if (rqbo_import_pages_rows(import) == NIL)
		refuse_emptiness(import);
	rqbo_store_accounts(c->model_id, c->connection_id, import->import_id, rqbo_import_pages_rows(import), counts);
	rqbo_store_accounts_read(c->model_id, c->connection_id);
	rqbo_store_import_progress(c->model_id, import->import_id, counts, import->session->requests);
	rqbo_db_commit();
	rqbo_import_pages_free(import);
	ereport(NOTICE,
			(errmsg("%s: %d accounts (%d new, %d changed)", rqbo_session_company(import->session),
					counts->accounts_seen, counts->accounts_new, counts->accounts_changed)));
	import->after_chart(task);
}

void
rqbo_import_accounts_begin(RqboImport *import, RqboStep then)
{
	import->after_chart = then;
	rqbo_import_pages_begin(import, &chart, store_chart);
}

void
rqbo_import_accounts_plan(RqboImport *import)
{
	rqbo_import_pages_plan(import, &chart);
}

int
rqbo_import_accounts_cost(int naccounts)
{
	return 1 + (naccounts + RQBO_PAGE_ROWS - 1) / RQBO_PAGE_ROWS;
}

/* ---- the kind ---- */

static void
begin(RqboImport *import)
{
	rqbo_import_accounts_begin(import, import->then);
}

const RqboImportKind rqbo_import_accounts_kind = {
	.name = "accounts",
	.counts_statements = true,
	.needs_company = true,
	.stores_figures = true,
	.begin = begin,
	.store_end = rqbo_import_store_upkeep,
	.add_rows = rqbo_import_add_summary
};
