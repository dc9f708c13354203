/*-------------------------------------------------------------------------
 *
 * functions/sign_in.c
 *	  The SQL-callable functions that begin and end a sign-in.
 *
 * Beginning one never calls Intuit and needs no key: it works when everything
 * else is broken.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"

#include "base/encoding.h"
#include "base/errors.h"
#include "base/show.h"
#include "base/url.h"
#include "functions/call.h"
#include "grant/sign_in_state.h"
#include "qbo/oauth_request.h"
#include "secret/clear.h"
#include "secret/keyring.h"
#include "secret/seal.h"
#include "store/restore.h"

PG_FUNCTION_INFO_V1(rqbo_connect);
PG_FUNCTION_INFO_V1(rqbo_reconnect);
PG_FUNCTION_INFO_V1(rqbo_replace_company);
PG_FUNCTION_INFO_V1(rqbo_realm_id);
PG_FUNCTION_INFO_V1(rqbo_complete_connection_url);
PG_FUNCTION_INFO_V1(rqbo_complete_connection_parts);

/* ---- may it begin? ---- */

static void
check_purpose(const RqboConnection *c)
{
	if (!rqbo_store_environment_suits(c->model_id, c->environment_id))
		ereport(ERROR,
				(errcode(ERRCODE_RQBO_ENVIRONMENT_MISMATCH),
				 errmsg("a production model cannot link a company of environment \"%s\"", c->environment),
				 errdetail("Model \"%s\" is for production, and \"%s\" holds sandbox companies.",
						   c->title, c->environment),
				 errhint("Make a model for it with reefqbo.create_model(name, 'training').")));
}

/*
 * A connection whose company is known stays in its environment.
 */
static void
check_environment_kept(const RqboConnection *c)
{
	RqboConnection *present = rqbo_store_read_branch(c->model_id, c->branch_id, 0);

	if (present != NULL && present->is_verified && present->environment_id != c->environment_id)
		ereport(ERROR,
				(errcode(ERRCODE_RQBO_COMPANY_MISMATCH),
				 errmsg("branch \"%s\" of model \"%s\" is connected to \"%s\" in environment \"%s\"",
						present->branch, present->title, rqbo_encoding_for_client(rqbo_show_line(present->company)), present->environment),
				 errhint("Use reefqbo.reconnect, or another branch or model for a company of environment \"%s\"; reefqbo.replace_company takes it in the place of \"%s\".",
						 c->environment, rqbo_encoding_for_client(rqbo_show_line(present->company)))));
}

/* ---- what the user is told ---- */

static const char *
what_next(bool has_session)
{
	if (has_session)
		return "Then pass on the whole address the browser ends on, from the same session: SELECT * FROM reefqbo.complete_connection('https://...', session).";
	return "Then pass on the whole address the browser ends on: SELECT * FROM reefqbo.complete_connection('https://...'). In psql: \\prompt 'Paste the address: ' address, and then complete_connection(:'address').";
}

static void
notice_connect(const RqboConnection *c, bool has_session)
{
	ereport(NOTICE,
			(errmsg("open the address within ten minutes, sign in as an admin of the company for branch \"%s\" of model \"%s\", choose it and allow",
					c->branch, c->title),
			 errhint("%s", what_next(has_session))));
}

static void
notice_reconnect(const RqboConnection *c, bool has_session)
{
	ereport(NOTICE,
			(errmsg("open the address within ten minutes, sign in as an admin of \"%s\", choose that company and allow",
					rqbo_encoding_for_client(rqbo_show_line(c->company))),
			 errdetail("Accounts, actuals and schedule stay; another company is refused. Imports that have failed run again afterwards."),
			 errhint("%s", what_next(has_session))));
}

static void
notice_replace(const RqboConnection *c, bool has_session)
{
	RqboHoldings *h = rqbo_store_count_holdings(c->model_id, c->connection_id);

	ereport(NOTICE,
			(errmsg("ending this sign-in with another company will remove \"%s\" from branch \"%s\" of model \"%s\"",
					rqbo_encoding_for_client(rqbo_show_line(c->company)), c->branch, c->title),
			 errdetail("Removed will be " INT64_FORMAT " accounts, " INT64_FORMAT " amounts of " INT64_FORMAT " months (%s) and " INT64_FORMAT " restatements. The schedule stays. Until the sign-in has ended, and if it fails, nothing changes.",
					   h->accounts, h->amounts, h->months, h->range, h->restatements),
			 errhint("To go on, open the address within ten minutes, sign in as an admin of the new company, choose it and allow. %s To leave everything as it is, do not open it.",
					 what_next(has_session))));
}

