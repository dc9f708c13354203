/*-------------------------------------------------------------------------
 *
 * import/failure.c
 *	  What is left behind when an import fails: its line in the log, a verdict
 *	  about the connection, and when the schedule tries again.
 *
 * Called after the abort, in a transaction of its own.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/pg_prng.h"
#include "utils/memutils.h"

#include "base/db.h"
#include "base/errors.h"
#include "import/failure.h"
#include "net/retry.h"
#include "qbo/notify.h"
#include "store/requests.h"

/* How often a request is begun that fails for what passes. */
#define REQUEST_ATTEMPTS 6

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

/*
 * On schedule, the same failure again and again is one line of the log.
 */
static void
store_log_failure(RqboImport *import)
{
	const ErrorData *failure = import->session->task->failure;
	const char *tid = import->session->intuit_tid;

	if (import->import_id == 0)
		import->import_id = rqbo_store_repeated_failure(import->model_id, import->connection_id, failure,
														import->ask.started_by);
	rqbo_store_import_progress(import->model_id, import->import_id, &import->counts, import->session->requests);
	rqbo_store_import_failed(import->model_id, import->import_id, failure, tid);
}

/*
 * A pause that has been lifted is not waited for.
 */
static int
seconds_to_wait(const RqboImport *import, int failures, int throttled_seconds, bool is_lifted)
{
	int			sqlstate = import->session->task->failure->sqlerrcode;

	if (is_lifted && sqlstate == ERRCODE_RQBO_THROTTLED)
		return 0;
	return rqbo_retry_next_attempt(sqlstate, failures, throttled_seconds, import->session->pause_ms / 1000,
								   pg_prng_double(&pg_global_prng_state));
}

static void
tell_failure(const RqboImport *import)
{
	if (import->session->connection != NULL)
		rqbo_notify_import_failed(import->session->connection, rqbo_import_told(import),
								  import->session->task->failure->sqlerrcode);
}

/*
 * The schedule's own account: when it tries again, and one line in the
 * server's log when something begins to fail.
 */
static void
store_upkeep_failure(RqboImport *import, bool is_lifted)
{
	const ErrorData *failure = import->session->task->failure;
	int			throttled_seconds;
	int			failures = rqbo_store_count_failures(import->model_id, import->connection_id, &throttled_seconds);
	bool		is_throttled = failure->sqlerrcode == ERRCODE_RQBO_THROTTLED;
	RqboUpkeepFailure record = {
		.sqlstate = unpack_sql_state(failure->sqlerrcode),
		.message = failure->message,
		.wait_seconds = seconds_to_wait(import, failures, throttled_seconds, is_lifted),
		.is_throttled = is_throttled
	};
	bool		is_news;

	is_news = rqbo_store_upkeep_failed(import->model_id, import->connection_id, &record);
	if (import->session->connection == NULL)
		return;
	if (is_news)
	{
		rqbo_notify_failure(import->session->connection, failure);
		tell_failure(import);
	}
	if (is_throttled && rqbo_retry_quota_is_used_up(throttled_seconds))
		rqbo_notify_quota_used_up(import->session->connection, throttled_seconds);
}

/*
 * What passes by itself: QuickBooks is not there or throttles, somebody has a
 * lock, the server is short of something.
 */
static bool
passes(int sqlstate)
{
	if (sqlstate == ERRCODE_RQBO_THROTTLED || sqlstate == ERRCODE_RQBO_UNAVAILABLE ||
		sqlstate == ERRCODE_LOCK_NOT_AVAILABLE)
		return true;
	return ERRCODE_TO_CATEGORY(sqlstate) == ERRCODE_INSUFFICIENT_RESOURCES ||
		ERRCODE_TO_CATEGORY(sqlstate) == ERRCODE_TRANSACTION_ROLLBACK;
}

/*
 * A request waits again for what passes, some times; it has failed for good else,
 * and if somebody waits for it.  One that was cancelled is none any more, and a
 * cancel of whoever did it, or of one of those that it is done for, none of it.
 */
