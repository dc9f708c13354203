/*-------------------------------------------------------------------------
 *
 * base/lock.h
 *	  Advisory locks of ours: on a connection, which outlast a transaction, and on a
 *	  model, which end with it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_BASE_LOCK_H
#define RQBO_BASE_LOCK_H

#include "storage/lockdefs.h"

typedef enum RqboLockKind
{
	RQBO_LOCK_GRANT,			/* who refreshes or replaces its tokens */
	RQBO_LOCK_IMPORT,			/* who imports into it */
	RQBO_LOCK_REALM,			/* who asks for a company's figures: its budget is one */
	RQBO_LOCK_WORKER,			/* who works on the schedule of a database */
	RQBO_LOCK_MODEL,			/* who changes what a model's statements are made of, and who closes a month */
	RQBO_LOCK_PLACE = 16		/* and the one after it: a request to a realm (qbo/places.c) */
} RqboLockKind;

/* pg_locks.objsubid of such a lock. */
extern int	rqbo_lock_class(RqboLockKind kind);

/*
 * By branch, since a connection that is being made has no id yet; a realm by
 * its digest, the worker by 0.
 */
extern bool rqbo_lock_try(RqboLockKind kind, int64 id);
extern void rqbo_lock_release(RqboLockKind kind, int64 id);
extern bool rqbo_lock_in_transaction(RqboLockKind kind, int64 id, LOCKMODE mode);

#endif							/* RQBO_BASE_LOCK_H */
