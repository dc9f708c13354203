/*-------------------------------------------------------------------------
 *
 * store/access.c
 *	  What roles may, and what was done by whom, in tables.
 *	  What follows from it for a caller is decided in functions/rights.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"

#include "base/db.h"
#include "store/access.h"

bool
rqbo_store_has_level(Oid role, int64 model_id, const char *level)
{
	static RqboStatement statement = RQBO_STATEMENT("SELECT reefqbo._has_level($1, $2, $3)", OIDOID, INT8OID, TEXTOID);
	RqboArgs	args = {0};

	rqbo_arg_datum(&args, ObjectIdGetDatum(role));
	rqbo_arg_int8(&args, model_id);
	rqbo_arg_text(&args, level);
	rqbo_db_run(&statement, &args);
	return rqbo_column_bool(1);
}

void
rqbo_store_audit(const RqboAudit *entry)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"INSERT INTO reefqbo.audit (model_id, session_role, acting_role, action, model, branch, company, detail)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
		INT8OID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID);
	RqboArgs	args = {0};

	rqbo_arg_int8(&args, entry->model_id);
	rqbo_arg_text(&args, entry->session_role);
	rqbo_arg_text(&args, entry->acting_role);
	rqbo_arg_text(&args, entry->action);
	rqbo_arg_text(&args, entry->model);
	rqbo_arg_text(&args, entry->branch);
	rqbo_arg_text(&args, entry->company);
	rqbo_arg_text(&args, entry->detail);
	rqbo_db_run(&statement, &args);
}

void
rqbo_store_audit_connection(const char *session_role, const char *acting_role, const char *action,
							const RqboConnection *c, const char *detail)
{
	RqboAudit	entry = {action, session_role, acting_role, c->model_id, c->model, c->branch, c->company, detail};

	rqbo_store_audit(&entry);
}
