/*-------------------------------------------------------------------------
 *
 * net/engine.c
 *	  Many companies in flight in one process: runs tasks step by step on one
 *	  HTTP client.
 *
 * No transaction is open while the engine waits.  Interrupts are handled
 * between steps, at once; only exchanges, whose answers carry tokens, are
 * waited for until their own time-out, and their answers are stored, since one
 * of them may hold the only living refresh token.  Whatever ends the engine (an
 * interrupt, an error of its own, a caller who has gone), nothing else is begun
 * or gone on with meanwhile.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "lib/ilist.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/procsignal.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "base/clock.h"
#include "base/compat.h"
#include "base/guc.h"
#include "net/engine.h"

/*
 * A task that has waited so long for one answer, or that sleeps longer, takes
 * nobody's place: slow, dead and throttled companies delay no others.  Of those
 * there are at most so many times as many as of the others.
 */
#define STALLED_MS 3000
#define MAX_STALLED 3

/* How much longer than an exchange's own time-out libcurl waits for it. */
#define EXCHANGE_SLACK_MS 600000

typedef enum TaskState
{
	TASK_READY,
	TASK_SENDING,
	TASK_SLEEPING,
	TASK_ENDED
} TaskState;

/* What the engine knows of a task besides what the task's owner sees. */
typedef struct EngineTask
{
	RqboTask	public;			/* must be first */
	TaskState	state;
	bool		is_exchange;
	RqboTransfer *transfer;		/* of one that sends */
	int64		give_up_at;		/* an exchange under way, on the engine's turned_ms */
	RqboStep	step;
	RqboStep	on_failure;
	int64		wake_at;		/* of a sleeper, on rqbo_clock_ms */
	int64		sent_at;		/* of one that sends */
	MemoryContext page;			/* where the current step runs; holds its answer */
	MemoryContext next_page;	/* of the request just sent */
	dlist_node	link;
} EngineTask;

struct RqboEngine
{
	MemoryContext context;
	RqboHttp   *http;
	RqboStillWanted still_wanted;
	void	   *still_wanted_arg;
	RqboSource	source;			/* or NULL */
	void	   *source_arg;
	int64		ask_source_at;	/* on rqbo_clock_ms; -1 for never */
	dlist_head	waiting;		/* not begun */
	dlist_head	running;
	int			nrunning;
	int			nexchanges;
	int64		turned_ms;		/* spent waiting for the network so far */
	bool		is_ending;		/* nothing is begun any more */
	uint32		held;			/* InterruptHoldoffCount outside of the step of an exchange */
	ErrorData  *cancelled;		/* a step was cancelled: all of the work is */
};

/*
 * A request to terminate takes effect when an engine has finished its exchanges:
 * until then it is a cancel, which ends whatever step is under way by an ERROR.
 */
static volatile sig_atomic_t engine_is_running = false;
static volatile sig_atomic_t die_is_pending = false;

void
rqbo_engine_die(SIGNAL_ARGS)
{
	int			saved_errno = errno;

	rqbo_ignore_signal_args();
	if (!proc_exit_inprogress)
	{
		InterruptPending = true;
		if (engine_is_running)
			die_is_pending = QueryCancelPending = true;
		else
			ProcDiePending = true;
	}
	SetLatch(MyLatch);
	errno = saved_errno;
}

static void
die_if_pending(void)
{
	engine_is_running = false;
	if (!die_is_pending)
		return;
	die_is_pending = false;
	ProcDiePending = InterruptPending = true;
	CHECK_FOR_INTERRUPTS();
}

RqboEngine *
rqbo_engine_create(RqboStillWanted still_wanted, void *arg)
{
	RqboEngine *engine = palloc0(sizeof(RqboEngine));

	engine->context = CurrentMemoryContext;
	engine->http = rqbo_http_create();
	engine->still_wanted = still_wanted;
	engine->still_wanted_arg = arg;
	dlist_init(&engine->waiting);
	dlist_init(&engine->running);
	return engine;
}

void
rqbo_engine_set_source(RqboEngine *engine, RqboSource source, void *arg)
{
	engine->source = source;
	engine->source_arg = arg;
}

RqboTask *
rqbo_engine_add(RqboEngine *engine, RqboStep first, RqboStep on_failure)
{
	EngineTask *task = MemoryContextAllocZero(engine->context, sizeof(EngineTask));

	task->public.engine = engine;
	task->public.context = AllocSetContextCreate(engine->context, "reefqbo task", ALLOCSET_DEFAULT_SIZES);
	task->page = AllocSetContextCreate(task->public.context, "reefqbo page", ALLOCSET_DEFAULT_SIZES);
	task->step = first;
	task->on_failure = on_failure;
	dlist_push_tail(&engine->waiting, &task->link);
	return &task->public;
}

/* ---- what steps call ---- */

