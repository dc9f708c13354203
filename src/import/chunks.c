/*-------------------------------------------------------------------------
 *
 * import/chunks.c
 *	  Reads the profit and loss and the balance sheet by month, chunk by chunk.
 *
 * A chunk is at most twelve months, newest first.  Both its reports are read
 * and tied out before anything of it is stored, and then it is stored in one
 * transaction.  What later chunks take is asked for meanwhile (qbo/sending.c).
 * A chunk that is too much for Intuit (no answer in time, or a report that was
 * cut) is halved, down to one month.  So is one that does not tie out: the months
 * that do are stored, and the others are remembered as unsettled.
 *
 * https://developer.intuit.com/app/developer/qbo/docs/api/accounting/report-entities/profitandloss
 * https://developer.intuit.com/app/developer/qbo/docs/api/accounting/report-entities/balancesheet
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/memutils.h"

#include "base/clock.h"
#include "base/db.h"
#include "base/errors.h"
#include "base/month.h"
#include "import/accounts.h"
#include "import/chunks.h"
#include "import/proof.h"
#include "import/reading.h"
#include "qbo/accounting.h"
#include "qbo/present.h"
#include "qbo/sending.h"
#include "store/requests.h"
#include "store/unsettled.h"

/* Others are told how far an import is at most so often. */
#define TELL_PROGRESS_MS 1000

/* The chunks of an import, read one after the other. */
typedef struct RqboChunkWork
{
	RqboStep	then;
	List	   *chunks;			/* of RqboRange, left to read, the next one last */
	RqboRange  *chunk;			/* the one in hand */
	int			done;
	int			done_before;	/* by the import this one continues */
	int64		began_ms;
	int64		told_ms;		/* when others were told the last time of how far it is */
	MemoryContext context;		/* as long as the chunk in hand */
	RqboReport *profit_and_loss;
	RqboReport *balance_sheet;
	bool		chart_is_read;	/* since a report was seen that knows another chart */
} RqboChunkWork;

static void next_chunk(RqboTask *task);

/* ---- chunks ---- */

static List *
add_chunk(List *chunks, const char *method, DateADT start, DateADT end)
{
	RqboRange  *chunk = palloc(sizeof(RqboRange));

	chunk->method = pstrdup(method);
	chunk->start = start;
	chunk->end = end;
	return lappend(chunks, chunk);
}

static void
push_chunk(RqboImport *import, const char *method, DateADT start, DateADT end)
{
	MemoryContext saved = MemoryContextSwitchTo(import->session->task->context);

	import->chunks->chunks = add_chunk(import->chunks->chunks, method, start, end);
	MemoryContextSwitchTo(saved);
}

/*
 * The oldest first, so that the newest, which is the last, is taken first.
 */
static List *
cut_range(List *chunks, const RqboRange *range)
{
	int			months = rqbo_month_count(range->start, range->end);
	int			first = months % RQBO_CHUNK_MONTHS;
	DateADT		start = range->start;

	while (months > 0)
	{
		int			size = first > 0 ? first : RQBO_CHUNK_MONTHS;
		DateADT		next = rqbo_month_add(start, size);

		chunks = add_chunk(chunks, range->method, start, next - 1);
		start = next;
		months -= size;
		first = 0;
	}
	return chunks;
}

/*
 * A month that was refused stands alone, so that those around it are not read in
 * halves again.
 */
static List *
cut_around_untied(RqboImport *import, List *chunks, const RqboRange *range)
{
	RqboRange	left = *range;
	DateADT    *untied;

	rqbo_db_begin();
	untied = rqbo_store_untied_months(import->model_id, import->connection_id, range);
	rqbo_db_commit();
	for (; *untied != DATEVAL_NOEND; untied++)
	{
		DateADT		next = rqbo_month_add(*untied, 1);

		if (left.start < *untied)
			chunks = cut_range(chunks, &(RqboRange) {range->method, left.start, *untied - 1});
		chunks = add_chunk(chunks, range->method, *untied, next - 1);
		left.start = next;
	}
	return left.start <= left.end ? cut_range(chunks, &left) : chunks;
}

static List *
cut_ranges(RqboImport *import, const RqboRange *ranges)
{
	List	   *chunks = NIL;

	for (const RqboRange *range = ranges; range->method != NULL; range++)
		chunks = import->kind->has_plan ? cut_range(chunks, range) : cut_around_untied(import, chunks, range);
	return chunks;
}

