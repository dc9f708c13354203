/*-------------------------------------------------------------------------
 *
 * import/run.c
 *	  What one company's import does, step by step: begin, accounts, actuals,
 *	  end.  Callers and the schedule come the same way.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/clock.h"
#include "base/db.h"
#include "import/proof.h"
#include "import/run.h"
#include "qbo/company.h"
#include "qbo/notify.h"
#include "qbo/oauth.h"

#define IMPORT_LOCK_RETRY_MS 500
#define BUSY_SECONDS 60
#define SUMMARY_COLUMNS 11
#define WORKER_NAME "reefqbo worker"

static void begin(RqboTask *task);
static void end(RqboTask *task);

RqboImport *
rqbo_import_of(RqboTask *task)
{
	return (RqboImport *) rqbo_session_of(task)->work;
}

static const char *
kind_name(RqboImportKind kind)
{
	switch (kind)
	{
		case RQBO_IMPORT_ACCOUNTS:
			return "accounts";
		case RQBO_IMPORT_ACTUALS:
			return "actuals";
		case RQBO_IMPORT_DIMENSIONS:
			return "dimensions";
		case RQBO_IMPORT_LEDGER:
			return "ledger_lines";
		case RQBO_IMPORT_TIE_OUT:
			return "tie_out";
		default:
			return "refresh";
	}
}

/*
 * Does it read what actuals are made of, and no actuals?
 */
static bool
is_detail(const RqboImport *import)
{
	return import->ask.kind == RQBO_IMPORT_DIMENSIONS || import->ask.kind == RQBO_IMPORT_LEDGER;
}

/*
 * A caller's import has its line before anything can go wrong.  One on
 * schedule has it when it reads, or fails: what finds nothing new leaves none.
 */
void
rqbo_import_open_log(RqboImport *import)
{
	bool		has_range = import->ask.kind == RQBO_IMPORT_ACTUALS || is_detail(import);

	if (import->import_id != 0)
		return;
	rqbo_db_begin();
	import->import_id = rqbo_store_begin_import(import->model_id, import->connection_id, kind_name(import->ask.kind),
												has_range ? &import->ask.range : NULL, import->ask.started_by);
	rqbo_db_commit();
}

/* ---- the end ---- */

void
rqbo_import_close(RqboImport *import)
{
	if (import->ask.is_failing)
		import->job->nfailing--;
	import->ask.is_failing = false;
	rqbo_session_close(import->session);
}

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
review_restatements(RqboImport *import)
{
	int64		closed = rqbo_store_review_restatements(import->model_id, import->import_id);

	if (closed > 0)
		rqbo_tell_closed_period(import->session->connection, import->import_id, closed);
}

static void
add_rows(RqboImport *import)
{
	if (import->ask.kind == RQBO_IMPORT_DIMENSIONS)
		rqbo_import_dimensions_add_row(import);
	else if (import->ask.kind == RQBO_IMPORT_LEDGER)
		rqbo_import_ledger_add_rows(import);
	else if (import->ask.kind != RQBO_IMPORT_TIE_OUT)
		add_summary(import);
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
	rqbo_store_import_succeeded(import->model_id, import->import_id, import->requests_saved);
	rqbo_store_backfill_done(import->model_id, import->connection_id, import->import_id);
	if (import->ask.is_scheduled && import->ask.kind == RQBO_IMPORT_ACTUALS)
		(void) rqbo_store_want_failed_import(import->model_id, import->connection_id);
}

static void
store_upkeep(RqboImport *import)
{
	if (import->ask.kind == RQBO_IMPORT_TIE_OUT)
	{
		rqbo_store_count_requests(import->model_id, import->connection_id, import->session->requests, 0);
		return;
	}
	if (import->ask.kind == RQBO_IMPORT_KEEP_GRANT)
	{
		rqbo_store_grant_kept(import->model_id, import->connection_id);
		return;
	}
	rqbo_store_upkeep_done(import->model_id, import->connection_id, import->is_current, import->is_full);
	if (import->changes.is_set)
		rqbo_store_put_changes(import->model_id, import->connection_id, &import->changes);
	else if (import->is_full)
		rqbo_store_forget_changes(import->model_id, import->connection_id);
	rqbo_store_count_requests(import->model_id, import->connection_id, import->session->requests,
							  import->requests_saved);
}

