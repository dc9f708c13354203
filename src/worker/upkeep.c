/*-------------------------------------------------------------------------
 *
 * worker/upkeep.c
 *	  The background worker of one database: does all that is due, notes when
 *	  something is due next, and exits.
 *
 * It keeps nothing from one run to the next, so that leaks in foreign libraries
 * cannot pile up and DROP DATABASE finds the database free.  What is wrong with
 * the database it leaves in its slot, for the launcher to tell.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "base/clock.h"
#include "base/compat.h"
#include "base/db.h"
#include "base/errors.h"
#include "base/guc.h"
#include "base/lock.h"
#include "base/show.h"
#include "import/run.h"
#include "net/die.h"
#include "net/engine.h"
#include "qbo/oauth_kept.h"
#include "store/maintenance.h"
#include "store/requests.h"
#include "store/restore.h"
#include "worker/callers.h"
#include "worker/main.h"
#include "worker/maintenance.h"
#include "worker/shmem.h"

/* How many due connections are listed at once. */
#define LIST_LENGTH 128
/* What is due and may not begin yet is not looked at more often. */
#define SHORTEST_PAUSE_MS 1000
/* Another process is at work in this database, left over from a launcher that has gone. */
#define BUSY_US (10 * USECS_PER_SEC)

typedef struct Upkeep
{
	RqboSlot   *slot;
	RqboJob		job;
	MemoryContext list_context;
	RqboDue    *list;			/* what is due and not begun */
	int			next;
	int			length;
	int			claimed_before; /* of the job, when the round began */
	int			unnoted_before;
	int			nworkers;		/* at work in this database, when it was listed */
	bool		has_pruned;
	int64		began_ms;
	int64		look_again_at;	/* on rqbo_clock_ms; nothing is due before */
	uint32		wakes;			/* of the slot, when it was looked last */
} Upkeep;

static RqboSlot *my_slot = NULL;
static emit_log_hook_type previous_log_hook = NULL;

pg_noreturn PGDLLEXPORT void rqbo_upkeep_main(Datum main_arg);

/* ---- the slot ---- */

static void
leave_slot(int code pg_attribute_unused(), Datum arg pg_attribute_unused())
{
	rqbo_shmem_lock(LW_EXCLUSIVE);
	if (my_slot->worker_pid == MyProcPid)
	{
		my_slot->worker_pid = 0;
		my_slot->ended_at = rqbo_now();
	}
	rqbo_shmem_unlock();
	rqbo_shmem_worker_has_gone();
	rqbo_shmem_set_launcher_latch();
}

static void
take_slot(int index)
{
	bool		is_taken;

	rqbo_shmem_lock(LW_EXCLUSIVE);
	my_slot = rqbo_shmem_slot(index);
	is_taken = my_slot->worker_pid != 0 || my_slot->database[0] == '\0';
	if (!is_taken && rqbo_shmem_is_closed(my_slot, rqbo_now()))
		is_taken = my_slot->was_asked_to_go = true;
	if (!is_taken)
	{
		my_slot->worker_pid = MyProcPid;
		my_slot->began_at = rqbo_now();
	}
	rqbo_shmem_unlock();
	if (is_taken)
		proc_exit(0);
	before_shmem_exit(leave_slot, (Datum) 0);
}

static void
note_problem(const char *what, const char *hint, const char *for_log)
{
	rqbo_shmem_lock(LW_EXCLUSIVE);
	rqbo_show_put(my_slot->problem.what, RQBO_MAX_PROBLEM, what);
	rqbo_show_put(my_slot->problem.hint, RQBO_MAX_PROBLEM, hint);
	rqbo_show_put(my_slot->problem.for_log, RQBO_MAX_PROBLEM, for_log != NULL ? for_log : "");
	rqbo_shmem_unlock();
}

/*
 * All went well, and there is nothing more to do before due_at; false if
 * somebody has said meanwhile that there may be.
 */