static void
plan_chunks(RqboImport *import, List *chunks, const RqboRange *ranges)
{
	for (int i = list_length(chunks) - 1; i >= 0; i--)
	{
		const RqboRange *chunk = list_nth(chunks, i);

		rqbo_sending_plan(import->session, rqbo_import_report_path(import->session, RQBO_PROFIT_AND_LOSS, chunk, "Month"), false);
		rqbo_sending_plan(import->session, rqbo_import_report_path(import->session, RQBO_BALANCE_SHEET, chunk, "Month"), false);
	}
	rqbo_proof_plan(import, ranges);
}

void
rqbo_import_chunks_plan(RqboImport *import, const RqboRange *ranges)
{
	plan_chunks(import, cut_ranges(import, ranges), ranges);
}

/*
 * Put the chunk in hand back as two halves.
 */
static void
put_back_halves(RqboTask *task, const char *why)
{
	RqboImport *import = rqbo_import_of(task);
	RqboRange  *chunk = import->chunks->chunk;
	DateADT		middle = rqbo_import_middle(chunk);

	ereport(NOTICE,
			(errmsg("%s: %s %s, asking for it in halves",
					rqbo_session_company(import->session), rqbo_import_describe_range(chunk), why)));
	rqbo_db_begin();
	rqbo_store_halve_chunk(import->model_id, import->import_id, chunk, middle);
	rqbo_db_commit();
	push_chunk(import, chunk->method, chunk->start, middle - 1);
	push_chunk(import, chunk->method, middle, chunk->end);
	next_chunk(task);
}

static void
halve_chunk(RqboTask *task)
{
	put_back_halves(task, "is too much at once");
}

/* ---- what does not tie out ---- */

/*
 * The month in hand is refused, and what was stored of it stays.
 */
static void
give_up_month(RqboTask *task, const ErrorData *objection)
{
	RqboImport *import = rqbo_import_of(task);
	RqboChunkWork *work = import->chunks;
	MemoryContext saved = MemoryContextSwitchTo(task->context);

	if (import->objection == NULL)
		import->objection = unconstify(ErrorData *, objection);
	import->untied = lappend(import->untied, work->chunk);
	MemoryContextSwitchTo(saved);
	ereport(NOTICE,
			(errmsg("%s: %.7s, %s, does not tie out and is left as it was", rqbo_session_company(import->session),
					rqbo_month_iso(work->chunk->start), work->chunk->method)));
	rqbo_db_begin();
	rqbo_store_untied(import->model_id, import->connection_id, import->import_id, work->chunk, objection->detail);
	rqbo_store_chunk_done(import->model_id, import->import_id, work->chunk->start, work->chunk->end);
	rqbo_db_commit();
	next_chunk(task);
}

static void
does_not_tie_out(RqboTask *task, const ErrorData *objection)
{
	if (rqbo_import_can_halve(rqbo_import_of(task)->chunks->chunk))
		put_back_halves(task, "does not tie out");
	else
		give_up_month(task, objection);
}

/* ---- one report ---- */

static void
ask_report(RqboImport *import, RqboReportName name, RqboStep then)
{
	RqboSession *session = import->session;
	const RqboRange *chunk = import->chunks->chunk;

	rqbo_qbo_get(session,
				 psprintf("could not read the %s report %s of \"%s\"", rqbo_report_name(name), rqbo_import_describe_range(chunk),
						  rqbo_session_company(session)),
				 rqbo_import_report_path(session, name, chunk, "Month"), then, rqbo_import_can_halve(chunk) ? halve_chunk : NULL);
}

/*
 * The reader knows neither the company nor what was asked for.
 */
static void
explain_report_error(void *arg)
{
	RqboImport *import = arg;

	errcontext("%s report, %s, of \"%s\"", import->chunks->chunk->method, rqbo_import_describe_range(import->chunks->chunk),
			   rqbo_session_company(import->session));
}

static RqboReport *
read_report(RqboImport *import, RqboReportName name, ErrorData **objection)
{
	RqboReportAsk asked = {name, import->chunks->chunk->start, import->chunks->chunk->end, import->chunks->chunk->method, "Month", false};
	MemoryContext saved = MemoryContextSwitchTo(import->chunks->context);
	RqboReport *report = rqbo_import_try_report(import, &asked, explain_report_error, objection);

	MemoryContextSwitchTo(saved);
	return report;
}

