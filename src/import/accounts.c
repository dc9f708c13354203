/*-------------------------------------------------------------------------
 *
 * import/accounts.c
 *	  Reads the whole chart of accounts, inactive accounts too.
 *
 * The count comes first, then pages in the order of the ids until that many
 * different accounts have come or a page is empty.  While somebody adds or
 * removes accounts, pages shift and a living account may be skipped: count
 * and accounts then differ, and the whole sweep is made again.
 *
 * https://developer.intuit.com/app/developer/qbo/docs/learn/explore-the-quickbooks-online-api/data-queries
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "base/db.h"
#include "base/encoding.h"
#include "base/errors.h"
#include "import/run.h"
#include "net/json.h"
#include "qbo/accounting.h"
#include "qbo/fault.h"

#define PAGE_ROWS 1000
#define MAX_SWEEPS 3
#define MAX_ID 64

static void begin_sweep(RqboTask *task);
static void ask_page(RqboTask *task);

static void
ask(RqboImport *import, const char *path, RqboStep then)
{
	RqboSession *session = import->session;
	rqbo_qbo_get(session,
				 psprintf("could not read the chart of accounts of \"%s\"", rqbo_session_company(session)),
				 path, then, NULL);
}

char *
rqbo_import_accounts_count_path(void)
{
	return rqbo_qbo_query_path("select count(*) from Account where Active IN (true, false)");
}

/* ---- storing ---- */

static void
store_chart(RqboTask *task)
{
	RqboImport *import = rqbo_import_of(task);
	RqboConnection *c = import->session->connection;
	RqboCounts *counts = &import->counts;

	rqbo_db_begin();
	rqbo_store_accounts(c->model_id, c->connection_id, import->import_id, import->chart, counts);
	rqbo_store_accounts_read(c->model_id, c->connection_id);
	rqbo_store_import_progress(c->model_id, import->import_id, counts, import->session->requests);
	rqbo_db_commit();
	MemoryContextDelete(import->chart_context);
	import->chart_context = NULL;
	ereport(NOTICE,
			(errmsg("%s: %d accounts (%d new, %d changed)", rqbo_session_company(import->session),
					counts->accounts_seen, counts->accounts_new, counts->accounts_changed)));
	import->after_accounts(task);
}

/*
 * All pages are here: is it all of the chart?
 */
static void
end_sweep(RqboTask *task)
{
	RqboImport *import = rqbo_import_of(task);

	if (list_length(import->chart) == import->chart_expected)
		store_chart(task);
	else if (import->chart_sweeps < MAX_SWEEPS)
		begin_sweep(task);
	else
		ereport(ERROR,
				(errcode(ERRCODE_RQBO_INVALID_RESPONSE),
				 errmsg("could not read the whole chart of accounts of \"%s\"",
						rqbo_session_company(import->session)),
				 errdetail("QuickBooks counts %d accounts and returned %d, in each of %d sweeps.",
						   import->chart_expected, list_length(import->chart), MAX_SWEEPS),
				 errhint("Nothing was changed. Try again when nobody is editing the chart of accounts.")));
}

/* ---- reading pages ---- */

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

static RqboAccount *
read_account(RqboSession *session, const RqboJson *node)
{
	RqboAccount *a = palloc0(sizeof(RqboAccount));

	a->id = field(node, "Id");
	if (a->id == NULL || a->id[0] == '\0' || strlen(a->id) >= MAX_ID)
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
	return a;
}

/*
 * Add a page's accounts that are new to this sweep.  Returns the rows read.
 */
static int
add_page(RqboImport *import, const RqboJson *rows)
{
	MemoryContext saved = MemoryContextSwitchTo(import->chart_context);
	int			count = rqbo_json_length(rows);

	for (int i = 0; i < count; i++)
	{
		RqboAccount *account = read_account(import->session, rqbo_json_element(rows, i));
		bool		is_known;

		(void) hash_search(import->chart_ids, account->id, HASH_ENTER, &is_known);
		if (!is_known)
			import->chart = lappend(import->chart, account);
	}
	MemoryContextSwitchTo(saved);
	return count;
}

static void
page_answered(RqboTask *task)
{
	RqboImport *import = rqbo_import_of(task);
	RqboJson   *response = rqbo_qbo_read_body(import->session, "QueryResponse");
	int			before = list_length(import->chart);
	int			count;

	rqbo_encoding_begin();
	count = add_page(import, rqbo_json_member(response, "Account"));
	rqbo_encoding_end();
	import->chart_position += count;
	/* a page that brings nothing new is the end, whatever the count says */
	if (list_length(import->chart) > before && list_length(import->chart) < import->chart_expected)
		ask_page(task);
	else
		end_sweep(task);
}

static void
ask_page(RqboTask *task)
{
	RqboImport *import = rqbo_import_of(task);

	ask(import,
		rqbo_qbo_query_path(psprintf("select * from Account where Active IN (true, false) orderby Id startposition %d maxresults %d",
									 import->chart_position, PAGE_ROWS)),
		page_answered);
}

int
rqbo_import_accounts_take_count(RqboSession *session)
{
	RqboJson   *response = rqbo_qbo_read_body(session, "QueryResponse");
	const char *count = rqbo_json_member_text(response, "totalCount");

	if (count == NULL || strlen(count) > 9 || strspn(count, "0123456789") != strlen(count))
		rqbo_qbo_raise_invalid(session, "It has no totalCount.");
	return atoi(count);
}

static void
count_answered(RqboTask *task)
{
	RqboImport *import = rqbo_import_of(task);

	import->chart_expected = rqbo_import_accounts_take_count(import->session);
	if (import->chart_expected == 0)
		end_sweep(task);
	else
		ask_page(task);
}

static void
begin_sweep(RqboTask *task)
{
	RqboImport *import = rqbo_import_of(task);
	HASHCTL		ctl = {.keysize = MAX_ID,.entrysize = MAX_ID};

	if (import->chart_context != NULL)
		MemoryContextDelete(import->chart_context);
	import->chart_context = AllocSetContextCreate(task->context, "reefqbo chart", ALLOCSET_DEFAULT_SIZES);
	ctl.hcxt = import->chart_context;
	import->chart_ids = hash_create("reefqbo chart ids", 256, &ctl, HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	import->chart = NIL;
	import->chart_position = 1;
	import->chart_sweeps++;
	ask(import, rqbo_import_accounts_count_path(), count_answered);
}

void
rqbo_import_accounts_begin(RqboImport *import, RqboStep then)
{
	import->after_accounts = then;
	import->chart_sweeps = 0;
	begin_sweep(import->session->task);
}

int
rqbo_import_accounts_cost(int naccounts)
{
	return 1 + (naccounts + PAGE_ROWS - 1) / PAGE_ROWS;
}
