/*-------------------------------------------------------------------------
 *
 * check/company.c
 *	  Asks a company whether an import would be answered, and makes rows of
 *	  what is right and what is wrong.
 *
 * Each question is a task of its own, so that one that fails does not stop
 * those that follow; unless it fails for a reason that would meet them all.
 * They are what imports ask, but what is answered is looked at and not stored.
 *
 * No import lock is taken: an import on schedule that found it taken would be
 * put off.  So a company's budget may be spent by two for these few requests;
 * a pause that QuickBooks has asked for is kept all the same.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/clock.h"
#include "base/db.h"
#include "base/encoding.h"
#include "base/errors.h"
#include "base/guc.h"
#include "base/month.h"
#include "base/show.h"
#include "check/company.h"
#include "import/changes.h"
#include "import/reading.h"
#include "qbo/accounting.h"
#include "qbo/company.h"
#include "report/lines.h"
#include "report/read.h"

#define ROW_COLUMNS 5
#define CLOCK_WARNING_SECONDS 120
#define CLOCK_PROBLEM_SECONDS 600
#define CHANGES_SECONDS 86400

/* The checks of one job. */
typedef struct Checks
{
	RqboEngine *engine;
	RqboJob    *job;
	List	   *all;			/* of Check, in the order of their rows */
	int			nleft;			/* that have not ended */
} Checks;

struct Check;

/* One thing that an import asks for. */
typedef struct Question
{
	const char *what;
	void		(*ask) (RqboSession *session, RqboStep then);
	void		(*take) (struct Check *check, RqboSession *session);
	RqboReportName report;		/* of reports */
	bool		is_optional;	/* imports can do without it */
} Question;

/* One company's check, for longer than any of its tasks. */
typedef struct Check
{
	Checks	   *checks;
	int64		model_id;
	int64		connection_id;
	char	   *subject;		/* how rows name it */
	RqboRange	month;			/* of the reports */
	const Question *question;	/* the one in hand */
	bool		has_answered;	/* QuickBooks has, to one of them */
	bool		knows_clock;
	List	   *rows;			/* of const char *[] */
} Check;

static void add_task(Check *check);

static Check *
check_of(const RqboSession *session)
{
	return (Check *) session->work;
}

/* ---- rows ---- */

static void
add_row(Check *check, const char *item, const char *subject, const char *status, const char *finding,
		const char *what_to_do)
{
	MemoryContext saved = MemoryContextSwitchTo(check->checks->job->context);
	const char **row = palloc(ROW_COLUMNS * sizeof(char *));

	row[0] = item;
	row[1] = pstrdup(subject);
	row[2] = status;
	row[3] = pstrdup(finding);
	row[4] = what_to_do != NULL ? pstrdup(what_to_do) : NULL;
	check->rows = lappend(check->rows, row);
	MemoryContextSwitchTo(saved);
}

/*
 * A row about what a question is for.
 */
static void
add_reading(Check *check, const char *status, const char *finding, const char *what_to_do)
{
	add_row(check, "reading", psprintf("%s: %s", check->subject, check->question->what), status, finding,
			what_to_do);
}

static void
add_clock(Check *check, const RqboHttpResult *result)
{
	int64		ahead;
	int64		off;
	const char *status;

	if (check->knows_clock || result == NULL || result->date < 0)
		return;
	check->knows_clock = true;
	ahead = (int64) timestamptz_to_time_t(rqbo_now()) - result->date;
	off = Max(ahead, -ahead);
	status = off > CLOCK_PROBLEM_SECONDS ? "problem" : off > CLOCK_WARNING_SECONDS ? "warning" : "ok";
	add_row(check, "clock", check->subject, status,
			psprintf("the server's clock is " INT64_FORMAT " seconds %s QuickBooks'", off, ahead < 0 ? "behind" : "ahead of"),
			off <= CLOCK_WARNING_SECONDS ? NULL :
			rqbo_clock_offset != 0 ?
			"Remove reefqbo.clock_offset from the configuration and reload it; if the clock is wrong even then, set it." :
			"Set the server's clock, best by NTP: expiries, schedules and the present month go by it.");
}

