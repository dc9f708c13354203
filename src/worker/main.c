/*-------------------------------------------------------------------------
 *
 * worker/main.c
 *	  A background worker: one database, one job, and it exits.
 *
 * Nothing a foreign library may leak piles up, no snapshot grows old, and a
 * DROP DATABASE finds the database free.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "libpq/pqmq.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/ipc.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "base/compat.h"
#include "base/db.h"
#include "base/guc.h"
#include "base/wanted.h"
#include "check/company.h"
#include "grant/disconnect.h"
#include "grant/reseal.h"
#include "grant/sign_in.h"
#include "import/run.h"
#include "job/caller.h"
#include "net/die.h"
#include "net/engine.h"
#include "qbo/calls.h"
#include "qbo/notify.h"
#include "qbo/oauth_kept.h"
#include "store/restore.h"
#include "worker/main.h"
#include "worker/settings.h"
#include "worker/shmem.h"

static char my_database[NAMEDATALEN];	/* empty until connected */

pg_noreturn PGDLLEXPORT void rqbo_worker_main(Datum main_arg);

/* ---- the job ---- */

static bool
caller_is_there(void *arg)
{
	RqboJobShared *shared = arg;

	return pg_atomic_read_u32(&shared->caller_has_gone) == 0;
}

void
rqbo_worker_add_tasks(RqboEngine *engine, RqboJob *job)
{
	switch (job->request->kind)
	{
		case RQBO_JOB_COMPLETE:
			rqbo_sign_in_add(engine, job);
			return;
		case RQBO_JOB_DISCONNECT:
		case RQBO_JOB_FORGET:
			rqbo_disconnect_add(engine, job);
			return;
		case RQBO_JOB_IMPORT_ACCOUNTS:
		case RQBO_JOB_IMPORT_ACTUALS:
		case RQBO_JOB_REFRESH:
		case RQBO_JOB_IMPORT_DIMENSIONS:
		case RQBO_JOB_LEDGER_LINES:
		case RQBO_JOB_TIE_OUT:
			rqbo_import_add(engine, job);
			return;
		case RQBO_JOB_CHECK:
			rqbo_check_add(engine, job);
			return;
		case RQBO_JOB_RESEAL:
			rqbo_reseal_add(engine, job);
			return;
	}
}

static void
check_restored(void)
{
	rqbo_db_begin();
	rqbo_store_need_restored();
	rqbo_db_commit();
}

static void
run_job(RqboJobShared *shared, RqboJob *job)
{
	RqboEngine *engine = rqbo_engine_create();

	rqbo_wanted_ask(caller_is_there, shared);
	job->context = CurrentMemoryContext;
	job->request = &shared->request;
	check_restored();
	rqbo_oauth_take_all_kept();
	rqbo_worker_add_tasks(engine, job);
	rqbo_engine_run(engine);
	rqbo_calls_store();
	if (job->failures == NIL)
		rqbo_job_send_rows(job);
}

/*
 * Run the job and report its error, if any, to whoever is there to hear it.
 */
static void
run_and_report(RqboJobShared *shared)
{
	MemoryContext context = AllocSetContextCreate(TopMemoryContext, "reefqbo job", ALLOCSET_DEFAULT_SIZES);
	RqboJob		job = {0};
	ErrorData  *volatile failure = NULL;

	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		run_job(shared, &job);
		if (job.failures != NIL)
			failure = linitial(job.failures);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		failure = CopyErrorData();
		FlushErrorState();
		AbortOutOfAnyTransaction();
		MemoryContextSwitchTo(context);
	}
	PG_END_TRY();
	if (failure != NULL)
		rqbo_job_send_error(failure, !caller_is_there(shared));
	explicit_bzero(&shared->request, sizeof(shared->request));
	MemoryContextSwitchTo(TopMemoryContext);
	MemoryContextDelete(context);
}

void
rqbo_worker_settle(void)
{
	rqbo_worker_take_settings();
	rqbo_calls_open();
	rqbo_notify_open();
}

/*
 * What the job has left may be due at another time than the background worker
 * knows, however the job has ended: by pg_terminate_backend as well.
 */
static void
wake_background_worker(int code pg_attribute_unused(), Datum arg pg_attribute_unused())
{
	if (my_database[0] != '\0')
		rqbo_shmem_wake(my_database);
}

static void
note_database(void)
{
	char	   *database;

	StartTransactionCommand();
	database = get_database_name(MyDatabaseId);
	if (database != NULL)
		strlcpy(my_database, database, NAMEDATALEN);
	CommitTransactionCommand();
}

void
rqbo_worker_main(Datum main_arg)
{
	dsm_segment *segment;
	shm_toc    *toc;
	RqboJobShared *shared;

	pqsignal(SIGTERM, rqbo_die);
	BackgroundWorkerUnblockSignals();

	segment = dsm_attach(DatumGetUInt32(main_arg));
	if (segment == NULL)
		proc_exit(0);			/* the caller has gone before we were there */
	toc = shm_toc_attach(RQBO_JOB_MAGIC, dsm_segment_address(segment));
	if (toc == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("could not read a job's shared memory segment")));
	shared = shm_toc_lookup(toc, RQBO_JOB_KEY_SHARED, false);
	pq_redirect_to_shm_mq(segment, rqbo_job_open_queue(segment));

	/* registered before the connection, so it runs after the locks were released */
	before_shmem_exit(wake_background_worker, (Datum) 0);
	BackgroundWorkerInitializeConnectionByOid(shared->request.database, InvalidOid, 0);
	note_database();
	/* the session that asks reads what we send in the encoding of the database */
	SetClientEncoding(GetDatabaseEncoding());
	rqbo_guc_restore(shm_toc_lookup(toc, RQBO_JOB_KEY_GUC, false));
	rqbo_worker_settle();
	run_and_report(shared);
	dsm_detach(segment);
	proc_exit(0);
}
