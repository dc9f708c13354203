/*-------------------------------------------------------------------------
 *
 * worker/shmem.c
 *	  The one shared struct: the databases that are kept up to date.
 *
 * The launcher alone gives slots out and takes them back.  A worker writes
 * into its own slot; anybody may say that something is due.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/condition_variable.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "storage/shmem.h"

#include "base/clock.h"
#include "base/compat.h"
#include "worker/desk.h"
#include "worker/shmem.h"

/* How long a database is left alone after its worker had to go. */
#define VACATE_SECONDS INT64CONST(10)
/* Clocks are set by so much now and then. */
#define CLOCK_SLACK_US USECS_PER_MINUTE
/* How many seconds to wait for a worker that was asked to go. */
#define VACATE_WAITS 40

typedef struct SharedState
{
	LWLock	   *lock;
	PGPROC	   *launcher;		/* in shared memory as well; NULL while there is none */
	ConditionVariable worker_has_gone;
	bool		is_any_restoring;	/* read without the lock at each commit */
	RqboSlot	slots[RQBO_MAX_SLOTS];
} SharedState;

static SharedState *shared = NULL;
static shmem_request_hook_type previous_request_hook = NULL;
static shmem_startup_hook_type previous_startup_hook = NULL;

static void
request(void)
{
	if (previous_request_hook != NULL)
		previous_request_hook();
	RequestAddinShmemSpace(MAXALIGN(sizeof(SharedState)));
	RequestNamedLWLockTranche("reefqbo", 1);
	rqbo_desk_request();
}

static void
startup(void)
{
	bool		found;

	if (previous_startup_hook != NULL)
		previous_startup_hook();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	shared = ShmemInitStruct("reefqbo", sizeof(SharedState), &found);
	if (!found)
	{
		memset(shared, 0, sizeof(SharedState));
		ConditionVariableInit(&shared->worker_has_gone);
		shared->lock = &GetNamedLWLockTranche("reefqbo")->lock;
	}
	rqbo_desk_startup();
	LWLockRelease(AddinShmemInitLock);
}

void
rqbo_shmem_request(void)
{
	previous_request_hook = shmem_request_hook;
	shmem_request_hook = request;
	previous_startup_hook = shmem_startup_hook;
	shmem_startup_hook = startup;
}

bool
rqbo_shmem_is_there(void)
{
	return shared != NULL;
}

void
rqbo_shmem_lock(LWLockMode mode)
{
	(void) LWLockAcquire(shared->lock, mode);
}

void
rqbo_shmem_unlock(void)
{
	LWLockRelease(shared->lock);
}

RqboSlot *
rqbo_shmem_slot(int index)
{
	return &shared->slots[index];
}

static bool
is_of(const RqboSlot *slot, const char *database)
{
	return slot->database[0] != '\0' && strcmp(slot->database, database) == 0;
}

RqboSlot *
rqbo_shmem_find(const char *database, int number)
{
	for (int i = 0; i < RQBO_MAX_SLOTS; i++)
		if (is_of(&shared->slots[i], database) && shared->slots[i].number == number)
			return &shared->slots[i];
	return NULL;
}

int
rqbo_shmem_count_workers(const RqboSlot *slot, int *rank)
{
	int			count = 0;

	*rank = 0;
	rqbo_shmem_lock(LW_SHARED);
	for (int i = 0; i < RQBO_MAX_SLOTS; i++)
	{
		const RqboSlot *other = &shared->slots[i];

		if (!is_of(other, slot->database) || other->worker_pid == 0)
			continue;
		count++;
		*rank += other->number < slot->number;
	}
	rqbo_shmem_unlock();
	return count;
}

bool
rqbo_shmem_serves(const char *database)
{
	bool		serves;

	if (shared == NULL)
		return false;
	rqbo_shmem_lock(LW_SHARED);
	serves = rqbo_shmem_find(database, 0) != NULL;
	rqbo_shmem_unlock();
	return serves;
}

/*
 * One that is being started has left its problems behind.
 */
bool
rqbo_shmem_works(const char *database, bool *is_there)
{
	const RqboSlot *slot;
	bool		works;

	*is_there = false;
	if (shared == NULL)
		return false;
	rqbo_shmem_lock(LW_SHARED);
	slot = rqbo_shmem_find(database, 0);
	works = slot != NULL && !rqbo_shmem_is_closed(slot, rqbo_now()) &&
		(slot->worker_pid != 0 || (slot->failures <= 1 && slot->problem.what[0] == '\0'));
	if (works)
		*is_there = slot->worker_pid != 0;
	rqbo_shmem_unlock();
	return works;
}

/* ---- the launcher's latch ---- */

static void
forget_launcher(int code pg_attribute_unused(), Datum arg pg_attribute_unused())
{
	/* an ERROR of the launcher's ends it, whatever it holds */
	LWLockReleaseAll();
	rqbo_shmem_lock(LW_EXCLUSIVE);
	if (shared->launcher == MyProc)
		shared->launcher = NULL;
	rqbo_shmem_unlock();
}

void
rqbo_shmem_become_launcher(void)
{
	before_shmem_exit(forget_launcher, (Datum) 0);
	rqbo_shmem_lock(LW_EXCLUSIVE);
	shared->launcher = MyProc;
	rqbo_shmem_unlock();
}

int
rqbo_shmem_launcher_pid(void)
{
	int			pid;

	rqbo_shmem_lock(LW_SHARED);
	pid = shared->launcher != NULL ? shared->launcher->pid : 0;
	rqbo_shmem_unlock();
	return pid;
}

