/*-------------------------------------------------------------------------
 *
 * functions.c
 *	  The SQL-callable functions: check arguments, call others.
 *
 * Those that talk to QuickBooks hand a job to a worker and wait; the others
 * never leave the server.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/resowner.h"
#include "utils/tuplestore.h"

#include "errors.h"
#include "job.h"
#include "keyring.h"
#include "month.h"
#include "oauth.h"
#include "secret.h"
#include "store.h"
#include "url.h"

PG_FUNCTION_INFO_V1(rqbo_register_app);
PG_FUNCTION_INFO_V1(rqbo_connect);
PG_FUNCTION_INFO_V1(rqbo_reconnect);
PG_FUNCTION_INFO_V1(rqbo_realm_id);
PG_FUNCTION_INFO_V1(rqbo_complete_connection_url);
PG_FUNCTION_INFO_V1(rqbo_complete_connection_parts);
PG_FUNCTION_INFO_V1(rqbo_disconnect);
PG_FUNCTION_INFO_V1(rqbo_import_accounts);
PG_FUNCTION_INFO_V1(rqbo_import_actuals);
PG_FUNCTION_INFO_V1(rqbo_refresh);
PG_FUNCTION_INFO_V1(rqbo_reseal);

/* ---- arguments ---- */

static char *
text_or_null(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(n));
}

static char *
text_needed(FunctionCallInfo fcinfo, int n, const char *name)
{
	if (PG_ARGISNULL(n))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be null", name)));
	return text_to_cstring(PG_GETARG_TEXT_PP(n));
}

static void
connect_spi(void)
{
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
}

/*
 * A value that goes into an address or a header, or comes with one.
 */
static void
check_plain(const char *value, const char *name, int sqlstate)
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

	check_plain(uri, "redirect_uri", ERRCODE_INVALID_PARAMETER_VALUE);
	for (int i = 0; i < 3; i++)
		begins_well |= strncmp(uri, begins[i], strlen(begins[i])) == 0;
	begins_well |= strcmp(uri, begins[3]) == 0;
	if (!is_good || !begins_well)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("redirect URI \"%s\" is not acceptable", uri),
				 errhint("It is an https address, or http://localhost with development keys, exactly as registered with the app at Intuit.")));
}

static int64
environment_needed(const char *environment)
{
	int64		id = rqbo_store_environment_id(environment);

	if (id == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("environment \"%s\" does not exist", environment),
				 errhint("There are \"production\", \"sandbox\", and what a superuser has added with reefqbo.create_environment.")));
	return id;
}

Datum
rqbo_register_app(PG_FUNCTION_ARGS)
{
	char	   *environment = text_needed(fcinfo, 0, "environment");
	char	   *client_id = text_needed(fcinfo, 1, "client_id");
	char	   *secret = text_needed(fcinfo, 2, "client_secret");
	char	   *redirect_uri = text_needed(fcinfo, 3, "redirect_uri");
	RqboSealOwner owner = {RQBO_SEAL_CLIENT_SECRET, 0, 0};

	check_plain(client_id, "client_id", ERRCODE_INVALID_PARAMETER_VALUE);
	check_plain(secret, "client_secret", ERRCODE_INVALID_PARAMETER_VALUE);
	check_redirect_uri(redirect_uri);
	connect_spi();
	owner.id1 = environment_needed(environment);
	rqbo_store_put_app(owner.id1, client_id, rqbo_secret_seal(rqbo_keyring_load(), owner, secret), redirect_uri);
	SPI_finish();
	rqbo_secret_wipe(secret);
	PG_RETURN_VOID();
}

/* ---- beginning a sign-in ---- */

static void
check_purpose(const RqboConnection *c)
{
	if (!rqbo_store_environment_suits(c->model_id, c->environment_id))
		ereport(ERROR,
				(errcode(ERRCODE_RQBO_ENVIRONMENT_MISMATCH),
				 errmsg("a production model cannot link a company of environment \"%s\"", c->environment),
				 errdetail("Model \"%s\" is for production, and \"%s\" holds sandbox companies.",
						   c->model, c->environment),
				 errhint("Make a model for it with reefqbo.create_model(name, 'training').")));
}

/*
 * A connection whose company is known stays in its environment.
 */
static void
check_environment_kept(int64 model_id, int64 branch_id, const RqboConnection *c)
{
	RqboConnection *present = rqbo_store_read_branch(model_id, branch_id, 0);

	if (present != NULL && present->is_verified && present->environment_id != c->environment_id)
		ereport(ERROR,
				(errcode(ERRCODE_RQBO_COMPANY_MISMATCH),
				 errmsg("branch \"%s\" of model \"%s\" is connected to \"%s\" in environment \"%s\"",
						present->branch, present->model, present->company, present->environment),
				 errhint("Use reefqbo.reconnect, or another branch or model for a company of environment \"%s\".",
						 c->environment)));
}

