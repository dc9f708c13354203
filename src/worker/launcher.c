/*-------------------------------------------------------------------------
 *
 * worker/launcher.c
 *	  The process that starts a worker for each database that has work.
 *
 * It is connected to no database, reads no table, and knows of nothing but
 * the slots in shared memory; so nothing that is wrong with one database can
 * stop it.  Each turn of its loop looks at all slots anew and decides who
 * should be at work: events only shorten its sleep.  With nothing due it
 * sleeps without a time-out.
 *
 *	 idle --due--> starting --worker there--> at work --end--> idle
 *					  |							 |
 *					  +------- failure ----------+--> idle, not before a back-off
 *
 * What is wrong with a database is logged once, and so is that it is right
 * again.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "libpq/pqsignal.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/procsignal.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/clock.h"
#include "base/compat.h"
#include "base/guc.h"
#include "worker/launcher.h"
#include "worker/shmem.h"

#define RESTART_SECONDS 10

/* What the launcher alone knows of a slot. */
typedef struct Charge
{
	BackgroundWorkerHandle *handle; /* of the worker it started; NULL for none */
	uint32		wakes;			/* of the slot, when it was started */
	bool		is_logged;		/* a problem stands in the log */
	bool		is_news;		/* is_logged has changed, and the log does not know yet */
	char		database[NAMEDATALEN];
	RqboProblem logged;
} Charge;

static Charge charges[RQBO_MAX_SLOTS];
static uint32 wait_event;

pg_noreturn PGDLLEXPORT void rqbo_launcher_main(Datum main_arg);

void
rqbo_launcher_register(void)
{
	BackgroundWorker worker = {0};

	worker.bgw_flags = BGWORKER_SHMEM_ACCESS;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = RESTART_SECONDS;
	strlcpy(worker.bgw_library_name, "reefqbo", sizeof(worker.bgw_library_name));
	strlcpy(worker.bgw_function_name, "rqbo_launcher_main", sizeof(worker.bgw_function_name));
	strlcpy(worker.bgw_name, "reefqbo launcher", BGW_MAXLEN);
	strlcpy(worker.bgw_type, "reefqbo launcher", BGW_MAXLEN);
	RegisterBackgroundWorker(&worker);
}

/* ---- telling what is wrong, once ---- */

/*
 * The lock is held: what there is to tell is only noted.
 */
static void
note_problem(Charge *charge, const RqboSlot *slot)
{
	if (charge->is_logged && strcmp(charge->logged.what, slot->problem.what) == 0)
		return;
	charge->is_logged = charge->is_news = true;
	charge->logged = slot->problem;
	strlcpy(charge->database, slot->database, NAMEDATALEN);
}

static void
note_recovery(Charge *charge, const RqboSlot *slot)
{
	charge->is_news = charge->is_logged;
	charge->is_logged = false;
	strlcpy(charge->database, slot->database, NAMEDATALEN);
}

static void
log_problem(const Charge *charge)
{
	if (charge->is_logged)
		ereport(WARNING,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("reefqbo cannot work in database \"%s\": %s", charge->database, charge->logged.what),
				 charge->logged.for_log[0] != '\0' ? errdetail("%s", charge->logged.for_log) : 0,
				 errhint("%s", charge->logged.hint)));
	else
		ereport(LOG,
				(errmsg("reefqbo works in database \"%s\" again", charge->database)));
}

static void
log_news(void)
{
	for (int i = 0; i < RQBO_MAX_SLOTS; i++)
	{
		if (charges[i].is_news)
			log_problem(&charges[i]);
		charges[i].is_news = false;
	}
}

/* ---- the slots ---- */

/*
 * Put off the next start: 5 seconds after the first failure, then twice as
 * long each time, up to 5 minutes.
 */
static void
back_off(RqboSlot *slot)
{
	int64		ms = Min(RQBO_FIRST_BACKOFF_MS << Min(slot->failures, 10), RQBO_LONGEST_BACKOFF_MS);

	slot->failures++;
	slot->due_at = DT_NOBEGIN;
	slot->not_before = rqbo_now() + ms * 1000;
}

