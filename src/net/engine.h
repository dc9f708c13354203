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

#include "net/task.h"

/* It ends when what it does is wanted no more (base/wanted.h). */
extern RqboEngine *rqbo_engine_create(void);

extern void rqbo_engine_set_source(RqboEngine *engine, RqboSource source, void *arg);

extern void rqbo_engine_set_visitor(RqboEngine *engine, RqboVisitor visitor, void *arg);

/*
 * Whom the tasks are for that are added from now on; NULL for nobody in
 * particular.  When it does not want them any more, they end.
 */
extern void rqbo_engine_set_client(RqboEngine *engine, RqboClient *client);

/* What its source has failed with, so that the engine ends when what is under way has; or NULL. */
extern const ErrorData *rqbo_engine_failure(const RqboEngine *engine);

/* How many tasks it has that have not ended. */
extern int	rqbo_engine_count_tasks(const RqboEngine *engine);

/*
 * on_failure is called with task->failure set, after the abort and outside of
 * a transaction.  It must not send or sleep.
 */
extern RqboTask *rqbo_engine_add(RqboEngine *engine, RqboStep first, RqboStep on_failure);
extern void rqbo_engine_run(RqboEngine *engine);

#endif							/* RQBO_NET_ENGINE_H */
