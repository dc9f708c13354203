/*-------------------------------------------------------------------------
 *
 * qbo/notify.c
 *	  What others are told: NOTIFY reefqbo, and lines of the server's log.
 *	  When something is worth it is decided by the callers.
 *
 * NOTIFY can fail at commit, since its queue is one for all databases and any
 * role may fill it.  What is told is then lost; what was stored must not be.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "commands/async.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "base/db.h"
#include "base/errors.h"
#include "base/show.h"
#include "qbo/notify.h"
#include "store/connection.h"
#include "store/maintenance.h"

#define CHANNEL "reefqbo"

/* The lock on the queue is held for moments, unless something is wrong with it. */
#define LOCK_TIMEOUT "1s"

/* What the present transaction has to tell: a List of char *, and where it lives. */
static List *payloads = NIL;
static MemoryContext payload_context = NULL;

/* ---- telling ---- */

static void
forget_payloads(XactEvent event, void *arg pg_attribute_unused())
{
	if (event != XACT_EVENT_ABORT)
		return;
	payloads = NIL;
	MemoryContextReset(payload_context);
}

static void
notify_all(void)
{
	ListCell   *cell;

	StartTransactionCommand();
	rqbo_db_set_local("lock_timeout", LOCK_TIMEOUT);
	foreach(cell, payloads)
		Async_Notify(CHANNEL, lfirst(cell));
	CommitTransactionCommand();
}

/*
 * A cancel or the like is for whoever comes next to an interrupt's place.
 */
static void
warn_untold(const ErrorData *failure, int count)
{
	if (failure->sqlerrcode == ERRCODE_QUERY_CANCELED)
		InterruptPending = QueryCancelPending = true;
	ereport(WARNING,
			(errcode(failure->sqlerrcode),
			 errmsg("nobody could be notified of what reefqbo has stored, in %d cases", count),
			 errdetail("%s.", failure->message),
			 errhint("All of it is stored. Listeners should look into the tables from time to time, whatever they are told.")));
}

/*
 * Interrupts that were held off stay so, whatever an ERROR does to that.
 */