/* ---- one chunk ---- */

static ErrorData *
object_to_imbalance(const RqboImport *import, const char *imbalance)
{
	ErrorData  *objection = palloc0(sizeof(ErrorData));

	objection->elevel = ERROR;
	objection->sqlerrcode = ERRCODE_RQBO_DOES_NOT_TIE_OUT;
	objection->message = psprintf("the balance sheet of \"%s\" does not balance", rqbo_session_company(import->session));
	objection->detail = psprintf("%s.", imbalance);
	objection->hint = pstrdup("Nothing of these months was changed. Import the chart of accounts and try again.");
	return objection;
}

/*
 * A balance sheet whose layout does not show the two sides is added up by what
 * its accounts are.  NULL, or what there is to object.
 */
static ErrorData *
find_imbalance(RqboImport *import, const RqboReport *balance_sheet)
{
	const RqboConnection *c = import->session->connection;
	MemoryContext saved;
	char	   *imbalance;
	ErrorData  *objection;

	if (balance_sheet->balance_checked)
		return NULL;
	saved = MemoryContextSwitchTo(import->session->task->context);
	rqbo_db_begin();
	imbalance = rqbo_store_find_imbalance(c->model_id, c->connection_id, balance_sheet);
	rqbo_db_commit();
	MemoryContextSwitchTo(import->session->task->context);
	objection = imbalance != NULL ? object_to_imbalance(import, imbalance) : NULL;
	MemoryContextSwitchTo(saved);
	return objection;
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
	known = rqbo_store_count_amounts(c->model_id, c->connection_id, report, import->chunks->chunk);
	if (known > 0)
		ereport(ERROR,
				(errcode(ERRCODE_RQBO_INVALID_RESPONSE),
				 errmsg("the %s report %s of \"%s\" came without a single account",
						rqbo_report_name(report->name), rqbo_import_describe_range(import->chunks->chunk),
						rqbo_session_company(import->session)),
				 errdetail("It does not say that there is no data, and " INT64_FORMAT " amounts are known of these months.",
						   known),
				 errhint("Nothing was changed. Try again.")));
}

/*
 * Of the chunk in hand, which is about to be stored.
 */
static void
tell_progress(RqboImport *import)
{
	RqboChunkWork *work = import->chunks;
	int			done = work->done_before + work->done + 1;
	int64		now = rqbo_clock_ms();

	if (work->told_ms != 0 && now - work->told_ms < TELL_PROGRESS_MS)
		return;
	work->told_ms = now;
	rqbo_notify_import_progress(import->session->connection, rqbo_import_told(import), done,
								done + list_length(work->chunks));
}

static void
store_chunk(RqboImport *import, const RqboReport *balance_sheet)
{
	const RqboConnection *c = import->session->connection;
	RqboCounts	counts = import->counts;

	counts.months += rqbo_month_count(import->chunks->chunk->start, import->chunks->chunk->end);
	rqbo_db_begin();
	rqbo_import_check_currency(import, import->chunks->profit_and_loss);
	rqbo_import_check_currency(import, balance_sheet);
	check_emptiness(import, import->chunks->profit_and_loss);
	check_emptiness(import, balance_sheet);
	rqbo_store_report(c->model_id, c->connection_id, import->import_id, import->chunks->profit_and_loss, import->chunks->chunk,
					  &counts);
	rqbo_store_report(c->model_id, c->connection_id, import->import_id, balance_sheet, import->chunks->chunk, &counts);
	rqbo_store_settled(c->model_id, c->connection_id, import->chunks->chunk);
	rqbo_proof_keep_chunk(import, import->chunks->chunk, import->chunks->profit_and_loss, balance_sheet);
	rqbo_store_import_progress(c->model_id, import->import_id, &counts, import->session->requests);
	rqbo_store_chunk_done(c->model_id, import->import_id, import->chunks->chunk->start, import->chunks->chunk->end);
	tell_progress(import);
	rqbo_db_commit();
	rqbo_proof_note_chunk(import, import->chunks->chunk);
	import->counts = counts;
	import->chunks->done++;
}

/*
 * How far it is, and how long the rest takes at the rate so far.
 */
