/*-------------------------------------------------------------------------
 *
 * import/values.c
 *	  Reads the whole list of classes or of departments, inactive ones too.
 *
 * As with accounts, the count comes first, then pages in the order of the ids,
 * and the sweep is made again when the two differ.
 *
 * https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/class
 * https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/department
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "base/db.h"
#include "base/encoding.h"
#include "base/errors.h"
#include "import/dimensions.h"
#include "qbo/accounting.h"

#define PAGE_ROWS 1000
#define MAX_SWEEPS 3
#define MAX_ID 64

static void begin_sweep(RqboTask *task);

static const char *
entity(const RqboImport *import)
{
	return strcmp(import->ask.dimension, "class") == 0 ? "Class" : "Department";
}

static void
ask(RqboImport *import, const char *query, RqboStep then)
{
	RqboSession *session = import->session;

	rqbo_qbo_get(session,
				 psprintf("could not read the list of %s of \"%s\"",
						  strcmp(import->ask.dimension, "class") == 0 ? "classes" : "departments",
						  rqbo_session_company(session)),
				 rqbo_qbo_query_path(query), then, NULL);
}

bool
rqbo_import_value_is_known(const RqboDimensionWork *work, const char *id)
{
	ListCell   *cell;

	foreach(cell, work->values)
		if (strcmp(((RqboDimensionValue *) lfirst(cell))->id, id) == 0)
			return true;
	return false;
}

/* ---- storing ---- */

static void
store_values(RqboTask *task)
{
	RqboImport *import = rqbo_import_of(task);
	RqboDimensionWork *work = import->dimensions;
	const RqboConnection *c = import->session->connection;

	rqbo_db_begin();
	rqbo_store_dimension_values(c->model_id, c->connection_id, import->ask.dimension, work->values);
	rqbo_db_commit();
	work->values_read = list_length(work->values);
	work->after_values(task);
}

static void
end_sweep(RqboTask *task)
{
	RqboImport *import = rqbo_import_of(task);
	RqboDimensionWork *work = import->dimensions;

	if (list_length(work->values) == work->expected)
		store_values(task);
	else if (work->sweeps < MAX_SWEEPS)
		begin_sweep(task);
	else
		ereport(ERROR,
				(errcode(ERRCODE_RQBO_INVALID_RESPONSE),
				 errmsg("could not read the whole list of each %s of \"%s\"", import->ask.dimension,
						rqbo_session_company(import->session)),
				 errdetail("QuickBooks counts %d and returned %d, in each of %d sweeps.",
						   work->expected, list_length(work->values), MAX_SWEEPS),
				 errhint("Nothing was changed. Try again when nobody is editing the list.")));
}

/* ---- reading pages ---- */

static char *
field(const RqboJson *value, const char *key)
{
	return rqbo_encoding_import(rqbo_json_member_text(value, key));
}

static RqboDimensionValue *
read_value(RqboSession *session, const RqboJson *node)
{
	RqboDimensionValue *v = palloc0(sizeof(RqboDimensionValue));

	v->id = field(node, "Id");
	if (v->id == NULL || v->id[0] == '\0' || strlen(v->id) >= MAX_ID || strcmp(v->id, RQBO_UNSPECIFIED) == 0)
		rqbo_qbo_raise_invalid(session, "A row has no Id.");
	v->name = field(node, "Name");
	if (v->name == NULL)
		v->name = v->id;
	v->fully_qualified_name = field(node, "FullyQualifiedName");
	if (v->fully_qualified_name == NULL)
		v->fully_qualified_name = v->name;
	v->parent_id = field(rqbo_json_member(node, "ParentRef"), "value");
	v->active = rqbo_json_member_bool(node, "Active", true) ? "true" : "false";
	return v;
}

/*
 * Add a page's values that are new to this sweep.
 */
static void
add_page(RqboImport *import, const RqboJson *rows)
{
	RqboDimensionWork *work = import->dimensions;
	MemoryContext saved = MemoryContextSwitchTo(work->values_context);
	int			count = rqbo_json_length(rows);

	for (int i = 0; i < count; i++)
	{
		RqboDimensionValue *value = read_value(import->session, rqbo_json_element(rows, i));

		if (!rqbo_import_value_is_known(work, value->id))
			work->values = lappend(work->values, value);
	}
	work->position += count;
	MemoryContextSwitchTo(saved);
}

static void ask_page(RqboTask *task);

static void
page_answered(RqboTask *task)
{
	RqboImport *import = rqbo_import_of(task);
	RqboDimensionWork *work = import->dimensions;
	RqboJson   *response = rqbo_qbo_read_body(import->session, "QueryResponse");
	int			before = list_length(work->values);

	rqbo_encoding_begin();
	add_page(import, rqbo_json_member(response, entity(import)));
	rqbo_encoding_end();
	if (list_length(work->values) > before && list_length(work->values) < work->expected)
		ask_page(task);
	else
		end_sweep(task);
}

static void
ask_page(RqboTask *task)
{
	RqboImport *import = rqbo_import_of(task);

	ask(import,
		psprintf("select * from %s where Active IN (true, false) orderby Id startposition %d maxresults %d",
				 entity(import), import->dimensions->position, PAGE_ROWS),
		page_answered);
}

/*
 * A page is asked for even if there should be none: what that costs is known
 * beforehand.
 */
static void
count_answered(RqboTask *task)
{
	RqboImport *import = rqbo_import_of(task);

	import->dimensions->expected = rqbo_import_accounts_take_count(import->session);
	ask_page(task);
}

static void
begin_sweep(RqboTask *task)
{
	RqboImport *import = rqbo_import_of(task);
	RqboDimensionWork *work = import->dimensions;

	MemoryContextReset(work->values_context);
	work->values = NIL;
	work->position = 1;
	work->sweeps++;
	ask(import, psprintf("select count(*) from %s where Active IN (true, false)", entity(import)), count_answered);
}

void
rqbo_import_values_begin(RqboImport *import, RqboStep then)
{
	RqboDimensionWork *work = import->dimensions;

	work->after_values = then;
	work->values_context = AllocSetContextCreate(import->session->task->context, "reefqbo values", ALLOCSET_DEFAULT_SIZES);
	begin_sweep(import->session->task);
}