/*
 * Note a new state for the branch and make the address that carries it.
 */
static Datum
begin_sign_in(const RqboConnection *c)
{
	char	   *state = rqbo_secret_make_state();
	text	   *address;

	rqbo_oauth_check_app(c);
	rqbo_store_add_request(c->model_id, c->branch_id, c->environment_id, rqbo_secret_digest_state(state));
	address = cstring_to_text(rqbo_oauth_make_address(c, state));
	return SPI_datumTransfer(PointerGetDatum(address), false, -1);
}

Datum
rqbo_connect(PG_FUNCTION_ARGS)
{
	char	   *model = text_needed(fcinfo, 0, "model");
	char	   *environment = text_needed(fcinfo, 1, "environment");
	int64		model_id;
	int64		branch_id;
	RqboConnection *c;
	Datum		address;

	connect_spi();
	model_id = rqbo_store_model_id(model);
	branch_id = rqbo_store_branch_id(model_id, text_or_null(fcinfo, 2));
	c = rqbo_store_read_branch(model_id, branch_id, environment_needed(environment));
	check_purpose(c);
	check_environment_kept(model_id, branch_id, c);
	address = begin_sign_in(c);
	SPI_finish();
	PG_RETURN_DATUM(address);
}

static void
no_connection(const char *model, const char *branch)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 branch != NULL ?
			 errmsg("branch \"%s\" of model \"%s\" has no connection", branch, model) :
			 errmsg("model \"%s\" has no connection", model),
			 errhint("reefqbo.connect makes one; the view reefqbo.connection_status lists them.")));
}

Datum
rqbo_reconnect(PG_FUNCTION_ARGS)
{
	char	   *model = text_needed(fcinfo, 0, "model");
	char	   *branch = text_or_null(fcinfo, 1);
	int64		model_id;
	RqboConnection *c;
	Datum		address;

	connect_spi();
	model_id = rqbo_store_model_id(model);
	c = rqbo_store_read_branch(model_id, rqbo_store_branch_id(model_id, branch), 0);
	if (c == NULL)
		no_connection(model, branch);
	address = begin_sign_in(c);
	SPI_finish();
	PG_RETURN_DATUM(address);
}

Datum
rqbo_realm_id(PG_FUNCTION_ARGS)
{
	char	   *model = text_needed(fcinfo, 0, "model");
	char	   *branch = text_or_null(fcinfo, 1);
	RqboSealOwner owner = {RQBO_SEAL_REALM_ID, 0, 0};
	RqboConnection *c;
	Datum		realm_id;

	connect_spi();
	owner.id1 = rqbo_store_model_id(model);
	c = rqbo_store_read_branch(owner.id1, rqbo_store_branch_id(owner.id1, branch), 0);
	if (c == NULL)
		no_connection(model, branch);
	owner.id2 = c->connection_id;
	realm_id = CStringGetTextDatum(rqbo_secret_unseal(rqbo_keyring_load(), owner, c->realm_sealed));
	realm_id = SPI_datumTransfer(realm_id, false, -1);
	SPI_finish();
	PG_RETURN_DATUM(realm_id);
}

/* ---- jobs ---- */