void
rqbo_shmem_set_launcher_latch(void)
{
	rqbo_shmem_lock(LW_SHARED);
	if (shared->launcher != NULL)
		SetLatch(&shared->launcher->procLatch);
	rqbo_shmem_unlock();
}

/*
 * A worker that waits for the network looks again at what is due.
 */
static void
wake_worker(const RqboSlot *slot)
{
	PGPROC	   *worker = slot->worker_pid != 0 ? BackendPidGetProc(slot->worker_pid) : NULL;

	if (worker != NULL)
		SetLatch(&worker->procLatch);
}

static void
wake_launcher(void)
{
	if (shared->launcher != NULL)
		SetLatch(&shared->launcher->procLatch);
}

void
rqbo_shmem_wake(const char *database)
{
	if (shared == NULL)
		return;
	rqbo_shmem_lock(LW_EXCLUSIVE);
	for (int i = 0; i < RQBO_MAX_SLOTS; i++)
	{
		RqboSlot   *slot = &shared->slots[i];

		if (!is_of(slot, database))
			continue;
		slot->wakes++;
		if (slot->number == 0)
			slot->due_at = slot->not_before = rqbo_now();
		wake_worker(slot);
		wake_launcher();
	}
	rqbo_shmem_unlock();
}

void
rqbo_shmem_call_helpers(const char *database)
{
	rqbo_shmem_lock(LW_EXCLUSIVE);
	for (int i = 0; i < RQBO_MAX_SLOTS; i++)
	{
		RqboSlot   *slot = &shared->slots[i];

		if (!is_of(slot, database) || slot->number == 0 || slot->worker_pid != 0 || slot->due_at != DT_NOEND)
			continue;
		slot->due_at = rqbo_now();
		wake_launcher();
	}
	rqbo_shmem_unlock();
}

void
rqbo_shmem_note_restore(RqboSlot *slot, Oid database, bool is_under_way)
{
	rqbo_shmem_lock(LW_EXCLUSIVE);
	slot->restoring = is_under_way ? database : InvalidOid;
	shared->is_any_restoring = false;
	for (int i = 0; i < RQBO_MAX_DATABASES; i++)
		shared->is_any_restoring |= OidIsValid(shared->slots[i].restoring);
	rqbo_shmem_unlock();
}

/*
 * Whoever fills the tables says nothing at the end.  To look is work, so it is
 * done after a pause, however much is committed.
 */
void
rqbo_shmem_look_at_restore(Oid database)
{
	if (shared == NULL || !shared->is_any_restoring)
		return;
	rqbo_shmem_lock(LW_EXCLUSIVE);
	for (int i = 0; i < RQBO_MAX_DATABASES; i++)
	{
		RqboSlot   *slot = &shared->slots[i];
		TimestampTz at = Max(rqbo_now(), slot->ended_at + RQBO_FIRST_BACKOFF_MS * 1000);

		if (slot->restoring != database)
			continue;
		slot->wakes++;
		slot->not_before = Min(slot->not_before, at);
		if (shared->launcher != NULL)
			SetLatch(&shared->launcher->procLatch);
	}
	rqbo_shmem_unlock();
}

/*
 * A moment that is further ahead than anybody puts one.
 */
static bool
is_out_of_reach(TimestampTz moment, TimestampTz now, int64 longest_us)
{
	return moment > now + longest_us + CLOCK_SLACK_US;
}

bool
rqbo_shmem_is_closed(const RqboSlot *slot, TimestampTz now)
{
	return slot->closed_until > now && !is_out_of_reach(slot->closed_until, now, VACATE_SECONDS * USECS_PER_SEC);
}

TimestampTz
rqbo_shmem_start_of(const RqboSlot *slot, TimestampTz now)
{
	TimestampTz at = is_out_of_reach(Max(slot->began_at, slot->ended_at), now, 0) ? DT_NOBEGIN : slot->due_at;

	if (!is_out_of_reach(slot->not_before, now, RQBO_LONGEST_BACKOFF_MS * 1000))
		at = Max(at, slot->not_before);
	if (rqbo_shmem_is_closed(slot, now))
		at = Max(at, slot->closed_until);
	return at;
}

/* ---- vacating a database ---- */

/*
 * Ask the workers to go, and keep the launcher from starting others at once.
 * False if there is none.
 */
static bool
ask_to_go(const char *database)
{
	bool		are_there = false;

	rqbo_shmem_lock(LW_EXCLUSIVE);
	for (int i = 0; i < RQBO_MAX_SLOTS; i++)
	{
		RqboSlot   *slot = &shared->slots[i];

		if (!is_of(slot, database))
			continue;
		slot->closed_until = rqbo_now() + VACATE_SECONDS * USECS_PER_SEC;
		if (slot->worker_pid == 0)
			continue;
		are_there = true;
		if (!slot->was_asked_to_go)
			(void) kill(slot->worker_pid, SIGTERM);
		slot->was_asked_to_go = true;
	}
	rqbo_shmem_unlock();
	return are_there;
}

/*
 * A worker goes within a second, whatever the network does, unless it waits for
 * tokens: those it waits for until their request's time-out.  If it is there
 * still, the command that needs the database finds it there, and says so.
 */
void
rqbo_shmem_vacate(const char *database)
{
	if (shared == NULL)
		return;
	ConditionVariablePrepareToSleep(&shared->worker_has_gone);
	for (int i = 0; i < VACATE_WAITS && ask_to_go(database); i++)
		(void) ConditionVariableTimedSleep(&shared->worker_has_gone, 1000, PG_WAIT_EXTENSION);
	ConditionVariableCancelSleep();
}

void
rqbo_shmem_worker_has_gone(void)
{
	ConditionVariableBroadcast(&shared->worker_has_gone);
}
