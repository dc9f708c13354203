/*-------------------------------------------------------------------------
 *
 * job/caller.c
 *	  A SQL function's one-shot worker, seen from the session that asks.
 *
 * The work runs in a background worker of its own, so that the caller's
 * transaction holds nothing of the network, and what Intuit hands out is
 * committed whatever the caller does.  A shared memory segment carries the
 * request there, and a queue in it brings notices, rows and the error back,
 * in the protocol's own messages, as parallel query does it.
 *
 * When the caller is cancelled, the segment goes with its transaction; the
 * worker notices and ends by itself.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "libpq/pqmq.h"
#include "miscadmin.h"
#include "storage/proc.h"
#include "tcop/utility.h"
#include "utils/memutils.h"

#include "base/compat.h"
#include "base/encoding.h"
#include "base/guc.h"
#include "job/caller.h"
#include "job/segment.h"

static void
caller_has_gone(dsm_segment *segment pg_attribute_unused(), Datum arg)
{
	RqboJobShared *shared = (RqboJobShared *) DatumGetPointer(arg);

	if (pg_atomic_read_u32(&shared->is_taken) == 0)
		explicit_bzero(shared->request.code, sizeof(shared->request.code));
	pg_atomic_write_u32(&shared->caller_has_gone, 1);
}

/*
 * Make the segment: request, settings, queue.
 */
dsm_segment *
rqbo_job_make_segment(const RqboJobRequest *request, shm_mq_handle **queue_handle)
{
	Size		guc_size = rqbo_guc_estimate();
	shm_toc_estimator estimator;
	dsm_segment *segment;
	shm_toc    *toc;
	RqboJobShared *shared;
	char	   *guc_space;
	shm_mq	   *queue;

	shm_toc_initialize_estimator(&estimator);
	shm_toc_estimate_chunk(&estimator, sizeof(RqboJobShared));
	shm_toc_estimate_chunk(&estimator, guc_size);
	shm_toc_estimate_chunk(&estimator, RQBO_JOB_QUEUE_SIZE);
	shm_toc_estimate_keys(&estimator, 3);
	segment = dsm_create(shm_toc_estimate(&estimator), 0);
	toc = shm_toc_create(RQBO_JOB_MAGIC, dsm_segment_address(segment), shm_toc_estimate(&estimator));

	shared = shm_toc_allocate(toc, sizeof(RqboJobShared));
	shared->request = *request;
	pg_atomic_init_u32(&shared->caller_has_gone, 0);
	pg_atomic_init_u32(&shared->is_cancelled, 0);
	pg_atomic_init_u32(&shared->is_taken, 0);
	shm_toc_insert(toc, RQBO_JOB_KEY_SHARED, shared);

	guc_space = shm_toc_allocate(toc, guc_size);
	rqbo_guc_serialize(guc_space);
	shm_toc_insert(toc, RQBO_JOB_KEY_GUC, guc_space);

	queue = shm_mq_create(shm_toc_allocate(toc, RQBO_JOB_QUEUE_SIZE), RQBO_JOB_QUEUE_SIZE);
	shm_toc_insert(toc, RQBO_JOB_KEY_QUEUE, queue);
	shm_mq_set_receiver(queue, MyProc);
	*queue_handle = shm_mq_attach(queue, segment, NULL);

	/* registered last, so it runs first: the flag is up before the queue wakes the worker */
	on_dsm_detach(segment, caller_has_gone, PointerGetDatum(shared));
	return segment;
}

RqboJobShared *
rqbo_job_shared(dsm_segment *segment)
{
	shm_toc    *toc = shm_toc_attach(RQBO_JOB_MAGIC, dsm_segment_address(segment));

	return shm_toc_lookup(toc, RQBO_JOB_KEY_SHARED, false);
}

shm_mq_handle *
rqbo_job_open_queue(dsm_segment *segment)
{
	shm_toc    *toc = shm_toc_attach(RQBO_JOB_MAGIC, dsm_segment_address(segment));
	shm_mq	   *queue = shm_toc_lookup(toc, RQBO_JOB_KEY_QUEUE, false);

	shm_mq_set_sender(queue, MyProc);
	return shm_mq_attach(queue, segment, NULL);
}