static RqboJobRequest *
make_request(RqboJobKind kind)
{
	RqboJobRequest *request = palloc0(sizeof(RqboJobRequest));

	request->kind = kind;
	request->database = MyDatabaseId;
	strlcpy(request->user, GetUserNameFromId(GetSessionUserId(), false), NAMEDATALEN);
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

static Datum
run_for_one_row(FunctionCallInfo fcinfo, RqboJobRequest *request)
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

/* ---- ending a sign-in ---- */

static void
put_word(char *place, const char *value, const char *name)
{
	check_plain(value, name, ERRCODE_RQBO_AUTHORIZATION_INVALID);
	strlcpy(place, value, RQBO_JOB_WORD);
}

Datum
rqbo_complete_connection_url(PG_FUNCTION_ARGS)
{
	char	   *url = text_needed(fcinfo, 0, "redirect_url");
	RqboJobRequest *request = make_request(RQBO_JOB_COMPLETE);
	char	   *state = rqbo_url_field(url, "state");
	char	   *code = rqbo_url_field(url, "code");
	char	   *realm_id = rqbo_url_field(url, "realmId");
	char	   *refusal = rqbo_url_field(url, "error");

	if (state == NULL || state[0] == '\0' || (refusal == NULL && (code == NULL || realm_id == NULL)))
		ereport(ERROR,
				(errcode(ERRCODE_RQBO_AUTHORIZATION_INVALID),
				 errmsg("this is not the address that Intuit sends the browser back to"),
				 errdetail("It must carry state, code and realmId, or state and error."),
				 errhint("Pass the whole address the browser ended on, after signing in at the address that reefqbo.connect returned.")));
	put_word(request->state, state, "state");
	if (refusal != NULL)
		put_word(request->refusal, refusal, "error");
	else
	{
		put_word(request->code, code, "code");
		put_word(request->realm_id, realm_id, "realmId");
	}
	return run_for_one_row(fcinfo, request);
}

Datum
rqbo_complete_connection_parts(PG_FUNCTION_ARGS)
{
	RqboJobRequest *request = make_request(RQBO_JOB_COMPLETE);

	put_word(request->state, text_needed(fcinfo, 0, "state"), "state");
	put_word(request->code, text_needed(fcinfo, 1, "code"), "code");
	put_word(request->realm_id, text_needed(fcinfo, 2, "realm_id"), "realm_id");
	return run_for_one_row(fcinfo, request);
}

/* ---- the others that talk to Intuit ---- */

/*
 * Fill in which connections a job is about; branch_id 0 means all.
 */
static void
find_connections(RqboJobRequest *request, const char *model, const char *branch, bool null_is_root)
{
	int64	   *found;

	connect_spi();
	request->model_id = rqbo_store_model_id(model);
	if (branch != NULL || null_is_root)
		request->branch_id = rqbo_store_branch_id(request->model_id, branch);
	found = rqbo_store_list_connections(request->model_id, request->branch_id);
	if (*found == 0)
		no_connection(model, branch);
	SPI_finish();
}

/*
 * The same, giving back the locks on the tables: the caller is about to wait
 * for QuickBooks, and DROP EXTENSION must not wait for the caller.
 */
static void
name_connections(RqboJobRequest *request, const char *model, const char *branch, bool null_is_root)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData  *volatile failure = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		find_connections(request, model, branch, null_is_root);
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

Datum
rqbo_disconnect(PG_FUNCTION_ARGS)
{
	RqboJobRequest *request = make_request(RQBO_JOB_DISCONNECT);

	name_connections(request, text_needed(fcinfo, 0, "model"), text_or_null(fcinfo, 1), true);
	return run_for_one_row(fcinfo, request);
}

static Datum
run_import(FunctionCallInfo fcinfo, RqboJobRequest *request, const char *branch)
{
	name_connections(request, text_needed(fcinfo, 0, "model"), branch, false);
	InitMaterializedSRF(fcinfo, 0);
	rqbo_job_run(request, sink_row, fcinfo->resultinfo);
	return (Datum) 0;
}

Datum
rqbo_import_accounts(PG_FUNCTION_ARGS)
{
	return run_import(fcinfo, make_request(RQBO_JOB_IMPORT_ACCOUNTS), text_or_null(fcinfo, 1));
}

Datum
rqbo_refresh(PG_FUNCTION_ARGS)
{
	RqboJobRequest *request = make_request(RQBO_JOB_REFRESH);

	request->is_whole = !PG_ARGISNULL(2) && PG_GETARG_BOOL(2);
	return run_import(fcinfo, request, text_or_null(fcinfo, 1));
}

static DateADT
date_needed(FunctionCallInfo fcinfo, int n, const char *name)
{
	if (PG_ARGISNULL(n))
		(void) text_needed(fcinfo, n, name);
	return PG_GETARG_DATEADT(n);
}

/*
 * Whole months, in years that QuickBooks can have.
 */
static void
check_range(DateADT start, DateADT end)
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

static const char *
method_needed(FunctionCallInfo fcinfo, int n)
{
	char	   *method = text_needed(fcinfo, n, "accounting_method");

	if (pg_strcasecmp(method, "Accrual") == 0)
		return "Accrual";
	if (pg_strcasecmp(method, "Cash") == 0)
		return "Cash";
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("accounting method \"%s\" is not known", method),
			 errhint("It is \"Accrual\" or \"Cash\".")));
}

Datum
rqbo_import_actuals(PG_FUNCTION_ARGS)
{
	RqboJobRequest *request = make_request(RQBO_JOB_IMPORT_ACTUALS);

	request->start = date_needed(fcinfo, 1, "start_date");
	request->end = date_needed(fcinfo, 2, "end_date");
	check_range(request->start, request->end);
	strlcpy(request->method, method_needed(fcinfo, 3), sizeof(request->method));
	return run_import(fcinfo, request, text_or_null(fcinfo, 4));
}

/* ---- keys ---- */

Datum
rqbo_reseal(PG_FUNCTION_ARGS pg_attribute_unused())
{
	rqbo_job_run(make_request(RQBO_JOB_RESEAL), NULL, NULL);
	PG_RETURN_VOID();
}