static void
end(RqboTask *task)
{
	RqboImport *import = rqbo_import_of(task);
	RqboConnection *c = import->session->connection;

	rqbo_db_begin();
	store_log_end(import);
	if ((import->counts.months > 0 && !is_detail(import)) || (import->is_current && c->has_actuals))
		rqbo_store_actuals_read(c->model_id, c->connection_id);
	if (import->ask.kind != RQBO_IMPORT_KEEP_GRANT)
		rqbo_store_mark_working(c->model_id, c->connection_id);
	store_upkeep(import);
	rqbo_store_put_throttle(c);
	if (import->ask.kind == RQBO_IMPORT_TIE_OUT)
		rqbo_proof_add_rows(import);
	else if (import->import_id != 0)
		rqbo_tell_import_finished(c, import->import_id, &import->counts);
	rqbo_tell_endings(c->model_id, c->connection_id);
	rqbo_db_commit();
	add_rows(import);
	rqbo_import_close(import);
	rqbo_task_end(task);
}

/*
 * Whether a restated month was closed depends on the closing date, which may
 * have moved since it was read; only then is it worth a request.
 */
static void
actuals_are_proved(RqboTask *task)
{
	RqboImport *import = rqbo_import_of(task);

	if (import->counts.amounts_restated > 0)
		rqbo_company_read_preferences(import->session, end);
	else
		end(task);
}

static void
actuals_are_read(RqboTask *task)
{
	rqbo_proof_end_import(rqbo_import_of(task), actuals_are_proved);
}

/* ---- the middle ---- */

/*
 * The first import of all: from QuickBooks' clock at its beginning on, a
 * refresh can ask for changes; or from when the chart was read, if that was an
 * import of its own.
 */
static void
first_actuals_are_read(RqboTask *task)
{
	RqboImport *import = rqbo_import_of(task);

	import->changes.is_set = import->session->has_server_time;
	import->changes.until = import->session->server_time;
	if (import->counts.accounts_seen == 0)
		import->changes.until -= Max(0, rqbo_now() - import->session->connection->accounts_as_of);
	import->is_full = true;
	actuals_are_read(task);
}

static void
begin_actuals(RqboTask *task)
{
	RqboImport *import = rqbo_import_of(task);
	const RqboConnection *c = import->session->connection;
	RqboRange  *chunks;

	rqbo_db_begin();
	chunks = rqbo_store_plan_chunks(c->model_id, c->connection_id, import->import_id, &import->ask.range,
									RQBO_CHUNK_MONTHS);
	import->chunks_before = rqbo_store_chunks_before(c->model_id, import->import_id, &import->counts.months);
	rqbo_db_commit();
	rqbo_import_actuals_begin(import, chunks, c->has_actuals ? actuals_are_read : first_actuals_are_read);
}

static void
begin_reading(RqboTask *task)
{
	RqboImport *import = rqbo_import_of(task);

	switch (import->ask.kind)
	{
		case RQBO_IMPORT_KEEP_GRANT:
			rqbo_oauth_keep_alive(import->session, end);
			return;
		case RQBO_IMPORT_ACCOUNTS:
			rqbo_import_accounts_begin(import, end);
			return;
		case RQBO_IMPORT_ACTUALS:
			if (import->session->connection->has_accounts)
				begin_actuals(task);
			else
				rqbo_import_accounts_begin(import, begin_actuals);
			return;
		case RQBO_IMPORT_REFRESH:
			rqbo_import_refresh_begin(import, actuals_are_read);
			return;
		case RQBO_IMPORT_DIMENSIONS:
			rqbo_import_dimensions_begin(import, end);
			return;
		case RQBO_IMPORT_LEDGER:
			rqbo_import_ledger_begin(import, end);
			return;
		case RQBO_IMPORT_TIE_OUT:
			rqbo_proof_tie_out(import, end);
			return;
	}
}

/* ---- the beginning ---- */

