/*-------------------------------------------------------------------------
 *
 * import.c
 *	  What one company's import does, step by step: begin, accounts, actuals,
 *	  end; and what is left behind when it fails.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "company.h"
#include "db.h"
#include "errors.h"
#include "fault.h"
#include "import.h"
#include "lock.h"
#include "secret.h"

#define IMPORT_LOCK_RETRY_MS 500
#define SUMMARY_COLUMNS 11

static void begin(RqboTask *task);
static void end(RqboTask *task);

RqboImport *
rqbo_import_of(RqboTask *task)
{
	return (RqboImport *) rqbo_session_of(task)->work;
}

static const char *
kind_name(RqboJobKind kind)
{
	switch (kind)
	{
		case RQBO_JOB_IMPORT_ACCOUNTS:
			return "accounts";
		case RQBO_JOB_IMPORT_ACTUALS:
			return "actuals";
		default:
			return "refresh";
	}
}

/* ---- the end ---- */

static void
add_summary(RqboImport *import)
{
	const RqboCounts *n = &import->counts;
	double		seconds = (double) (GetCurrentTimestamp() - import->began_at) / USECS_PER_SEC;
	const char *values[SUMMARY_COLUMNS] = {
		import->session->connection->branch,
		import->session->connection->company,
		psprintf("%d", n->accounts_seen),
		psprintf("%d", n->accounts_new),
		psprintf("%d", n->accounts_changed),
		psprintf("%d", n->months),
		psprintf("%d", n->amounts_inserted),
		psprintf("%d", n->amounts_changed),
		psprintf("%d", n->amounts_unchanged),
		psprintf("%d", import->session->requests),
		psprintf("%.2f", seconds)
	};

	rqbo_job_add_row(import->job, SUMMARY_COLUMNS, values);
}

static void
end(RqboTask *task)
{
	RqboImport *import = rqbo_import_of(task);
	RqboConnection *c = import->session->connection;

	rqbo_db_begin();
	if (import->counts.amounts_restated > 0)
		rqbo_store_review_restatements(c->model_id, import->import_id);
	if (import->counts.months > 0)
		rqbo_store_actuals_read(c->model_id, c->connection_id);
	rqbo_store_mark_working(c->model_id, c->connection_id);
	rqbo_store_import_progress(c->model_id, import->import_id, &import->counts, import->session->requests);
	rqbo_store_import_succeeded(c->model_id, import->import_id);
	rqbo_store_put_throttle(c);
	rqbo_db_commit();
	add_summary(import);
	rqbo_session_close(import->session);
	rqbo_task_end(task);
}

/*
 * Whether a restated month was closed depends on the closing date, which may
 * have moved since it was read; only then is it worth a request.
 */
static void
actuals_are_read(RqboTask *task)
{
	RqboImport *import = rqbo_import_of(task);

	if (import->counts.amounts_restated > 0)
		rqbo_company_read_preferences(import->session, end);
	else
		end(task);
}

/* ---- the middle ---- */

static void
begin_actuals(RqboTask *task)
{
	RqboImport *import = rqbo_import_of(task);
	const RqboJobRequest *request = import->job->request;
	const RqboConnection *c = import->session->connection;
	RqboRange	asked[2] = {{request->method, request->start, request->end}, {NULL, 0, 0}};
	RqboRange  *ranges = asked;

	if (request->kind == RQBO_JOB_REFRESH)
	{
		rqbo_db_begin();
		ranges = rqbo_store_imported_ranges(c->model_id, c->connection_id);
		rqbo_db_commit();
		if (ranges->method == NULL)
			ereport(NOTICE,
					(errmsg("%s: no actuals were imported yet, so there are none to refresh",
							rqbo_session_company(import->session)),
					 errhint("Import a range first, with reefqbo.import_actuals.")));
	}
	rqbo_import_actuals_begin(import, ranges, actuals_are_read);
}

static void
begin_reading(RqboTask *task)
{
	RqboImport *import = rqbo_import_of(task);
	RqboJobKind kind = import->job->request->kind;

	if (kind == RQBO_JOB_IMPORT_ACCOUNTS)
		rqbo_import_accounts_begin(import, end);
	else if (kind == RQBO_JOB_REFRESH || !import->session->connection->has_accounts)
		rqbo_import_accounts_begin(import, begin_actuals);
	else
		begin_actuals(task);
}

/* ---- the beginning ---- */

static void
check_status(const RqboConnection *c)
{
	if (strcmp(c->status, "disconnected") != 0)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_RQBO_RECONNECT_REQUIRED),
			 errmsg("branch \"%s\" of model \"%s\" is disconnected", c->branch, c->model),
			 errdetail("It was connected to \"%s\" and keeps its accounts and actuals.",
					   c->company != NULL ? c->company : c->branch),
			 errhint("%s", rqbo_fault_hint(ERRCODE_RQBO_RECONNECT_REQUIRED))));
}

static void
unseal_realm(RqboSession *session)
{
	RqboConnection *c = session->connection;
	RqboSealOwner owner = {RQBO_SEAL_REALM_ID, c->model_id, c->connection_id};
	MemoryContext saved = MemoryContextSwitchTo(session->task->context);

	session->realm_id = rqbo_secret_unseal(session->ring, owner, c->realm_sealed);
	MemoryContextSwitchTo(saved);
}

