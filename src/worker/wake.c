/*-------------------------------------------------------------------------
 *
 * worker/wake.c
 *	  Sessions and the background worker: a wake-up at commit, and leaving a
 *	  database to who needs it without sessions.
 *
 * What a session has made due shows at its commit, so that is when the
 * launcher is woken: once, however often it was asked for.  A transaction that
 * is prepared first shows at a time nobody tells us; it is found with the next
 * thing that is due.  A restore does not ask, nor say when it has ended: while
 * one is under way, whatever is committed in its database may be its last.
 *
 * DROP DATABASE and its like refuse to work while somebody is connected to the
 * database.  A worker of ours is nobody they should wait for, so it is ended
 * before they begin; the server tells extensions of them by this hook alone.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "commands/defrem.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "tcop/utility.h"

#include "base/compat.h"
#include "worker/shmem.h"
#include "worker/wake.h"

PG_FUNCTION_INFO_V1(rqbo_wake_trigger);

static ProcessUtility_hook_type previous_utility_hook = NULL;
static char woken_database[NAMEDATALEN];	/* empty: nobody is to be woken */

/* ---- at commit ---- */

static void
at_end_of_transaction(XactEvent event, void *arg pg_attribute_unused())
{
	if (event == XACT_EVENT_COMMIT && MyBackendType == B_BACKEND)
		rqbo_shmem_look_at_restore(MyDatabaseId);
	if (woken_database[0] == '\0' ||
		(event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT && event != XACT_EVENT_PREPARE))
		return;
	if (event == XACT_EVENT_COMMIT)
		rqbo_shmem_wake(woken_database);
	woken_database[0] = '\0';
}

void
rqbo_wake_at_commit(void)
{
	char	   *database;

	if (!rqbo_shmem_is_there())
		return;
	database = get_database_name(MyDatabaseId);
	if (database != NULL)
		strlcpy(woken_database, database, NAMEDATALEN);
}

/*
 * On tables whose rows say what is due.
 */
Datum
rqbo_wake_trigger(PG_FUNCTION_ARGS)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" was not called by a trigger", "_wake")));
	rqbo_wake_at_commit();
	PG_RETURN_POINTER(NULL);
}

/* ---- vacating a database ---- */

/*
 * The database that CREATE DATABASE copies.
 */
static const char *
template_of(const CreatedbStmt *statement)
{
	ListCell   *cell;

	foreach(cell, statement->options)
	{
		DefElem    *option = lfirst(cell);

		if (strcmp(option->defname, "template") == 0 && option->arg != NULL)
			return defGetString(option);
	}
	return "template1";
}

static bool
moves_tablespace(const AlterDatabaseStmt *statement)
{
	ListCell   *cell;

	foreach(cell, statement->options)
		if (strcmp(((DefElem *) lfirst(cell))->defname, "tablespace") == 0)
			return true;
	return false;
}

/*
 * The database that a command needs to be empty of sessions, or NULL.
 */
static const char *
database_to_empty(const Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_DropdbStmt:
			return ((const DropdbStmt *) statement)->dbname;
		case T_CreatedbStmt:
			return template_of((const CreatedbStmt *) statement);
		case T_AlterDatabaseStmt:
			return moves_tablespace((const AlterDatabaseStmt *) statement) ?
				((const AlterDatabaseStmt *) statement)->dbname : NULL;
		case T_RenameStmt:
			return ((const RenameStmt *) statement)->renameType == OBJECT_DATABASE ?
				((const RenameStmt *) statement)->subname : NULL;
		default:
			return NULL;
	}
}

/*
 * Whoever may not do it shall not be able to end workers by trying.
 */
static bool
may_be_emptied(const char *database)
{
	Oid			id = get_database_oid(database, true);

	return OidIsValid(id) && (superuser() || rqbo_owns_database(id));
}

static void
on_utility(PlannedStmt *statement, const char *text, bool read_only_tree, ProcessUtilityContext context,
		   ParamListInfo parameters, QueryEnvironment *environment, DestReceiver *destination,
		   QueryCompletion *completion)
{
	const char *database = database_to_empty(statement->utilityStmt);

	if (database != NULL && may_be_emptied(database))
		rqbo_shmem_vacate(database);
	if (previous_utility_hook != NULL)
		previous_utility_hook(statement, text, read_only_tree, context, parameters, environment, destination,
							  completion);
	else
		standard_ProcessUtility(statement, text, read_only_tree, context, parameters, environment, destination,
								completion);
}

void
rqbo_wake_define(void)
{
	RegisterXactCallback(at_end_of_transaction, NULL);
	previous_utility_hook = ProcessUtility_hook;
	ProcessUtility_hook = on_utility;
}
