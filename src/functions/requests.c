/*-------------------------------------------------------------------------
 *
 * functions/requests.c
 *	  The SQL-callable functions of apps, imports and ends of connections: check
 *	  arguments, call others.
 *
 * Those that talk to QuickBooks hand a job to a worker and wait.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "base/encoding.h"
#include "base/errors.h"
#include "base/show.h"
#include "functions/call.h"
#include "secret/clear.h"
#include "secret/keyring.h"
#include "secret/seal.h"
#include "store/branch.h"
#include "store/restore.h"

PG_FUNCTION_INFO_V1(rqbo_register_app);
PG_FUNCTION_INFO_V1(rqbo_disconnect);
PG_FUNCTION_INFO_V1(rqbo_forget_company);
PG_FUNCTION_INFO_V1(rqbo_delete_model);
PG_FUNCTION_INFO_V1(rqbo_import_accounts);
PG_FUNCTION_INFO_V1(rqbo_import_actuals);
PG_FUNCTION_INFO_V1(rqbo_refresh);
PG_FUNCTION_INFO_V1(rqbo_tie_out);
PG_FUNCTION_INFO_V1(rqbo_check_companies);
PG_FUNCTION_INFO_V1(rqbo_reseal);

/* ---- apps ---- */

/*
 * Intuit takes https, and http for localhost with development keys.
 */
static void
check_redirect_uri(const char *uri)
{
	static const char *const begins[] = {"https://", "http://localhost:", "http://localhost/", "http://localhost"};
	bool		is_good = strpbrk(uri, "#\\\"<>") == NULL;
	bool		begins_well = false;

	rqbo_call_check_plain(uri, "redirect_uri", ERRCODE_INVALID_PARAMETER_VALUE);
	for (int i = 0; i < 3; i++)
		begins_well |= strncmp(uri, begins[i], strlen(begins[i])) == 0;
	begins_well |= strcmp(uri, begins[3]) == 0;
	if (!is_good || !begins_well)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("redirect URI \"%s\" is not acceptable", uri),
				 errhint("It is an https address, or http://localhost with development keys, exactly as registered with the app at Intuit.")));
}

Datum
rqbo_register_app(PG_FUNCTION_ARGS)
{
	char	   *environment = rqbo_call_text(fcinfo, 0, "environment");
	char	   *client_id = rqbo_call_text(fcinfo, 1, "client_id");
	char	   *secret = rqbo_call_take_secret(fcinfo, 2, "client_secret");
	char	   *redirect_uri = rqbo_call_text(fcinfo, 3, "redirect_uri");
	RqboSealOwner owner = {.purpose = RQBO_SEAL_CLIENT_SECRET};
	RqboAudit	entry = {.action = "app_registered"};
	RqboCaller	caller;

	rqbo_call_check_plain(client_id, "client_id", ERRCODE_INVALID_PARAMETER_VALUE);
	rqbo_call_check_plain(secret, "client_secret", ERRCODE_INVALID_PARAMETER_VALUE);
	check_redirect_uri(redirect_uri);
	rqbo_call_begin(fcinfo, &caller);
	rqbo_rights_check(&caller, RQBO_ALL_MODELS, NULL, RQBO_ADMIN);
	rqbo_store_need_restored();
	owner.id1 = rqbo_store_environment_needed(environment);
	owner.installation = rqbo_store_installation();
	rqbo_store_put_app(owner.id1, client_id, rqbo_secret_seal(rqbo_keyring_load(), owner, secret), redirect_uri);
	entry.detail = psprintf("client id %s for environment \"%s\"", client_id, environment);
	rqbo_call_audit(&caller, &entry);
	rqbo_call_end(&caller);
	rqbo_clear_wipe(secret);
	PG_RETURN_VOID();
}

/* ---- the others that talk to Intuit ---- */

static void
find_all(FunctionCallInfo fcinfo, RqboJobRequest *request)
{
	int			branch_argument = request->kind == RQBO_JOB_IMPORT_ACTUALS ? 4 : 1;

	rqbo_call_find_connections(fcinfo, request, RQBO_OPERATOR, branch_argument, false);
}

static void
find_one(FunctionCallInfo fcinfo, RqboJobRequest *request)
{
	rqbo_call_find_connections(fcinfo, request, request->kind == RQBO_JOB_FORGET ? RQBO_ADMIN : RQBO_OPERATOR, 1, true);
}

static Datum
run_for_one(FunctionCallInfo fcinfo, RqboJobKind kind)
{
	RqboJobRequest *request = rqbo_call_make_request(kind);

	rqbo_call_look_up(fcinfo, request, find_one);
	return rqbo_call_for_row(fcinfo, request);
}

Datum
rqbo_disconnect(PG_FUNCTION_ARGS)
{
	return run_for_one(fcinfo, RQBO_JOB_DISCONNECT);
}

Datum
rqbo_forget_company(PG_FUNCTION_ARGS)
{
	return run_for_one(fcinfo, RQBO_JOB_FORGET);
}

/*
 * The model that is to be removed, before anything is: who calls may do it, and
 * nothing is in the way.
 */