static bool
note_end(Upkeep *upkeep, TimestampTz due_at)
{
	bool		is_end;

	rqbo_shmem_lock(LW_EXCLUSIVE);
	is_end = upkeep->slot->wakes == upkeep->wakes;
	if (is_end)
	{
		upkeep->slot->due_at = due_at;
		upkeep->slot->ended_well = true;
		upkeep->slot->found_nothing = due_at <= rqbo_now() && upkeep->job.nclaimed == 0 && !upkeep->has_pruned &&
			rqbo_callers_answered() == 0;
	}
	rqbo_shmem_unlock();
	return is_end;
}

/* ---- connecting ---- */

static const char *
hint_for(int sqlstate)
{
	switch (sqlstate)
	{
		case ERRCODE_UNDEFINED_DATABASE:
			return "Create it, or take it out of reefqbo.databases. It is tried again by itself.";
		case ERRCODE_TOO_MANY_CONNECTIONS:
			return "It is tried again by itself. If that lasts, raise max_connections or the database's connection limit.";
		default:
			return "It is tried again by itself.";
	}
}

/*
 * That a worker cannot connect would stand in the log each time it tries, and
 * without a hint.  The launcher tells it instead, once; and the exit is a
 * regular one, since the postmaster logs every other.
 */
static void
catch_refusal(ErrorData *error)
{
	if (error->elevel == FATAL && error->message != NULL && error->sqlerrcode != ERRCODE_ADMIN_SHUTDOWN)
	{
		note_problem(error->message, hint_for(error->sqlerrcode), NULL);
		proc_exit(0);
	}
	if (previous_log_hook != NULL)
		previous_log_hook(error);
}

static void
connect_to(const char *database)
{
	previous_log_hook = emit_log_hook;
	emit_log_hook = catch_refusal;
	BackgroundWorkerInitializeConnection(database, NULL, 0);
	emit_log_hook = previous_log_hook;
}

/*
 * Can this library serve the extension that is there?
 */
static bool
check_extension(void)
{
	int			order;
	char	   *version = rqbo_db_extension_version(&order);

	if (version == NULL)
		note_problem("extension \"reefqbo\" does not exist there",
					 "Run CREATE EXTENSION reefqbo CASCADE in it, or take it out of reefqbo.databases.", NULL);
	else if (order < 0)
		note_problem(psprintf("the extension is version %s and the library is version %s", version, RQBO_VERSION),
					 "Run ALTER EXTENSION reefqbo UPDATE in it.", NULL);
	else if (order > 0)
		note_problem(psprintf("the extension is version %s and the library is version %s", version, RQBO_VERSION),
					 "Install the library of the newer version and restart the server.", NULL);
	return version != NULL && order == 0;
}

static bool
end_restore(void)
{
	bool		is_restored;

	rqbo_db_begin();
	is_restored = rqbo_store_end_restore();
	rqbo_db_commit();
	return is_restored;
}

/*
 * Nothing is written to tables that a restore is still to fill.  What is
 * committed from now on has us look again; so what was until now is looked at.
 */
static bool
check_restored(void)
{
	bool		is_restored = end_restore();

	if (!is_restored && my_slot->restoring != MyDatabaseId)
	{
		rqbo_shmem_note_restore(my_slot, MyDatabaseId, true);
		is_restored = end_restore();
	}
	if (is_restored)
		rqbo_shmem_note_restore(my_slot, MyDatabaseId, false);
	else
		note_problem(RQBO_BEING_RESTORED, RQBO_BEING_RESTORED_HINT, NULL);
	return is_restored;
}

/* ---- what is due ---- */

static uint32
count_wakes(const Upkeep *upkeep)
{
	uint32		wakes;

	rqbo_shmem_lock(LW_SHARED);
	wakes = upkeep->slot->wakes;
	rqbo_shmem_unlock();
	return wakes;
}

static int64
ms_until(TimestampTz moment)
{
	if (moment == DT_NOEND)
		return INT64CONST(86400000);
	return Max(0, (moment - rqbo_now()) / 1000 + 1);
}

/*
 * Those that failed the last time may fail by keeping us waiting, and must not
 * take all of the places that are there for waiting.
 */
static int
capacity_for_failing(const Upkeep *upkeep)
{
	return Max(0, rqbo_max_concurrent_requests - upkeep->job.nfailing);
}

/*
 * Attempts were made, and not one could be noted: a full disk, say.
 */
