/*-------------------------------------------------------------------------
 *
 * import/state.c
 *	  What every import has, whatever it reads: its line in the log, its reports,
 *	  its row of the answer.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "base/db.h"
#include "base/encoding.h"
#include "base/errors.h"
#include "base/show.h"
#include "import/state.h"
#include "qbo/notify.h"
#include "report/read.h"
#include "store/connection.h"
#include "store/requests.h"

#define SUMMARY_COLUMNS 11

RqboImport *
rqbo_import_of(RqboTask *task)
{
	return (RqboImport *) rqbo_session_of(task)->work;
}

/*
 * A caller's import has its line before anything can go wrong.  One on
 * schedule has it when it reads, or fails: what finds nothing new leaves none.
 */
void
rqbo_import_open_log(RqboImport *import)
{
	if (import->import_id != 0)
		return;
	rqbo_db_begin();
	import->import_id = rqbo_store_begin_import(import->model_id, import->connection_id, import->kind->name,
												import->kind->has_range ? &import->ask.range : NULL, import->ask.started_by);
	if (import->ask.request_id != 0)
		rqbo_store_request_import(import->model_id, import->connection_id, import->ask.request_id, import->import_id);
	rqbo_notify_import_started(import->session->connection, rqbo_import_told(import));
	rqbo_db_commit();
}

RqboToldImport
rqbo_import_told(const RqboImport *import)
{
	return (RqboToldImport) {import->import_id, import->ask.request_id};
}

void
rqbo_import_close(RqboImport *import)
{
	if (import->ask.is_failing)
		import->job->nfailing--;
	import->ask.is_failing = false;
	rqbo_session_close(import->session);
}

/* ---- reading ---- */

RqboReport *
rqbo_import_read_report(RqboImport *import, const RqboReportAsk *asked, void (*explain) (void *))
{
	const RqboHttpResult *result = import->session->task->result;
	ErrorContextCallback callback = {error_context_stack, explain, import};
	RqboReport *report;

	error_context_stack = &callback;
	rqbo_encoding_begin();
	report = rqbo_report_read(result->body, result->length, asked);
	rqbo_encoding_end();
	error_context_stack = callback.previous;
	rqbo_session_note_time(import->session, report->time);
	return report;
}

/*
 * The reader touches neither tables nor locks, so that nothing is left to be
 * undone but the transaction that it may need to look up an encoding.
 */
RqboReport *
rqbo_import_try_report(RqboImport *import, const RqboReportAsk *asked, void (*explain) (void *), ErrorData **objection)
{
	MemoryContext context = CurrentMemoryContext;
	RqboReport *volatile report = NULL;

	PG_TRY();
	{
		report = rqbo_import_read_report(import, asked, explain);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(import->session->task->context);
		*objection = CopyErrorData();
		if ((*objection)->sqlerrcode != ERRCODE_RQBO_DOES_NOT_TIE_OUT)
			PG_RE_THROW();
		FlushErrorState();
		rqbo_encoding_end();
		MemoryContextSwitchTo(context);
	}
	PG_END_TRY();
	return report;
}

void
rqbo_import_check_currency(const RqboImport *import, const RqboReport *report)
{
	char	   *home;

	if (report->currency == NULL || report->currency[0] == '\0')
		return;
	home = rqbo_store_home_currency(import->model_id, import->connection_id, report->currency);
	if (home == NULL || pg_strcasecmp(home, report->currency) == 0)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_RQBO_INVALID_RESPONSE),
			 errmsg("the %s report of \"%s\" is in %s, and the company's currency is %s", rqbo_report_name(report->name),
					rqbo_session_company(import->session), rqbo_show_line(report->currency), rqbo_show_line(home)),
			 errdetail("Amounts of two currencies are never mixed. Nothing was changed."),
			 errhint("If the company's home currency was changed in QuickBooks, reefqbo.reconnect reads it again. Otherwise try again.")));
}

/* ---- the end ---- */

void
rqbo_import_add_end(RqboJob *job, const RqboRequestEnd *end)
{
	const RqboCounts *n = &end->counts;
	const char *values[SUMMARY_COLUMNS] = {
		end->branch,
		end->company,
		psprintf("%d", n->accounts_seen),
		psprintf("%d", n->accounts_new),
		psprintf("%d", n->accounts_changed),
		psprintf("%d", n->months),
		psprintf("%d", n->amounts_inserted),
		psprintf("%d", n->amounts_changed),
		psprintf("%d", n->amounts_unchanged),
		psprintf("%d", end->requests),
		psprintf("%.2f", end->seconds)
	};

	rqbo_job_add_row(job, SUMMARY_COLUMNS, values);
}

/*
 * One that was asked for by a request has its row when all of that has ended.
 */
void
rqbo_import_add_summary(const RqboImport *import)
{
	RqboRequestEnd end = {
		.branch = import->session->connection->branch,
		.company = import->session->connection->company,
		.counts = import->counts,
		.requests = import->session->requests,
		.seconds = (double) (GetCurrentTimestamp() - import->began_at) / USECS_PER_SEC
	};

	if (import->ask.request_id == 0)
		rqbo_import_add_end(import->job, &end);
}

void
rqbo_import_store_upkeep(RqboImport *import)
{
	rqbo_store_upkeep_done(import->model_id, import->connection_id, import->is_current, import->is_full);
	if (import->changes.is_set)
		rqbo_store_put_changes(import->model_id, import->connection_id, &import->changes);
	else if (import->is_full)
		rqbo_store_forget_changes(import->model_id, import->connection_id);
	rqbo_store_count_requests(import->model_id, import->connection_id, import->session->requests,
							  import->requests_saved);
}
