/*-------------------------------------------------------------------------
 *
 * import/actuals.c
 *	  Reads the profit and loss and the balance sheet by month, chunk by chunk.
 *
 * A chunk is at most twelve months, newest first.  Both its reports are read
 * and tied out before anything of it is stored, and then it is stored in one
 * transaction.  A chunk that is too much for Intuit (no answer in time, or a
 * report that was cut) is halved, down to one month.
 *
 * https://developer.intuit.com/app/developer/qbo/docs/api/accounting/report-entities/profitandloss
 * https://developer.intuit.com/app/developer/qbo/docs/api/accounting/report-entities/balancesheet
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/datetime.h"
#include "utils/memutils.h"

#include "base/clock.h"
#include "base/db.h"
#include "base/encoding.h"
#include "base/errors.h"
#include "base/month.h"
#include "import/proof.h"
#include "import/run.h"
#include "qbo/accounting.h"
#include "qbo/fault.h"
#include "report/read.h"

static void next_chunk(RqboTask *task);

static char *
describe(const RqboRange *range)
{
	return psprintf("%.7s to %.7s", rqbo_month_iso(range->start), rqbo_month_iso(range->end));
}

/* ---- chunks ---- */

static void
push_chunk(RqboImport *import, const char *method, DateADT start, DateADT end)
{
	MemoryContext saved = MemoryContextSwitchTo(import->session->task->context);
	RqboRange  *chunk = palloc(sizeof(RqboRange));

	chunk->method = pstrdup(method);
	chunk->start = start;
	chunk->end = end;
	import->chunks = lappend(import->chunks, chunk);
	MemoryContextSwitchTo(saved);
}

/*
 * Cut a range into chunks, the oldest pushed first, so that the newest is
 * taken first.
 */
static void
push_range(RqboImport *import, const RqboRange *range)
{
	int			months = rqbo_month_count(range->start, range->end);
	int			first = months % RQBO_CHUNK_MONTHS;
	DateADT		start = range->start;

	while (months > 0)
	{
		int			size = first > 0 ? first : RQBO_CHUNK_MONTHS;
		DateADT		next = rqbo_month_add(start, size);

		push_chunk(import, range->method, start, next - 1);
		start = next;
		months -= size;
		first = 0;
	}
}

/*
 * The chunk in hand was too much: put it back as two halves.
 */
static void
halve_chunk(RqboTask *task)
{
	RqboImport *import = rqbo_import_of(task);
	RqboRange  *chunk = import->chunk;
	DateADT		middle = rqbo_month_add(chunk->start, rqbo_month_count(chunk->start, chunk->end) / 2);

	ereport(NOTICE,
			(errmsg("%s: %s is too much at once, asking for it in halves",
					rqbo_session_company(import->session), describe(chunk))));
	rqbo_db_begin();
	rqbo_store_halve_chunk(import->model_id, import->import_id, chunk, middle);
	rqbo_db_commit();
	push_chunk(import, chunk->method, chunk->start, middle - 1);
	push_chunk(import, chunk->method, middle, chunk->end);
	next_chunk(task);
}

static bool
can_be_halved(const RqboRange *chunk)
{
	return rqbo_month_count(chunk->start, chunk->end) > 1;
}

/* ---- one report ---- */

char *
rqbo_import_report_path(RqboReportName name, const RqboRange *range, const char *summarized_by)
{
	return psprintf("/reports/%s?start_date=%s&end_date=%s&accounting_method=%s&summarize_column_by=%s",
					rqbo_report_name(name), rqbo_month_iso(range->start), rqbo_month_iso(range->end), range->method,
					summarized_by);
}

static void
ask_report(RqboImport *import, RqboReportName name, RqboStep then)
{
	RqboSession *session = import->session;
	const RqboRange *chunk = import->chunk;

	rqbo_qbo_get(session,
				 psprintf("could not read the %s report %s of \"%s\"", rqbo_report_name(name), describe(chunk),
						  rqbo_session_company(session)),
				 rqbo_import_report_path(name, chunk, "Month"), then, can_be_halved(chunk) ? halve_chunk : NULL);
}

/*
 * The reader knows neither the company nor what was asked for.
 */
static void
explain_report_error(void *arg)
{
	RqboImport *import = arg;

	errcontext("%s report, %s, of \"%s\"", import->chunk->method, describe(import->chunk),
			   rqbo_session_company(import->session));
}

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

static RqboReport *
read_report(RqboImport *import, RqboReportName name)
{
	RqboReportAsk asked = {name, import->chunk->start, import->chunk->end, import->chunk->method, "Month", false};
	MemoryContext saved = MemoryContextSwitchTo(import->chunk_context);
	RqboReport *report = rqbo_import_read_report(import, &asked, explain_report_error);

	MemoryContextSwitchTo(saved);
	return report;
}

/* ---- one chunk ---- */

static void
check_balance(RqboImport *import, const RqboReport *balance_sheet)
{
	const RqboConnection *c = import->session->connection;
	char	   *imbalance;

	if (balance_sheet->balance_checked)
		return;
	imbalance = rqbo_store_find_imbalance(c->model_id, c->connection_id, import->chunk);
	if (imbalance != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_RQBO_DOES_NOT_TIE_OUT),
				 errmsg("the balance sheet of \"%s\" does not balance", rqbo_session_company(import->session)),
				 errdetail("%s.", imbalance),
				 errhint("Nothing of these months was changed. Import the chart of accounts and try again.")));
}

