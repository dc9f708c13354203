/*-------------------------------------------------------------------------
 *
 * grant/sign_in_end.c
 *	  How a sign-in ends, well or not: what is written down, and what is told.
 *	  What it stores of the grant is sign_in_grant.c's.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/memutils.h"

#include "base/db.h"
#include "base/errors.h"
#include "base/show.h"
#include "grant/sign_in_end.h"
#include "grant/sign_in_grant.h"
#include "qbo/notify.h"
#include "qbo/oauth.h"
#include "store/access.h"
#include "store/upkeep.h"

#define LOCK_RETRY_MS 200

/* ---- what is written down ---- */

void
rqbo_sign_in_end_audit(const SignIn *sign_in, const RqboConnection *c, const char *action, const char *detail)
{
	const RqboJobRequest *request = sign_in->job->request;

	rqbo_store_audit_connection(request->user, request->role, action, c, detail);
}

/*
 * A replacement is written down with what it removes.
 */
static void
audit_end(const SignIn *sign_in, const RqboConnection *c)
{
	if (sign_in->way != REPLACE)
		rqbo_sign_in_end_audit(sign_in, c, sign_in->was_connected ? "reconnected" : "connected",
							   sign_in->proves_by_name ? "the company was recognised by its name, since the key of before is lost" : NULL);
}

/*
 * A grant that is stored is a connection, though its company could not be
 * read.
 */
static void
audit_failure(const SignIn *sign_in, const RqboSession *session, const ErrorData *failure)
{
	const char *action = "sign_in_failed";

	if (session->generation != 0 && sign_in->way != REPLACE)
		action = sign_in->was_connected ? "reconnected" : "connected";
	rqbo_sign_in_end_audit(sign_in, session->connection, action,
						   psprintf("%s: %s", unpack_sql_state(failure->sqlerrcode), failure->message));
}

static void
notice_what_next(const RqboConnection *c, bool goes_on)
{
	const char *company = rqbo_show_line(c->company);

	if (goes_on)
		ereport(NOTICE,
				(errmsg("\"%s\" is connected to branch \"%s\"; an import that had failed is tried again", company, c->branch),
				 errhint("The background worker does so by itself. Without one: SELECT * FROM reefqbo.refresh(%s);", quote_literal_cstr(c->model))));
	else if (!c->has_actuals)
		ereport(NOTICE,
				(errmsg("\"%s\" is connected to branch \"%s\"", company, c->branch),
				 errhint("Import its figures, for example: SELECT * FROM reefqbo.import_actuals(%s, '2025-01-01', '2025-12-31');", quote_literal_cstr(c->model))));
	else
		ereport(NOTICE,
				(errmsg("\"%s\" is connected to branch \"%s\" again; nothing else is needed", company, c->branch)));
}

static void
answer(RqboTask *task)
{
	RqboSession *session = rqbo_session_of(task);
	const RqboConnection *c = session->connection;
	const char *values[] = {
		c->model, c->branch, c->company, c->environment, "connected", psprintf(INT64_FORMAT, c->connection_id)
	};

	rqbo_job_add_row(sign_in_of(task)->job, lengthof(values), values);
	rqbo_session_close(session);
	rqbo_task_end(task);
}

void
rqbo_sign_in_end_again(RqboTask *task)
{
	const RqboConnection *c = rqbo_session_of(task)->connection;

	ereport(NOTICE,
			(errmsg("\"%s\" was connected to branch \"%s\" by this sign-in before", rqbo_session_company(rqbo_session_of(task)), c->branch)));
	answer(task);
}

void
rqbo_sign_in_end(RqboTask *task)
{
	SignIn	   *sign_in = sign_in_of(task);
	RqboConnection *c = rqbo_session_of(task)->connection;
	bool		goes_on;

	if (rqbo_session_waits_for_lock(rqbo_session_of(task)))
	{
		rqbo_task_stand_by(task, LOCK_RETRY_MS, rqbo_sign_in_end);
		return;
	}
	rqbo_db_begin();
	(void) rqbo_store_put_throttle(c);
	goes_on = rqbo_store_begin_upkeep(c->model_id, c->connection_id);
	audit_end(sign_in, c);
	rqbo_notify_connected(c);
	rqbo_db_commit();
	notice_what_next(c, goes_on);
	answer(task);
}

/* ---- another company ---- */

/*
 * The company of before has another name, or may have: without its realm id
 * there is no telling.
 */
void
rqbo_sign_in_end_raise_mismatch(const RqboSession *session, const char *other)
{
	const RqboConnection *c = session->connection;

	ereport(ERROR,
			(errcode(ERRCODE_RQBO_COMPANY_MISMATCH),
			 errmsg("the sign-in was for \"%s\", another company than \"%s\"", other, rqbo_session_company(session)),
			 errdetail("Branch \"%s\" of model \"%s\" is connected to \"%s\" and keeps its accounts and actuals, and its grant. The grant for \"%s\" was not kept.",
					   c->branch, c->title, rqbo_session_company(session), other),
			 errhint("Begin again with reefqbo.reconnect and choose \"%s\" in QuickBooks. To put another company in its place on purpose, an admin calls reefqbo.replace_company.",
					 rqbo_session_company(session))));
}

