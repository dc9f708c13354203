/*-------------------------------------------------------------------------
 *
 * functions/lock_table.c
 *	  Who may lock our tables.
 *	  What our own functions lock is none of its business.
 *
 * Whoever may change or delete rows of a table may lock it against everybody,
 * and who locks a view locks all tables below it with the rights of the view's
 * owner.  A role with one model could so stop all others, and the background
 * worker.  The extension grants nobody such a privilege; this is for those that
 * were granted by hand.  LOCK TABLE in a mode stronger than writing takes is for
 * the owner of the table and for superusers.  That holds in sessions that have
 * loaded the library: in all of them where it is preloaded.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "rewrite/rewriteHandler.h"
#include "storage/lmgr.h"
#include "tcop/utility.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "base/compat.h"
#include "functions/lock_table.h"

static ProcessUtility_hook_type previous_utility_hook = NULL;

typedef struct ViewWalk
{
	Oid			view;
	Oid			ours;			/* the schema */
} ViewWalk;

static bool reaches_another_owners(Oid relation, Oid ours);

static bool
walk(Node *node, void *context)
{
	const ViewWalk *at = context;

	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		Query	   *query = (Query *) node;
		ListCell   *cell;

		foreach(cell, query->rtable)
		{
			const RangeTblEntry *entry = lfirst(cell);

			/* a view has entries for itself, which stand for its old and new rows */
			if (entry->rtekind == RTE_RELATION && entry->relid != at->view &&
				reaches_another_owners(entry->relid, at->ours))
				return true;
		}
		return query_tree_walker(query, walk, context, QTW_IGNORE_JOINALIASES);
	}
	return expression_tree_walker(node, walk, context);
}

/*
 * Is a relation one of ours which the present user does not own, or a view of
 * such?
 */
static bool
reaches_another_owners(Oid relation, Oid ours)
{
	ViewWalk	at = {relation, ours};
	Relation	view;
	bool		reaches;

	if (get_rel_namespace(relation) == ours && !rqbo_owns_relation(relation))
		return true;
	if (get_rel_relkind(relation) != RELKIND_VIEW)
		return false;
	check_stack_depth();
	view = table_open(relation, AccessShareLock);
	reaches = walk((Node *) get_view_query(view), &at);
	table_close(view, AccessShareLock);
	return reaches;
}

static void
check(const LockStmt *statement)
{
	Oid			ours = get_namespace_oid("reefqbo", true);
	ListCell   *cell;

	if (!OidIsValid(ours) || superuser() || statement->mode <= RowExclusiveLock)
		return;
	foreach(cell, statement->relations)
	{
		const RangeVar *name = lfirst(cell);
		Oid			relation = RangeVarGetRelid(name, NoLock, true);

		if (OidIsValid(relation) && reaches_another_owners(relation, ours))
			ereport(ERROR,
					(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					 errmsg("permission denied to lock \"%s\" against others", name->relname),
					 errhint("It is a table of reefqbo, or a view of one, which other models and the background worker need. LOCK TABLE may go up to ROW EXCLUSIVE MODE.")));
	}
}

static void
on_utility(PlannedStmt *statement, const char *text, bool read_only_tree, ProcessUtilityContext context,
		   ParamListInfo parameters, QueryEnvironment *environment, DestReceiver *destination,
		   QueryCompletion *completion)
{
	const LockStmt *lock = IsA(statement->utilityStmt, LockStmt) ? (const LockStmt *) statement->utilityStmt : NULL;

	if (lock != NULL)
		check(lock);
	if (previous_utility_hook != NULL)
		previous_utility_hook(statement, text, read_only_tree, context, parameters, environment, destination,
							  completion);
	else
		standard_ProcessUtility(statement, text, read_only_tree, context, parameters, environment, destination,
								completion);
	/* a name may have come to mean another relation while its lock was waited for; now it stays so */
	if (lock != NULL)
		check(lock);
}

void
rqbo_lock_table_define(void)
{
	previous_utility_hook = ProcessUtility_hook;
	ProcessUtility_hook = on_utility;
}