/*
 * Errors that would meet every question alike.
 */
static bool
meets_all(const Check *check, int sqlstate)
{
	switch (sqlstate)
	{
		case ERRCODE_RQBO_PERMISSION_DENIED:
		case ERRCODE_RQBO_INVALID_RESPONSE:
		case ERRCODE_RQBO_DOES_NOT_TIE_OUT:
			return false;
		case ERRCODE_RQBO_UNAVAILABLE:
			return !check->has_answered;
		default:
			return true;
	}
}

static bool
is_about_grant(int sqlstate)
{
	switch (sqlstate)
	{
		case ERRCODE_RQBO_RECONNECT_REQUIRED:
		case ERRCODE_RQBO_ENVIRONMENT_MISMATCH:
		case ERRCODE_RQBO_COMPANY_SUSPENDED:
		case ERRCODE_RQBO_AUTHORIZATION_INVALID:
		case ERRCODE_RQBO_KEY_UNAVAILABLE:
			return true;
		default:
			return false;
	}
}

static void
add_failure(Check *check, const RqboSession *session)
{
	const ErrorData *failure = session->task->failure;
	bool		is_ended = session->connection != NULL && strcmp(session->connection->status, "disconnected") == 0;
	const char *status = is_ended || check->question->is_optional ? "note" : "problem";
	const char *hint = failure->hint != NULL ? failure->hint : rqbo_fault_hint(failure->sqlerrcode);
	char	   *finding = psprintf("%s (%s)%s%s", failure->message, unpack_sql_state(failure->sqlerrcode),
								   failure->detail != NULL ? ". " : "",
								   failure->detail != NULL ? failure->detail : "");

	if (is_about_grant(failure->sqlerrcode))
		add_row(check, "grant", check->subject, status, finding, hint);
	else
		add_reading(check, status, finding,
					check->question->is_optional ? "Nothing needs to be done: without it, a refresh reads everything." : hint);
}

/* ---- what is asked, and what the answers say ---- */

static void
add_company(Check *check, const RqboConnection *c, const char *name)
{
	bool		is_known = c->company == NULL || strcmp(c->company, name) == 0;

	add_row(check, "company", check->subject, is_known ? "ok" : "note",
			is_known ? psprintf("it is \"%s\"", rqbo_show_line(name)) :
			psprintf("it is called \"%s\" in QuickBooks now, and \"%s\" here", rqbo_show_line(name), rqbo_show_line(c->company)),
			is_known ? NULL : "Nothing is wrong: it is the same company. The name is read again with reefqbo.reconnect.");
}

static void
add_environment(Check *check, const RqboConnection *c)
{
	bool		suits;

	rqbo_db_begin();
	suits = rqbo_store_environment_suits(c->model_id, c->environment_id);
	rqbo_db_commit();
	add_row(check, "environment", check->subject, suits ? "ok" : "problem",
			psprintf(suits ? "the company is one of environment \"%s\", which suits the model's purpose" :
					 "the company is one of environment \"%s\", a sandbox, and the model is for production", c->environment),
			suits ? NULL : "Call reefqbo.disconnect, and link a company of environment production.");
}

static void
take_company(Check *check, RqboSession *session)
{
	RqboCompanyInfo info = {0};

	rqbo_company_take(session, &info);
	add_row(check, "grant", check->subject, "ok", "QuickBooks takes the grant", NULL);
	add_clock(check, session->task->result);
	add_company(check, session->connection, info.company_name);
	add_environment(check, session->connection);
}

static void
take_preferences(Check *check, RqboSession *session)
{
	RqboCompanyInfo info = {0};
	const char *currency;

	rqbo_company_take_preferences(session, &info);
	currency = info.home_currency != NULL ? rqbo_show_line(info.home_currency) : "not said";
	add_reading(check, "ok", "it can be read", NULL);
	if (info.multicurrency)
		add_row(check, "currency", check->subject, "note",
				psprintf("the home currency is %s, and there are accounts in others", currency),
				"Nothing needs to be done: amounts are imported in the home currency.");
	else
		add_row(check, "currency", check->subject, "ok",
				psprintf("the home currency is %s, and there is no other", currency), NULL);
	if (info.book_close_date != NULL)
		add_row(check, "closed period", check->subject, "note",
				psprintf("the books are closed up to %s", rqbo_show_line(info.book_close_date)),
				"Nothing needs to be done: what changes before that is marked in reefqbo.restatement.");
	else
		add_row(check, "closed period", check->subject, "ok", "the books have no closing date", NULL);
}

