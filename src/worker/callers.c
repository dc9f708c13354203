/*-------------------------------------------------------------------------
 *
 * worker/callers.c
 *	  The sessions that the background worker works for: takes their calls over,
 *	  passes on notices, rows and the error, and sees who has gone.
 *	  What is done for them is done by tasks like all others.
 *
 * An import or a refresh becomes a request at once, as if the session had made it
 * (functions/queue.c), and is begun in its turn; how it has ended stands in the
 * tables, by whichever worker.  All else is tasks of the call itself.  Nothing
 * here waits for a session: what it does not read yet is kept.
 *
 * A worker that is about to end begins no request, and takes other calls over
 * only while it is at work on what came before: however many come, it ends.
 *
 * The sessions' segments are plain data; see functions/wait.c for their side.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

/* what a Port has of these is not needed here, and their headers may not be there */
#undef ENABLE_GSS
#undef USE_OPENSSL

#include "access/xact.h"
#include "lib/ilist.h"
#include "lib/stringinfo.h"
#include "libpq/libpq.h"
#include "libpq/pqcomm.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "tcop/tcopprot.h"
#include "utils/memutils.h"

#include "base/clock.h"
#include "base/db.h"
#include "import/run.h"
#include "import/state.h"
#include "job/caller.h"
#include "qbo/calls.h"
#include "store/requests.h"
#include "store/restore.h"
#include "worker/callers.h"
#include "worker/desk.h"
#include "worker/main.h"

/* Requests that others end, and sessions that have gone, are looked for so often. */
#define LOOK_MS 500
/* When that cannot be done. */
#define PAUSE_MS 5000
/* Of one answer, so many rows are sent in a turn. */
#define MOST_ROWS 500
/* So long a worker that is about to end waits for a session to read what it is sent. */
#define UNREAD_MS 10000

typedef struct Call
{
	RqboCallOf	of;				/* must be first; its client is the first of that */
	MemoryContext context;		/* holds all of it */
	dsm_segment *segment;
	RqboJobShared *shared;
	shm_mq_handle *queue;
	List	   *unsent;			/* of StringInfo */
	int64		read_ms;		/* when the session has taken something of that, on rqbo_clock_ms */
	int64		request_id;		/* of an import or a refresh */
	bool		is_refused;		/* it could not be begun */
	bool		is_late;		/* it came when the worker was about to end */
	bool		has_gone;		/* the session */
	bool		has_ended;		/* the request */
	bool		is_sending;		/* the rows of the answer, which are not at their end */
	bool		is_to_be_cancelled; /* the request */
	bool		is_answered;
	int64		pause_until;	/* on rqbo_clock_ms */
	dlist_node	link;
} Call;

static dlist_head calls = DLIST_STATIC_INIT(calls);
static int	nanswered = 0;
static int	nended = 0;			/* times that tasks were seen to have ended */
static int	ntasks_before = 0;	/* of all calls, when it was looked last */
static int64 look_at = 0;		/* on rqbo_clock_ms, and so is the next */
static int64 pause_until = 0;

/* ---- what goes to a session ---- */

static void
nothing(void)
{
}

static int
flush_nothing(void)
{
	return 0;
}

static bool
is_nothing_pending(void)
{
	return false;
}

/*
 * The shared queue takes as much as it has room for, and the rest later: then
 * this is false.
 */
static bool
send_unsent(Call *call)
{
	while (call->unsent != NIL && !call->has_gone)
	{
		StringInfo	message = linitial(call->unsent);

		if (shm_mq_send(call->queue, message->len, message->data, true, true) == SHM_MQ_WOULD_BLOCK)
			return false;
		pfree(message->data);
		pfree(message);
		call->unsent = list_delete_first(call->unsent);
		call->read_ms = rqbo_clock_ms();
	}
	return true;
}

/*
 * An answer may have very many rows: they stay where they are until there is room
 * for them, and no session keeps the others waiting for its own.
 */
static void
send_more(Call *call)
{
	for (int i = 0; send_unsent(call) && call->is_sending && !call->has_gone && i < MOST_ROWS; i++)
	{
		rqbo_client_present = &call->of.client;
		call->is_sending = rqbo_job_send_next(&call->of.job);
		rqbo_client_present = NULL;
	}
}

/*
 * Is there nothing that it could still be sent?
 */
static bool
is_sent(const Call *call)
{
	return call->has_gone || (call->unsent == NIL && !call->is_sending);
}