/* ---- beginning ---- */

static void
notice(const RqboConnection *c, RqboSignInKind kind, bool has_session)
{
	if (kind == RQBO_SIGN_IN_REPLACE)
		notice_replace(c, has_session);
	else if (c->is_verified)
		notice_reconnect(c, has_session);
	else
		notice_connect(c, has_session);
}

/*
 * The digest of the session that argument n names, keyed by the state; NULL if
 * it was left out.  The text itself goes no further.
 */
static bytea *
digest_session(FunctionCallInfo fcinfo, int n, const char *state)
{
	char	   *session = rqbo_call_text_or_null(fcinfo, n);
	bytea	   *digest;

	if (session == NULL)
		return NULL;
	if (session[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must not be empty", "session"),
				 errhint("Pass what the application keeps in the browser's session, or leave it out where no browser is meant.")));
	digest = rqbo_secret_digest_session(state, session);
	explicit_bzero(session, strlen(session));
	return digest;
}

/*
 * Note a new state for the branch and make the address that carries it.
 * Argument n is the session it is begun in.
 */
static Datum
begin_sign_in(FunctionCallInfo fcinfo, const RqboCaller *caller, const RqboConnection *c, RqboSignInKind kind, int n)
{
	static const char *const actions[] = {
		[RQBO_SIGN_IN_CONNECT] = "connect_begun",
		[RQBO_SIGN_IN_RECONNECT] = "reconnect_begun",
		[RQBO_SIGN_IN_REPLACE] = "replace_begun"
	};
	char	   *state = rqbo_secret_make_state();
	bytea	   *session_digest = digest_session(fcinfo, n, state);
	text	   *address;

	rqbo_store_need_restored();
	rqbo_oauth_check_app(c);
	rqbo_store_add_request(c, kind, rqbo_secret_digest_state(state), session_digest);
	rqbo_call_audit_connection(caller, actions[kind], c);
	address = cstring_to_text(rqbo_oauth_make_address(c, state));
	notice(c, kind, session_digest != NULL);
	return SPI_datumTransfer(PointerGetDatum(address), false, -1);
}

/*
 * The branch that arguments 0 and n name, with what a sign-in in that
 * environment needs; environment NULL is that of its connection.
 */
static RqboConnection *
branch_to_sign_in(FunctionCallInfo fcinfo, const RqboCaller *caller, int n, const char *environment, RqboLevel level)
{
	char	   *model = rqbo_call_text(fcinfo, 0, "model");
	char	   *branch = rqbo_call_text_or_null(fcinfo, n);
	int64		model_id = rqbo_call_model_id(caller, model, level);
	int64		branch_id = rqbo_store_branch_id(model_id, branch);
	RqboConnection *c;

	c = rqbo_store_read_branch(model_id, branch_id, environment != NULL ? rqbo_store_environment_needed(environment) : 0);
	if (c == NULL)
		rqbo_call_no_connection(model, branch);
	return c;
}

Datum
rqbo_connect(PG_FUNCTION_ARGS)
{
	char	   *environment = rqbo_call_text(fcinfo, 1, "environment");
	RqboCaller	caller;
	RqboConnection *c;
	Datum		address;

	rqbo_call_begin(fcinfo, &caller);
	c = branch_to_sign_in(fcinfo, &caller, 2, environment, RQBO_OPERATOR);
	check_purpose(c);
	check_environment_kept(c);
	address = begin_sign_in(fcinfo, &caller, c, c->is_verified ? RQBO_SIGN_IN_RECONNECT : RQBO_SIGN_IN_CONNECT, 3);
	rqbo_call_end(&caller);
	PG_RETURN_DATUM(address);
}

Datum
rqbo_reconnect(PG_FUNCTION_ARGS)
{
	RqboCaller	caller;
	RqboConnection *c;
	Datum		address;

	rqbo_call_begin(fcinfo, &caller);
	c = branch_to_sign_in(fcinfo, &caller, 1, NULL, RQBO_OPERATOR);
	address = begin_sign_in(fcinfo, &caller, c, RQBO_SIGN_IN_RECONNECT, 2);
	rqbo_call_end(&caller);
	PG_RETURN_DATUM(address);
}