static void
ask_accounts(RqboSession *session, RqboStep then)
{
	rqbo_qbo_get(session, psprintf("could not count the accounts of \"%s\"", rqbo_session_company(session)),
				 rqbo_import_count_path("Account"), then, NULL);
}

static void
take_accounts(Check *check, RqboSession *session)
{
	int			count = rqbo_import_take_count(session);

	add_reading(check, "ok", psprintf("it can be read, and has %d accounts", count), NULL);
}

static void
ask_report(RqboSession *session, RqboStep then)
{
	const Check *check = check_of(session);
	RqboReportName name = check->question->report;

	rqbo_qbo_get(session,
				 psprintf("could not read the %s report of \"%s\"", rqbo_report_name(name), rqbo_session_company(session)),
				 rqbo_import_report_path(session, name, &check->month, "Month"), then, NULL);
}

/*
 * As an import would take it.
 */
static void
take_report(Check *check, RqboSession *session)
{
	const RqboHttpResult *result = session->task->result;
	const RqboRange *month = &check->month;
	RqboReportAsk asked = {check->question->report, month->start, month->end, month->method, "Month", false};

	rqbo_encoding_begin();
	(void) rqbo_report_read(result->body, result->length, &asked);
	rqbo_encoding_end();
	add_reading(check, "ok", "it can be read, and adds up to its own totals", NULL);
}

static void
ask_changes(RqboSession *session, RqboStep then)
{
	rqbo_qbo_get(session, psprintf("could not ask what has changed at \"%s\"", rqbo_session_company(session)),
				 rqbo_import_changes_path(rqbo_now() - CHANGES_SECONDS * USECS_PER_SEC), then, NULL);
}

static void
take_changes(Check *check, RqboSession *session)
{
	const char *reason = NULL;
	RqboJson   *body = rqbo_json_parse(session->task->result->body, session->task->result->length, &reason);

	if (!rqbo_json_is_array(rqbo_json_member(body, "CDCResponse")))
		rqbo_qbo_raise_invalid(session, reason != NULL ? reason : "It has no CDCResponse.");
	add_reading(check, "ok", "QuickBooks says what has changed", NULL);
}

/* ---- one question after another ---- */

/* The first one is answered to whoever has a grant. */
static const Question questions[] = {
	{.what = "CompanyInfo", .ask = rqbo_company_ask, .take = take_company},
	{.what = "Preferences", .ask = rqbo_company_ask_preferences, .take = take_preferences},
	{.what = "Account", .ask = ask_accounts, .take = take_accounts},
	{.what = "ProfitAndLoss", .ask = ask_report, .take = take_report, .report = RQBO_PROFIT_AND_LOSS},
	{.what = "BalanceSheet", .ask = ask_report, .take = take_report, .report = RQBO_BALANCE_SHEET},
	{.what = "change data capture", .ask = ask_changes, .take = take_changes, .is_optional = true}
};

static void
hand_over_rows(Checks *checks)
{
	ListCell   *check;
	ListCell   *row;

	foreach(check, checks->all)
		foreach(row, ((Check *) lfirst(check))->rows)
			rqbo_job_add_row(checks->job, ROW_COLUMNS, lfirst(row));
}

static void
go_on(Check *check, bool has_more)
{
	bool		is_last = ++check->question == questions + lengthof(questions);

	if (has_more && !is_last)
	{
		add_task(check);
		return;
	}
	if (!is_last)
		add_row(check, "reading", check->subject, "note", "nothing else was asked, since that would meet with the same error",
				"Check again when that is put right.");
	if (--check->checks->nleft == 0)
		hand_over_rows(check->checks);
}

