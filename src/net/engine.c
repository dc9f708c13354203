/*-------------------------------------------------------------------------
 *
 * net/engine.c
 *	  Many companies in flight in one process: whose turn it is, on one HTTP
 *	  client, and the end of all.  What a task does in its turn is its own.
 *
 * Each client has its turn, and the source as many as all clients, so that
 * neither the number of one's tasks nor of one's sessions keeps others waiting.
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
#include "miscadmin.h"
#include "postmaster/interrupt.h"
#include "storage/procsignal.h"
#include "utils/guc.h"

#include "base/clock.h"
#include "base/compat.h"
#include "base/guc.h"
#include "base/wanted.h"
#include "net/die.h"
#include "net/engine.h"
#include "net/engine_places.h"

RqboEngine *
rqbo_engine_create(void)
{
	RqboEngine *engine = palloc0(sizeof(RqboEngine));

	engine->context = CurrentMemoryContext;
	engine->http = rqbo_http_create();
	dlist_init(&engine->waiting);
	dlist_init(&engine->clients);
	dlist_init(&engine->urgent_clients);
	dlist_init(&engine->running);
	return engine;
}

void
rqbo_engine_set_source(RqboEngine *engine, RqboSource source, void *arg)
{
	engine->source = source;
	engine->source_arg = arg;
}

void
rqbo_engine_set_visitor(RqboEngine *engine, RqboVisitor visitor, void *arg)
{
	engine->visitor = visitor;
	engine->visitor_arg = arg;
	engine->visit_at = 0;
}

void
rqbo_engine_set_client(RqboEngine *engine, RqboClient *client)
{
	engine->client = client;
}

const ErrorData *
rqbo_engine_failure(const RqboEngine *engine)
{
	return engine->source_failure;
}

int
rqbo_engine_count_tasks(const RqboEngine *engine)
{
	return engine->ntasks;
}

/* ---- whose turn it is to begin ---- */

static void
wait_among_clients(RqboEngine *engine, RqboClient *client, EngineTask *task)
{
	if (dlist_is_empty(&client->waiting))
		dlist_push_tail(client->is_urgent ? &engine->urgent_clients : &engine->clients, &client->link);
	dlist_push_tail(&client->waiting, &task->link);
}

/*
 * What the source adds is in its turn, whomever it is for.
 */
RqboTask *
rqbo_engine_add(RqboEngine *engine, RqboStep first, RqboStep on_failure)
{
	RqboTask   *task = rqbo_task_create(engine, first, on_failure);

	if (task->client != NULL && !engine->is_asking)
		wait_among_clients(engine, task->client, (EngineTask *) task);
	else
		dlist_push_tail(&engine->waiting, &((EngineTask *) task)->link);
	return task;
}

static bool
has_waiting(RqboEngine *engine)
{
	return !dlist_is_empty(&engine->waiting) || !dlist_is_empty(&engine->clients) || !dlist_is_empty(&engine->urgent_clients);
}

/*
 * The first of a client's, which has its next turn after all others.
 */
static dlist_node *
take_from(dlist_head *clients, RqboClient *client)
{
	dlist_node *task = dlist_pop_head_node(&client->waiting);

	dlist_delete(&client->link);
	if (!dlist_is_empty(&client->waiting))
		dlist_push_tail(clients, &client->link);
	return task;
}

/*
 * One task of a client begins at once; others, if they do not keep others from
 * that.
 */
static dlist_node *
take_urgent(RqboEngine *engine)
{
	dlist_iter	iter;

	dlist_foreach(iter, &engine->urgent_clients)
	{
		RqboClient *client = dlist_container(RqboClient, link, iter.cur);

		if (client->nrunning == 0 || rqbo_places_free(engine, true) > 0)
			return take_from(&engine->urgent_clients, client);
	}
	return NULL;
}

static dlist_node *
take_in_turn(RqboEngine *engine)
{
	bool		are_others = !dlist_is_empty(&engine->waiting);

	if (!has_waiting(engine) || rqbo_places_free(engine, false) == 0)
		return NULL;
	if (!dlist_is_empty(&engine->clients) && (engine->is_clients_turn || !are_others))
	{
		engine->is_clients_turn = false;
		return take_from(&engine->clients, dlist_head_element(RqboClient, link, &engine->clients));
	}
	engine->is_clients_turn = true;
	return are_others ? dlist_pop_head_node(&engine->waiting) : NULL;
}

/* ---- the loop ---- */

static void
begin_waiting_tasks(RqboEngine *engine)
{
	dlist_node *node;

	while (engine->cancelled == NULL && ((node = take_urgent(engine)) != NULL || (node = take_in_turn(engine)) != NULL))
	{
		EngineTask *task = dlist_container(EngineTask, link, node);

		dlist_push_tail(&engine->running, node);
		engine->nrunning++;
		if (task->public.client != NULL)
			task->public.client->nrunning++;
		rqbo_task_run(&task->public);
	}
}

/*
 * The error of a source ends the engine, once the tasks have ended that are
 * under way: they are about other companies.  A cancel ends all of it at once.
 */
static long
call_source(RqboEngine *engine, int capacity)
{
	volatile long again = -1;

	engine->is_asking = true;
	PG_TRY();
	{
		again = engine->source(engine, capacity, engine->source_arg);
	}
	PG_CATCH();
	{
		engine->is_asking = false;
		engine->client = NULL;
		if (geterrcode() == ERRCODE_QUERY_CANCELED)
			PG_RE_THROW();
		MemoryContextSwitchTo(engine->context);
		engine->source_failure = CopyErrorData();
		FlushErrorState();
		AbortOutOfAnyTransaction();
		MemoryContextSwitchTo(engine->context);
	}
	PG_END_TRY();
	engine->is_asking = false;
	return again;
}