/*
 * The worker of a slot has ended: well, with a problem, or nobody knows why.
 * That last is told only if it happens again.  One that has found nothing,
 * though there is something due, would find nothing again at once, and again.
 */
static void
take_end(RqboSlot *slot, Charge *charge)
{
	pfree(charge->handle);
	charge->handle = NULL;
	if (slot->ended_well && !slot->found_nothing)
	{
		slot->failures = 0;
		note_recovery(charge, slot);
		return;
	}
	if (slot->was_asked_to_go)
		return;
	back_off(slot);
	/* what it failed at may have been put right since it looked */
	if (slot->wakes != charge->wakes)
		slot->not_before = Min(slot->not_before, rqbo_now() + RQBO_FIRST_BACKOFF_MS * 1000);
	if (slot->found_nothing && slot->failures > 1)
	{
		strlcpy(slot->problem.what, "something is due there that its worker does not find", RQBO_MAX_PROBLEM);
		strlcpy(slot->problem.hint, "Look at the system's clock, and at reefqbo.upkeep_status. It is tried again after a while.",
				RQBO_MAX_PROBLEM);
	}
	else if (slot->problem.what[0] == '\0' && slot->failures > 1)
	{
		strlcpy(slot->problem.what, "its worker has ended before its time", RQBO_MAX_PROBLEM);
		strlcpy(slot->problem.hint, "The lines above tell why. It is started again after a while.", RQBO_MAX_PROBLEM);
	}
	if (slot->problem.what[0] != '\0')
		note_problem(charge, slot);
}

static bool
has_ended(const Charge *charge)
{
	pid_t		pid;

	return charge->handle != NULL && GetBackgroundWorkerPid(charge->handle, &pid) == BGWH_STOPPED;
}

static void
take_ends(void)
{
	rqbo_shmem_lock(LW_EXCLUSIVE);
	for (int i = 0; i < RQBO_MAX_SLOTS; i++)
		if (has_ended(&charges[i]))
			take_end(rqbo_shmem_slot(i), &charges[i]);
	rqbo_shmem_unlock();
}

static bool
is_listed(List *databases, const char *database)
{
	ListCell   *cell;

	foreach(cell, databases)
		if (strncmp(lfirst(cell), database, NAMEDATALEN - 1) == 0)
			return true;
	return false;
}

static RqboSlot *
free_slot(void)
{
	for (int i = 0; i < RQBO_MAX_SLOTS; i++)
	{
		RqboSlot   *slot = rqbo_shmem_slot(i);

		if (slot->database[0] == '\0' && slot->worker_pid == 0 && charges[i].handle == NULL)
			return slot;
	}
	return NULL;
}

/*
 * If all slots are taken, some are of databases that are not listed any more:
 * there is room when their workers have gone, which wakes us.
 */
static void
add_slot(const char *database, int number)
{
	RqboSlot   *slot = free_slot();

	if (slot == NULL)
		return;
	memset(slot, 0, sizeof(*slot));
	strlcpy(slot->database, database, NAMEDATALEN);
	slot->number = number;
	slot->not_before = slot->closed_until = DT_NOBEGIN;
	slot->due_at = number == 0 ? DT_NOBEGIN : DT_NOEND;
	memset(&charges[slot - rqbo_shmem_slot(0)], 0, sizeof(Charge));
}

static int
count_helpers(void)
{
	int			count = 0;

	for (int i = 0; i < RQBO_MAX_SLOTS; i++)
		count += rqbo_shmem_slot(i)->database[0] != '\0' && rqbo_shmem_slot(i)->number > 0;
	return count;
}

static void
follow_database(const char *database, int number)
{
	char		name[NAMEDATALEN];

	strlcpy(name, database, NAMEDATALEN);
	if (rqbo_shmem_find(name, number) == NULL && (number == 0 || count_helpers() < RQBO_MAX_HELPERS))
		add_slot(name, number);
}

