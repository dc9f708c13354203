/*-------------------------------------------------------------------------
 *
 * net/step.h
 *	  A task as its owner sees it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_NET_STEP_H
#define RQBO_NET_STEP_H

#include "base/wanted.h"
#include "net/http.h"

typedef struct RqboEngine RqboEngine;
typedef struct RqboTask RqboTask;
typedef struct RqboSent RqboSent;	/* a request of its, under way or answered */
typedef void (*RqboStep) (RqboTask *task);

struct RqboTask
{
	RqboEngine *engine;
	MemoryContext context;		/* lives as long as the task */
	void	   *data;			/* the task's owner's own */
	RqboHttpResult *result;		/* of the last request, until the step after it ends */
	ErrorData  *failure;		/* why it failed, in the engine's memory */
	RqboClient *client;			/* whom it is for, if the engine works for several */
	bool		ends_alone;		/* a cancel that it ends with is meant for no other task */
};

/*
 * Where further tasks come from as there is capacity for them: adds at most so
 * many with rqbo_engine_add, and returns how many milliseconds from now it is
 * worth asking again, -1 for not at all.  The engine ends when no task is left
 * and the source has none now.
 */
typedef long (*RqboSource) (RqboEngine *engine, int capacity, void *arg);

/*
 * Called in each turn, whatever there is to do: may add tasks too.  Returns in
 * how many milliseconds it wants to be called again at the latest, and until
 * then the engine does not end; -1 if it has nobody to see to.
 */
typedef long (*RqboVisitor) (RqboEngine *engine, void *arg);

#endif							/* RQBO_NET_STEP_H */
