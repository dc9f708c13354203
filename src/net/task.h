/*-------------------------------------------------------------------------
 *
 * net/task.h
 *	  What a step says comes next, and the running of a step.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_NET_TASK_H
#define RQBO_NET_TASK_H

#include "net/step.h"

/*
 * What comes next.  An exchange is a request whose answer must not be lost (it
 * carries tokens): whatever ends the engine, it is waited for, and the step that
 * follows it is done with interrupts held off.
 */
extern void rqbo_task_send(RqboTask *task, const RqboHttpRequest *request, RqboStep next);
extern void rqbo_task_exchange(RqboTask *task, const RqboHttpRequest *request, RqboStep next);
extern void rqbo_task_sleep(RqboTask *task, int ms, RqboStep next);

/* The same, for what somebody else holds: however many wait for it, they take no place from others. */
extern void rqbo_task_stand_by(RqboTask *task, int ms, RqboStep next);

/*
 * A request beside the one that is waited for: its answer waits until the task
 * asks for it by rqbo_task_await, or drops it.  NULL if as many are under way
 * as may be.
 */
extern RqboSent *rqbo_task_send_ahead(RqboTask *task, const RqboHttpRequest *request);
extern void rqbo_task_await(RqboTask *task, RqboSent *sent, RqboStep next);
extern void rqbo_task_drop(RqboSent *sent);

/* Its answer; NULL while there is none. */
extern const RqboHttpResult *rqbo_sent_result(const RqboSent *sent);

/* In the step after an exchange: its answer carries nothing that could be lost, so that interrupts are handled again. */
extern void rqbo_task_release(RqboTask *task);

/* Sleep with such an answer in hand, not yet stored: the same holds for the pause. */
extern void rqbo_task_sleep_with_answer(RqboTask *task, int ms, RqboStep next);
extern void rqbo_task_end(RqboTask *task);

/* For the engine. */
extern RqboTask *rqbo_task_create(RqboEngine *engine, RqboStep first, RqboStep on_failure);

/* Run the step that is next; a task that has ended, or failed, is gone after it. */
extern void rqbo_task_run(RqboTask *task);

/* Its client wants it no more: it ends now, unless an answer is awaited that must not be lost. */
extern void rqbo_task_refuse(RqboTask *task);

/* Tell a task why it cannot go on. */
extern void rqbo_task_fail(RqboTask *task, ErrorData *reason);

#endif							/* RQBO_NET_TASK_H */
