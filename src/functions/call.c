/*-------------------------------------------------------------------------
 *
 * functions/call.c
 *	  What the SQL-callable functions share: arguments, rights, jobs.
 *	  What a function does stands in its own file, or in SQL.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/resowner.h"
#include "utils/tuplestore.h"

#include "base/month.h"
#include "functions/call.h"
#include "functions/wait.h"
#include "job/rows.h"
#include "secret/clear.h"
#include "store/restore.h"

/* ---- arguments ---- */

char *
rqbo_call_text_or_null(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(n));
}

char *
rqbo_call_text(FunctionCallInfo fcinfo, int n, const char *name)
{
	if (PG_ARGISNULL(n))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be null", name)));
	return text_to_cstring(PG_GETARG_TEXT_PP(n));
}

char *
rqbo_call_take_secret(FunctionCallInfo fcinfo, int n, const char *name)
{
	char	   *argument = rqbo_call_text(fcinfo, n, name);
	char	   *secret = rqbo_clear_copy(CurrentMemoryContext, argument);

	explicit_bzero(argument, strlen(argument));
	pfree(argument);
	return secret;
}

void
rqbo_call_check_plain(const char *value, const char *name, int sqlstate)
{
	bool		is_plain = value[0] != '\0' && strlen(value) < RQBO_JOB_WORD;

	for (const char *c = value; is_plain && *c != '\0'; c++)
		is_plain = *c > ' ' && *c <= '~';
	if (!is_plain)
		ereport(ERROR,
				(errcode(sqlstate),
				 errmsg("the %s is not acceptable", name),
				 errdetail("It must be 1 to %d visible ASCII characters without spaces.", RQBO_JOB_WORD - 1)));
}

DateADT
rqbo_call_date(FunctionCallInfo fcinfo, int n, const char *name)
{
	if (PG_ARGISNULL(n))
		(void) rqbo_call_text(fcinfo, n, name);
	return PG_GETARG_DATEADT(n);
}

void
rqbo_call_check_months(DateADT start, DateADT end)
{
	const DateADT first = date2j(1900, 1, 1) - POSTGRES_EPOCH_JDATE;
	const DateADT last = date2j(2199, 12, 31) - POSTGRES_EPOCH_JDATE;

	if (DATE_NOT_FINITE(start) || DATE_NOT_FINITE(end) || start < first || end > last ||
		!rqbo_month_is_whole(start, end))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("actuals are imported by whole months"),
				 errdetail("The range must begin on the first day of a month and end on the last day of the same or a later month, between 1900 and 2199."),
				 errhint("For example: '2024-01-01', '2024-12-31'.")));
}

const char *
rqbo_call_method(FunctionCallInfo fcinfo, int n)
{
	char	   *method = rqbo_call_text(fcinfo, n, "accounting_method");

	if (pg_strcasecmp(method, "Accrual") == 0)
		return "Accrual";
	if (pg_strcasecmp(method, "Cash") == 0)
		return "Cash";
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("accounting method \"%s\" is not known", method),
			 errhint("It is \"Accrual\" or \"Cash\".")));
}

/* ---- rights ---- */

void
rqbo_call_begin(FunctionCallInfo fcinfo, RqboCaller *caller)
{
	rqbo_rights_take(fcinfo, caller);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	rqbo_store_refuse_half_restored();
}

void
rqbo_call_end(const RqboCaller *caller)
{
	SPI_finish();
	rqbo_rights_give_back(caller);
}

int64
rqbo_call_model_id(const RqboCaller *caller, const char *model, RqboLevel level)
{
	int64		model_id = rqbo_store_find_model(model);

	rqbo_rights_check(caller, model_id, model, level);
	return model_id;
}

void
rqbo_call_no_connection(const char *model, const char *branch)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 branch != NULL ?
			 errmsg("branch \"%s\" of model \"%s\" has no connection", branch, model) :
			 errmsg("model \"%s\" has no connection", model),
			 errhint("reefqbo.connect makes one; the view reefqbo.connection_status lists them.")));
	pg_unreachable();
}

void
rqbo_call_find_connections(FunctionCallInfo fcinfo, RqboJobRequest *request, RqboLevel level, int branch_argument,
						   bool null_is_root)
{
	char	   *model = rqbo_call_text(fcinfo, 0, "model");
	char	   *branch = rqbo_call_text_or_null(fcinfo, branch_argument);
	RqboCaller	caller;

	rqbo_call_begin(fcinfo, &caller);
	request->model_id = rqbo_call_model_id(&caller, model, level);
	request->sees_all = rqbo_rights_suffice(&caller, RQBO_ALL_MODELS, RQBO_READER);
	if (branch != NULL || null_is_root)
		request->branch_id = rqbo_store_branch_id(request->model_id, branch);
	if (*rqbo_store_list_connections(request->model_id, request->branch_id) == 0)
		rqbo_call_no_connection(model, branch);
	rqbo_call_end(&caller);
}