static void
store_request_failure(RqboImport *import, bool is_lifted)
{
	const RqboImportAsk *ask = &import->ask;
	const ErrorData *failure = import->session->task->failure;
	int			attempts = rqbo_store_request_attempts(import->model_id, import->connection_id, ask->request_id);
	bool		is_awaited = !import->job->is_unattended;
	int			wait = -1;

	if (failure->sqlerrcode == ERRCODE_QUERY_CANCELED && attempts > 0)
	{
		rqbo_store_request_cut_off(import->model_id, import->connection_id, ask->request_id);
		return;
	}
	if (passes(failure->sqlerrcode) && attempts <= REQUEST_ATTEMPTS)
		wait = seconds_to_wait(import, Max(0, attempts - 1), -1, is_lifted);
	rqbo_store_request_failed(import->model_id, import->connection_id, ask->request_id, failure, wait,
							  is_awaited);
	/* the request goes on with it, and not the schedule */
	if (wait >= 0 && !is_awaited && import->kind->has_plan)
		rqbo_store_backfill_unwanted(import->model_id, import->connection_id, import->import_id);
	if (wait < 0 || is_awaited || attempts == 0)
		tell_failure(import);
}

static void
store_verdict(RqboImport *import, bool is_cancel, bool is_lifted)
{
	if (import->ask.request_id != 0)
		store_request_failure(import, is_lifted);
	else if (!import->ask.is_scheduled)
		tell_failure(import);
	else if (!is_cancel)
		store_upkeep_failure(import, is_lifted);
}

/*
 * It could not begin: who waits for it is told why, and who does not is served
 * when it can.
 */
static void
refuse_request(RqboImport *import)
{
	if (import->ask.request_id == 0 || import->job->is_unattended)
		return;
	rqbo_db_begin();
	rqbo_store_request_refused(import->model_id, import->connection_id, import->ask.request_id,
							   import->session->task->failure);
	rqbo_db_commit();
}

static void
record_failure(RqboImport *import)
{
	RqboSession *session = import->session;
	bool		is_cancel = session->task->failure->sqlerrcode == ERRCODE_QUERY_CANCELED;
	bool		is_lifted;

	if (import->import_id == 0 && !import->is_claimed && !import->ask.is_scheduled)
	{
		refuse_request(import);
		return;
	}
	rqbo_db_begin();
	/* the connection first and its upkeep after, as whoever lifts a pause */
	is_lifted = session->connection != NULL && !rqbo_store_put_throttle(session->connection);
	store_log_failure(import);
	if (is_cancel && import->kind->has_plan && !import->ask.is_scheduled)
		rqbo_store_backfill_unwanted(import->model_id, import->connection_id, import->import_id);
	store_verdict(import, is_cancel, is_lifted);
	rqbo_store_count_requests(import->model_id, import->connection_id, session->requests, 0);
	if (session->connection != NULL)
		rqbo_session_judge(session);
	rqbo_db_commit();
}

/*
 * An attempt on schedule that could not even be noted would be listed again at
 * once.  A lock is somebody's, and passes, and a connection may be gone; else
 * nothing can be noted, maybe, of any company.
 */
static void
note_unclaimed(RqboImport *import)
{
	int			sqlstate = import->session->task->failure->sqlerrcode;

	rqbo_job_put_off(import->job, import->connection_id);
	if (sqlstate != ERRCODE_LOCK_NOT_AVAILABLE && sqlstate != ERRCODE_QUERY_CANCELED &&
		sqlstate != ERRCODE_UNDEFINED_OBJECT)
		rqbo_job_of_worker(import->job)->nunnoted++;
}

void
rqbo_import_fail(RqboTask *task)
{
	RqboImport *import = rqbo_import_of(task);
	MemoryContext saved = MemoryContextSwitchTo(import->job->context);

	add_intuit_tid(task->failure, import->session->intuit_tid);
	MemoryContextSwitchTo(saved);
	rqbo_job_add_failure(import->job, task->failure);
	/* what was sent is in the budget that is kept */
	rqbo_session_forget_ahead(import->session);
	if ((import->ask.is_scheduled || import->ask.request_id != 0) && !import->is_claimed)
		note_unclaimed(import);
	/* even if that cannot be recorded, the company is free again */
	PG_TRY();
	{
		record_failure(import);
	}
	PG_FINALLY();
	{
		rqbo_import_close(import);
	}
	PG_END_TRY();
}