static int
put_message(char type, const char *data, size_t length)
{
	Call	   *call = (Call *) rqbo_client_present;
	MemoryContext saved;
	StringInfo	message;

	if (call == NULL || call->has_gone)
		return 0;
	saved = MemoryContextSwitchTo(call->context);
	message = makeStringInfo();
	appendStringInfoChar(message, type);
	appendBinaryStringInfo(message, data, (int) length);
	if (call->unsent == NIL)
		call->read_ms = rqbo_clock_ms();
	call->unsent = lappend(call->unsent, message);
	MemoryContextSwitchTo(saved);
	return 0;
}

static void
put_message_noblock(char type, const char *data, size_t length)
{
	(void) put_message(type, data, length);
}

static const PQcommMethods methods = {
	.comm_reset = nothing,
	.flush = flush_nothing,
	.flush_if_writable = flush_nothing,
	.is_send_pending = is_nothing_pending,
	.putmessage = put_message,
	.putmessage_noblock = put_message_noblock
};

/*
 * As libpq/pqmq.c does it for a process that works for one session.  They read
 * what comes in the encoding of the database.
 */
void
rqbo_callers_open(void)
{
	PqCommMethods = &methods;
	whereToSendOutput = DestRemote;
	FrontendProtocol = PG_PROTOCOL_LATEST;
	SetClientEncoding(GetDatabaseEncoding());
}

/* ---- taking over ---- */

static bool
is_wanted(RqboClient *client)
{
	return pg_atomic_read_u32(&((Call *) client)->shared->is_cancelled) == 0;
}

/*
 * NULL if the session has gone before.
 */
static Call *
attach(dsm_handle handle, RqboJob *worker)
{
	MemoryContext context;
	MemoryContext saved;
	dsm_segment *segment = dsm_attach(handle);
	Call	   *call;

	if (segment == NULL)
		return NULL;
	context = AllocSetContextCreate(TopMemoryContext, "reefqbo call", ALLOCSET_SMALL_SIZES);
	saved = MemoryContextSwitchTo(context);
	call = palloc0(sizeof(Call));
	call->context = context;
	call->segment = segment;
	call->shared = rqbo_job_shared(segment);
	call->queue = rqbo_job_open_queue(segment);
	call->of.client.is_wanted = is_wanted;
	call->of.job.request = &call->shared->request;
	call->of.job.context = context;
	call->of.job.of = worker;
	MemoryContextSwitchTo(saved);
	dlist_push_tail(&calls, &call->link);
	pg_atomic_write_u32(&call->shared->is_taken, 1);
	return call;
}

/*
 * The row is there, on disk, before the session can go.
 */
static void
make_request(Call *call)
{
	RqboJobRequest *from = call->of.job.request;
	RqboRequest request = {
		.is_refresh = from->kind == RQBO_JOB_REFRESH,
		.range = {from->method, from->start, from->end},
		.is_whole = from->is_whole,
		.requested_by = from->user
	};

	rqbo_db_begin();
	rqbo_store_need_restored();
	if (*rqbo_store_list_connections(from->model_id, from->branch_id) == 0)
		rqbo_import_raise_no_connection();
	call->request_id = rqbo_store_put_request(from->model_id, from->branch_id, &request);
	rqbo_db_flush();
	rqbo_db_commit();
	from->request_id = call->request_id;
}

static void
begin(Call *call, RqboEngine *engine)
{
	RqboJobKind kind = call->of.job.request->kind;

	if (rqbo_job_is_queued(kind))
	{
		/* the session may have it from a worker that was ended */
		call->request_id = call->of.job.request->request_id;
		if (call->request_id == 0)
			make_request(call);
		return;
	}
	rqbo_db_begin();
	rqbo_store_need_restored();
	rqbo_db_commit();
	call->of.client.is_urgent = kind == RQBO_JOB_COMPLETE || kind == RQBO_JOB_DISCONNECT || kind == RQBO_JOB_CHECK;
	rqbo_engine_set_client(engine, &call->of.client);
	rqbo_worker_add_tasks(engine, &call->of.job);
}

/*
 * What has been raised is the log's, and the session's that was being sent its
 * rows.  A cancel is meant for all of the work.
 */
static void
log_error(MemoryContext context)
{
	if (geterrcode() == ERRCODE_QUERY_CANCELED)
		PG_RE_THROW();
	MemoryContextSwitchTo(context);
	EmitErrorReport();
	FlushErrorState();
	rqbo_client_present = NULL;
	AbortOutOfAnyTransaction();
	MemoryContextSwitchTo(context);
}

