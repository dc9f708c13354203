/*-------------------------------------------------------------------------
 *
 * base/wanted.h
 *	  Whoever this process works for, and whether he is still there.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_BASE_WANTED_H
#define RQBO_BASE_WANTED_H

#include "lib/ilist.h"

/* One of several whom a process works for, and what is done for it by tasks of net. */
typedef struct RqboClient
{
	bool		(*is_wanted) (struct RqboClient *client);
	bool		is_urgent;		/* one task of its waits for nobody's place */
	int			ntasks;			/* that have not ended */
	int			nrunning;		/* of them, those that have begun */
	dlist_head	waiting;		/* and those that have not; see net/engine.c */
	dlist_node	link;			/* among the clients that have such */
} RqboClient;

/* The one whose task's turn it is; NULL for none in particular. */
extern RqboClient *rqbo_client_present;

/* Says whether the one on whose behalf all this runs still wants it. */
typedef bool (*RqboStillWanted) (void *arg);

/* From now on; until then, what is done is wanted. */
extern void rqbo_wanted_ask(RqboStillWanted still_wanted, void *arg);

extern bool rqbo_wanted(void);

/* As by a cancel: only the one who has gone would have wanted this. */
extern void rqbo_wanted_raise(void);

#endif							/* RQBO_BASE_WANTED_H */
