/*-------------------------------------------------------------------------
 *
 * call.c
 *	  What the SQL-callable functions share: arguments, rights, jobs.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/resowner.h"
#include "utils/tuplestore.h"

#include "call.h"

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

/* ---- rights ---- */

void
rqbo_call_begin(FunctionCallInfo fcinfo, RqboCaller *caller)
{
	rqbo_rights_take(fcinfo, caller);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
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
	int64		model_id = rqbo_store_model_id(model);

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
static void
sink_row(int ncolumns, char **values, void *arg)
{
	ReturnSetInfo *rsinfo = arg;
	AttInMetadata *meta = TupleDescGetAttInMetadata(rsinfo->setDesc);

	if (ncolumns != rsinfo->setDesc->natts)
		elog(ERROR, "a worker returned %d columns", ncolumns);
	tuplestore_puttuple(rsinfo->setResult, BuildTupleFromCStrings(meta, values));
}

/* One row of strings, to be made a record when the job is done. */
typedef struct OneRow
{
	TupleDesc	desc;
	HeapTuple	tuple;
} OneRow;

static void
sink_one_row(int ncolumns, char **values, void *arg)
{
	OneRow	   *row = arg;

	if (ncolumns != row->desc->natts)
		elog(ERROR, "a worker returned %d columns", ncolumns);
	row->tuple = BuildTupleFromCStrings(TupleDescGetAttInMetadata(row->desc), values);
}

Datum
rqbo_call_for_row(FunctionCallInfo fcinfo, RqboJobRequest *request)
{
	OneRow		row = {0};

	if (get_call_result_type(fcinfo, NULL, &row.desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	row.desc = BlessTupleDesc(row.desc);
	rqbo_job_run(request, sink_one_row, &row);
	if (row.tuple == NULL)
		elog(ERROR, "a worker returned no row");
	return HeapTupleGetDatum(row.tuple);
}

Datum
rqbo_call_for_rows(FunctionCallInfo fcinfo, RqboJobRequest *request)
{
	InitMaterializedSRF(fcinfo, 0);
	rqbo_job_run(request, sink_row, fcinfo->resultinfo);
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