static void
fail(Call *call, MemoryContext context)
{
	MemoryContextSwitchTo(call->context);
	call->of.job.failures = list_make1(CopyErrorData());
	FlushErrorState();
	AbortOutOfAnyTransaction();
	MemoryContextSwitchTo(context);
	call->is_refused = true;
}

/*
 * What is wrong with a call is its session's to hear.
 */
static void
take_over(dsm_handle handle, RqboEngine *engine, RqboJob *worker, bool is_late)
{
	MemoryContext context = CurrentMemoryContext;
	Call	   *call = attach(handle, worker);

	if (call == NULL)
		return;
	call->is_late = is_late;
	MemoryContextSwitchTo(call->context);
	PG_TRY();
	{
		begin(call, engine);
	}
	PG_CATCH();
	{
		if (geterrcode() == ERRCODE_QUERY_CANCELED)
			PG_RE_THROW();
		fail(call, context);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	rqbo_engine_set_client(engine, NULL);
	look_at = 0;
}

/* ---- sessions that have gone ---- */

/*
 * Its row may be locked by somebody's open transaction: then again later.
 */
static void
cancel_request(Call *call)
{
	call->pause_until = rqbo_clock_ms() + LOOK_MS;
	rqbo_db_begin();
	call->is_to_be_cancelled = !rqbo_store_cancel_unlocked(call->of.job.request->model_id, call->request_id);
	rqbo_db_commit();
}

static void
note_gone(Call *call)
{
	if (call->has_gone || pg_atomic_read_u32(&call->shared->caller_has_gone) == 0)
		return;
	call->has_gone = true;
	call->of.job.is_unattended = call->request_id != 0;
	call->is_to_be_cancelled = call->request_id != 0 && !call->is_answered && !is_wanted(&call->of.client);
}

/* ---- requests that have ended ---- */

static void
note_ended(const int64 *ended)
{
	dlist_iter	iter;

	for (; *ended != 0; ended++)
		dlist_foreach(iter, &calls)
		{
			Call	   *call = dlist_container(Call, link, iter.cur);

			call->has_ended |= call->request_id == *ended;
		}
}

/*
 * Those that somebody waits for.
 */
static int64 *
list_requests(void)
{
	int64	   *ids;
	int			count = 0;
	dlist_iter	iter;

	dlist_foreach(iter, &calls)
		count++;
	ids = palloc0((count + 1) * sizeof(int64));
	count = 0;
	dlist_foreach(iter, &calls)
	{
		Call	   *call = dlist_container(Call, link, iter.cur);

		if (call->request_id != 0 && !call->has_gone && !call->has_ended)
			ids[count++] = call->request_id;
	}
	return ids;
}

static int
count_tasks(void)
{
	int			count = 0;
	dlist_iter	iter;

	dlist_foreach(iter, &calls)
		count += dlist_container(Call, link, iter.cur)->of.client.ntasks;
	return count;
}

/*
 * When a task has ended for somebody, and now and then.
 */
static void
look_for_ends(void)
{
	int			ntasks = count_tasks();
	int64	   *ids;
	int64	   *ended;

	if (ntasks >= ntasks_before && rqbo_clock_ms() < look_at)
	{
		ntasks_before = ntasks;
		return;
	}
	nended += ntasks < ntasks_before;
	ntasks_before = ntasks;
	look_at = rqbo_clock_ms() + LOOK_MS;
	ids = list_requests();
	if (ids[0] != 0)
	{
		rqbo_db_begin();
		ended = rqbo_store_ended_requests(ids);
		rqbo_db_commit();
		note_ended(ended);
		pfree(ended);
	}
	pfree(ids);
}

/* ---- answering ---- */

/*
 * One that failed in this process is told as it was raised; of others the tables
 * have the message.
 */
static ErrorData *
failure_of(const RqboRequestEnd *end, int64 request_id)
{
	ErrorData  *failure = palloc0(sizeof(ErrorData));

	*failure = end->failure;
	failure->elevel = ERROR;
	failure->assoc_context = CurrentMemoryContext;
	if (strcmp(end->outcome, "cancelled") == 0)
	{
		failure->sqlerrcode = ERRCODE_QUERY_CANCELED;
		failure->message = psprintf("request " INT64_FORMAT " was cancelled", request_id);
	}
	return failure;
}

/*
 * False if it has not ended: it was begun again, or the row is locked that says so.
 */
static bool
read_ends(Call *call)
{
	RqboJob    *job = &call->of.job;
	int			count;
	RqboRequestEnd *ends;

	rqbo_db_begin();
	rqbo_store_give_up_request(job->request->model_id, call->request_id);
	ends = rqbo_store_read_request_ends(job->request->model_id, call->request_id, &count);
	rqbo_db_commit();
	if (count == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("there is no request " INT64_FORMAT " any more", call->request_id),
				 errhint("Its company was forgotten.")));
	for (int i = 0; i < count; i++)
		if (ends[i].outcome == NULL)
			return false;
	for (int i = 0; i < count; i++)
	{
		if (strcmp(ends[i].outcome, "succeeded") == 0)
			rqbo_import_add_end(job, &ends[i]);
		else if (job->failures == NIL)
			job->failures = list_make1(failure_of(&ends[i], call->request_id));
	}
	return true;
}

