/*-------------------------------------------------------------------------
 *
 * lock.h
 *	  Locks on a connection that outlast a transaction.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_LOCK_H
#define RQBO_LOCK_H

typedef enum RqboLockKind
{
	RQBO_LOCK_GRANT,			/* who refreshes or replaces its tokens */
	RQBO_LOCK_IMPORT			/* who imports into it */
} RqboLockKind;

/* By branch, since a connection that is being made has no id yet. */
extern bool rqbo_lock_try(RqboLockKind kind, int64 branch_id);
extern void rqbo_lock_release(RqboLockKind kind, int64 branch_id);

#endif							/* RQBO_LOCK_H */
