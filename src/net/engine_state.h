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
	ErrorData  *source_failure;	/* the source has failed, and is not asked again */
};

#endif							/* RQBO_NET_ENGINE_STATE_H */