/*
 * Slots follow reefqbo.databases.  The worker of a database that is not
 * listed any more is ended; its slot is free when it has gone.
 */
static void
follow_setting(List *databases)
{
	ListCell   *cell;

	rqbo_shmem_lock(LW_EXCLUSIVE);
	for (int i = 0; i < RQBO_MAX_SLOTS; i++)
	{
		RqboSlot   *slot = rqbo_shmem_slot(i);

		if (slot->database[0] == '\0' || (is_listed(databases, slot->database) && slot->number < rqbo_workers_per_database))
			continue;
		if (charges[i].handle != NULL)
			TerminateBackgroundWorker(charges[i].handle);
		else if (slot->worker_pid != 0)
			(void) kill(slot->worker_pid, SIGTERM);
		else
			memset(slot, 0, sizeof(*slot));
	}
	for (int number = 0; number < rqbo_workers_per_database; number++)
		foreach(cell, databases)
			follow_database(lfirst(cell), number);
	rqbo_shmem_unlock();
}

/* ---- starting workers ---- */

static bool
start_worker(int index)
{
	BackgroundWorker worker = {0};

	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION | RQBO_BGWORKER_INTERRUPTIBLE;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	worker.bgw_main_arg = Int32GetDatum(index);
	worker.bgw_notify_pid = MyProcPid;
	strlcpy(worker.bgw_library_name, "reefqbo", sizeof(worker.bgw_library_name));
	strlcpy(worker.bgw_function_name, "rqbo_upkeep_main", sizeof(worker.bgw_function_name));
	snprintf(worker.bgw_name, BGW_MAXLEN, "reefqbo worker for database %s", rqbo_shmem_slot(index)->database);
	strlcpy(worker.bgw_type, "reefqbo worker", BGW_MAXLEN);
	return RegisterDynamicBackgroundWorker(&worker, &charges[index].handle);
}

/*
 * How many workers there are, and how many there would be if every database had
 * its own.
 */
static int
count_workers(int *wanted)
{
	int			count = 0;

	*wanted = 0;
	for (int i = 0; i < RQBO_MAX_SLOTS; i++)
	{
		const RqboSlot *slot = rqbo_shmem_slot(i);
		bool		is_there = charges[i].handle != NULL || slot->worker_pid != 0;

		count += is_there;
		*wanted += is_there || (slot->database[0] != '\0' && slot->number == 0);
	}
	return count;
}

/*
 * Whoever helps leaves a place for each database's own worker.
 */
static bool
has_place(const RqboSlot *slot)
{
	int			wanted;
	int			there = count_workers(&wanted);

	return (slot->number == 0 ? there : wanted) < rqbo_max_workers;
}

/*
 * The slot that has waited longest among those whose time has come and for whom
 * there is a place, or -1; *next is when the first of the others comes.
 */
static int
find_due(TimestampTz now, TimestampTz *next)
{
	int			found = -1;
	TimestampTz earliest = DT_NOEND;

	*next = DT_NOEND;
	for (int i = 0; i < RQBO_MAX_SLOTS; i++)
	{
		const RqboSlot *slot = rqbo_shmem_slot(i);
		TimestampTz at = rqbo_shmem_start_of(slot, now);

		if (slot->database[0] == '\0' || slot->worker_pid != 0 || charges[i].handle != NULL)
			continue;
		if (at > now)
			*next = Min(*next, at);
		else if ((at < earliest || found < 0) && has_place(slot))
		{
			earliest = at;
			found = i;
		}
	}
	return found;
}

/*
 * Start the worker of a slot.  False if there is no process for it, but may be
 * when another worker of ours has ended.
 */
