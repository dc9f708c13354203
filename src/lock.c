/*-------------------------------------------------------------------------
 *
 * lock.c
 *	  Locks on a connection that outlast a transaction.
 *
 * Session-level advisory locks, since they are held while a request is on its
 * way, with no transaction open, and the server drops them with the process
 * that holds them, however it dies.  Their fourth field is ours alone: the
 * advisory lock functions of SQL use 1 and 2 there.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/lock.h"

#include "lock.h"

#define FIRST_LOCK_CLASS 0x5251 /* "RQ" */

static LOCKTAG
make_tag(RqboLockKind kind, int64 branch_id)
{
	LOCKTAG		tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId,
						 (uint32) ((uint64) branch_id >> 32),
						 (uint32) branch_id,
						 FIRST_LOCK_CLASS + kind);
	return tag;
}

/*
 * Take the lock if it is free.  Never waits: one process serves many
 * companies, and none may hold up the others.
 */
bool
rqbo_lock_try(RqboLockKind kind, int64 branch_id)
{
	LOCKTAG		tag = make_tag(kind, branch_id);

	return LockAcquire(&tag, ExclusiveLock, true, true) != LOCKACQUIRE_NOT_AVAIL;
}

void
rqbo_lock_release(RqboLockKind kind, int64 branch_id)
{
	LOCKTAG		tag = make_tag(kind, branch_id);

	(void) LockRelease(&tag, ExclusiveLock, true);
}