static void
show_progress(const RqboImport *import)
{
	const RqboChunkWork *work = import->chunks;
	int			left = list_length(work->chunks);
	int64		ms = rqbo_clock_ms() - import->chunks->began_ms;
	int			done = work->done_before + work->done;
	char	   *rest = left > 0 ? psprintf(", about %d seconds left", (int) (ms * left / work->done / 1000) + 1) : "";

	ereport(NOTICE,
			(errmsg("%s: %s, %s, stored and tied out (%d of %d)%s", rqbo_session_company(import->session),
					rqbo_import_describe_range(import->chunks->chunk), import->chunks->chunk->method, done, done + left, rest)));
}

/*
 * Where the report has an account on another side than the chart has it, the
 * chart is read first: it tells which other months have to be read again.
 */
static bool
chart_is_old(RqboImport *import)
{
	const RqboConnection *c = import->session->connection;
	RqboChunkWork *work = import->chunks;
	bool		is_old;

	if (work->chart_is_read)
		return false;
	rqbo_db_begin();
	is_old = rqbo_store_chart_is_old(c->model_id, c->connection_id, work->profit_and_loss) ||
		rqbo_store_chart_is_old(c->model_id, c->connection_id, work->balance_sheet);
	rqbo_db_commit();
	return is_old;
}

static void
chunk_is_read(RqboTask *task)
{
	RqboImport *import = rqbo_import_of(task);
	RqboChunkWork *work = import->chunks;
	ErrorData  *objection;

	if (chart_is_old(import))
	{
		work->chart_is_read = true;
		rqbo_import_accounts_begin(import, chunk_is_read);
		return;
	}
	objection = find_imbalance(import, work->balance_sheet);
	if (objection != NULL)
	{
		does_not_tie_out(task, objection);
		return;
	}
	store_chunk(import, work->balance_sheet);
	show_progress(import);
	next_chunk(task);
}

static void
balance_sheet_answered(RqboTask *task)
{
	RqboImport *import = rqbo_import_of(task);
	ErrorData  *objection = NULL;

	if (rqbo_import_can_halve(import->chunks->chunk) && rqbo_report_was_cut(task->result->body))
	{
		halve_chunk(task);
		return;
	}
	import->chunks->balance_sheet = read_report(import, RQBO_BALANCE_SHEET, &objection);
	if (import->chunks->balance_sheet == NULL)
		does_not_tie_out(task, objection);
	else
		chunk_is_read(task);
}

/*
 * QuickBooks' answer has told that months of the chunk in hand have not begun:
 * our clock, by which the range was accepted, is ahead.  (A refresh knows
 * QuickBooks' time before it plans.)
 */
static void
cut_chunk(RqboTask *task, DateADT last)
{
	RqboImport *import = rqbo_import_of(task);
	RqboRange  *chunk = import->chunks->chunk;

	if (chunk->start > last && import->chunks->chunks == NIL && import->chunks->done + import->chunks->done_before == 0)
		rqbo_import_raise_not_begun(import->session, chunk->start, last);
	rqbo_import_tell_not_begun(import->session, last);
	rqbo_db_begin();
	rqbo_store_cut_chunk(import->model_id, import->import_id, chunk, last);
	rqbo_db_commit();
	if (chunk->start <= last)
		push_chunk(import, chunk->method, chunk->start, last);
	next_chunk(task);
}

static void
profit_and_loss_answered(RqboTask *task)
{
	RqboImport *import = rqbo_import_of(task);
	ErrorData  *objection = NULL;
	DateADT		last;

	if (rqbo_import_can_halve(import->chunks->chunk) && rqbo_report_was_cut(task->result->body))
	{
		halve_chunk(task);
		return;
	}
	import->chunks->profit_and_loss = read_report(import, RQBO_PROFIT_AND_LOSS, &objection);
	if (import->chunks->profit_and_loss == NULL)
	{
		does_not_tie_out(task, objection);
		return;
	}
	last = rqbo_present_last_day(import->session);
	if (import->kind->has_range && import->chunks->chunk->end > last)
	{
		cut_chunk(task, last);
		return;
	}
	ask_report(import, RQBO_BALANCE_SHEET, balance_sheet_answered);
}

/*
 * A caller may have taken the request back meanwhile.
 */