static void
find_model(FunctionCallInfo fcinfo, RqboJobRequest *request)
{
	char	   *model = rqbo_call_text(fcinfo, 0, "model");
	char	   *again = rqbo_call_text(fcinfo, 1, "name_again");
	RqboCaller	caller;

	rqbo_call_begin(fcinfo, &caller);
	rqbo_rights_check(&caller, RQBO_ALL_MODELS, NULL, RQBO_ADMIN);
	rqbo_store_need_restored();
	request->model_id = rqbo_call_model_id(&caller, model, RQBO_ADMIN);
	if (strcmp(model, again) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("model \"%s\" was not deleted: its name was not repeated", model),
				 errhint("It goes with everything that belongs to it, for good. Pass its name twice.")));
	rqbo_store_need_no_references(request->model_id, 0);
	request->sees_all = true;
	request->branch_id = rqbo_store_first_connected_branch(request->model_id);
	rqbo_call_end(&caller);
}

static void
tell_forgotten(int ncolumns pg_attribute_unused(), char **values, void *arg pg_attribute_unused())
{
	ereport(NOTICE,
			(errmsg("\"%s\" is removed: %s", rqbo_encoding_for_client(rqbo_show_line(values[0])), values[2])));
}

/*
 * What is left of a model without companies goes in the caller's transaction.
 */
static void
remove_rest(FunctionCallInfo fcinfo, int64 model_id, int64 companies)
{
	RqboAudit	entry = {.action = "model_deleted", .model_id = model_id};
	RqboCaller	caller;

	rqbo_call_begin(fcinfo, &caller);
	rqbo_store_remove_model(model_id);
	entry.model = rqbo_call_text(fcinfo, 0, "model");
	entry.detail = psprintf("with " INT64_FORMAT " companies", companies);
	rqbo_call_audit(&caller, &entry);
	rqbo_call_end(&caller);
}

Datum
rqbo_delete_model(PG_FUNCTION_ARGS)
{
	int64		companies = 0;
	RqboJobRequest *request;

	for (;;)
	{
		int64		model_id;

		request = rqbo_call_make_request(RQBO_JOB_FORGET);
		rqbo_call_look_up(fcinfo, request, find_model);
		model_id = request->model_id;
		if (request->branch_id == 0)
		{
			remove_rest(fcinfo, model_id, companies);
			PG_RETURN_INT64(companies);
		}
		rqbo_job_run(request, tell_forgotten, NULL);
		companies++;
	}
}

/*
 * For a row a connection, or some.
 */
static Datum
run_for_rows(FunctionCallInfo fcinfo, RqboJobRequest *request)
{
	rqbo_call_look_up(fcinfo, request, find_all);
	return rqbo_call_for_rows(fcinfo, request);
}

Datum
rqbo_import_accounts(PG_FUNCTION_ARGS)
{
	return run_for_rows(fcinfo, rqbo_call_make_request(RQBO_JOB_IMPORT_ACCOUNTS));
}

Datum
rqbo_refresh(PG_FUNCTION_ARGS)
{
	RqboJobRequest *request = rqbo_call_make_request(RQBO_JOB_REFRESH);

	request->is_whole = !PG_ARGISNULL(2) && PG_GETARG_BOOL(2);
	return run_for_rows(fcinfo, request);
}

Datum
rqbo_import_actuals(PG_FUNCTION_ARGS)
{
	RqboJobRequest *request = rqbo_call_make_request(RQBO_JOB_IMPORT_ACTUALS);

	request->start = rqbo_call_date(fcinfo, 1, "start_date");
	request->end = rqbo_call_date(fcinfo, 2, "end_date");
	rqbo_call_check_months(request->start, request->end);
	strlcpy(request->method, rqbo_call_method(fcinfo, 3), sizeof(request->method));
	return run_for_rows(fcinfo, request);
}

Datum
rqbo_tie_out(PG_FUNCTION_ARGS)
{
	RqboJobRequest *request = rqbo_call_make_request(RQBO_JOB_TIE_OUT);

	if (!PG_ARGISNULL(2))
		strlcpy(request->method, rqbo_call_method(fcinfo, 2), sizeof(request->method));
	return run_for_rows(fcinfo, request);
}

Datum
rqbo_check_companies(PG_FUNCTION_ARGS)
{
	return run_for_rows(fcinfo, rqbo_call_make_request(RQBO_JOB_CHECK));
}

/* ---- keys ---- */

static void
check_admin(FunctionCallInfo fcinfo, RqboJobRequest *request pg_attribute_unused())
{
	RqboCaller	caller;

	rqbo_call_begin(fcinfo, &caller);
	rqbo_rights_check(&caller, RQBO_ALL_MODELS, NULL, RQBO_ADMIN);
	rqbo_call_end(&caller);
}

Datum
rqbo_reseal(PG_FUNCTION_ARGS)
{
	RqboJobRequest *request = rqbo_call_make_request(RQBO_JOB_RESEAL);

	rqbo_call_look_up(fcinfo, request, check_admin);
	rqbo_job_run(request, NULL, NULL);
	PG_RETURN_VOID();
}