static bool
is_stuck(const Upkeep *upkeep)
{
	return upkeep->job.nunnoted > upkeep->unnoted_before && upkeep->job.nclaimed == upkeep->claimed_before;
}

/*
 * What the last one failed with may name a company, which is not for all who
 * may ask how the worker is.
 */
static void
check_progress(const Upkeep *upkeep)
{
	if (is_stuck(upkeep))
		ereport(ERROR,
				(errcode(ERRCODE_IO_ERROR),
				 errmsg("no attempt could be noted"),
				 errdetail_log("%s", upkeep->job.last_failure),
				 errhint("It is tried again by itself when the database can be written to. The server's log tells more.")));
}

/*
 * Those that were put off and are not due again yet, in CurrentMemoryContext;
 * the others are forgotten.  *until_ms is when the first of them is.
 */
static RqboLeftAlone
list_put_off(Upkeep *upkeep, int64 *until_ms)
{
	int64		now = rqbo_clock_ms();
	RqboLeftAlone left = {0, palloc((list_length(upkeep->job.put_off) + 1) * sizeof(int64))};
	ListCell   *cell;

	*until_ms = PG_INT64_MAX;
	foreach(cell, upkeep->job.put_off)
	{
		RqboPutOff *put_off = lfirst(cell);

		if (put_off->until_ms <= now)
		{
			upkeep->job.put_off = foreach_delete_current(upkeep->job.put_off, cell);
			pfree(put_off);
			continue;
		}
		left.connections[left.count++] = put_off->connection_id;
		*until_ms = Min(*until_ms, put_off->until_ms);
	}
	return left;
}

static TimestampTz
next_of(const RqboLeftAlone *left)
{
	return Min(rqbo_store_next_due(left), rqbo_store_next_request(left));
}

/*
 * What callers have asked for, and what is on schedule: of each as much as a list
 * takes, so that neither is in the other's way.
 */
static void
list_part(Upkeep *upkeep, const RqboLeftAlone *left, int nworkers, int rank)
{
	int			nrequests;
	int			nscheduled;
	RqboDue    *requests = rqbo_store_list_requests(LIST_LENGTH / 2, left, nworkers, rank, &nrequests);
	RqboDue    *scheduled = rqbo_store_list_due(LIST_LENGTH / 2, capacity_for_failing(upkeep), left, nworkers, rank,
												&nscheduled);

	upkeep->length = nrequests + nscheduled;
	upkeep->list = SPI_palloc((upkeep->length + 1) * sizeof(RqboDue));
	memcpy(upkeep->list, requests, nrequests * sizeof(RqboDue));
	memcpy(upkeep->list + nrequests, scheduled, nscheduled * sizeof(RqboDue));
}

/*
 * Who works here with others leaves to each of them what is theirs, until
 * nothing is left that is one's own.
 */
static void
list_share(Upkeep *upkeep, const RqboLeftAlone *left)
{
	int			rank;

	upkeep->nworkers = rqbo_shmem_count_workers(upkeep->slot, &rank);
	list_part(upkeep, left, upkeep->nworkers, rank);
	if (upkeep->length == 0 && upkeep->nworkers > 1)
		list_part(upkeep, left, 1, 0);
	if (upkeep->length > rqbo_max_concurrent_requests)
		rqbo_shmem_call_helpers(upkeep->slot->database);
}

/*
 * Look into the tables, at most as often as something becomes due.  The key
 * is needed for all that there is to do, and asked for first.
 */
static void
list_due(Upkeep *upkeep)
{
	MemoryContext saved;
	RqboLeftAlone left;
	int64		put_off_until;

	upkeep->wakes = count_wakes(upkeep);
	/* a reload wakes us: what is listed after that is listed by what was reloaded */
	rqbo_guc_reload_if_asked();
	MemoryContextReset(upkeep->list_context);
	saved = MemoryContextSwitchTo(upkeep->list_context);
	left = list_put_off(upkeep, &put_off_until);
	rqbo_db_begin();
	if (upkeep->slot->number == 0)
		rqbo_store_release_requests();
	list_share(upkeep, &left);
	upkeep->next = 0;
	if (upkeep->length == 0)
		upkeep->look_again_at = Min(put_off_until,
									rqbo_clock_ms() + Max(SHORTEST_PAUSE_MS, ms_until(next_of(&left))));
	rqbo_db_commit();
	if (upkeep->length > 0)
		(void) rqbo_job_keyring(&upkeep->job);
	MemoryContextSwitchTo(saved);
}