static void
send_answer(Call *call)
{
	RqboJob    *job = &call->of.job;

	if (job->failures == NIL)
	{
		call->is_sending = true;
		return;
	}
	rqbo_client_present = &call->of.client;
	rqbo_job_send_error(linitial(job->failures), call->has_gone);
	rqbo_client_present = NULL;
}

/*
 * What was done for it stays done if its evidence cannot be stored now.
 */
static void
store_evidence(void)
{
	MemoryContext context = CurrentMemoryContext;

	PG_TRY();
	{
		rqbo_calls_store();
	}
	PG_CATCH();
	{
		log_error(context);
	}
	PG_END_TRY();
}

static bool
find_answer(Call *call)
{
	volatile bool is_found = true;

	store_evidence();
	if (call->request_id == 0 || call->has_gone || call->is_refused)
		return true;
	PG_TRY();
	{
		is_found = read_ends(call);
	}
	PG_CATCH();
	{
		if (geterrcode() == ERRCODE_QUERY_CANCELED)
			PG_RE_THROW();
		fail(call, call->context);
	}
	PG_END_TRY();
	return is_found;
}

/*
 * What a request has come to is nobody's business any more when its session has
 * gone; what else has failed then, the log has.
 */
static void
answer(Call *call)
{
	MemoryContext saved = MemoryContextSwitchTo(call->context);

	call->is_answered = find_answer(call);
	call->has_ended &= call->is_answered;
	nanswered += call->is_answered;
	/* whatever goes wrong with that, it is not done twice */
	if (call->is_answered && (call->request_id == 0 || !call->has_gone))
		send_answer(call);
	MemoryContextSwitchTo(saved);
}

/*
 * Nothing more is done for it here.
 */
static bool
is_over(const Call *call)
{
	return call->of.client.ntasks == 0 && (call->request_id == 0 || call->is_refused || call->has_gone || call->has_ended);
}

static void
let_go(Call *call)
{
	RqboJobRequest *request = call->of.job.request;

	dlist_delete(&call->link);
	/* the session may be there, and needs the rest */
	explicit_bzero(request->state, sizeof(request->state));
	explicit_bzero(request->code, sizeof(request->code));
	explicit_bzero(request->realm_id, sizeof(request->realm_id));
	dsm_detach(call->segment);
	MemoryContextDelete(call->context);
}

/*
 * What is left of a request that has not ended is the next worker's, and so is a
 * session that does not read: it asks that one what its request has come to.
 */
static bool
is_to_be_let_go(const Call *call, bool is_ending)
{
	if (!is_sent(call) && !(is_ending && rqbo_clock_ms() - call->read_ms > UNREAD_MS))
		return false;
	if (call->is_answered)
		return is_ending || !call->is_to_be_cancelled;
	return is_ending && call->request_id != 0 && call->of.client.ntasks == 0;
}

static void
see_to(Call *call, bool is_ending)
{
	note_gone(call);
	if (call->is_to_be_cancelled)
		cancel_request(call);
	if (!call->is_answered && is_over(call))
		answer(call);
	send_more(call);
	if (is_to_be_let_go(call, is_ending))
		let_go(call);
}

/*
 * What goes wrong with one call keeps no other waiting.
 */
static void
see_to_or_pause(Call *call, bool is_ending)
{
	MemoryContext context = CurrentMemoryContext;

	if (rqbo_clock_ms() < call->pause_until)
		return;
	PG_TRY();
	{
		see_to(call, is_ending);
	}
	PG_CATCH();
	{
		log_error(context);
		call->is_sending = false;
		call->pause_until = rqbo_clock_ms() + PAUSE_MS;
	}
	PG_END_TRY();
}