static void
check_wanted(RqboImport *import)
{
	bool		is_wanted;

	if (import->ask.request_id == 0)
		return;
	rqbo_db_begin();
	is_wanted = rqbo_store_request_attempts(import->model_id, import->connection_id, import->ask.request_id) > 0;
	rqbo_db_commit();
	if (is_wanted)
		return;
	import->session->task->ends_alone = true;
	ereport(ERROR,
			(errcode(ERRCODE_QUERY_CANCELED),
			 errmsg("request " INT64_FORMAT " was cancelled", import->ask.request_id)));
}

static void
next_chunk(RqboTask *task)
{
	RqboImport *import = rqbo_import_of(task);

	MemoryContextReset(import->chunks->context);
	import->chunks->profit_and_loss = NULL;
	import->chunks->balance_sheet = NULL;
	if (import->chunks->chunks == NIL)
	{
		import->chunks->then(task);
		return;
	}
	check_wanted(import);
	import->chunks->chunk = llast(import->chunks->chunks);
	import->chunks->chunks = list_delete_last(import->chunks->chunks);
	ask_report(import, RQBO_PROFIT_AND_LOSS, profit_and_loss_answered);
}

void
rqbo_import_chunks_begin(RqboImport *import, const RqboRange *ranges, int done_before, RqboStep then)
{
	MemoryContext context = import->session->task->context;
	RqboChunkWork *work = MemoryContextAllocZero(context, sizeof(RqboChunkWork));
	MemoryContext saved;

	Assert(import->import_id != 0 && import->chunks == NULL);
	work->then = then;
	work->done_before = done_before;
	work->began_ms = rqbo_clock_ms();
	work->context = AllocSetContextCreate(context, "reefqbo chunk", ALLOCSET_DEFAULT_SIZES);
	import->chunks = work;
	saved = MemoryContextSwitchTo(context);
	work->chunks = cut_ranges(import, ranges);
	MemoryContextSwitchTo(saved);
	if (!rqbo_sending_has_plan(import->session))
		plan_chunks(import, work->chunks, ranges);
	next_chunk(import->session->task);
}

/* ---- the end ---- */

/*
 * "2022-10, 2023-02", the oldest first.
 */
static char *
list_untied(const RqboImport *import)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = list_length(import->untied) - 1; i >= 0; i--)
	{
		const RqboRange *month = list_nth(import->untied, i);

		appendStringInfo(&list, "%s%.7s", list.len > 0 ? ", " : "", rqbo_month_iso(month->start));
	}
	return list.data;
}

static char *
describe_untied(const RqboImport *import)
{
	return psprintf("These are left as they were: %s. Of %.7s: %s", list_untied(import),
					rqbo_month_iso(((const RqboRange *) linitial(import->untied))->start),
					import->objection->detail != NULL ? import->objection->detail : import->objection->message);
}

#define UNTIED_HINT \
	"Look at these months' reports in QuickBooks, and put right what does not add up there. A refresh tries them again; until then they are in reefqbo.unsettled_month."

/*
 * Where it is all there was to read, the reader's own words say it best.
 */
void
rqbo_import_raise_untied(RqboImport *import)
{
	if (import->counts.months == 0 && list_length(import->untied) == 1)
		ThrowErrorData(import->objection);
	ereport(ERROR,
			(errcode(ERRCODE_RQBO_DOES_NOT_TIE_OUT),
			 errmsg("%s: %d months do not tie out, and the other %d are stored", rqbo_session_company(import->session),
					list_length(import->untied), import->counts.months),
			 errdetail("%s", describe_untied(import)),
			 errhint(UNTIED_HINT)));
	pg_unreachable();
}

void
rqbo_import_warn_untied(const RqboImport *import)
{
	ereport(WARNING,
			(errcode(ERRCODE_RQBO_DOES_NOT_TIE_OUT),
			 errmsg("%s: %d months do not tie out in QuickBooks", rqbo_session_company(import->session),
					list_length(import->untied)),
			 errdetail("%s", describe_untied(import)),
			 errhint(UNTIED_HINT)));
}

int
rqbo_import_chunks_cost(const RqboRange *ranges)
{
	int			requests = 0;

	for (const RqboRange *range = ranges; range->method != NULL; range++)
		requests += 2 * ((rqbo_month_count(range->start, range->end) + RQBO_CHUNK_MONTHS - 1) / RQBO_CHUNK_MONTHS);
	return requests;
}