/*
 * A worker that has been at it for so long leaves the rest to the next one.
 */
static bool
has_run_long(const Upkeep *upkeep)
{
	return rqbo_clock_ms() - upkeep->began_ms > rqbo_longest_run * INT64CONST(1000);
}

static bool
is_worth_looking(const Upkeep *upkeep)
{
	return rqbo_clock_ms() >= upkeep->look_again_at || count_wakes(upkeep) != upkeep->wakes;
}

/*
 * Somebody has come to help, or gone: what is listed is shared out anew.
 */
static void
share_again(Upkeep *upkeep)
{
	int			rank;

	if (upkeep->next == upkeep->length || rqbo_shmem_count_workers(upkeep->slot, &rank) == upkeep->nworkers)
		return;
	upkeep->next = upkeep->length = 0;
	upkeep->look_again_at = 0;
}

/*
 * A session may wait for it.
 */
static void
add_due(RqboEngine *engine, Upkeep *upkeep, const RqboDue *due)
{
	RqboCallOf *call = due->kind == RQBO_DUE_REQUEST ? rqbo_callers_find(due->request->request_id) : NULL;

	rqbo_engine_set_client(engine, call != NULL ? &call->client : NULL);
	rqbo_import_add_due(engine, call != NULL ? &call->job : &upkeep->job, due);
	rqbo_engine_set_client(engine, NULL);
}

static long
visit_callers(RqboEngine *engine, void *arg)
{
	Upkeep	   *upkeep = arg;
	int			ended = rqbo_callers_ended();
	long		again;

	again = rqbo_callers_visit(engine, &upkeep->job, upkeep->slot->database, has_run_long(upkeep) || is_stuck(upkeep));
	if (rqbo_callers_ended() != ended)
		upkeep->look_again_at = 0;
	return again;
}

static long
add_due_tasks(RqboEngine *engine, int capacity, void *arg)
{
	Upkeep	   *upkeep = arg;

	if (has_run_long(upkeep) || (upkeep->next == upkeep->length && is_stuck(upkeep)))
		return -1;
	share_again(upkeep);
	if (upkeep->next == upkeep->length && is_worth_looking(upkeep))
		list_due(upkeep);
	if (upkeep->next < upkeep->length)
	{
		MemoryContext saved = MemoryContextSwitchTo(upkeep->list_context);

		rqbo_db_begin();
		while (capacity-- > 0 && upkeep->next < upkeep->length)
			add_due(engine, upkeep, &upkeep->list[upkeep->next++]);
		rqbo_db_commit();
		MemoryContextSwitchTo(saved);
		return 0;
	}
	return (long) Min(Max(0, upkeep->look_again_at - rqbo_clock_ms()), INT64CONST(86400000));
}

/* ---- the run ---- */

/*
 * What was put off is due when this process has gone, and looked at then.
 */
static TimestampTz
next_due(Upkeep *upkeep)
{
	TimestampTz due_at;
	int64		put_off_until;
	RqboLeftAlone left = list_put_off(upkeep, &put_off_until);

	rqbo_db_begin();
	due_at = Min(next_of(&left), rqbo_store_next_maintenance());
	rqbo_db_commit();
	if (left.count > 0)
		due_at = Min(due_at, rqbo_now() + (put_off_until - rqbo_clock_ms()) * 1000);
	pfree(left.connections);
	return due_at;
}

/*
 * Do what is due until nothing is, in a context that goes with each round.
 */
