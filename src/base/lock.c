/*-------------------------------------------------------------------------
 *
 * base/lock.c
 *	  Advisory locks of ours: on a connection, which outlast a transaction, and on a
 *	  model, which end with it.
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

#include "base/lock.h"

#define FIRST_LOCK_CLASS 0x5251 /* "RQ" */

int
rqbo_lock_class(RqboLockKind kind)
{
	return FIRST_LOCK_CLASS + kind;
}

static LOCKTAG
make_tag(RqboLockKind kind, int64 id)
{
	LOCKTAG		tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId,
						 (uint32) ((uint64) id >> 32),
						 (uint32) id,
						 FIRST_LOCK_CLASS + kind);
	return tag;
}

/*
 * Take the lock if it is free.  Never waits: one process serves many
 * companies, and none may hold up the others.  What another task of the same
 * process holds is not free either, though the server would grant it again.
 */
bool
rqbo_lock_try(RqboLockKind kind, int64 id)
{
	LOCKTAG		tag = make_tag(kind, id);

	switch (LockAcquire(&tag, ExclusiveLock, true, true))
	{
		case LOCKACQUIRE_OK:
			return true;
		case LOCKACQUIRE_ALREADY_HELD:
		case LOCKACQUIRE_ALREADY_CLEAR:
			(void) LockRelease(&tag, ExclusiveLock, true);
			return false;
		case LOCKACQUIRE_NOT_AVAIL:
			break;
	}
	return false;
}

void
rqbo_lock_release(RqboLockKind kind, int64 id)
{
	LOCKTAG		tag = make_tag(kind, id);

	(void) LockRelease(&tag, ExclusiveLock, true);
}

/*
 * Take a lock of the present transaction, and wait for it.
 * Whether the transaction, and not one of it that was rolled back, had it.
 */
bool
rqbo_lock_in_transaction(RqboLockKind kind, int64 id, LOCKMODE mode)
{
	LOCKTAG		tag = make_tag(kind, id);

	return LockAcquire(&tag, mode, false, false) == LOCKACQUIRE_ALREADY_HELD;
}