/*
 * The log has its line before anything can go wrong.
 */
static void
open_log(RqboImport *import)
{
	const RqboJobRequest *request = import->job->request;
	const RqboConnection *c = import->session->connection;
	RqboRange	range = {request->method, request->start, request->end};
	bool		has_range = request->kind == RQBO_JOB_IMPORT_ACTUALS;

	rqbo_db_begin();
	import->import_id = rqbo_store_begin_import(c->model_id, c->connection_id, kind_name(request->kind),
												has_range ? &range : NULL, request->user);
	rqbo_db_commit();
}

/*
 * What was read when the job began may be old by the time the lock is ours.
 */
static void
read_again(RqboImport *import)
{
	RqboSession *session = import->session;
	MemoryContext saved = MemoryContextSwitchTo(session->task->context);
	const RqboConnection *c = session->connection;

	rqbo_db_begin();
	session->connection = rqbo_store_read_connection(c->model_id, c->connection_id);
	rqbo_db_commit();
	MemoryContextSwitchTo(saved);
	if (session->connection == NULL)
		elog(ERROR, "a connection has vanished");
}

static void
wait_for_other_import(RqboTask *task)
{
	RqboImport *import = rqbo_import_of(task);

	if (!import->has_waited)
		ereport(NOTICE,
				(errmsg("%s: waiting for another import of the same company",
						rqbo_session_company(import->session))));
	import->has_waited = true;
	rqbo_task_sleep(task, IMPORT_LOCK_RETRY_MS, begin);
}

static void
begin(RqboTask *task)
{
	RqboImport *import = rqbo_import_of(task);
	RqboSession *session = import->session;
	RqboConnection *c = session->connection;

	session->holds_import_lock = rqbo_lock_try(RQBO_LOCK_IMPORT, c->branch_id);
	if (!session->holds_import_lock)
	{
		wait_for_other_import(task);
		return;
	}
	read_again(import);
	c = session->connection;
	open_log(import);
	check_status(c);
	session->ring = rqbo_job_keyring(import->job);
	rqbo_db_begin();
	unseal_realm(session);
	rqbo_db_commit();

	/* a sign-in may have ended before the company could be read */
	if (!c->is_verified)
		rqbo_company_read(session, begin_reading);
	else
		begin_reading(task);
}

/* ---- failure ---- */

static void
record_failure(RqboTask *task)
{
	RqboImport *import = rqbo_import_of(task);
	RqboSession *session = import->session;
	RqboConnection *c = session->connection;

	if (import->import_id == 0)
		return;
	rqbo_db_begin();
	rqbo_store_import_progress(c->model_id, import->import_id, &import->counts, session->requests);
	rqbo_store_import_failed(c->model_id, import->import_id, task->failure, session->intuit_tid);
	rqbo_session_judge(session);
	rqbo_store_put_throttle(c);
	rqbo_db_commit();
}

/*
 * What the readers object to is about an answer whose id only the session
 * knows, and which Intuit's support asks for.
 */
static void
add_intuit_tid(ErrorData *failure, const char *intuit_tid)
{
	if (failure->sqlerrcode != ERRCODE_RQBO_DOES_NOT_TIE_OUT &&
		failure->sqlerrcode != ERRCODE_RQBO_INVALID_RESPONSE)
		return;
	if (intuit_tid == NULL || failure->detail == NULL || strstr(failure->detail, "intuit_tid") != NULL)
		return;
	failure->detail = psprintf("%s intuit_tid: %s.", failure->detail, intuit_tid);
}

static void
fail(RqboTask *task)
{
	RqboImport *import = rqbo_import_of(task);
	MemoryContext saved = MemoryContextSwitchTo(import->job->context);

	add_intuit_tid(task->failure, import->session->intuit_tid);
	MemoryContextSwitchTo(saved);
	rqbo_job_add_failure(import->job, task->failure);
	record_failure(task);
	rqbo_session_close(import->session);
}

/* ---- adding tasks ---- */

static void
add_connection(RqboEngine *engine, RqboJob *job, RqboConnection *connection)
{
	RqboTask   *task = rqbo_engine_add(engine, begin, fail);
	RqboSession *session = rqbo_session_open(task);
	RqboImport *import = MemoryContextAllocZero(task->context, sizeof(RqboImport));

	session->connection = connection;
	session->work = import;
	import->session = session;
	import->job = job;
	import->began_at = GetCurrentTimestamp();
}

void
rqbo_import_add(RqboEngine *engine, RqboJob *job)
{
	const RqboJobRequest *request = job->request;
	int64	   *ids;

	rqbo_db_begin();
	ids = rqbo_store_list_connections(request->model_id, request->branch_id);
	for (int64 *id = ids; *id != 0; id++)
		add_connection(engine, job, rqbo_store_read_connection(request->model_id, *id));
	rqbo_db_commit();
	if (*ids == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("the model has no connection that a worker can see"),
				 errhint("Connect it first with reefqbo.connect. If that was done in the present transaction, commit it: an import runs in a process of its own.")));
}