/*
 * A branch without a known company has nothing to be replaced: it is connected.
 */
Datum
rqbo_replace_company(PG_FUNCTION_ARGS)
{
	char	   *environment = rqbo_call_text_or_null(fcinfo, 2);
	RqboCaller	caller;
	RqboConnection *c;
	Datum		address;

	rqbo_call_begin(fcinfo, &caller);
	c = branch_to_sign_in(fcinfo, &caller, 1, environment, RQBO_ADMIN);
	if (!c->is_verified)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("branch \"%s\" of model \"%s\" has no company to replace", c->branch, c->title),
				 errhint("Link one with reefqbo.connect.")));
	check_purpose(c);
	rqbo_store_need_no_references(c->model_id, c->connection_id);
	address = begin_sign_in(fcinfo, &caller, c, RQBO_SIGN_IN_REPLACE, 3);
	rqbo_call_end(&caller);
	PG_RETURN_DATUM(address);
}

Datum
rqbo_realm_id(PG_FUNCTION_ARGS)
{
	RqboCaller	caller;
	RqboConnection *c;
	char	   *clear;
	Datum		realm_id;

	rqbo_call_begin(fcinfo, &caller);
	c = branch_to_sign_in(fcinfo, &caller, 1, NULL, RQBO_OPERATOR);
	clear = rqbo_secret_unseal(rqbo_keyring_load(), rqbo_connection_owner(c, RQBO_SEAL_REALM_ID, 0), c->realm_sealed);
	realm_id = SPI_datumTransfer(CStringGetTextDatum(clear), false, -1);
	rqbo_clear_wipe(clear);
	rqbo_call_end(&caller);
	PG_RETURN_DATUM(realm_id);
}

/* ---- ending ---- */

static void
put_word(char *place, const char *value, const char *name)
{
	rqbo_call_check_plain(value, name, ERRCODE_RQBO_AUTHORIZATION_INVALID);
	strlcpy(place, value, RQBO_JOB_WORD);
}

/*
 * A state for a model that the caller may not work with is no better than one
 * that was made up.  So is one that this transaction's snapshot does not show:
 * nobody knows whose it is.
 */
static void
check_state(FunctionCallInfo fcinfo, RqboJobRequest *request)
{
	RqboCaller	caller;
	int64		model_id;

	rqbo_call_begin(fcinfo, &caller);
	model_id = rqbo_store_request_model(rqbo_secret_digest_state(request->state));
	if (model_id == 0 || !rqbo_rights_suffice(&caller, model_id, RQBO_OPERATOR))
		rqbo_sign_in_state_raise(RQBO_REQUEST_UNKNOWN);
	rqbo_call_end(&caller);
}

static void
put_session(FunctionCallInfo fcinfo, int n, RqboJobRequest *request)
{
	bytea	   *digest = digest_session(fcinfo, n, request->state);

	request->has_session = digest != NULL;
	if (digest != NULL)
		memcpy(request->session_digest, VARDATA(digest), sizeof(request->session_digest));
}

/*
 * Argument n is the session it is ended in.
 */
static Datum
complete(FunctionCallInfo fcinfo, RqboJobRequest *request, int n)
{
	put_session(fcinfo, n, request);
	rqbo_call_look_up(fcinfo, request, check_state);
	return rqbo_call_for_row(fcinfo, request);
}

Datum
rqbo_complete_connection_url(PG_FUNCTION_ARGS)
{
	char	   *url = rqbo_call_text(fcinfo, 0, "redirect_url");
	RqboJobRequest *request = rqbo_call_make_request(RQBO_JOB_COMPLETE);
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
	return complete(fcinfo, request, 1);
}

Datum
rqbo_complete_connection_parts(PG_FUNCTION_ARGS)
{
	RqboJobRequest *request = rqbo_call_make_request(RQBO_JOB_COMPLETE);

	put_word(request->state, rqbo_call_text(fcinfo, 0, "state"), "state");
	put_word(request->code, rqbo_call_text(fcinfo, 1, "code"), "code");
	put_word(request->realm_id, rqbo_call_text(fcinfo, 2, "realm_id"), "realm_id");
	return complete(fcinfo, request, 3);
}