void
rqbo_sign_in_end_raise_unproved(const RqboSession *session, const char *other)
{
	ereport(ERROR,
			(errcode(ERRCODE_RQBO_COMPANY_MISMATCH),
			 errmsg("the sign-in was for \"%s\", and it cannot be shown that this is \"%s\"", other, rqbo_session_company(session)),
			 errdetail("The company id of \"%s\" was sealed with a key that the key ring does not have, so that the name had to prove it. Nothing was changed, and the grant for \"%s\" was not kept.",
					   rqbo_session_company(session), other),
			 errhint("Put the lost key's line back into the ring; or begin again with reefqbo.reconnect and choose \"%s\". If it was renamed in QuickBooks, give it its old name there for the time of the sign-in.",
					 rqbo_session_company(session))));
}

/* ---- failing ---- */

/*
 * Whatever kept the other company from being asked for its name, it is the
 * wrong one.
 */
static void
name_mismatch(RqboSession *session, ErrorData *failure)
{
	if (failure->sqlerrcode == ERRCODE_RQBO_COMPANY_MISMATCH)
		return;
	failure->sqlerrcode = ERRCODE_RQBO_COMPANY_MISMATCH;
	failure->detail = psprintf("Its name could not be read: %s. Branch \"%s\" of model \"%s\" keeps its accounts and actuals, and its grant.",
							   failure->message, session->connection->branch, session->connection->title);
	failure->message = psprintf("the sign-in was for another company than \"%s\"", rqbo_session_company(session));
	failure->hint = psprintf("Begin again with reefqbo.reconnect and choose \"%s\" in QuickBooks.",
							 rqbo_session_company(session));
}

/*
 * QuickBooks has taken the grant for this company, and only will not have it
 * read: it is suspended, or the user may not.  An outage proves nothing: the
 * grant that lives is kept then, and the user signs in again.
 */
static bool
is_worth_keeping(const RqboSession *session, const SignIn *sign_in, int sqlstate)
{
	return session->is_fresh_grant && sign_in->way == READ_FIRST && !sign_in->proves_by_name &&
		rqbo_oauth_has_answer(session) &&
		(sqlstate == ERRCODE_RQBO_COMPANY_SUSPENDED || sqlstate == ERRCODE_RQBO_PERMISSION_DENIED);
}

/*
 * What passes by itself elsewhere does not here: whether the code has left or
 * not, its state is used up.  The hint says what there is to do about it.
 */
static void
hint_way_on(const SignIn *sign_in, ErrorData *failure, bool grant_is_kept)
{
	static const char *const begins[] = {
		[RQBO_SIGN_IN_CONNECT] = "reefqbo.connect",
		[RQBO_SIGN_IN_RECONNECT] = "reefqbo.reconnect",
		[RQBO_SIGN_IN_REPLACE] = "reefqbo.replace_company"
	};

	if (!sign_in->state_is_used ||
		(failure->sqlerrcode != ERRCODE_RQBO_UNAVAILABLE && failure->sqlerrcode != ERRCODE_RQBO_THROTTLED))
		return;
	if (grant_is_kept)
		failure->hint = "The connection is stored and need not be made again: the next import reads what is missing of its company.";
	else
		failure->hint = psprintf("Nothing of this sign-in was kept, and its state is used up: begin again with %s, a little later. %s",
								 begins[sign_in->request.kind],
								 failure->sqlerrcode == ERRCODE_RQBO_THROTTLED ?
								 "reefqbo.check() tells until when QuickBooks is left alone." :
								 "If it lasts, check the server's network, reefqbo.proxy, reefqbo.ca_file and https://status.developer.intuit.com.");
}

/*
 * If the grant is stored but the company could not be read, say so on the
 * connection, which stays.
 */
void
rqbo_sign_in_end_failed(RqboTask *task)
{
	RqboSession *session = rqbo_session_of(task);
	SignIn	   *sign_in = sign_in_of(task);
	RqboConnection *c = session->connection;
	ErrorData  *failure = task->failure;
	MemoryContext saved = MemoryContextSwitchTo(sign_in->job->context);

	if (sign_in->way == REFUSE)
		name_mismatch(session, failure);
	hint_way_on(sign_in, failure, session->generation != 0);
	MemoryContextSwitchTo(saved);
	rqbo_job_add_failure(sign_in->job, failure);
	PG_TRY();
	{
		if (c != NULL)
		{
			rqbo_db_begin();
			if (is_worth_keeping(session, sign_in, failure->sqlerrcode))
			{
				rqbo_sign_in_grant_put(session);
				rqbo_db_make_durable();
			}
			audit_failure(sign_in, session, failure);
			if (session->generation != 0)
			{
				rqbo_session_judge(session);
				(void) rqbo_store_put_throttle(c);
			}
			rqbo_db_commit();
		}
	}
	PG_FINALLY();
	{
		rqbo_session_close(session);
	}
	PG_END_TRY();
}