static bool
start_or_back_off(int index)
{
	RqboSlot   *slot = rqbo_shmem_slot(index);
	int			wanted;

	slot->ended_well = slot->found_nothing = slot->was_asked_to_go = false;
	memset(&slot->problem, 0, sizeof(slot->problem));
	charges[index].wakes = slot->wakes;
	if (start_worker(index))
		return true;
	charges[index].handle = NULL;
	if (count_workers(&wanted) > 0)
		return false;
	strlcpy(slot->problem.what, "all of max_worker_processes are in use", RQBO_MAX_PROBLEM);
	strlcpy(slot->problem.hint, "It is tried again by itself. If that lasts, raise max_worker_processes and restart the server.",
			RQBO_MAX_PROBLEM);
	back_off(slot);
	note_problem(&charges[index], slot);
	return true;
}

/*
 * Start who is due, as far as reefqbo.max_workers goes.  Returns when to look
 * again if nothing happens, DT_NOEND for never.
 */
static TimestampTz
start_due_workers(void)
{
	TimestampTz next;
	int			index;

	rqbo_shmem_lock(LW_EXCLUSIVE);
	while ((index = find_due(rqbo_now(), &next)) >= 0)
		if (!start_or_back_off(index))
			break;
	rqbo_shmem_unlock();
	return next;
}

/* ---- the loop ---- */

static long
time_until(TimestampTz moment)
{
	int64		us;

	if (TIMESTAMP_NOT_FINITE(moment))
		return -1;
	us = moment - rqbo_now();
	/* a clock may be set: look at it once an hour */
	return us <= 0 ? 0 : (long) Min(us / 1000 + 1, INT64CONST(3600000));
}

static void
sleep_until(TimestampTz moment)
{
	long		ms = time_until(moment);

	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_EXIT_ON_PM_DEATH | (ms >= 0 ? WL_TIMEOUT : 0), ms, wait_event);
	ResetLatch(MyLatch);
}

/*
 * After a restart of the launcher alone, workers it has not started may still
 * be at work; they end without its help.
 */
static void
set_up(void)
{
	pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	/* without a database connection it would be ignored, and no child's end ever be heard of */
	pqsignal(SIGUSR1, procsignal_sigusr1_handler);
	BackgroundWorkerUnblockSignals();
	wait_event = rqbo_wait_event("ReefqboLauncher");
	rqbo_shmem_become_launcher();
	rqbo_shmem_lock(LW_EXCLUSIVE);
	for (int i = 0; i < RQBO_MAX_SLOTS; i++)
		if (rqbo_shmem_slot(i)->number == 0)
			rqbo_shmem_slot(i)->due_at = DT_NOBEGIN;
	rqbo_shmem_unlock();
}

/*
 * A new configuration may have put right what was wrong: everybody has
 * another chance at once.
 */
static void
reload(void)
{
	rqbo_guc_reload_if_asked();
	rqbo_shmem_lock(LW_EXCLUSIVE);
	for (int i = 0; i < RQBO_MAX_SLOTS; i++)
	{
		RqboSlot   *slot = rqbo_shmem_slot(i);

		slot->wakes++;
		slot->not_before = DT_NOBEGIN;
		if (slot->number == 0)
			slot->due_at = DT_NOBEGIN;
	}
	rqbo_shmem_unlock();
}

void
rqbo_launcher_main(Datum main_arg pg_attribute_unused())
{
	MemoryContext turn;
	TimestampTz next;

	set_up();
	turn = AllocSetContextCreate(TopMemoryContext, "reefqbo launcher", ALLOCSET_SMALL_SIZES);
	while (!ShutdownRequestPending)
	{
		if (ConfigReloadPending)
			reload();
		take_ends();
		MemoryContextSwitchTo(turn);
		follow_setting(rqbo_guc_list_databases());
		MemoryContextSwitchTo(TopMemoryContext);
		MemoryContextReset(turn);
		next = start_due_workers();
		log_news();
		sleep_until(next);
	}
	/* 1: after pg_terminate_backend the postmaster starts it again, 0 would be for good */
	proc_exit(1);
}