/*
 * Ask for more tasks if there is capacity and it is worth it.
 */
static void
ask_source(RqboEngine *engine)
{
	int			capacity = engine->source != NULL && dlist_is_empty(&engine->waiting) ? rqbo_places_free(engine, false) : 0;
	long		again;

	if (!dlist_is_empty(&engine->clients))
		capacity = (capacity + 1) / 2;

	if (capacity == 0 || engine->cancelled != NULL || engine->source_failure != NULL || !rqbo_wanted())
		return;
	again = call_source(engine, capacity);
	engine->ask_source_at = again < 0 ? -1 : rqbo_clock_ms() + again;
}

/*
 * What nobody wants any more ends now, and not when its answer has come.
 */
static void
refuse_unwanted_tasks(RqboEngine *engine)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &engine->running)
	{
		RqboTask   *task = &dlist_container(EngineTask, link, iter.cur)->public;

		if (task->client != NULL && !task->client->is_wanted(task->client))
			rqbo_task_refuse(task);
	}
}

static void
visit(RqboEngine *engine)
{
	long		again;

	if (engine->visitor == NULL || engine->cancelled != NULL)
		return;
	again = engine->visitor(engine, engine->visitor_arg);
	engine->visit_at = again < 0 ? -1 : rqbo_clock_ms() + again;
	refuse_unwanted_tasks(engine);
}

static void
begin_tasks(RqboEngine *engine)
{
	bool		are_there;
	bool		is_shared;

	do
	{
		is_shared = !dlist_is_empty(&engine->clients);
		ask_source(engine);
		are_there = has_waiting(engine);
		begin_waiting_tasks(engine);
		/* what clients have left is the source's */
		is_shared &= dlist_is_empty(&engine->clients);
	} while (are_there && (engine->nrunning == 0 || is_shared) && engine->cancelled == NULL);
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
	RqboSent   *sent;
	RqboHttpResult *result;

	while ((sent = rqbo_http_next_ended(engine->http, &result)) != NULL)
	{
		sent->result = result;
		if (sent->task->awaited == sent && goes_on(sent->task))
			rqbo_task_run(&sent->task->public);
	}
}

/*
 * Is there something to do for it now?  What it waits for may have been
 * answered before.
 */
static bool
is_woken(const EngineTask *task, int64 now)
{
	return task->state == TASK_SLEEPING ? task->wake_at <= now : task->awaited != NULL && task->awaited->result != NULL;
}

static void
run_woken_tasks(RqboEngine *engine)
{
	dlist_mutable_iter iter;
	int64		now = rqbo_clock_ms();

	dlist_foreach_modify(iter, &engine->running)
	{
		EngineTask *task = dlist_container(EngineTask, link, iter.cur);

		if (is_woken(task, now) && goes_on(task))
			rqbo_task_run(&task->public);
	}
}

static bool
others_may_wait(RqboEngine *engine)
{
	return !engine->is_ending && (engine->source != NULL || has_waiting(engine));
}

/*
 * Its visitor has somebody to see to.
 */
static bool
is_visited(const RqboEngine *engine)
{
	return engine->visitor != NULL && !engine->is_ending && engine->visit_at >= 0;
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
	if (is_visited(engine))
		first = Min(first, Max(engine->visit_at, now));
	dlist_foreach(iter, &engine->running)
	{
		EngineTask *task = dlist_container(EngineTask, link, iter.cur);

		if (!goes_on(task))
			continue;
		if (is_woken(task, now))
			return 0;
		if (task->state == TASK_SLEEPING)
			first = Min(first, task->wake_at);
		else if (task->is_exchange)
			first = Min(first, now + task->give_up_at - engine->turned_ms);
		if (others_may_wait(engine))
			first = Min(first, rqbo_places_next(task));
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
			rqbo_http_give_up(engine->http, task->awaited->transfer);
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

	if (rqbo_die_is_deferred() || ProcDiePending || is_cancelled || engine->cancelled != NULL || !rqbo_wanted())
	{
		finish_exchanges(engine);
		rqbo_die_heed();
		if (is_cancelled)
			QueryCancelPending = InterruptPending = true;
	}
	if (engine->cancelled != NULL)
		ReThrowError(engine->cancelled);
	CHECK_FOR_INTERRUPTS();
	if (!rqbo_wanted())
		rqbo_wanted_raise();
	rqbo_guc_reload_if_asked();
}

/*
 * Everything ends: each task under way learns of it.
 */
static void
abandon_tasks(RqboEngine *engine, ErrorData *reason)
{
	dlist_iter	iter;

	dlist_foreach(iter, &engine->running)
		rqbo_task_fail(&dlist_container(EngineTask, link, iter.cur)->public, reason);
}

static void
run_until_done(RqboEngine *engine)
{
	for (;;)
	{
		handle_interrupts(engine);
		visit(engine);
		begin_tasks(engine);
		if (engine->cancelled != NULL)
			continue;
		if (engine->nrunning == 0 && !has_waiting(engine) && !is_visited(engine))
			break;
		turn(engine);
	}
	if (engine->source_failure != NULL)
		ReThrowError(engine->source_failure);
}

void
rqbo_engine_run(RqboEngine *engine)
{
	rqbo_die_defer();
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
		/* the source may have been cancelled inside a transaction */
		AbortOutOfAnyTransaction();
		MemoryContextSwitchTo(engine->context);
		finish_exchanges(engine);
		rqbo_die_heed();
		abandon_tasks(engine, reason);
		ReThrowError(reason);
	}
	PG_END_TRY();
	rqbo_die_heed();
}
