/*-------------------------------------------------------------------------
 *
 * net/engine_places.c
 *	  How many requests an engine may have under way: who takes a place, and how
 *	  long.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/clock.h"
#include "base/guc.h"
#include "net/engine_places.h"

/*
 * A task that has waited so long for one answer, or that sleeps longer, takes
 * nobody's place: slow, dead and throttled companies delay no others.  Of those
 * there are at most so many times as many as of the others.
 */
#define STALLED_MS 3000
#define MAX_STALLED 3

/*
 * When a task stops to take a place; a long sleeper has stopped at once.
 */
static int64
stalls_at(const EngineTask *task, int64 now)
{
	if (task->state == TASK_SENDING)
		return task->awaited->sent_at + STALLED_MS;
	if (task->state != TASK_SLEEPING)
		return PG_INT64_MAX;
	return task->wake_at > now + STALLED_MS ? now : task->wake_at;
}

/*
 * The same of what it has sent besides.
 */
static int64
ahead_stalls_at(const RqboSent *sent)
{
	return sent->result == NULL ? sent->sent_at + STALLED_MS : 0;
}

/*
 * What a task takes: of the places that are taken, and of those that would be if
 * nobody stalled.
 */
static void
count_task(EngineTask *task, int64 now, int *places, int *all)
{
	dlist_iter	iter;

	*all += !task->stands_by;
	*places += !task->stands_by && stalls_at(task, now) > now;
	dlist_foreach(iter, &task->ahead)
	{
		const RqboSent *sent = dlist_container(RqboSent, link, iter.cur);

		*all += sent->result == NULL;
		*places += ahead_stalls_at(sent) > now;
	}
}

int
rqbo_places_free(RqboEngine *engine, bool is_urgent)
{
	int64		now = rqbo_clock_ms();
	int			places = 0;
	int			all = 0;
	dlist_iter	iter;

	dlist_foreach(iter, &engine->running)
	{
		EngineTask *task = dlist_container(EngineTask, link, iter.cur);

		if (rqbo_task_is_urgent(task) == is_urgent)
			count_task(task, now, &places, &all);
	}

	if (all >= rqbo_max_concurrent_requests * (1 + MAX_STALLED))
		return 0;
	return Max(0, rqbo_max_concurrent_requests - places);
}

int64
rqbo_places_next(EngineTask *task)
{
	int64		now = rqbo_clock_ms();
	int64		first = PG_INT64_MAX;
	dlist_iter	iter;

	if (task->state == TASK_SENDING && stalls_at(task, now) > now)
		first = stalls_at(task, now);
	dlist_foreach(iter, &task->ahead)
	{
		int64		at = ahead_stalls_at(dlist_container(RqboSent, link, iter.cur));

		if (at > now)
			first = Min(first, at);
	}
	return first;
}