void
rqbo_call_audit(const RqboCaller *caller, RqboAudit *entry)
{
	entry->session_role = GetUserNameFromId(GetSessionUserId(), false);
	entry->acting_role = GetUserNameFromId(caller->role, false);
	rqbo_store_audit(entry);
}

void
rqbo_call_audit_connection(const RqboCaller *caller, const char *action, const RqboConnection *connection)
{
	rqbo_store_audit_connection(GetUserNameFromId(GetSessionUserId(), false), GetUserNameFromId(caller->role, false),
								action, connection, NULL);
}

/* ---- jobs ---- */

RqboJobRequest *
rqbo_call_make_request(RqboJobKind kind)
{
	RqboJobRequest *request = palloc0(sizeof(RqboJobRequest));

	request->kind = kind;
	request->database = MyDatabaseId;
	strlcpy(request->user, GetUserNameFromId(GetSessionUserId(), false), NAMEDATALEN);
	strlcpy(request->role, GetUserNameFromId(GetUserId(), false), NAMEDATALEN);
	return request;
}

/* Rows of strings to a tuple store. */
typedef struct Rows
{
	Tuplestorestate *store;
	AttInMetadata *meta;
} Rows;

static void
sink_row(int ncolumns, char **values, void *arg)
{
	Rows	   *rows = arg;

	if (ncolumns != rows->meta->tupdesc->natts)
		elog(ERROR, "a worker returned %d columns", ncolumns);
	tuplestore_puttuple(rows->store, BuildTupleFromCStrings(rows->meta, values));
}

/* One row of strings, to be made a record when the job is done. */
typedef struct OneRow
{
	MemoryContext context;
	TupleDesc	desc;
	HeapTuple	tuple;
} OneRow;

static void
sink_one_row(int ncolumns, char **values, void *arg)
{
	OneRow	   *row = arg;
	MemoryContext saved = MemoryContextSwitchTo(row->context);

	if (ncolumns != row->desc->natts)
		elog(ERROR, "a worker returned %d columns", ncolumns);
	row->tuple = BuildTupleFromCStrings(TupleDescGetAttInMetadata(row->desc), values);
	MemoryContextSwitchTo(saved);
}

Datum
rqbo_call_for_row(FunctionCallInfo fcinfo, RqboJobRequest *request)
{
	OneRow		row = {.context = CurrentMemoryContext};

	if (get_call_result_type(fcinfo, NULL, &row.desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	row.desc = BlessTupleDesc(row.desc);
	rqbo_wait_for(request, sink_one_row, &row);
	if (row.tuple == NULL)
		elog(ERROR, "a worker returned no row");
	return HeapTupleGetDatum(row.tuple);
}

/*
 * The store of an answer, which goes to a file before all of work_mem is used.
 */
static Tuplestorestate *
make_smaller(ReturnSetInfo *rsinfo)
{
	MemoryContext saved = MemoryContextSwitchTo(rsinfo->econtext->ecxt_per_query_memory);
	bool		is_random = (rsinfo->allowedModes & SFRM_Materialize_Random) != 0;
	Tuplestorestate *store = tuplestore_begin_heap(is_random, false, RQBO_JOB_ROWS_KB);

	tuplestore_end(rsinfo->setResult);
	MemoryContextSwitchTo(saved);
	return store;
}

Datum
rqbo_call_for_rows(FunctionCallInfo fcinfo, RqboJobRequest *request)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Rows		rows;

	InitMaterializedSRF(fcinfo, 0);
	rows.store = rsinfo->setResult = make_smaller(rsinfo);
	rows.meta = TupleDescGetAttInMetadata(rsinfo->setDesc);
	rqbo_wait_for(request, sink_row, &rows);
	return (Datum) 0;
}

void
rqbo_call_look_up(FunctionCallInfo fcinfo, RqboJobRequest *request, RqboLookUp look_up)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData  *volatile failure = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		look_up(fcinfo, request);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		failure = CopyErrorData();
		FlushErrorState();
	}
	PG_END_TRY();
	RollbackAndReleaseCurrentSubTransaction();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	if (failure != NULL)
		ReThrowError(failure);
}