static void
send_request(EngineTask *task, const RqboHttpRequest *request, RqboStep next)
{
	MemoryContext saved;

	Assert(task->next_page == NULL);
	task->next_page = AllocSetContextCreate(task->public.context, "reefqbo page", ALLOCSET_DEFAULT_SIZES);
	saved = MemoryContextSwitchTo(task->next_page);
	task->transfer = rqbo_http_start(task->public.engine->http, request, task);
	MemoryContextSwitchTo(saved);
	task->state = TASK_SENDING;
	task->sent_at = rqbo_clock_ms();
	task->step = next;
}

void
rqbo_task_send(RqboTask *task, const RqboHttpRequest *request, RqboStep next)
{
	send_request((EngineTask *) task, request, next);
}

/*
 * A step that only the one who has gone would have wanted.
 */
static void
refuse_step(RqboTask *task pg_attribute_unused())
{
	ereport(ERROR,
			(errcode(ERRCODE_QUERY_CANCELED),
			 errmsg("canceling reefqbo work because the session that asked for it has gone")));
}

/*
 * The time that this process spends with other tasks is none of Intuit's: an
 * answer may have arrived meanwhile, which libcurl would throw away if its
 * time-out had come.  Hence the engine counts the time, while it waits.
 */
void
rqbo_task_exchange(RqboTask *task, const RqboHttpRequest *request, RqboStep next)
{
	EngineTask *t = (EngineTask *) task;
	RqboHttpRequest patient = *request;

	/* what is interrupted already must not begin what cannot be interrupted */
	CHECK_FOR_INTERRUPTS();
	if (task->engine->is_ending)
		refuse_step(task);
	patient.timeout_ms += EXCHANGE_SLACK_MS;
	send_request(t, &patient, next);
	t->give_up_at = task->engine->turned_ms + request->timeout_ms;
	t->is_exchange = true;
	task->engine->nexchanges++;
}

void
rqbo_task_release(RqboTask *task)
{
	if (InterruptHoldoffCount > task->engine->held)
		RESUME_INTERRUPTS();
}

void
rqbo_task_sleep(RqboTask *task, int ms, RqboStep next)
{
	EngineTask *t = (EngineTask *) task;

	t->state = TASK_SLEEPING;
	t->wake_at = rqbo_clock_ms() + ms;
	t->step = next;
}

void
rqbo_task_sleep_with_answer(RqboTask *task, int ms, RqboStep next)
{
	rqbo_task_sleep(task, ms, next);
	((EngineTask *) task)->is_exchange = true;
	task->engine->nexchanges++;
}

void
rqbo_task_end(RqboTask *task)
{
	((EngineTask *) task)->state = TASK_ENDED;
}

/* ---- running a step ---- */

static void
exchange_is_over(EngineTask *task)
{
	if (task->is_exchange)
		task->public.engine->nexchanges--;
	task->is_exchange = false;
}

/*
 * Call a step or on_failure; an ERROR in it is caught and kept.  False if
 * there was one.
 */
