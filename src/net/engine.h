/*-------------------------------------------------------------------------
 *
 * net/engine.h
 *	  Many companies in flight in one process.
 *
 * A task is one company's work as a chain of steps.  A step does a little,
 * never waits, and ends by saying what comes next: a request, a pause, or the
 * end.  A step that raises an ERROR ends its own task and no other.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_NET_ENGINE_H
#define RQBO_NET_ENGINE_H

#include "net/http.h"

typedef struct RqboEngine RqboEngine;
typedef struct RqboTask RqboTask;
typedef void (*RqboStep) (RqboTask *task);

struct RqboTask
{
	RqboEngine *engine;
	MemoryContext context;		/* lives as long as the task */
	void	   *data;			/* the task's owner's own */
	RqboHttpResult *result;		/* of the last request, until the step after it ends */
	ErrorData  *failure;		/* why it failed, in the engine's memory */
};

/* Does the one on whose behalf all this runs still want it? */
typedef bool (*RqboStillWanted) (void *arg);

extern RqboEngine *rqbo_engine_create(RqboStillWanted still_wanted, void *arg);

/*
 * Where further tasks come from as there is capacity for them: adds at most so
 * many with rqbo_engine_add, and returns how many milliseconds from now it is
 * worth asking again, -1 for not at all.  The engine ends when no task is left
 * and the source has none now.
 */
typedef long (*RqboSource) (RqboEngine *engine, int capacity, void *arg);
extern void rqbo_engine_set_source(RqboEngine *engine, RqboSource source, void *arg);

/*
 * on_failure is called with task->failure set, after the abort and outside of
 * a transaction.  It must not send or sleep.
 */
extern RqboTask *rqbo_engine_add(RqboEngine *engine, RqboStep first, RqboStep on_failure);
extern void rqbo_engine_run(RqboEngine *engine);

/* The handler of SIGTERM, in the place of die(), in processes that run engines. */
extern void rqbo_engine_die(SIGNAL_ARGS);

/*
 * What comes next.  An exchange is a request whose answer must not be lost (it
 * carries tokens): whatever ends the engine, it is waited for, and the step that
 * follows it is done with interrupts held off.
 */
extern void rqbo_task_send(RqboTask *task, const RqboHttpRequest *request, RqboStep next);
extern void rqbo_task_exchange(RqboTask *task, const RqboHttpRequest *request, RqboStep next);
extern void rqbo_task_sleep(RqboTask *task, int ms, RqboStep next);

/* In the step after an exchange: its answer carries nothing that could be lost, so that interrupts are handled again. */
extern void rqbo_task_release(RqboTask *task);

/* Sleep with such an answer in hand, not yet stored: the same holds for the pause. */
extern void rqbo_task_sleep_with_answer(RqboTask *task, int ms, RqboStep next);
extern void rqbo_task_end(RqboTask *task);

#endif							/* RQBO_NET_ENGINE_H */
