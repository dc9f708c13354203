/*-------------------------------------------------------------------------
 *
 * import/values.c
 *	  Reads and stores the whole list of classes or of departments, inactive
 *	  ones too.
 *
 * https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/class
 * https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/department
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/db.h"
#include "base/encoding.h"
#include "base/errors.h"
#include "import/pages.h"
#include "import/values.h"
#include "qbo/accounting.h"
#include "store/dimensions.h"

/* ---- reading ---- */

static char *
field(const RqboJson *value, const char *key)
{
	return rqbo_encoding_import(rqbo_json_member_text(value, key));
}

static void *
read_value(RqboSession *session, const RqboJson *node, const char **id)
{
	RqboDimensionValue *v = palloc0(sizeof(RqboDimensionValue));

	v->id = field(node, "Id");
	if (v->id == NULL || v->id[0] == '\0' || strlen(v->id) >= RQBO_PAGE_MAX_ID || strcmp(v->id, RQBO_UNSPECIFIED) == 0)
		rqbo_qbo_raise_invalid(session, "A row has no Id.");
	v->name = field(node, "Name");
	if (v->name == NULL)
		v->name = v->id;
	v->fully_qualified_name = field(node, "FullyQualifiedName");
	if (v->fully_qualified_name == NULL)
		v->fully_qualified_name = v->name;
	v->parent_id = field(rqbo_json_member(node, "ParentRef"), "value");
	v->active = rqbo_json_member_bool(node, "Active", true) ? "true" : "false";
	*id = v->id;
	return v;
}

static void
raise_not_whole(const RqboImport *import, int expected, int returned)
{
	ereport(ERROR,
			(errcode(ERRCODE_RQBO_INVALID_RESPONSE),
			 errmsg("could not read the whole list of each %s of \"%s\"", import->ask.dimension,
					rqbo_session_company(import->session)),
			 errdetail("QuickBooks counts %d and returned %d, in each of %d sweeps.",
					   expected, returned, RQBO_PAGE_SWEEPS),
			 errhint("Nothing was changed. Try again when nobody is editing the list.")));
}

static const RqboPagesOf classes = {
	.entity = "Class",
	.what = "the list of classes",
	.asks_when_empty = true,
	.read_row = read_value,
	.raise_not_whole = raise_not_whole
};

static const RqboPagesOf departments = {
	.entity = "Department",
	.what = "the list of departments",
	.asks_when_empty = true,
	.read_row = read_value,
	.raise_not_whole = raise_not_whole
};

/* ---- storing ---- */

static void
store_values(RqboTask *task)
{
	RqboImport *import = rqbo_import_of(task);
	const RqboConnection *c = import->session->connection;

	rqbo_db_begin();
	rqbo_store_dimension_values(c->model_id, c->connection_id, import->ask.dimension, rqbo_import_pages_rows(import));
	rqbo_db_commit();
	import->after_values(task);
}

void
rqbo_import_values_begin(RqboImport *import, RqboStep then)
{
	import->after_values = then;
	rqbo_import_pages_begin(import, strcmp(import->ask.dimension, "class") == 0 ? &classes : &departments, store_values);
}
