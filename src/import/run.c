/*-------------------------------------------------------------------------
 *
 * import/run.c
 *	  What one company's import does, step by step: begin, accounts, actuals,
 *	  end.  Callers and the schedule come the same way.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "base/clock.h"
#include "base/db.h"
#include "import/accounts.h"
#include "import/actuals.h"
#include "import/ahead.h"
#include "import/chunks.h"
#include "import/dimensions.h"
#include "import/failure.h"
#include "import/keep_grant.h"
#include "import/ledger.h"
#include "import/proof.h"
#include "import/refresh.h"
#include "import/run.h"
#include "qbo/company.h"
#include "qbo/notify.h"
#include "store/requests.h"

#define IMPORT_LOCK_RETRY_MS 500
#define BUSY_SECONDS 60
#define END_RETRY_MS 200
#define WORKER_NAME "reefqbo worker"

/* What a job asks for, and how it is read; a new kind of import has its line here. */
static const struct
{
	RqboJobKind job;
	const RqboImportKind *kind;
}			kinds[] = {
	{RQBO_JOB_IMPORT_ACCOUNTS, &rqbo_import_accounts_kind},
	{RQBO_JOB_IMPORT_ACTUALS, &rqbo_import_actuals_kind},
	{RQBO_JOB_REFRESH, &rqbo_import_refresh_kind},
	{RQBO_JOB_IMPORT_DIMENSIONS, &rqbo_import_dimensions_kind},
	{RQBO_JOB_LEDGER_LINES, &rqbo_import_ledger_kind},
	{RQBO_JOB_TIE_OUT, &rqbo_import_tie_out_kind},
};

static void begin(RqboTask *task);

/* ---- the end ---- */

static void
review_restatements(RqboImport *import)
{
	int64		closed = rqbo_store_review_restatements(import->model_id, import->import_id);

	if (closed > 0)
		rqbo_notify_closed_period(import->session->connection, rqbo_import_told(import), closed);
}

/*
 * A range that was asked for, and of which months were refused, is an error when
 * all others are stored.  A refresh goes on around them.
 */
static bool
is_left_untied(const RqboImport *import)
{
	return import->untied != NIL && import->kind->has_plan;
}

static void
store_log_end(RqboImport *import)
{
	if (import->import_id == 0)
		return;
	if (import->counts.amounts_restated > 0)
		review_restatements(import);
	if (import->counts.amounts_restated + import->counts.accounts_noticed > 0)
		rqbo_store_notice_merges(import->model_id, import->connection_id, import->import_id, &import->counts);
	rqbo_store_import_progress(import->model_id, import->import_id, &import->counts, import->session->requests);
	if (!is_left_untied(import))
		rqbo_store_import_succeeded(import->model_id, import->import_id, import->requests_saved);
	rqbo_store_backfill_done(import->model_id, import->connection_id, import->import_id);
}

static void
end(RqboTask *task)
{
	RqboImport *import = rqbo_import_of(task);
	const RqboImportKind *kind = import->kind;
	RqboConnection *c = import->session->connection;

	if (rqbo_job_is_one_of_many(import->job) && rqbo_session_waits_for_lock(import->session))
	{
		rqbo_task_stand_by(task, END_RETRY_MS, end);
		return;
	}
	rqbo_db_begin();
	/* the connection first and its upkeep after, as everybody who writes both */
	(void) rqbo_store_put_throttle(c);
	rqbo_import_put_right(import);
	store_log_end(import);
	if ((import->counts.months > 0 && kind->counts_statements) || (import->is_current && c->has_actuals))
		rqbo_store_actuals_read(c->model_id, c->connection_id);
	if (kind->needs_company)
		rqbo_store_mark_working(c->model_id, c->connection_id);
	kind->store_end(import);
	if (kind->stores_figures && import->import_id != 0 && !is_left_untied(import))
		rqbo_notify_import_finished(c, rqbo_import_told(import), &import->counts);
	rqbo_notify_endings(c->model_id, c->connection_id);
	if (import->ask.request_id != 0 && !is_left_untied(import))
		rqbo_store_request_succeeded(c->model_id, c->connection_id, import->ask.request_id);
	/* who is told that it is stored goes by that */
	if (import->job->of != NULL)
		rqbo_db_flush();
	rqbo_db_commit();
	if (is_left_untied(import))
		rqbo_import_raise_untied(import);
	if (import->untied != NIL)
		rqbo_import_warn_untied(import);
	if (kind->add_rows != NULL)
		kind->add_rows(import);
	rqbo_import_close(import);
	rqbo_task_end(task);
}

