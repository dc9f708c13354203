/*-------------------------------------------------------------------------
 *
 * functions/queue.c
 *	  The SQL-callable functions that ask the background worker for something and
 *	  return at once.
 *	  What waits for its end is functions/requests.c's.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "commands/dbcommands.h"
#include "fmgr.h"
#include "miscadmin.h"

#include "functions/call.h"
#include "store/requests.h"
#include "store/restore.h"
#include "worker/shmem.h"
#include "worker/wake.h"

PG_FUNCTION_INFO_V1(rqbo_request_import);
PG_FUNCTION_INFO_V1(rqbo_request_refresh);
PG_FUNCTION_INFO_V1(rqbo_cancel_request);

static void
warn_without_worker(void)
{
	if (!rqbo_shmem_serves(get_database_name(MyDatabaseId)))
		ereport(WARNING,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("no background worker looks after this database, and the request waits for one"),
				 errhint("Preload the library, and list the database in reefqbo.databases.")));
}

/*
 * In the transaction of the caller, whose commit wakes the worker.
 */
static Datum
put(FunctionCallInfo fcinfo, RqboRequest *request, int branch_argument)
{
	RqboJobRequest *of = rqbo_call_make_request(RQBO_JOB_REFRESH);
	RqboCaller	caller;
	int64		request_id;

	rqbo_call_find_connections(fcinfo, of, RQBO_OPERATOR, branch_argument, false);
	request->requested_by = of->user;
	rqbo_call_begin(fcinfo, &caller);
	rqbo_store_need_restored();
	request_id = rqbo_store_put_request(of->model_id, of->branch_id, request);
	rqbo_call_end(&caller);
	warn_without_worker();
	PG_RETURN_INT64(request_id);
}

Datum
rqbo_request_import(PG_FUNCTION_ARGS)
{
	RqboRequest request = {0};

	request.range.start = rqbo_call_date(fcinfo, 1, "start_date");
	request.range.end = rqbo_call_date(fcinfo, 2, "end_date");
	rqbo_call_check_months(request.range.start, request.range.end);
	request.range.method = rqbo_call_method(fcinfo, 3);
	return put(fcinfo, &request, 4);
}

Datum
rqbo_request_refresh(PG_FUNCTION_ARGS)
{
	RqboRequest request = {.is_refresh = true};

	request.is_whole = !PG_ARGISNULL(2) && PG_GETARG_BOOL(2);
	return put(fcinfo, &request, 1);
}

/*
 * For who may not operate its model there is no such request.
 */
Datum
rqbo_cancel_request(PG_FUNCTION_ARGS)
{
	int64		request_id = PG_ARGISNULL(0) ? 0 : PG_GETARG_INT64(0);
	RqboCaller	caller;
	int64		model_id;
	bool		is_cancelled;

	rqbo_call_begin(fcinfo, &caller);
	model_id = rqbo_store_model_of_request(request_id);
	if (model_id == 0 || !rqbo_rights_suffice(&caller, model_id, RQBO_OPERATOR))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("there is no request " INT64_FORMAT, request_id),
				 errhint("The view reefqbo.request lists them. Those that have ended are removed after reefqbo.log_retention.")));
	is_cancelled = rqbo_store_cancel_request(model_id, request_id);
	/* the next of its companies may be due now */
	if (is_cancelled)
		rqbo_wake_at_commit();
	rqbo_call_end(&caller);
	PG_RETURN_BOOL(is_cancelled);
}