static void
tell(void)
{
	MemoryContext saved = CurrentMemoryContext;
	uint32		held = InterruptHoldoffCount;
	int			count = list_length(payloads);
	ErrorData  *failure;

	if (count == 0)
		return;
	PG_TRY();
	{
		notify_all();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(saved);
		failure = CopyErrorData();
		FlushErrorState();
		AbortOutOfAnyTransaction();
		InterruptHoldoffCount = held;
		MemoryContextSwitchTo(saved);
		warn_untold(failure, count);
		FreeErrorData(failure);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(saved);
	payloads = NIL;
	MemoryContextReset(payload_context);
}

void
rqbo_notify_open(void)
{
	payload_context = AllocSetContextCreate(TopMemoryContext, "reefqbo notifications", ALLOCSET_SMALL_SIZES);
	RegisterXactCallback(forget_payloads, NULL);
	rqbo_db_add_hooks(NULL, tell);
}

/* ---- payloads ---- */

static void
begin_event(StringInfo payload, const char *event, int64 model_id, int64 connection_id)
{
	initStringInfo(payload);
	appendStringInfo(payload, "{\"event\": \"%s\", \"model_id\": " INT64_FORMAT ", \"connection_id\": " INT64_FORMAT,
					 event, model_id, connection_id);
}

static void
add_number(StringInfo payload, const char *name, int64 value)
{
	appendStringInfo(payload, ", \"%s\": " INT64_FORMAT, name, value);
}

static void
end_event(StringInfo payload)
{
	MemoryContext saved = MemoryContextSwitchTo(payload_context);

	appendStringInfoChar(payload, '}');
	payloads = lappend(payloads, pstrdup(payload->data));
	MemoryContextSwitchTo(saved);
}

/* ---- connections ---- */

void
rqbo_notify_connected(const RqboConnection *connection)
{
	StringInfoData payload;

	begin_event(&payload, "connected", connection->model_id, connection->connection_id);
	end_event(&payload);
}

void
rqbo_notify_status(const RqboConnection *connection, const char *status)
{
	StringInfoData payload;

	begin_event(&payload, status, connection->model_id, connection->connection_id);
	end_event(&payload);
}

static void
notify_ending(const RqboEnding *ending)
{
	StringInfoData payload;

	ereport(WARNING,
			(errcode(ERRCODE_WARNING),
			 errmsg("the grant of \"%s\" (branch \"%s\" of model \"%s\") ends in " INT64_FORMAT " days",
					rqbo_show_line(ending->company), ending->branch, ending->model, ending->days),
			 ending->is_final ?
			 errdetail("Intuit ends every grant five years after consent.") :
			 errdetail("It could not be refreshed for too long."),
			 errhint("Call reefqbo.reconnect, open the address it returns and sign in as an admin of the company.")));
	begin_event(&payload, "grant_ending", ending->model_id, ending->connection_id);
	add_number(&payload, "days", ending->days);
	end_event(&payload);
}

void
rqbo_notify_endings(int64 model_id, int64 connection_id)
{
	int			count;
	RqboEnding *endings = rqbo_store_list_endings(model_id, connection_id, &count);

	for (int i = 0; i < count; i++)
		notify_ending(&endings[i]);
}

/* ---- imports ---- */

static void
begin_import_event(StringInfo payload, const char *event, const RqboConnection *connection, RqboToldImport import)
{
	begin_event(payload, event, connection->model_id, connection->connection_id);
	add_number(payload, "import_id", import.import_id);
	if (import.request_id != 0)
		add_number(payload, "request_id", import.request_id);
}

void
rqbo_notify_import_started(const RqboConnection *connection, RqboToldImport import)
{
	StringInfoData payload;

	begin_import_event(&payload, "import_started", connection, import);
	end_event(&payload);
}

void
rqbo_notify_import_progress(const RqboConnection *connection, RqboToldImport import, int done, int total)
{
	StringInfoData payload;

	begin_import_event(&payload, "import_progress", connection, import);
	add_number(&payload, "done", done);
	add_number(&payload, "total", total);
	end_event(&payload);
}

void
rqbo_notify_import_finished(const RqboConnection *connection, RqboToldImport import, const RqboCounts *counts)
{
	StringInfoData payload;

	begin_import_event(&payload, "import_finished", connection, import);
	add_number(&payload, "months", counts->months);
	end_event(&payload);
	if (counts->accounts_noticed > 0)
	{
		begin_import_event(&payload, "accounts_changed", connection, import);
		add_number(&payload, "changes", counts->accounts_noticed);
		end_event(&payload);
	}
	if (counts->amounts_inserted + counts->amounts_changed == 0)
		return;
	begin_import_event(&payload, "figures_changed", connection, import);
	add_number(&payload, "inserted", counts->amounts_inserted);
	add_number(&payload, "changed", counts->amounts_changed);
	add_number(&payload, "restated", counts->amounts_restated);
	end_event(&payload);
}

void
rqbo_notify_import_failed(const RqboConnection *connection, RqboToldImport import, int sqlstate)
{
	StringInfoData payload;

	begin_import_event(&payload, "import_failed", connection, import);
	appendStringInfo(&payload, ", \"sqlstate\": \"%s\"", unpack_sql_state(sqlstate));
	end_event(&payload);
}

void
rqbo_notify_closed_period(const RqboConnection *connection, RqboToldImport import, int64 figures)
{
	StringInfoData payload;

	ereport(WARNING,
			(errcode(ERRCODE_WARNING),
			 errmsg("\"%s\" (branch \"%s\" of model \"%s\"): " INT64_FORMAT " figures of closed months have changed",
					rqbo_show_line(connection->company), connection->branch, connection->title, figures),
			 errhint("The table reefqbo.restatement has the old and the new amounts, of import " INT64_FORMAT ".",
					 import.import_id)));
	begin_import_event(&payload, "closed_period_changed", connection, import);
	add_number(&payload, "figures", figures);
	end_event(&payload);
}

void
rqbo_notify_tie_out_failed(const RqboConnection *connection, RqboToldImport import, int checks)
{
	StringInfoData payload;

	begin_import_event(&payload, "tie_out_failed", connection, import);
	add_number(&payload, "checks", checks);
	end_event(&payload);
}

void
rqbo_notify_failure(const RqboConnection *connection, const ErrorData *failure)
{
	ereport(LOG,
			(errcode(failure->sqlerrcode),
			 errmsg("reefqbo: branch \"%s\" of model \"%s\": %s", connection->branch, connection->title,
					failure->message),
			 failure->detail != NULL ? errdetail("%s", failure->detail) : 0,
			 failure->hint != NULL ? errhint("%s", failure->hint) : 0));
}

void
rqbo_notify_quota_used_up(const RqboConnection *connection, int throttled_seconds)
{
	StringInfoData payload;

	ereport(LOG,
			(errcode(ERRCODE_RQBO_THROTTLED),
			 errmsg("reefqbo: branch \"%s\" of model \"%s\": QuickBooks has refused every request for %d hours",
					connection->branch, connection->title, throttled_seconds / 3600),
			 errdetail("The app's monthly quota at Intuit is used up. It is asked once a day from now on."),
			 errhint("Look at the app's usage at Intuit, or make refreshes rarer with reefqbo.set_schedule.")));
	begin_event(&payload, "quota_used_up", connection->model_id, connection->connection_id);
	end_event(&payload);
}