/* ---- the beginning ---- */

/*
 * It cannot begin now; the schedule comes again.
 */
static void
put_off(RqboTask *task)
{
	RqboImport *import = rqbo_import_of(task);

	rqbo_job_put_off(import->job, import->connection_id);
	rqbo_import_close(import);
	rqbo_task_end(task);
}

/*
 * Somebody else is at it.  A caller waits; what the background worker does comes
 * again, since what the other does may be just what is due.
 */
static void
wait_for_other_import(RqboTask *task)
{
	RqboImport *import = rqbo_import_of(task);

	if (import->ask.is_scheduled)
	{
		rqbo_db_begin();
		rqbo_store_postpone(import->model_id, import->connection_id, BUSY_SECONDS);
		rqbo_db_commit();
		rqbo_job_of_worker(import->job)->nclaimed++;
		put_off(task);
		return;
	}
	if (!import->job->has_told_of_wait)
		ereport(NOTICE,
				(errmsg("%s: waiting for another import of the same company",
						rqbo_session_company(import->session))));
	import->job->has_told_of_wait = true;
	if (import->ask.request_id != 0)
		put_off(task);
	else
		rqbo_task_stand_by(task, IMPORT_LOCK_RETRY_MS, begin);
}

static void
begin_reading(RqboTask *task)
{
	RqboImport *import = rqbo_import_of(task);

	import->kind->begin(import);
}

static bool
store_claim(const RqboImport *import)
{
	if (import->ask.request_id != 0)
		return rqbo_store_claim_request(import->model_id, import->connection_id, import->ask.request_id);
	return rqbo_store_claim(import->model_id, import->connection_id, import->ask.attempted_at);
}

/*
 * Only what the background worker does is claimed.  False if it must come again,
 * or if another worker has had it since it was found to be due.
 */
static bool
claim(RqboImport *import)
{
	if (!import->ask.is_scheduled && import->ask.request_id == 0)
		return true;
	rqbo_db_begin();
	import->is_claimed = store_claim(import);
	if (import->is_claimed && import->gone_backfill_id != 0)
		rqbo_store_backfill_done(import->model_id, import->connection_id, import->gone_backfill_id);
	rqbo_db_commit();
	rqbo_job_of_worker(import->job)->nclaimed += import->is_claimed;
	return import->is_claimed;
}

static void
raise_locked(const RqboImport *import)
{
	ereport(ERROR,
			(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
			 errmsg("%s: an open transaction has locked what its import needs", rqbo_session_company(import->session)),
			 errhint("If it is the one that calls, end it first. Else see pg_locks and pg_stat_activity for who it is, and try again.")));
}

/*
 * What is no request is not claimed, but need not begin either if it could not
 * end.
 */
static bool
must_wait_for_lock(RqboImport *import)
{
	int64		ms;

	if (import->ask.is_scheduled || import->ask.request_id != 0 || !rqbo_job_is_one_of_many(import->job))
		return false;
	ms = rqbo_session_locked_ms(import->session);
	if (ms > RQBO_LONGEST_LOCK_WAIT_MS)
		raise_locked(import);
	return ms > 0;
}

/*
 * Who waits for its end may be the one who has locked what it needs, and would
 * wait for ever.
 */
static void
check_lock_wait(RqboImport *import)
{
	RqboJob    *job = import->job;
	bool		is_locked;

	if (import->ask.request_id == 0 || job->is_unattended)
		return;
	rqbo_db_begin();
	is_locked = rqbo_store_request_is_locked(import->model_id, import->connection_id);
	rqbo_db_commit();
	if (!is_locked)
		job->locked_since_ms = 0;
	else if (job->locked_since_ms == 0)
		job->locked_since_ms = rqbo_clock_ms();
	else if (rqbo_clock_ms() - job->locked_since_ms > RQBO_LONGEST_LOCK_WAIT_MS)
		raise_locked(import);
}

static void
begin(RqboTask *task)
{
	RqboImport *import = rqbo_import_of(task);
	RqboSession *session = import->session;

	if (session->connection == NULL)
		rqbo_session_read_connection(session, import->model_id, import->connection_id);
	if (must_wait_for_lock(import))
	{
		rqbo_task_stand_by(task, IMPORT_LOCK_RETRY_MS, begin);
		return;
	}
	if (!rqbo_session_lock_import(session))
	{
		wait_for_other_import(task);
		return;
	}
	/* what was read before the lock was ours may be old */
	rqbo_session_read_connection(session, import->model_id, import->connection_id);
	if (!claim(import))
	{
		check_lock_wait(import);
		put_off(task);
		return;
	}
	if (!import->ask.is_scheduled || import->kind->has_plan)
		rqbo_import_open_log(import);
	rqbo_session_check_status(session);
	rqbo_session_unseal_realm(session, rqbo_job_keyring(import->job));

	/* a sign-in may have ended before the company could be read */
	if (!session->connection->is_verified && import->kind->needs_company)
		rqbo_company_read(session, begin_reading);
	else
		begin_reading(task);
}

