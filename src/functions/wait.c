/*-------------------------------------------------------------------------
 *
 * functions/wait.c
 *	  Waiting for what a SQL function has asked for: by the background worker
 *	  that looks after the database, and without one by a worker of its own.
 *	  What the background worker does with a call is worker/callers.c's.
 *
 * A call that is handed over takes no background-worker slot, however many there
 * are.  An import or a refresh becomes a request (reefqbo.request), which goes on
 * if whoever waits for it is ended; if it is the background worker that is, the
 * session hands it to the next one.  Whoever cancels the statement does not want
 * it any more; a statement_timeout, which is for the session, says nothing of that.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "utils/memutils.h"

#include "base/clock.h"
#include "base/compat.h"
#include "base/guc.h"
#include "functions/wait.h"
#include "worker/desk.h"
#include "worker/shmem.h"

/* So long a background worker may take to be started, before a worker of the session's own is. */
#define PATIENCE_MS 5000
#define LOOK_MS 1000

typedef struct Call
{
	dsm_segment *segment;
	shm_mq_handle *queue;
	RqboJobShared *shared;
	int			place;
	int64		put_ms;			/* there, on rqbo_clock_ms */
	int64		missed_ms;		/* since it is there no more, though nobody has it; or 0 */
	StringInfoData error;
	RqboRowSink sink;
	void	   *arg;
} Call;

static uint32 wait_event = 0;

/*
 * What works on tables for long, and seldom, would keep the companies waiting.
 */
static bool
may_be_handed_over(const RqboJobRequest *request)
{
	return request->kind != RQBO_JOB_FORGET && request->kind != RQBO_JOB_RESEAL && !rqbo_guc_is_any_set_here();
}

/* ---- handing over ---- */

static void
withdraw(dsm_segment *segment, Datum place)
{
	(void) rqbo_desk_withdraw(DatumGetInt32(place), dsm_segment_handle(segment));
}

/*
 * False if there is no place for it.
 */
static bool
hand_over(Call *call, const RqboJobRequest *request, const char *database)
{
	call->segment = rqbo_job_make_segment(request, &call->queue);
	call->shared = rqbo_job_shared(call->segment);
	call->place = rqbo_desk_put(database, dsm_segment_handle(call->segment), rqbo_job_is_queued(request->kind));
	call->put_ms = rqbo_clock_ms();
	if (call->place == RQBO_DESK_NO_PLACE)
		return false;
	on_dsm_detach(call->segment, withdraw, Int32GetDatum(call->place));
	rqbo_shmem_wake(database);
	return true;
}

/*
 * The request comes back with what the worker has noted in it, and the secrets in
 * it are wiped.
 */
static void
take_back(Call *call, RqboJobRequest *request)
{
	*request = call->shared->request;
	explicit_bzero(&call->shared->request, sizeof(RqboJobRequest));
	dsm_detach(call->segment);
}

/* ---- waiting ---- */

/*
 * Not taken over yet: is a worker there that will, or about to be?
 */
static bool
is_to_be_taken(const Call *call, const char *database)
{
	bool		is_there;
	bool		works = rqbo_shmem_works(database, &is_there);
	bool		is_patient = rqbo_clock_ms() - call->put_ms < PATIENCE_MS || call->shared->request.request_id != 0;

	return works && (is_there || is_patient);
}

static bool
is_taken(const Call *call)
{
	return pg_atomic_read_u32(&call->shared->is_taken) != 0;
}

/*
 * A worker that has taken it and has failed, or was ended, before it could say so
 * has lost it.
 */
static bool
is_lost(Call *call)
{
	if (is_taken(call) || rqbo_desk_holds(call->place, dsm_segment_handle(call->segment)))
		call->missed_ms = 0;
	else if (call->missed_ms == 0)
		call->missed_ms = rqbo_clock_ms();
	return call->missed_ms != 0 && rqbo_clock_ms() - call->missed_ms >= PATIENCE_MS;
}

/*
 * RQBO_JOB_NOTHING means that nobody has taken it over, and it was taken back.
 */