static void
run_round(Upkeep *upkeep)
{
	MemoryContext round = AllocSetContextCreate(upkeep->job.context, "reefqbo round", ALLOCSET_DEFAULT_SIZES);
	MemoryContext saved = MemoryContextSwitchTo(round);
	RqboEngine *engine = rqbo_engine_create();

	upkeep->list_context = AllocSetContextCreate(round, "reefqbo list", ALLOCSET_DEFAULT_SIZES);
	upkeep->next = upkeep->length = 0;
	upkeep->look_again_at = 0;
	upkeep->claimed_before = upkeep->job.nclaimed;
	upkeep->unnoted_before = upkeep->job.nunnoted;
	rqbo_engine_set_source(engine, add_due_tasks, upkeep);
	if (upkeep->slot->number == 0)
		rqbo_engine_set_visitor(engine, visit_callers, upkeep);
	rqbo_engine_run(engine);
	check_progress(upkeep);
	if (upkeep->slot->number == 0)
		upkeep->has_pruned |= rqbo_maintenance_run();
	MemoryContextSwitchTo(saved);
	MemoryContextDelete(round);
}

/*
 * What was left by who worked here before, however they ended.
 */
static void
take_over(void)
{
	rqbo_oauth_take_all_kept();
	rqbo_db_begin();
	rqbo_store_release_cut_attempts();
	rqbo_db_commit();
}

/*
 * Work off what one worker has no hands for; what comes after that is for the
 * database's own to see.
 */
static void
help(Upkeep *upkeep)
{
	run_round(upkeep);
	do
		upkeep->wakes = count_wakes(upkeep);
	while (!note_end(upkeep, DT_NOEND));
}

static void
serve(void)
{
	Upkeep		upkeep = {.slot = my_slot,.began_ms = rqbo_clock_ms()};
	bool		is_end;

	if (!check_extension() || !check_restored())
		return;
	upkeep.job.context = CurrentMemoryContext;
	upkeep.job.is_unattended = true;
	if (!rqbo_lock_try(RQBO_LOCK_WORKER, my_slot->number))
	{
		upkeep.wakes = count_wakes(&upkeep);
		(void) note_end(&upkeep, rqbo_now() + BUSY_US);
		return;
	}
	if (my_slot->number > 0)
	{
		help(&upkeep);
		return;
	}
	take_over();
	do
	{
		upkeep.wakes = count_wakes(&upkeep);
		run_round(&upkeep);
		is_end = note_end(&upkeep, next_due(&upkeep));
	} while (!is_end && !has_run_long(&upkeep));
	for (; !is_end; is_end = note_end(&upkeep, rqbo_now()))
		upkeep.wakes = count_wakes(&upkeep);
}

/*
 * Whoever watches a worker is told what our own errors say; what PostgreSQL says
 * beside its message may have a company's name or figures in it, and is the log's.
 */
static void
note_failure(const ErrorData *failure)
{
	bool		is_ours = strncmp(unpack_sql_state(failure->sqlerrcode), "RQ", 2) == 0;

	note_problem(is_ours && failure->detail != NULL ? psprintf("%s: %s", failure->message, failure->detail) : failure->message,
				 failure->hint != NULL ? failure->hint : hint_for(failure->sqlerrcode),
				 is_ours || failure->detail_log != NULL ? failure->detail_log : failure->detail);
}

/*
 * What went wrong with the whole of it, and not with one company, becomes the
 * database's problem.
 */
static void
serve_or_note(void)
{
	MemoryContext context = AllocSetContextCreate(TopMemoryContext, "reefqbo upkeep", ALLOCSET_DEFAULT_SIZES);
	ErrorData  *failure;

	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		serve();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		failure = CopyErrorData();
		FlushErrorState();
		AbortOutOfAnyTransaction();
		note_failure(failure);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(TopMemoryContext);
	MemoryContextDelete(context);
}

void
rqbo_upkeep_main(Datum main_arg)
{
	char		database[NAMEDATALEN];

	pqsignal(SIGTERM, rqbo_die);
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	BackgroundWorkerUnblockSignals();
	take_slot(DatumGetInt32(main_arg));
	strlcpy(database, my_slot->database, NAMEDATALEN);
	connect_to(database);
	rqbo_worker_settle();
	rqbo_callers_open();
	/* what is read can be read again; what cannot, tokens, is made durable where it is stored */
	SetConfigOption("synchronous_commit", "off", PGC_SUSET, PGC_S_OVERRIDE);
	/* who waits for a lock has all companies wait */
	SetConfigOption("lock_timeout", "1s", PGC_SUSET, PGC_S_OVERRIDE);
	serve_or_note();
	proc_exit(0);
}
