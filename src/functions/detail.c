/*-------------------------------------------------------------------------
 *
 * functions/detail.c
 *	  The SQL-callable functions that read what figures are made of: check
 *	  arguments, hand a job to a worker.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/month.h"
#include "functions/call.h"
#include "store/ledger.h"

PG_FUNCTION_INFO_V1(rqbo_import_dimensions);
PG_FUNCTION_INFO_V1(rqbo_ledger_lines);

/* ---- dimensions ---- */

static void
find_companies(FunctionCallInfo fcinfo, RqboJobRequest *request)
{
	rqbo_call_find_connections(fcinfo, request, RQBO_OPERATOR, 5, false);
}

static const char *
dimension_needed(FunctionCallInfo fcinfo, int n)
{
	char	   *dimension = rqbo_call_text(fcinfo, n, "dimension");

	if (strcmp(dimension, "class") != 0 && strcmp(dimension, "department") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("dimension \"%s\" is not known", dimension),
				 errhint("It is 'class' or 'department' (location).")));
	return dimension;
}

Datum
rqbo_import_dimensions(PG_FUNCTION_ARGS)
{
	RqboJobRequest *request = rqbo_call_make_request(RQBO_JOB_IMPORT_DIMENSIONS);

	strlcpy(request->dimension, dimension_needed(fcinfo, 1), sizeof(request->dimension));
	request->start = rqbo_call_date(fcinfo, 2, "start_date");
	request->end = rqbo_call_date(fcinfo, 3, "end_date");
	rqbo_call_check_months(request->start, request->end);
	strlcpy(request->method, rqbo_call_method(fcinfo, 4), sizeof(request->method));
	rqbo_call_look_up(fcinfo, request, find_companies);
	return rqbo_call_for_rows(fcinfo, request);
}

/* ---- ledger lines ---- */

static void
find_account(FunctionCallInfo fcinfo, RqboJobRequest *request)
{
	char	   *model = rqbo_call_text(fcinfo, 0, "model");
	char	   *account = rqbo_call_text(fcinfo, 1, "account");
	char	   *id;
	RqboCaller	caller;

	rqbo_call_begin(fcinfo, &caller);
	request->model_id = rqbo_call_model_id(&caller, model, RQBO_OPERATOR);
	id = rqbo_store_find_ledger(request->model_id, rqbo_call_text_or_null(fcinfo, 5), account, &request->branch_id);
	strlcpy(request->account_id, id, sizeof(request->account_id));
	rqbo_call_end(&caller);
}

/*
 * Any day stands for its month.
 */
static void
take_months(FunctionCallInfo fcinfo, RqboJobRequest *request)
{
	DateADT		month = rqbo_call_date(fcinfo, 2, "month");
	DateADT		until = PG_ARGISNULL(3) ? month : PG_GETARG_DATEADT(3);

	if (DATE_NOT_FINITE(month) || DATE_NOT_FINITE(until) ||
		rqbo_month_add(until, 0) < rqbo_month_add(month, 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("ledger lines are read for a month, or from a month until a later one"),
				 errhint("For example: month => '2026-03-01', until => '2026-05-31'.")));
	request->start = rqbo_month_add(month, 0);
	request->end = rqbo_month_add(until, 1) - 1;
	rqbo_call_check_months(request->start, request->end);
}

Datum
rqbo_ledger_lines(PG_FUNCTION_ARGS)
{
	RqboJobRequest *request = rqbo_call_make_request(RQBO_JOB_LEDGER_LINES);

	take_months(fcinfo, request);
	strlcpy(request->method, rqbo_call_method(fcinfo, 4), sizeof(request->method));
	request->keep = !PG_ARGISNULL(6) && PG_GETARG_BOOL(6);
	rqbo_call_look_up(fcinfo, request, find_account);
	return rqbo_call_for_rows(fcinfo, request);
}