/* ---- adding tasks ---- */

static RqboImport *
add_connection(RqboEngine *engine, RqboJob *job, const RqboImportKind *kind, int64 model_id, int64 connection_id)
{
	RqboTask   *task = rqbo_engine_add(engine, begin, rqbo_import_fail);
	RqboSession *session = rqbo_session_open(task);
	RqboImport *import = MemoryContextAllocZero(task->context, sizeof(RqboImport));

	session->work = import;
	import->session = session;
	import->kind = kind;
	import->then = end;
	import->job = job;
	import->model_id = model_id;
	import->connection_id = connection_id;
	import->began_at = GetCurrentTimestamp();
	return import;
}

static const RqboImportKind *
kind_of(RqboJobKind job)
{
	for (int i = 0; i < (int) lengthof(kinds); i++)
		if (kinds[i].job == job)
			return kinds[i].kind;
	elog(ERROR, "job %d is no import", (int) job);
}

static RqboImportAsk
ask_of(const RqboJobRequest *request)
{
	RqboImportAsk ask = {
		.range = {request->method, request->start, request->end},
		.dimension = request->dimension,
		.account_id = request->account_id,
		.keep = request->keep,
		.is_whole = request->is_whole
	};

	strlcpy(ask.started_by, request->user, NAMEDATALEN);
	return ask;
}

void
rqbo_import_add(RqboEngine *engine, RqboJob *job)
{
	const RqboJobRequest *request = job->request;
	int64	   *ids;

	rqbo_db_begin();
	ids = rqbo_store_list_connections(request->model_id, request->branch_id);
	rqbo_db_commit();
	for (int64 *id = ids; *id != 0; id++)
		add_connection(engine, job, kind_of(request->kind), request->model_id, *id)->ask = ask_of(request);
	if (*ids == 0)
		rqbo_import_raise_no_connection();
}

void
rqbo_import_raise_no_connection(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("the model has no connection that a worker can see"),
			 errhint("Connect it first with reefqbo.connect. If that was done in the present transaction, commit it: an import runs in a process of its own.")));
}

static void
add_request(RqboEngine *engine, RqboJob *job, const RqboDue *due)
{
	const RqboRequest *request = due->request;
	const RqboImportKind *kind = request->is_refresh ? &rqbo_import_refresh_kind : &rqbo_import_actuals_kind;
	RqboImport *import = add_connection(engine, job, kind, due->model_id, due->connection_id);

	import->ask.request_id = request->request_id;
	import->ask.is_whole = request->is_whole;
	import->ask.range = request->range;
	import->ask.range.method = MemoryContextStrdup(import->session->task->context, request->range.method);
	strlcpy(import->ask.started_by, request->requested_by, NAMEDATALEN);
}

/*
 * Inside a transaction.
 */
static void
add_scheduled(RqboEngine *engine, RqboJob *job, const RqboDue *due)
{
	RqboImport *import = add_connection(engine, job, &rqbo_import_refresh_kind, due->model_id, due->connection_id);
	RqboImportAsk *ask = &import->ask;

	ask->is_scheduled = true;
	ask->is_failing = due->is_failing;
	ask->attempted_at = due->attempted_at;
	job->nfailing += due->is_failing;
	strlcpy(ask->started_by, WORKER_NAME, NAMEDATALEN);
	if (due->kind == RQBO_DUE_GRANT)
		import->kind = &rqbo_import_keep_grant_kind;
	else if (due->kind == RQBO_DUE_BACKFILL &&
		rqbo_store_read_backfill(due->model_id, due->backfill_import_id, &ask->range))
	{
		import->kind = &rqbo_import_actuals_kind;
		ask->range.method = MemoryContextStrdup(import->session->task->context, ask->range.method);
	}
	else if (due->kind == RQBO_DUE_BACKFILL)
		import->gone_backfill_id = due->backfill_import_id;
}

void
rqbo_import_add_due(RqboEngine *engine, RqboJob *job, const RqboDue *due)
{
	if (due->kind == RQBO_DUE_REQUEST)
		add_request(engine, job, due);
	else
		add_scheduled(engine, job, due);
}
