/*-------------------------------------------------------------------------
 *
 * functions/branch_parent.c
 *	  The trigger that keeps the tree of branches whole: each parent is a branch
 *	  of the same model.  The other keys of the schema are foreign keys.
 *
 * A foreign key of a table to itself would do that too, and have pg_dump warn
 * of a circle each time.  It looks like one here, with the same locks, moments
 * and SQLSTATE: who refers to a branch locks its key, and who removes one looks,
 * at the statement's end, for branches below that anybody has committed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "utils/rel.h"

#include "functions/rights.h"
#include "store/branch.h"

PG_FUNCTION_INFO_V1(rqbo_branch_parent);

typedef struct Branch
{
	int64		model_id;
	int64		branch_id;
	int64		parent_id;
	bool		is_root;
} Branch;

static int64
read_column(Relation relation, HeapTuple tuple, const char *name, bool *is_null)
{
	int			number = SPI_fnumber(RelationGetDescr(relation), name);
	Datum		value = heap_getattr(tuple, number, RelationGetDescr(relation), is_null);

	return *is_null ? 0 : DatumGetInt64(value);
}

static Branch
read_branch(Relation relation, HeapTuple tuple)
{
	Branch		branch;
	bool		is_null;

	branch.model_id = read_column(relation, tuple, "model_id", &is_null);
	branch.branch_id = read_column(relation, tuple, "branch_id", &is_null);
	branch.parent_id = read_column(relation, tuple, "parent_branch_id", &branch.is_root);
	return branch;
}

static void
check_parent(const Branch *branch)
{
	if (branch->is_root || rqbo_store_keep_branch(branch->model_id, branch->parent_id))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
			 errmsg("branch " INT64_FORMAT " has no parent", branch->branch_id),
			 errdetail("There is no branch " INT64_FORMAT " in model " INT64_FORMAT ".", branch->parent_id, branch->model_id)));
}

/*
 * A branch that was removed and is there again, in the same transaction, has
 * left nobody alone.
 */
static void
check_not_needed(const Branch *branch)
{
	if (!rqbo_store_has_branches_below(branch->model_id, branch->branch_id) ||
		rqbo_store_keep_branch(branch->model_id, branch->branch_id))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
			 errmsg("branch " INT64_FORMAT " is the parent of others", branch->branch_id),
			 errdetail("Branches of model " INT64_FORMAT " are below it.", branch->model_id)));
}

static void
check_row(const TriggerData *trigger)
{
	Branch		old = read_branch(trigger->tg_relation, trigger->tg_trigtuple);
	Branch		new;

	if (TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
		check_parent(&old);
	else if (TRIGGER_FIRED_BY_DELETE(trigger->tg_event))
		check_not_needed(&old);
	else
	{
		new = read_branch(trigger->tg_relation, trigger->tg_newtuple);
		check_parent(&new);
		if (new.model_id != old.model_id || new.branch_id != old.branch_id)
			check_not_needed(&old);
	}
}

Datum
rqbo_branch_parent(PG_FUNCTION_ARGS)
{
	RqboCaller	caller;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" was not called by a trigger", "_branch_parent")));
	rqbo_rights_take(fcinfo, &caller);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	if (!rqbo_store_keys_are_left_out())
		check_row((TriggerData *) fcinfo->context);
	SPI_finish();
	rqbo_rights_give_back(&caller);
	PG_RETURN_POINTER(NULL);
}
