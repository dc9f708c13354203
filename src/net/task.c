/*-------------------------------------------------------------------------
 *
 * net/task.c
 *	  What a step says comes next, and the running of a step.
 *	  Which task's turn it is, is not known here.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "utils/memutils.h"

#include "base/clock.h"
#include "base/wanted.h"
#include "net/engine_places.h"
#include "net/task.h"

/* How much longer than an exchange's own time-out libcurl waits for it. */
#define EXCHANGE_SLACK_MS 600000

RqboTask *
rqbo_task_create(RqboEngine *engine, RqboStep first, RqboStep on_failure)
{
	EngineTask *task = MemoryContextAllocZero(engine->context, sizeof(EngineTask));

	task->public.engine = engine;
	task->public.context = AllocSetContextCreate(engine->context, "reefqbo task", ALLOCSET_DEFAULT_SIZES);
	task->page = AllocSetContextCreate(task->public.context, "reefqbo page", ALLOCSET_DEFAULT_SIZES);
	task->step = first;
	task->on_failure = on_failure;
	/* what a task adds is for whom it is itself */
	task->public.client = rqbo_client_present != NULL ? rqbo_client_present : engine->client;
	if (task->public.client != NULL)
		task->public.client->ntasks++;
	engine->ntasks++;
	dlist_init(&task->ahead);
	return &task->public;
}

/* ---- what steps call ---- */

static RqboSent *
send_request(EngineTask *task, const RqboHttpRequest *request)
{
	MemoryContext page = AllocSetContextCreate(task->public.context, "reefqbo page", ALLOCSET_DEFAULT_SIZES);
	MemoryContext saved = MemoryContextSwitchTo(page);
	RqboSent   *sent = palloc0(sizeof(RqboSent));

	sent->task = task;
	sent->page = page;
	sent->transfer = rqbo_http_start(task->public.engine->http, request, sent);
	sent->sent_at = rqbo_clock_ms();
	MemoryContextSwitchTo(saved);
	return sent;
}

static void
await(EngineTask *task, RqboSent *sent, RqboStep next)
{
	Assert(task->awaited == NULL);
	task->awaited = sent;
	task->state = TASK_SENDING;
	task->step = next;
}

void
rqbo_task_send(RqboTask *task, const RqboHttpRequest *request, RqboStep next)
{
	await((EngineTask *) task, send_request((EngineTask *) task, request), next);
}

RqboSent *
rqbo_task_send_ahead(RqboTask *task, const RqboHttpRequest *request)
{
	RqboSent   *sent;

	if (rqbo_places_free(task->engine, rqbo_task_is_urgent((EngineTask *) task)) == 0)
		return NULL;
	sent = send_request((EngineTask *) task, request);
	dlist_push_tail(&((EngineTask *) task)->ahead, &sent->link);
	return sent;
}

void
rqbo_task_await(RqboTask *task, RqboSent *sent, RqboStep next)
{
	dlist_delete(&sent->link);
	await((EngineTask *) task, sent, next);
}

void
rqbo_task_drop(RqboSent *sent)
{
	dlist_delete(&sent->link);
	MemoryContextDelete(sent->page);
}

const RqboHttpResult *
rqbo_sent_result(const RqboSent *sent)
{
	return sent->result;
}

/*
 * In the place of a step that only the one who has gone would have wanted.
 */
static void
refuse_step(RqboTask *task)
{
	/* others may want theirs */
	task->ends_alone = rqbo_wanted();
	rqbo_wanted_raise();
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
		rqbo_wanted_raise();
	patient.timeout_ms += EXCHANGE_SLACK_MS;
	await(t, send_request(t, &patient), next);
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
rqbo_task_stand_by(RqboTask *task, int ms, RqboStep next)
{
	rqbo_task_sleep(task, ms, next);
	((EngineTask *) task)->stands_by = true;
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

	rqbo_client_present = task->public.client;
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
	rqbo_client_present = NULL;
	MemoryContextSwitchTo(engine_context);
	return done;
}

/*
 * The page of the step that has ended goes, and with it the answer it read.
 */
static void
turn_page(EngineTask *task)
{
	if (task->awaited == NULL)
		return;
	MemoryContextDelete(task->page);
	task->page = task->awaited->page;
}

static bool
is_wanted(const EngineTask *task)
{
	RqboClient *client = task->public.client;

	return rqbo_wanted() && (client == NULL || client->is_wanted(client));
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
		return call_guarded(task, is_wanted(task) ? step : refuse_step);
	exchange_is_over(task);
	task->public.engine->held = held;
	HOLD_INTERRUPTS();
	done = call_guarded(task, step);
	InterruptHoldoffCount = held;	/* an ERROR has reset it */
	return done;
}

/*
 * Nothing of a task stays, since its source may go on for long.  Without one,
 * or with a client, somebody waits for the failures.
 */
static void
release_task(EngineTask *task)
{
	RqboEngine *engine = task->public.engine;

	MemoryContextDelete(task->public.context);
	engine->ntasks--;
	if (task->public.client != NULL)
	{
		task->public.client->ntasks--;
		task->public.client->nrunning--;
	}
	else if (engine->source != NULL && task->public.failure != NULL && task->public.failure != engine->cancelled)
		FreeErrorData(task->public.failure);
	pfree(task);
}

void
rqbo_task_run(RqboTask *public)
{
	EngineTask *task = (EngineTask *) public;
	RqboStep	step = task->step;

	task->state = TASK_READY;
	task->stands_by = false;
	task->step = NULL;
	if (task->awaited != NULL)
		task->public.result = task->awaited->result;
	task->awaited = NULL;
	if (!call_step(task, step))
	{
		exchange_is_over(task);
		(void) call_guarded(task, task->on_failure);
		task->state = TASK_ENDED;
		/* a cancel is meant for all of the work, not for the company it happened to hit */
		if (task->public.failure->sqlerrcode == ERRCODE_QUERY_CANCELED && !task->public.ends_alone)
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
	if (task->state == TASK_SENDING && !InterruptPending && rqbo_wanted())
		rqbo_http_push(task->public.engine->http);
}

void
rqbo_task_refuse(RqboTask *task)
{
	EngineTask *t = (EngineTask *) task;

	if (t->is_exchange)
		return;
	t->step = refuse_step;
	rqbo_task_run(task);
}

void
rqbo_task_fail(RqboTask *task, ErrorData *reason)
{
	EngineTask *t = (EngineTask *) task;

	task->failure = reason;
	(void) call_guarded(t, t->on_failure);
}
