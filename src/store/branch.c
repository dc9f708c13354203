/*-------------------------------------------------------------------------
 *
 * store/branch.c
 *	  The tree of branches, as far as it is kept whole by a trigger.
 *	  When that looks, and what it says, is in functions/branch_parent.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"

#include "base/db.h"
#include "store/branch.h"

bool
rqbo_store_keep_branch(int64 model_id, int64 branch_id)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"SELECT 1 FROM ONLY reefqbo.branch b WHERE b.model_id = $1 AND b.branch_id = $2 FOR KEY SHARE",
		INT8OID, INT8OID);

	return rqbo_db_run_ids(&statement, model_id, branch_id) > 0;
}

bool
rqbo_store_has_branches_below(int64 model_id, int64 branch_id)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"SELECT 1 FROM ONLY reefqbo.branch b WHERE b.model_id = $1 AND b.parent_branch_id = $2 LIMIT 1",
		INT8OID, INT8OID);
	RqboArgs	args = {0};

	rqbo_arg_ids(&args, model_id, branch_id);
	return rqbo_db_run_latest(&statement, &args) > 0;
}

bool
rqbo_store_keys_are_left_out(void)
{
	static RqboStatement statement = {.text = "SELECT 1 FROM reefqbo._left_out LIMIT 1"};
	RqboArgs	none = {0};

	return rqbo_db_run(&statement, &none) > 0;
}

int64
rqbo_store_first_connected_branch(int64 model_id)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"SELECT COALESCE(min(c.branch_id), 0) FROM reefqbo.connection c WHERE c.model_id = $1", INT8OID);
	RqboArgs	args = {0};

	rqbo_arg_int8(&args, model_id);
	rqbo_db_run(&statement, &args);
	return rqbo_column_int8(1);
}
