/*-------------------------------------------------------------------------
 *
 * net/engine_state.h
 *	  What an engine and its tasks know of each other.  For them alone.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_NET_ENGINE_STATE_H
#define RQBO_NET_ENGINE_STATE_H

#include "lib/ilist.h"

#include "net/step.h"

typedef enum TaskState
{
	TASK_READY,
	TASK_SENDING,
	TASK_SLEEPING,
	TASK_ENDED
} TaskState;

/* A request of a task's, under way or answered. */
struct RqboSent
{
	struct EngineTask *task;
	MemoryContext page;			/* holds all of it, and its answer */
	RqboTransfer *transfer;
	RqboHttpResult *result;		/* NULL while it is under way */
	int64		sent_at;		/* on rqbo_clock_ms */
	dlist_node	link;
};

/* What the engine knows of a task besides what the task's owner sees. */
typedef struct EngineTask
{
	RqboTask	public;			/* must be first */
	TaskState	state;
	bool		is_exchange;
	bool		stands_by;		/* sleeps until somebody gives back what it needs */
	RqboSent   *awaited;		/* of one that sends; its page is the task's */
	dlist_head	ahead;			/* what it has sent besides */
	int64		give_up_at;		/* an exchange under way, on the engine's turned_ms */
	RqboStep	step;
	RqboStep	on_failure;
	int64		wake_at;		/* of a sleeper, on rqbo_clock_ms */
	MemoryContext page;			/* where the current step runs; holds its answer */
	dlist_node	link;
} EngineTask;

struct RqboEngine
{
	MemoryContext context;
	RqboHttp   *http;
	RqboSource	source;			/* or NULL */
	void	   *source_arg;
	int64		ask_source_at;	/* on rqbo_clock_ms; -1 for never */
	RqboVisitor visitor;		/* or NULL */
	void	   *visitor_arg;
	int64		visit_at;		/* the same */
	RqboClient *client;			/* of the tasks that are added now; or NULL */
	dlist_head	waiting;		/* tasks that have not begun, but for those of clients */
	dlist_head	clients;		/* RqboClients that have such */
	dlist_head	urgent_clients;
	bool		is_clients_turn;
	bool		is_asking;		/* its source, which adds tasks */
	dlist_head	running;
	int			nrunning;
	int			ntasks;			/* that have not ended */
	int			nexchanges;
	int64		turned_ms;		/* spent waiting for the network so far */
	bool		is_ending;		/* nothing is begun any more */
	uint32		held;			/* InterruptHoldoffCount outside of the step of an exchange */
	ErrorData  *cancelled;		/* a step was cancelled: all of the work is */
	ErrorData  *source_failure;	/* the source has failed, and is not asked again */
};

static inline bool
rqbo_task_is_urgent(const EngineTask *task)
{
	return task->public.client != NULL && task->public.client->is_urgent;
}

#endif							/* RQBO_NET_ENGINE_STATE_H */