static BackgroundWorkerHandle *
start_worker(dsm_segment *segment)
{
	BackgroundWorker worker = {0};
	BackgroundWorkerHandle *handle;

	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION | RQBO_BGWORKER_INTERRUPTIBLE;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	worker.bgw_main_arg = UInt32GetDatum(dsm_segment_handle(segment));
	worker.bgw_notify_pid = MyProcPid;
	strlcpy(worker.bgw_library_name, "reefqbo", sizeof(worker.bgw_library_name));
	strlcpy(worker.bgw_function_name, "rqbo_worker_main", sizeof(worker.bgw_function_name));
	snprintf(worker.bgw_name, BGW_MAXLEN, "reefqbo worker for PID %d", MyProcPid);
	strlcpy(worker.bgw_type, "reefqbo worker", BGW_MAXLEN);
	if (!RegisterDynamicBackgroundWorker(&worker, &handle))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_RESOURCES),
				 errmsg("could not start a background worker"),
				 errhint("All of max_worker_processes are in use. Try again later, or raise max_worker_processes and restart the server.")));
	return handle;
}

/* ---- what comes back ---- */

void
rqbo_job_raise(StringInfo message)
{
	ErrorData	edata;

	pq_parse_errornotice(message, &edata);
	edata.message = rqbo_encoding_for_client(edata.message);
	edata.detail = rqbo_encoding_for_client(edata.detail);
	edata.hint = rqbo_encoding_for_client(edata.hint);
	edata.context = rqbo_encoding_for_client(edata.context);
	/* a worker's death is our error, not our death */
	edata.elevel = Min(edata.elevel, ERROR);
	ThrowErrorData(&edata);
}

/*
 * In a context of its own, since there may be very many.
 */
static void
receive_row(StringInfo message, RqboRowSink sink, void *arg)
{
	MemoryContext row = AllocSetContextCreate(CurrentMemoryContext, "reefqbo row", ALLOCSET_SMALL_SIZES);
	MemoryContext saved = MemoryContextSwitchTo(row);
	int			ncolumns = pq_getmsgint(message, 2);
	char	  **values = palloc0(ncolumns * sizeof(char *));

	for (int i = 0; i < ncolumns; i++)
	{
		int			length = (int) pq_getmsgint(message, 4);

		if (length >= 0)
			values[i] = pnstrdup(pq_getmsgbytes(message, length), length);
	}
	sink(ncolumns, values, arg);
	MemoryContextSwitchTo(saved);
	MemoryContextDelete(row);
}

/*
 * Take one message.  An error is kept until the worker has gone, so that it does
 * not linger behind its message.
 */
RqboJobNews
rqbo_job_receive(shm_mq_handle *queue, bool wait, StringInfo error, RqboRowSink sink, void *arg)
{
	Size		length;
	void	   *data;
	StringInfoData message;
	shm_mq_result result = shm_mq_receive(queue, &length, &data, !wait);

	if (result != SHM_MQ_SUCCESS)
		return result == SHM_MQ_WOULD_BLOCK ? RQBO_JOB_NOTHING : RQBO_JOB_LOST;
	message = (StringInfoData) {.data = data,.len = (int) length,.maxlen = (int) length};
	switch (pq_getmsgbyte(&message))
	{
		case 'N':
			rqbo_job_raise(&message);
			return RQBO_JOB_SOMETHING;
		case 'E':
			initStringInfo(error);
			appendBinaryStringInfo(error, data, (int) length);
			error->cursor = message.cursor;
			return RQBO_JOB_FAILED;
		case 'D':
			receive_row(&message, sink, arg);
			return RQBO_JOB_SOMETHING;
		case 'C':
			return RQBO_JOB_DONE;
	}
	return RQBO_JOB_SOMETHING;
}

void
rqbo_job_raise_lost(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_CONNECTION_FAILURE),
			 errmsg("the background worker ended without an answer"),
			 errhint("The server log tells why. Whatever the worker had committed stays; try again.")));
}

void
rqbo_job_check_place(void)
{
	if (RecoveryInProgress() || XactReadOnly)
		ereport(ERROR,
				(errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
				 errmsg("cannot talk to QuickBooks in a read-only transaction or on a standby"),
				 errhint("Do it on the primary server, in a transaction that may write.")));
}

void
rqbo_job_run(RqboJobRequest *request, RqboRowSink sink, void *arg)
{
	dsm_segment *segment;
	shm_mq_handle *queue;
	BackgroundWorkerHandle *worker;
	StringInfoData error = {0};
	RqboJobNews news;

	rqbo_job_check_place();
	segment = rqbo_job_make_segment(request, &queue);
	explicit_bzero(request, sizeof(*request));
	worker = start_worker(segment);
	shm_mq_set_handle(queue, worker);
	do
		news = rqbo_job_receive(queue, true, &error, sink, arg);
	while (news == RQBO_JOB_SOMETHING);
	(void) WaitForBackgroundWorkerShutdown(worker);
	dsm_detach(segment);
	if (news == RQBO_JOB_FAILED)
		rqbo_job_raise(&error);
	if (news != RQBO_JOB_DONE)
		rqbo_job_raise_lost();
}
