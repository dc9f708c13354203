/*-------------------------------------------------------------------------
 *
 * worker/shmem.h
 *	  The one shared struct: the databases that are kept up to date.
 *
 * Plain data without a pointer into any process.  It is there only if the
 * library was preloaded; without it every function here does nothing.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_WORKER_SHMEM_H
#define RQBO_WORKER_SHMEM_H

#include "datatype/timestamp.h"
#include "storage/lwlock.h"

#include "base/guc.h"

#define RQBO_MAX_PROBLEM 400

/* One for each database, and some for their further workers. */
#define RQBO_MAX_HELPERS 64
#define RQBO_MAX_SLOTS (RQBO_MAX_DATABASES + RQBO_MAX_HELPERS)

/* A worker that fails is started again after so long, and twice as long each time, up to the longest. */
#define RQBO_FIRST_BACKOFF_MS INT64CONST(5000)
#define RQBO_LONGEST_BACKOFF_MS INT64CONST(300000)

/* Why a database cannot be served; empty texts if it can. */
typedef struct RqboProblem
{
	char		what[RQBO_MAX_PROBLEM];
	char		hint[RQBO_MAX_PROBLEM];
	char		for_log[RQBO_MAX_PROBLEM];	/* what only the server's log is told; may be empty */
} RqboProblem;

/*
 * One database of reefqbo.databases, or a further worker of one.  Times are on
 * rqbo_now.
 */
typedef struct RqboSlot
{
	char		database[NAMEDATALEN];	/* empty: the slot is free */
	int			number;			/* 0: the database's own; others help it when they are called */
	pid_t		worker_pid;		/* 0 while none is at work */
	bool		ended_well;		/* the last worker came to its end */
	bool		found_nothing;	/* and there was nothing that it could do, though something is due */
	bool		was_asked_to_go;		/* it was ended for a DROP DATABASE or the like */
	TimestampTz due_at;			/* when there is work again, as the last worker left it */
	TimestampTz not_before;		/* back-off after a failure */
	TimestampTz closed_until;	/* somebody needs the database empty of sessions */
	uint32		wakes;			/* how often somebody has said that something may be due */
	int			failures;		/* of workers, in a row */
	Oid			restoring;		/* the database, if the last worker has found it being restored */
	RqboProblem problem;
	TimestampTz began_at;		/* the last worker; 0 if there was none yet */
	TimestampTz ended_at;
} RqboSlot;

/* From _PG_init of a preloaded library. */
extern void rqbo_shmem_request(void);
extern bool rqbo_shmem_is_there(void);

/* All below take the lock themselves, unless they say otherwise. */
extern void rqbo_shmem_lock(LWLockMode mode);
extern void rqbo_shmem_unlock(void);

/* The lock is held.  NULL for a database that is not listed, or a helper that it has not. */
extern RqboSlot *rqbo_shmem_slot(int index);
extern RqboSlot *rqbo_shmem_find(const char *database, int number);

/* Is a database listed, so that a worker looks after it? */
extern bool rqbo_shmem_serves(const char *database);

/* The same, and one that works or can be started now: it has not failed, and nobody needs the database empty. */
extern bool rqbo_shmem_works(const char *database, bool *is_there);

/* There is more to do in a database than one worker has in hand. */
extern void rqbo_shmem_call_helpers(const char *database);

/* How many workers are at work in the database of a slot, and which of them its own is, from 0. */
extern int	rqbo_shmem_count_workers(const RqboSlot *slot, int *rank);

/* The present process is the launcher from now on, until it ends. */
extern void rqbo_shmem_become_launcher(void);
extern void rqbo_shmem_set_launcher_latch(void);
extern int	rqbo_shmem_launcher_pid(void);

/*
 * When the worker of a slot is to be started.  What was noted by a clock that
 * has been set back since does not count.
 */
extern TimestampTz rqbo_shmem_start_of(const RqboSlot *slot, TimestampTz now);

/* Does somebody need the database empty of sessions? */
extern bool rqbo_shmem_is_closed(const RqboSlot *slot, TimestampTz now);

/* Something may be due in a database: the launcher looks, or a worker that is there looks again. */
extern void rqbo_shmem_wake(const char *database);

/* Whether a restore is under way in the database of a slot, as its worker has found. */
extern void rqbo_shmem_note_restore(RqboSlot *slot, Oid database, bool is_under_way);

/* Something was committed in a database: if it is being restored, all may have come. */
extern void rqbo_shmem_look_at_restore(Oid database);

/* End the workers of a database, which somebody is about to drop, copy, rename or move; waits until it has gone. */
extern void rqbo_shmem_vacate(const char *database);
extern void rqbo_shmem_worker_has_gone(void);

#endif							/* RQBO_WORKER_SHMEM_H */
