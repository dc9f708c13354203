/*-------------------------------------------------------------------------
 *
 * grant/sign_in.c
 *	  Ending a sign-in: its steps, one after the other.
 *	  Whether it may be ended, what is stored and what is told: sign_in_state.c,
 *	  sign_in_grant.c, sign_in_end.c.
 *
 * The state is looked at before anything else, and it is used up, durably,
 * before the code it came with is exchanged.  A state that was begun in one
 * session of a browser is of no use in another (RFC 6749, 10.12).  What follows
 * depends on what the branch has:
 *
 * - no company yet, or no living grant: the grant is stored at once, and then
 *	 the company is read.  There is nothing to lose by it.
 * - a living grant: the company is read with the new one first, since a code
 *	 that belongs to another company must not push out what works.  Should the
 *	 process die meanwhile, the old grant lives, and the user signs in again.
 * - a company that is to be replaced: that is read first as well; then the old
 *	 one goes and the new one comes in one transaction.
 * - another company than it should be: nothing is stored.  Its name is asked
 *	 for, so that the error can tell both.
 *
 * A page that the same session of the browser loads again finds the connection
 * made, and asks Intuit nothing.
 *
 * From then on the work commits step by step, whatever becomes of the session
 * that asked for it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "base/db.h"
#include "base/show.h"
#include "grant/sign_in.h"
#include "grant/sign_in_end.h"
#include "grant/sign_in_grant.h"
#include "grant/sign_in_state.h"
#include "grant/sign_in_work.h"
#include "qbo/company.h"
#include "qbo/oauth.h"
#include "qbo/session.h"
#include "secret/clear.h"
#include "store/chunks.h"
#include "store/kept.h"

#define LOCK_RETRY_MS 200

static void begin(RqboTask *task);

/*
 * Read what of the company has not been read yet.
 */
static void
grant_is_stored(RqboTask *task)
{
	RqboSession *session = rqbo_session_of(task);

	session->is_fresh_grant = false;
	rqbo_db_begin();
	rqbo_store_read_throttle(session->connection);
	if (session->company != NULL)
		rqbo_company_store(session);
	rqbo_db_commit();
	if (session->company != NULL)
		rqbo_company_read_preferences(session, rqbo_sign_in_end);
	else
		rqbo_company_read(session, rqbo_sign_in_end);
}

/*
 * The old company goes and the new one comes, with an id of its own: figures
 * of two companies can never meet under one.
 */
static void
replace(RqboTask *task)
{
	RqboSession *session = rqbo_session_of(task);
	RqboConnection *c = session->connection;
	int64		old_id = c->connection_id;

	Assert(sign_in_of(task)->way == REPLACE && session->holds_import_lock && session->is_fresh_grant);
	rqbo_db_begin();
	rqbo_store_forget(c->model_id, old_id);
	c->connection_id = 0;
	c->has_actuals = false;
	rqbo_sign_in_grant_put(session);
	rqbo_company_store(session);
	rqbo_sign_in_end_audit(sign_in_of(task), c, "replaced", psprintf("in the place of \"%s\"", sign_in_of(task)->old_company));
	rqbo_db_make_durable();
	rqbo_db_commit();
	rqbo_kept_remove(c->model_id, old_id);
	session->is_fresh_grant = false;
	rqbo_company_read_preferences(session, rqbo_sign_in_end);
}

static void
company_is_known(RqboTask *task)
{
	RqboSession *session = rqbo_session_of(task);
	SignIn	   *sign_in = sign_in_of(task);
	const char *name;

	Assert(sign_in->way != STORE_FIRST && session->access_token != NULL);
	rqbo_company_keep(session);
	name = session->company->company_name;
	if (sign_in->way == REFUSE)
		rqbo_sign_in_end_raise_mismatch(session, rqbo_show_line(name));
	if (sign_in->proves_by_name && strcmp(name, rqbo_session_company_name(session)) != 0)
		rqbo_sign_in_end_raise_unproved(session, rqbo_show_line(name));
	if (sign_in->way == REPLACE)
		replace(task);
	else
		rqbo_oauth_store_answer(session, rqbo_sign_in_grant_put, grant_is_stored);
}

static void
exchange_answered(RqboTask *task)
{
	RqboSession *session = rqbo_session_of(task);

	Assert(rqbo_oauth_has_answer(session));
	if (sign_in_of(task)->way == STORE_FIRST)
	{
		rqbo_oauth_store_answer(session, rqbo_sign_in_grant_put, grant_is_stored);
		return;
	}
	/* a consent that is not stored yet can be given again */
	rqbo_task_release(task);
	rqbo_oauth_use_answer(session);
	rqbo_company_ask(session, company_is_known);
}

/*
 * The page that the browser came back to was loaded again, maybe before the first
 * time has ended.
 */
static void
begin_again(RqboTask *task)
{
	if (!rqbo_session_lock_grant(rqbo_session_of(task)))
	{
		rqbo_task_stand_by(task, LOCK_RETRY_MS, begin);
		return;
	}
	rqbo_sign_in_state_check_made(task);
	rqbo_sign_in_end_again(task);
}

static void
begin(RqboTask *task)
{
	RqboSession *session = rqbo_session_of(task);
	RqboJob    *job = sign_in_of(task)->job;
	MemoryContext saved;

	session->is_sign_in = true;
	if (rqbo_sign_in_state_is_again(task))
	{
		begin_again(task);
		return;
	}
	if (!rqbo_sign_in_state_lock(task))
	{
		rqbo_task_stand_by(task, LOCK_RETRY_MS, begin);
		return;
	}
	if (job->request->refusal[0] == '\0')
		session->ring = rqbo_job_keyring(job);
	saved = MemoryContextSwitchTo(task->context);
	rqbo_sign_in_state_claim(task);
	if (job->request->refusal[0] != '\0')
		rqbo_sign_in_state_raise_refusal(job->request->refusal);
	session->realm_id = rqbo_clear_copy(task->context, job->request->realm_id);
	rqbo_oauth_take_code(session, job->request->code);
	rqbo_job_forget_code(job);
	MemoryContextSwitchTo(saved);
	rqbo_oauth_exchange_code(session, exchange_answered);
}

void
rqbo_sign_in_add(RqboEngine *engine, RqboJob *job)
{
	RqboTask   *task = rqbo_engine_add(engine, begin, rqbo_sign_in_end_failed);
	RqboSession *session = rqbo_session_open(task);
	SignIn	   *sign_in = MemoryContextAllocZero(task->context, sizeof(SignIn));

	sign_in->job = job;
	session->work = sign_in;
}