static bool
call_guarded(EngineTask *task, RqboStep step)
{
	MemoryContext engine_context = task->public.engine->context;
	volatile bool done = true;

	MemoryContextSwitchTo(task->page);
	PG_TRY();
	{
		step(&task->public);
	}
	PG_CATCH();
	{
		ErrorData  *failure;

		MemoryContextSwitchTo(engine_context);
		failure = CopyErrorData();
		FlushErrorState();
		AbortOutOfAnyTransaction();
		pgstat_report_activity(STATE_IDLE, NULL);
		MemoryContextSwitchTo(engine_context);
		if (task->public.failure == NULL)
			task->public.failure = failure;
		done = false;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(engine_context);
	return done;
}

/*
 * The page of the step that has ended goes, and with it the answer it read.
 */
static void
turn_page(EngineTask *task)
{
	if (task->next_page == NULL)
		return;
	MemoryContextDelete(task->page);
	task->page = task->next_page;
	task->next_page = NULL;
}

static bool
is_wanted(const RqboEngine *engine)
{
	return engine->still_wanted(engine->still_wanted_arg);
}

/*
 * Call a step.  The one that follows an exchange is about to store what must
 * not be lost: interrupts wait until it has, even those that came while the
 * answer was awaited.
 */
static bool
call_step(EngineTask *task, RqboStep step)
{
	uint32		held = InterruptHoldoffCount;
	bool		is_exchange = task->is_exchange;
	bool		done;

	if (!is_exchange)
		return call_guarded(task, is_wanted(task->public.engine) ? step : refuse_step);
	exchange_is_over(task);
	task->public.engine->held = held;
	HOLD_INTERRUPTS();
	done = call_guarded(task, step);
	InterruptHoldoffCount = held;	/* an ERROR has reset it */
	return done;
}

/*
 * Nothing of a task stays, since its source may go on for long.  Without one,
 * somebody waits for the failures.
 */
static void
release_task(EngineTask *task)
{
	RqboEngine *engine = task->public.engine;

	MemoryContextDelete(task->public.context);
	if (engine->source != NULL && task->public.failure != NULL && task->public.failure != engine->cancelled)
		FreeErrorData(task->public.failure);
	pfree(task);
}

static void
run_step(EngineTask *task)
{
	RqboStep	step = task->step;

	task->state = TASK_READY;
	task->step = NULL;
	if (!call_step(task, step))
	{
		exchange_is_over(task);
		(void) call_guarded(task, task->on_failure);
		task->state = TASK_ENDED;
		/* a cancel is meant for all of the work, not for the company it happened to hit */
		if (task->public.failure->sqlerrcode == ERRCODE_QUERY_CANCELED)
			task->public.engine->cancelled = task->public.failure;
	}
	task->public.result = NULL;
	if (task->state == TASK_ENDED)
	{
		dlist_delete(&task->link);
		task->public.engine->nrunning--;
		release_task(task);
		return;
	}
	Assert(task->state != TASK_READY);
	turn_page(task);
	/* other steps follow, which may be long; but who is interrupted begins nothing */
	if (task->state == TASK_SENDING && !InterruptPending && is_wanted(task->public.engine))
		rqbo_http_push(task->public.engine->http);
}

/* ---- the loop ---- */

/*
 * When a task stops to take a place; a long sleeper has stopped at once.
 */
static int64
stalls_at(const EngineTask *task, int64 now)
{
	if (task->state == TASK_SENDING)
		return task->sent_at + STALLED_MS;
	return task->wake_at > now + STALLED_MS ? now : task->wake_at;
}

/*
 * How many more tasks may begin.
 */
static int
count_capacity(RqboEngine *engine)
{
	dlist_iter	iter;
	int64		now = rqbo_clock_ms();
	int			capacity = rqbo_max_concurrent_requests;

	if (engine->nrunning >= rqbo_max_concurrent_requests * (1 + MAX_STALLED))
		return 0;
	dlist_foreach(iter, &engine->running)
		if (stalls_at(dlist_container(EngineTask, link, iter.cur), now) > now)
			capacity--;
	return Max(0, capacity);
}

static void
begin_waiting_tasks(RqboEngine *engine)
{
	while (engine->cancelled == NULL && !dlist_is_empty(&engine->waiting) && count_capacity(engine) > 0)
	{
		dlist_node *node = dlist_pop_head_node(&engine->waiting);

		dlist_push_tail(&engine->running, node);
		engine->nrunning++;
		run_step(dlist_container(EngineTask, link, node));
	}
}

/*
 * Ask for more tasks if there is capacity and it is worth it.
 */
static void
ask_source(RqboEngine *engine)
{
	int			capacity = engine->source != NULL && dlist_is_empty(&engine->waiting) ? count_capacity(engine) : 0;
	long		again;

	if (capacity == 0 || engine->cancelled != NULL || !is_wanted(engine))
		return;
	again = engine->source(engine, capacity, engine->source_arg);
	engine->ask_source_at = again < 0 ? -1 : rqbo_clock_ms() + again;
}

static void
begin_tasks(RqboEngine *engine)
{
	bool		are_there;

	do
	{
		ask_source(engine);
		are_there = !dlist_is_empty(&engine->waiting);
		begin_waiting_tasks(engine);
	} while (are_there && engine->nrunning == 0 && engine->cancelled == NULL);
}

/*
 * Of an engine that is ending, or will since a step was cancelled, nothing goes
 * on but exchanges; other tasks have ended, but for being told.
 */
static bool
goes_on(const EngineTask *task)
{
	const RqboEngine *engine = task->public.engine;

	return task->is_exchange || !(engine->is_ending || engine->cancelled != NULL);
}

static void
run_answered_tasks(RqboEngine *engine)
{
	EngineTask *task;
	RqboHttpResult *result;

	while ((task = rqbo_http_next_ended(engine->http, &result)) != NULL)
	{
		task->public.result = result;
		if (goes_on(task))
			run_step(task);
	}
}

static void
run_woken_tasks(RqboEngine *engine)
{
	dlist_mutable_iter iter;
	int64		now = rqbo_clock_ms();

	dlist_foreach_modify(iter, &engine->running)
	{
		EngineTask *task = dlist_container(EngineTask, link, iter.cur);

		if (task->state == TASK_SLEEPING && task->wake_at <= now && goes_on(task))
			run_step(task);
	}
}

static bool
others_may_wait(RqboEngine *engine)
{
	return !engine->is_ending && (engine->source != NULL || !dlist_is_empty(&engine->waiting));
}

/*
 * Milliseconds until there is something to do though no answer has come: a
 * sleeper wakes, an exchange is given up, somebody's place becomes free, or the
 * source has more.  -1 if there is nothing of that kind.
 */
static long
time_to_act(RqboEngine *engine)
{
	dlist_iter	iter;
	int64		now = rqbo_clock_ms();
	int64		first = PG_INT64_MAX;

	if (engine->source != NULL && !engine->is_ending && engine->ask_source_at > now)
		first = engine->ask_source_at;
	dlist_foreach(iter, &engine->running)
	{
		EngineTask *task = dlist_container(EngineTask, link, iter.cur);

		if (!goes_on(task))
			continue;
		if (task->state == TASK_SLEEPING)
			first = Min(first, task->wake_at);
		else if (task->is_exchange)
			first = Min(first, now + task->give_up_at - engine->turned_ms);
		if (task->state == TASK_SENDING && others_may_wait(engine) && stalls_at(task, now) > now)
			first = Min(first, stalls_at(task, now));
	}
	return first == PG_INT64_MAX ? -1 : (long) Max(0, first - now);
}

/*
 * An exchange that has had its time, and no answer in it, is given up.
 */
static void
give_up_exchanges(RqboEngine *engine)
{
	dlist_iter	iter;

	dlist_foreach(iter, &engine->running)
	{
		EngineTask *task = dlist_container(EngineTask, link, iter.cur);

		if (task->is_exchange && task->state == TASK_SENDING && task->give_up_at <= engine->turned_ms)
			rqbo_http_give_up(engine->http, task->transfer);
	}
}

/*
 * Wait until there is something to do, and do it.  Whatever an engine ends for
 * has been seen: that does not keep it from waiting.
 */
static void
turn(RqboEngine *engine)
{
	long		timeout_ms = InterruptPending && !engine->is_ending ? 0 : time_to_act(engine);
	int64		began = rqbo_clock_ms();

	rqbo_http_turn(engine->http, timeout_ms);
	engine->turned_ms += rqbo_clock_ms() - began;
	give_up_exchanges(engine);
	run_answered_tasks(engine);
	run_woken_tasks(engine);
}

/* ---- the end ---- */

/*
 * Wait for the answers that carry tokens and let them be stored; of all other
 * tasks nothing goes on.  Whatever the engine ends for has been seen by now.
 */
static void
finish_exchanges(RqboEngine *engine)
{
	engine->is_ending = true;
	QueryCancelPending = false;
	if (engine->nexchanges > 0)
		ereport(LOG,
				(errmsg("reefqbo: before this process ends, it waits for answers of Intuit's that carry tokens: %d",
						engine->nexchanges)));
	while (engine->nexchanges > 0)
	{
		/* others may be waiting for us to see a barrier */
		if (ProcSignalBarrierPending)
			ProcessProcSignalBarrier();
		turn(engine);
	}
}

/*
 * Handle interrupts and other reasons to end.
 */
static void
handle_interrupts(RqboEngine *engine)
{
	bool		is_cancelled = QueryCancelPending;

	if (die_is_pending || ProcDiePending || is_cancelled || engine->cancelled != NULL || !is_wanted(engine))
	{
		finish_exchanges(engine);
		die_if_pending();
		if (is_cancelled)
			QueryCancelPending = InterruptPending = true;
	}
	if (engine->cancelled != NULL)
		ReThrowError(engine->cancelled);
	CHECK_FOR_INTERRUPTS();
	if (!is_wanted(engine))
		refuse_step(NULL);
	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
	}
}