/*
 * The worker cannot go on, and what has not begun hears why.
 */
static void
refuse(Call *call, const ErrorData *failure)
{
	MemoryContext saved = MemoryContextSwitchTo(call->context);
	ErrorData  *own = palloc(sizeof(ErrorData));

	*own = *failure;
	call->of.job.failures = list_make1(own);
	call->is_refused = true;
	MemoryContextSwitchTo(saved);
	rqbo_db_begin();
	rqbo_store_request_refused(call->of.job.request->model_id, 0, call->request_id, failure);
	rqbo_db_commit();
}

static void
refuse_all(const ErrorData *failure)
{
	dlist_iter	iter;

	dlist_foreach(iter, &calls)
	{
		Call	   *call = dlist_container(Call, link, iter.cur);

		if (call->request_id != 0 && call->of.client.ntasks == 0 && !call->is_refused && !call->has_gone && !call->has_ended)
			refuse(call, failure);
	}
}

/* ---- the turn ---- */

RqboCallOf *
rqbo_callers_find(int64 request_id)
{
	dlist_iter	iter;

	dlist_foreach(iter, &calls)
	{
		Call	   *call = dlist_container(Call, link, iter.cur);

		if (call->request_id == request_id && !call->has_gone)
			return &call->of;
	}
	return NULL;
}

int
rqbo_callers_answered(void)
{
	return nanswered;
}

int
rqbo_callers_ended(void)
{
	return nended;
}

/*
 * And room for it.
 */
static bool
has_more_to_send(void)
{
	dlist_iter	iter;

	dlist_foreach(iter, &calls)
	{
		const Call *call = dlist_container(Call, link, iter.cur);

		if (call->is_sending && call->unsent == NIL)
			return true;
	}
	return false;
}

/*
 * Is it at work on anything but calls that came when it was about to end?
 */
static bool
has_older_work(const RqboEngine *engine)
{
	int			count = rqbo_engine_count_tasks(engine);
	dlist_iter	iter;

	dlist_foreach(iter, &calls)
	{
		const Call *call = dlist_container(Call, link, iter.cur);

		count -= call->is_late ? call->of.client.ntasks : 0;
	}
	return count > 0;
}

/*
 * Of a session that was gone before its request had a worker again.
 */
static void
cancel_left(const RqboDeskTaken *taken)
{
	rqbo_db_begin();
	(void) rqbo_store_cancel_unlocked(taken->model_id, taken->request_id);
	rqbo_db_commit();
}

static void
take_calls(RqboEngine *engine, RqboJob *worker, const char *database, bool is_ending)
{
	RqboDeskTaken taken;

	if (rqbo_engine_failure(engine) != NULL || (is_ending && !has_older_work(engine)))
		return;
	while (rqbo_desk_take(database, !is_ending, &taken))
		if (taken.segment != DSM_HANDLE_INVALID)
			take_over(taken.segment, engine, worker, is_ending);
		else
			cancel_left(&taken);
}

static long
visit(RqboEngine *engine, RqboJob *worker, const char *database, bool is_ending)
{
	const ErrorData *failure = rqbo_engine_failure(engine);
	dlist_mutable_iter iter;

	take_calls(engine, worker, database, is_ending);
	if (dlist_is_empty(&calls))
		return -1;
	look_for_ends();
	if (failure != NULL)
		refuse_all(failure);
	dlist_foreach_modify(iter, &calls)
		see_to_or_pause(dlist_container(Call, link, iter.cur), is_ending);
	if (has_more_to_send())
		return 0;
	return dlist_is_empty(&calls) ? -1 : LOOK_MS;
}

/*
 * Somebody may have locked what is looked at here: that is no reason to leave
 * the companies alone.
 */
long
rqbo_callers_visit(RqboEngine *engine, RqboJob *worker, const char *database, bool is_ending)
{
	MemoryContext context = CurrentMemoryContext;
	volatile long again = PAUSE_MS;

	if (rqbo_clock_ms() < pause_until)
		return pause_until - rqbo_clock_ms();
	PG_TRY();
	{
		again = visit(engine, worker, database, is_ending);
	}
	PG_CATCH();
	{
		log_error(context);
		pause_until = rqbo_clock_ms() + PAUSE_MS;
	}
	PG_END_TRY();
	return again;
}