/*
 * Somebody else is at it.  A caller waits; the schedule comes again, since
 * what the other does may be just what is due.
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
		import->job->nclaimed++;
		rqbo_import_close(import);
		rqbo_task_end(task);
		return;
	}
	if (!import->has_waited)
		ereport(NOTICE,
				(errmsg("%s: waiting for another import of the same company",
						rqbo_session_company(import->session))));
	import->has_waited = true;
	rqbo_task_sleep(task, IMPORT_LOCK_RETRY_MS, begin);
}

static void
claim(RqboImport *import)
{
	if (!import->ask.is_scheduled)
		return;
	rqbo_db_begin();
	rqbo_store_claim(import->model_id, import->connection_id);
	rqbo_db_commit();
	import->job->nclaimed++;
}

static void
begin(RqboTask *task)
{
	RqboImport *import = rqbo_import_of(task);
	RqboSession *session = import->session;

	if (session->connection == NULL)
		rqbo_session_read_connection(session, import->model_id, import->connection_id);
	if (!rqbo_session_lock_import(session))
	{
		wait_for_other_import(task);
		return;
	}
	/* what was read before the lock was ours may be old */
	rqbo_session_read_connection(session, import->model_id, import->connection_id);
	claim(import);
	if (!import->ask.is_scheduled || import->ask.kind == RQBO_IMPORT_ACTUALS)
		rqbo_import_open_log(import);
	rqbo_session_check_status(session);
	rqbo_session_unseal_realm(session, rqbo_job_keyring(import->job));

	/* a sign-in may have ended before the company could be read */
	if (!session->connection->is_verified && import->ask.kind != RQBO_IMPORT_KEEP_GRANT)
		rqbo_company_read(session, begin_reading);
	else
		begin_reading(task);
}

/* ---- adding tasks ---- */

static RqboImport *
add_connection(RqboEngine *engine, RqboJob *job, int64 model_id, int64 connection_id)
{
	RqboTask   *task = rqbo_engine_add(engine, begin, rqbo_import_fail);
	RqboSession *session = rqbo_session_open(task);
	RqboImport *import = MemoryContextAllocZero(task->context, sizeof(RqboImport));

	session->work = import;
	import->session = session;
	import->job = job;
	import->model_id = model_id;
	import->connection_id = connection_id;
	import->began_at = GetCurrentTimestamp();
	return import;
}

static RqboImportKind
kind_of(RqboJobKind kind)
{
	switch (kind)
	{
		case RQBO_JOB_IMPORT_ACCOUNTS:
			return RQBO_IMPORT_ACCOUNTS;
		case RQBO_JOB_IMPORT_ACTUALS:
			return RQBO_IMPORT_ACTUALS;
		case RQBO_JOB_IMPORT_DIMENSIONS:
			return RQBO_IMPORT_DIMENSIONS;
		case RQBO_JOB_LEDGER_LINES:
			return RQBO_IMPORT_LEDGER;
		case RQBO_JOB_TIE_OUT:
			return RQBO_IMPORT_TIE_OUT;
		default:
			return RQBO_IMPORT_REFRESH;
	}
}

static RqboImportAsk
ask_of(const RqboJobRequest *request)
{
	RqboImportAsk ask = {
		.kind = kind_of(request->kind),
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
		add_connection(engine, job, request->model_id, *id)->ask = ask_of(request);
	if (*ids == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("the model has no connection that a worker can see"),
				 errhint("Connect it first with reefqbo.connect. If that was done in the present transaction, commit it: an import runs in a process of its own.")));
}

/*
 * Inside a transaction.
 */
void
rqbo_import_add_due(RqboEngine *engine, RqboJob *job, const RqboDue *due)
{
	RqboImport *import = add_connection(engine, job, due->model_id, due->connection_id);
	RqboImportAsk *ask = &import->ask;

	ask->is_scheduled = true;
	ask->is_failing = due->is_failing;
	job->nfailing += due->is_failing;
	strlcpy(ask->started_by, WORKER_NAME, NAMEDATALEN);
	ask->kind = due->kind == RQBO_DUE_GRANT ? RQBO_IMPORT_KEEP_GRANT : RQBO_IMPORT_REFRESH;
	if (due->kind == RQBO_DUE_BACKFILL &&
		rqbo_store_read_backfill(due->model_id, due->backfill_import_id, &ask->range))
	{
		ask->kind = RQBO_IMPORT_ACTUALS;
		ask->range.method = MemoryContextStrdup(import->session->task->context, ask->range.method);
	}
	else if (due->kind == RQBO_DUE_BACKFILL)
		rqbo_store_backfill_done(due->model_id, due->connection_id, due->backfill_import_id);
}