/*
 * Everything ends: each task under way learns of it.
 */
static void
abandon_tasks(RqboEngine *engine, ErrorData *reason)
{
	dlist_iter	iter;

	dlist_foreach(iter, &engine->running)
	{
		EngineTask *task = dlist_container(EngineTask, link, iter.cur);

		task->public.failure = reason;
		(void) call_guarded(task, task->on_failure);
	}
}

static void
run_until_done(RqboEngine *engine)
{
	for (;;)
	{
		handle_interrupts(engine);
		begin_tasks(engine);
		if (engine->cancelled != NULL)
			continue;
		if (engine->nrunning == 0 && dlist_is_empty(&engine->waiting))
			break;
		turn(engine);
	}
}

void
rqbo_engine_run(RqboEngine *engine)
{
	engine_is_running = true;
	PG_TRY();
	{
		run_until_done(engine);
	}
	PG_CATCH();
	{
		ErrorData  *reason;

		MemoryContextSwitchTo(engine->context);
		reason = CopyErrorData();
		FlushErrorState();
		/* the source may have failed inside a transaction */
		AbortOutOfAnyTransaction();
		MemoryContextSwitchTo(engine->context);
		finish_exchanges(engine);
		die_if_pending();
		abandon_tasks(engine, reason);
		ReThrowError(reason);
	}
	PG_END_TRY();
	die_if_pending();
}