static RqboJobNews
wait_for_end(Call *call, const char *database)
{
	for (;;)
	{
		RqboJobNews news = rqbo_job_receive(call->queue, false, &call->error, call->sink, call->arg);

		if (news == RQBO_JOB_SOMETHING)
			continue;
		if (news != RQBO_JOB_NOTHING)
			return news;
		if (!is_taken(call) && !is_to_be_taken(call, database) &&
			rqbo_desk_withdraw(call->place, dsm_segment_handle(call->segment)))
			return RQBO_JOB_NOTHING;
		if (is_lost(call))
			return RQBO_JOB_LOST;
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, LOOK_MS, wait_event);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}

/*
 * Whoever cancels a statement can be told from a time-out by the message alone,
 * here by the one in the source, which no translation changes.
 */
static bool
is_users_cancel(void)
{
	MemoryContext saved = MemoryContextSwitchTo(CurTransactionContext);
	ErrorData  *error = CopyErrorData();
	bool		is_cancel = error->sqlerrcode == ERRCODE_QUERY_CANCELED && error->message_id != NULL &&
		strcmp(error->message_id, "canceling statement due to user request") == 0;

	FreeErrorData(error);
	MemoryContextSwitchTo(saved);
	return is_cancel;
}

/*
 * Whatever it has sent is for nobody any more.
 */
static bool
has_worker(Call *call)
{
	Size		length;
	void	   *data;
	shm_mq_result result;

	do
		result = shm_mq_receive(call->queue, &length, &data, true);
	while (result == SHM_MQ_SUCCESS);
	return is_taken(call) && result == SHM_MQ_WOULD_BLOCK;
}

/*
 * A request that has lost its worker may not have the next one yet.
 */
static void
cancel(Call *call, const char *database)
{
	const RqboJobRequest *request = &call->shared->request;

	pg_atomic_write_u32(&call->shared->is_cancelled, 1);
	if (request->request_id != 0 && !has_worker(call))
		rqbo_desk_put_cancel(database, request->model_id, request->request_id);
}

static RqboJobNews
wait_or_cancel(Call *call, const char *database)
{
	volatile RqboJobNews news = RQBO_JOB_NOTHING;

	PG_TRY();
	{
		news = wait_for_end(call, database);
	}
	PG_CATCH();
	{
		if (is_users_cancel())
			cancel(call, database);
		PG_RE_THROW();
	}
	PG_END_TRY();
	return news;
}

static void
raise_lost(int64 request_id)
{
	if (request_id == 0)
		rqbo_job_raise_lost();
	ereport(ERROR,
			(errcode(ERRCODE_CONNECTION_FAILURE),
			 errmsg("no background worker is at work any more on request " INT64_FORMAT, request_id),
			 errhint("It goes on when there is one: look at reefqbo.request and reefqbo.worker_status().")));
}

/*
 * False if no background worker has it, or had it.
 */
static bool
wait_for_worker(RqboJobRequest *request, const char *database, RqboRowSink sink, void *arg)
{
	for (;;)
	{
		Call		call = {.sink = sink,.arg = arg};
		RqboJobNews news = RQBO_JOB_NOTHING;

		if (hand_over(&call, request, database))
		{
			explicit_bzero(request, sizeof(*request));
			news = wait_or_cancel(&call, database);
		}
		take_back(&call, request);
		if (news == RQBO_JOB_DONE)
			return true;
		if (news == RQBO_JOB_FAILED)
			rqbo_job_raise(&call.error);
		if (news == RQBO_JOB_NOTHING && request->request_id == 0)
			return false;
		/* a request that was made twice is done once */
		if (news == RQBO_JOB_NOTHING || !rqbo_job_is_queued(request->kind))
			raise_lost(request->request_id);
	}
}

void
rqbo_wait_for(RqboJobRequest *request, RqboRowSink sink, void *arg)
{
	char	   *database = get_database_name(MyDatabaseId);
	bool		is_there;

	rqbo_job_check_place();
	if (wait_event == 0)
		wait_event = rqbo_wait_event("ReefqboCall");
	if (database == NULL || !may_be_handed_over(request) || !rqbo_shmem_works(database, &is_there) ||
		!wait_for_worker(request, database, sink, arg))
		rqbo_job_run(request, sink, arg);
	explicit_bzero(request, sizeof(*request));
}