/*
 * An answer without any account is taken for "all zero" only if it says so
 * itself, or if nothing was known: it must not wipe out months of figures.
 */
static void
check_emptiness(RqboImport *import, const RqboReport *report)
{
	const RqboConnection *c = import->session->connection;
	int64		known;

	if (report->says_no_data)
		return;
	for (int i = 0; i < report->nlines; i++)
		if (report->lines[i].kind == RQBO_LINE_ACCOUNT)
			return;
	known = rqbo_store_count_amounts(c->model_id, c->connection_id, report, import->chunk);
	if (known > 0)
		ereport(ERROR,
				(errcode(ERRCODE_RQBO_INVALID_RESPONSE),
				 errmsg("the %s report %s of \"%s\" came without a single account",
						rqbo_report_name(report->name), describe(import->chunk),
						rqbo_session_company(import->session)),
				 errdetail("It does not say that there is no data, and " INT64_FORMAT " amounts are known of these months.",
						   known),
				 errhint("Nothing was changed. Try again.")));
}

static void
store_chunk(RqboImport *import, const RqboReport *balance_sheet)
{
	const RqboConnection *c = import->session->connection;
	RqboCounts	counts = import->counts;

	counts.months += rqbo_month_count(import->chunk->start, import->chunk->end);
	rqbo_db_begin();
	check_emptiness(import, import->profit_and_loss);
	check_emptiness(import, balance_sheet);
	rqbo_store_report(c->model_id, c->connection_id, import->import_id, import->profit_and_loss, import->chunk,
					  &counts);
	rqbo_store_report(c->model_id, c->connection_id, import->import_id, balance_sheet, import->chunk, &counts);
	check_balance(import, balance_sheet);
	rqbo_proof_keep_chunk(import, balance_sheet);
	rqbo_store_import_progress(c->model_id, import->import_id, &counts, import->session->requests);
	rqbo_store_chunk_done(c->model_id, import->import_id, import->chunk->start, import->chunk->end);
	rqbo_db_commit();
	rqbo_proof_note_chunk(import);
	import->counts = counts;
	import->chunks_done++;
}

/*
 * How far it is, and how long the rest takes at the rate so far.
 */
static void
show_progress(const RqboImport *import)
{
	int			left = list_length(import->chunks);
	int64		ms = rqbo_clock_ms() - import->actuals_began_ms;
	int			done = import->chunks_before + import->chunks_done;
	char	   *rest = left > 0 ? psprintf(", about %d seconds left", (int) (ms * left / import->chunks_done / 1000) + 1) : "";

	ereport(NOTICE,
			(errmsg("%s: %s, %s, stored and tied out (%d of %d)%s", rqbo_session_company(import->session),
					describe(import->chunk), import->chunk->method, done, done + left, rest)));
}

static void
balance_sheet_answered(RqboTask *task)
{
	RqboImport *import = rqbo_import_of(task);
	RqboReport *balance_sheet;

	if (can_be_halved(import->chunk) && rqbo_report_was_cut(task->result->body))
	{
		halve_chunk(task);
		return;
	}
	balance_sheet = read_report(import, RQBO_BALANCE_SHEET);
	store_chunk(import, balance_sheet);
	show_progress(import);
	next_chunk(task);
}

static void
profit_and_loss_answered(RqboTask *task)
{
	RqboImport *import = rqbo_import_of(task);

	if (can_be_halved(import->chunk) && rqbo_report_was_cut(task->result->body))
	{
		halve_chunk(task);
		return;
	}
	import->profit_and_loss = read_report(import, RQBO_PROFIT_AND_LOSS);
	ask_report(import, RQBO_BALANCE_SHEET, balance_sheet_answered);
}

static void
next_chunk(RqboTask *task)
{
	RqboImport *import = rqbo_import_of(task);

	MemoryContextReset(import->chunk_context);
	import->profit_and_loss = NULL;
	if (import->chunks == NIL)
	{
		import->after_actuals(task);
		return;
	}
	import->chunk = llast(import->chunks);
	import->chunks = list_delete_last(import->chunks);
	ask_report(import, RQBO_PROFIT_AND_LOSS, profit_and_loss_answered);
}

void
rqbo_import_actuals_begin(RqboImport *import, const RqboRange *ranges, RqboStep then)
{
	RqboTask   *task = import->session->task;

	import->after_actuals = then;
	import->actuals_began_ms = rqbo_clock_ms();
	import->chunk_context = AllocSetContextCreate(task->context, "reefqbo chunk", ALLOCSET_DEFAULT_SIZES);
	for (const RqboRange *range = ranges; range->method != NULL; range++)
		push_range(import, range);
	next_chunk(task);
}

int
rqbo_import_actuals_cost(const RqboRange *ranges)
{
	int			requests = 0;

	for (const RqboRange *range = ranges; range->method != NULL; range++)
		requests += 2 * ((rqbo_month_count(range->start, range->end) + RQBO_CHUNK_MONTHS - 1) / RQBO_CHUNK_MONTHS);
	return requests;
}