/*
 * What somebody has locked is not waited for: a few requests are not counted then.
 */
static bool
is_accountable(RqboSession *session)
{
	return rqbo_session_locked_ms(session) == 0;
}

static void
answered(RqboTask *task)
{
	RqboSession *session = rqbo_session_of(task);
	const RqboConnection *c = session->connection;
	Check	   *check = check_of(session);

	check->has_answered = true;
	check->question->take(check, session);
	if (is_accountable(session))
	{
		rqbo_db_begin();
		rqbo_store_mark_working(c->model_id, c->connection_id);
		(void) rqbo_store_put_throttle(c);
		rqbo_store_count_requests(c->model_id, c->connection_id, session->requests, 0);
		rqbo_db_commit();
	}
	rqbo_session_close(session);
	go_on(check, true);
	rqbo_task_end(task);
}

static void
record_failure(RqboSession *session)
{
	const RqboConnection *c = session->connection;

	if (c == NULL || !is_accountable(session))
		return;
	rqbo_db_begin();
	rqbo_session_judge(session);
	(void) rqbo_store_put_throttle(c);
	rqbo_store_count_requests(c->model_id, c->connection_id, session->requests, 0);
	rqbo_db_commit();
}

static void
failed(RqboTask *task)
{
	RqboSession *session = rqbo_session_of(task);
	Check	   *check = check_of(session);
	int			sqlstate = task->failure->sqlerrcode;

	add_failure(check, session);
	add_clock(check, task->result);
	/* even if that cannot be recorded, it is told */
	PG_TRY();
	{
		record_failure(session);
	}
	PG_FINALLY();
	{
		rqbo_session_close(session);
		go_on(check, !meets_all(check, sqlstate));
	}
	PG_END_TRY();
}

static void
begin(RqboTask *task)
{
	RqboSession *session = rqbo_session_of(task);
	Check	   *check = check_of(session);
	RqboJob    *job = check->checks->job;
	const RqboConnection *c;

	rqbo_session_read_connection(session, check->model_id, check->connection_id);
	c = session->connection;
	check->subject = MemoryContextStrdup(job->context, strcmp(c->model, c->branch) == 0 ? c->model :
										 psprintf("%s / %s", c->model, c->branch));
	rqbo_session_check_status(session);
	rqbo_session_unseal_realm(session, rqbo_job_keyring(job));
	check->question->ask(session, answered);
}

static void
add_task(Check *check)
{
	RqboTask   *task = rqbo_engine_add(check->checks->engine, begin, failed);

	rqbo_session_open(task)->work = check;
}

static RqboRange
present_month(void)
{
	DateADT		today = (DateADT) (rqbo_now() / USECS_PER_DAY);

	return (RqboRange) {"Accrual", rqbo_month_add(today, 0), rqbo_month_add(today, 1) - 1};
}

static void
add_check(Checks *checks, int64 model_id, int64 connection_id)
{
	Check	   *check = palloc0(sizeof(Check));

	check->checks = checks;
	check->model_id = model_id;
	check->connection_id = connection_id;
	check->subject = psprintf("connection " INT64_FORMAT, connection_id);
	check->month = present_month();
	check->question = questions;
	checks->all = lappend(checks->all, check);
	checks->nleft++;
	add_task(check);
}

void
rqbo_check_add(RqboEngine *engine, RqboJob *job)
{
	const RqboJobRequest *request = job->request;
	MemoryContext saved = MemoryContextSwitchTo(job->context);
	Checks	   *checks = palloc0(sizeof(Checks));
	int64	   *ids;

	checks->engine = engine;
	checks->job = job;
	rqbo_db_begin();
	ids = rqbo_store_list_connections(request->model_id, request->branch_id);
	rqbo_db_commit();
	for (int64 *id = ids; *id != 0; id++)
		add_check(checks, request->model_id, *id);
	MemoryContextSwitchTo(saved);
	if (*ids == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("the model has no connection that a worker can see"),
				 errhint("Connect it first with reefqbo.connect. If that was done in the present transaction, commit it: a check runs in a process of its own.")));
}
