/*-------------------------------------------------------------------------
 *
 * import/proof.c
 *	  What an import proves of itself, and what reefqbo.tie_out proves: which
 *	  reports are asked for, one after the other, and what is kept of each.
 *
 * An import has proved its chunks when they are stored, but for the net income
 * of a fiscal year: its months may stand in several chunks, the older of which
 * are read later.  At its end it proves that, and asks, for each accounting method, for two reports that say the same in another
 * way: the profit and loss of the fiscal year to date in one column, and the
 * trial balance.  They come once and without a second try: what goes wrong
 * with them is a check that could not be made.
 *
 * reefqbo.tie_out asks for those and for the statements by month once more,
 * for each fiscal year, and changes no figure.
 *
 * https://developer.intuit.com/app/developer/qbo/docs/api/accounting/report-entities/trialbalance
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "base/db.h"
#include "base/encoding.h"
#include "base/errors.h"
#include "base/guc.h"
#include "base/month.h"
#include "base/show.h"
#include "import/proof.h"
#include "import/proof_rows.h"
#include "import/reading.h"
#include "qbo/accounting.h"
#include "qbo/company.h"
#include "qbo/notify.h"
#include "qbo/sending.h"
#include "report/read.h"

/* One report to ask for. */
typedef struct ProofAsk
{
	RqboReportName name;
	bool		by_month;
	RqboProofPeriod period;
} ProofAsk;

typedef struct RqboProof
{
	List	   *stored;			/* of RqboRange: what the import has stored, one for each method */
	RqboStep	then;
	bool		is_tie_out;
	List	   *asks;			/* of ProofAsk, the next one first */
	ProofAsk   *ask;			/* the one in hand */
	MemoryContext context;		/* as long as an answer */
	List	   *rows;			/* of RqboProofRow: what is checked and not kept yet */
	MemoryContext kept;			/* where they are */
} RqboProof;

static void next_ask(RqboTask *task);

static RqboProofOf
of_import(const RqboImport *import)
{
	return (RqboProofOf) {import->model_id, import->connection_id, import->import_id};
}

/* ---- rows ---- */

static RqboProof *
proof_of(RqboImport *import)
{
	MemoryContext context = import->session->task->context;

	if (import->proof == NULL)
	{
		import->proof = MemoryContextAllocZero(context, sizeof(RqboProof));
		import->proof->context = AllocSetContextCreate(context, "reefqbo proof", ALLOCSET_DEFAULT_SIZES);
		import->proof->kept = AllocSetContextCreate(context, "reefqbo proof rows", ALLOCSET_DEFAULT_SIZES);
	}
	return import->proof;
}

/*
 * Rows, and what they point to, may go before they are kept.
 */
static void
add_rows(RqboImport *import, List *rows)
{
	RqboProof  *proof = proof_of(import);
	MemoryContext saved = MemoryContextSwitchTo(proof->kept);
	ListCell   *cell;

	foreach(cell, rows)
		proof->rows = lappend(proof->rows, rqbo_proof_row_copy(lfirst(cell)));
	MemoryContextSwitchTo(saved);
}

/*
 * In a transaction: what is checked in one go is kept as one row.
 */
static void
keep_rows(RqboImport *import)
{
	RqboProof  *proof = proof_of(import);

	rqbo_store_proof_rows(of_import(import), proof->rows);
	proof->rows = NIL;
	MemoryContextReset(proof->kept);
}

/* ---- what was read by month ---- */

static void
check_by_month(RqboImport *import, const RqboReport *report, const RqboRange *range)
{
	add_rows(import, rqbo_proof_rows_by_month(report, range));
	if (report->name == RQBO_BALANCE_SHEET && !report->balance_checked)
		add_rows(import, rqbo_store_prove_balance(of_import(import), range));
}

void
rqbo_proof_keep_chunk(RqboImport *import, const RqboRange *chunk, const RqboReport *profit_and_loss,
					   const RqboReport *balance_sheet)
{
	check_by_month(import, profit_and_loss, chunk);
	check_by_month(import, balance_sheet, chunk);
	keep_rows(import);
}

static RqboRange *
find_range(List *ranges, const char *method)
{
	ListCell   *cell;

	foreach(cell, ranges)
		if (strcmp(((RqboRange *) lfirst(cell))->method, method) == 0)
			return lfirst(cell);
	return NULL;
}

/*
 * One range for each method, from the first month to the last.
 */
static List *
add_range(List *ranges, const RqboRange *more)
{
	RqboRange  *range = find_range(ranges, more->method);

	if (range == NULL)
	{
		range = palloc(sizeof(RqboRange));
		*range = *more;
		ranges = lappend(ranges, range);
	}
	range->start = Min(range->start, more->start);
	range->end = Max(range->end, more->end);
	return ranges;
}

void
rqbo_proof_note_chunk(RqboImport *import, const RqboRange *chunk)
{
	RqboProof  *proof = proof_of(import);
	MemoryContext saved = MemoryContextSwitchTo(import->session->task->context);

	proof->stored = add_range(proof->stored, chunk);
	MemoryContextSwitchTo(saved);
}

/* ---- the end ---- */

/* What the two figures of a kind are. */
static const struct
{
	const char *kind;
	const char *figure;
	const char *other_figure;
}			words[] = {
	{"section_totals", "the printed sums are", "their lines add up to"},
	{"total_column", "the Total column has", "the months add up to"},
	{"balance", "assets are", "liabilities and equity are"},
	{"net_income", "the net income in equity is", "the profit and loss of the fiscal year to date comes to"},
	{"year_in_one_column", "the profit and loss in one column has", "the months that were imported add up to"},
	{"trial_balance_sides", "debits are", "credits are"},
	{"trial_balance_statements", "the trial balance has", "the statement that was imported"},
	{"stored", "QuickBooks has now", "what is stored is"},
};

static char *
describe_failure(const RqboProofFailure *failure)
{
	char	   *of = failure->account_id == NULL ? failure->statement :
		psprintf("%s, account \"%s\" (%s)", failure->statement,
				 failure->account != NULL ? failure->account : "?", failure->account_id);

	for (int i = 0; i < (int) lengthof(words); i++)
		if (failure->figure != NULL && failure->other_figure != NULL && strcmp(words[i].kind, failure->kind) == 0)
			return psprintf("%s, %s, %s, %s: %s %s, %s %s; the difference is %s.", failure->kind, failure->method,
							failure->period, of, words[i].figure, failure->figure, words[i].other_figure,
							failure->other_figure, failure->difference);
	return psprintf("%s, %s, %s, %s: %s", failure->kind, failure->method, failure->period, of,
					failure->detail != NULL ? failure->detail : "");
}

static void
warn(const RqboImport *import, const RqboProofFailure *failure)
{
	ereport(WARNING,
			(errcode(ERRCODE_RQBO_DOES_NOT_TIE_OUT),
			 errmsg("%s: what was imported does not tie out with QuickBooks (checks that failed: %d)",
					rqbo_session_company(import->session), failure->count),
			 errdetail("%s", rqbo_show_line(describe_failure(failure))),
			 errhint("If somebody posted to the books meanwhile, refresh and try again. All checks are in reefqbo.tie_out_check, with import_id " INT64_FORMAT ".",
					 import->import_id)));
}

static void
finish(RqboTask *task)
{
	RqboImport *import = rqbo_import_of(task);
	RqboProofFailure *failure;

	rqbo_db_begin();
	add_rows(import, rqbo_store_prove_net_income(of_import(import)));
	keep_rows(import);
	failure = rqbo_store_read_proof_failure(of_import(import));
	if (failure != NULL)
		rqbo_notify_tie_out_failed(import->session->connection, rqbo_import_told(import), failure->count);
	rqbo_db_commit();
	if (failure != NULL)
		warn(import, failure);
	import->proof->then(task);
}

/* ---- checks that could not be made ---- */

static const char *const month_kinds[] = {"section_totals", "total_column", "stored", NULL};
static const char *const balance_kinds[] = {"section_totals", "balance", "stored", NULL};
static const char *const year_kinds[] = {"year_in_one_column", NULL};

static List *
trial_balance_rows(const RqboRange *range, const char *why)
{
	return list_make2(rqbo_proof_row("trial_balance_statements", "balance_sheet", range, RQBO_UNKNOWN, why),
					  rqbo_proof_row("trial_balance_statements", "profit_and_loss", range, RQBO_UNKNOWN, why));
}

static RqboRange
range_of(const ProofAsk *ask)
{
	RqboRange	range = ask->period.range;

	if (ask->name == RQBO_TRIAL_BALANCE)
		range.start = ask->period.year_start;
	return range;
}

/*
 * The rows of an ask that came to nothing; the first of them is what verdict
 * is about.
 */
static void
add_unmade(RqboImport *import, const ProofAsk *ask, RqboVerdict verdict, const char *why)
{
	RqboRange	range = range_of(ask);
	const char *const *kinds = !ask->by_month ? year_kinds :
		ask->name == RQBO_BALANCE_SHEET ? balance_kinds : month_kinds;
	List	   *rows = NIL;

	if (ask->name == RQBO_TRIAL_BALANCE)
		rows = lcons(rqbo_proof_row("trial_balance_sides", "trial_balance", &range, verdict, why),
					 trial_balance_rows(&range, why));
	for (; ask->name != RQBO_TRIAL_BALANCE && *kinds != NULL; kinds++)
		rows = lappend(rows, rqbo_proof_row(*kinds, rqbo_proof_statement(ask->name), &range,
											rows == NIL ? verdict : RQBO_UNKNOWN, why));
	add_rows(import, rows);
}

static void
put_unmade(RqboImport *import, RqboVerdict verdict, const char *why)
{
	add_unmade(import, import->proof->ask, verdict, why);
}

/* ---- answers ---- */

static void
check_trial_balance(RqboImport *import, const RqboReport *report)
{
	const ProofAsk *ask = import->proof->ask;
	const RqboProofPeriod *period = &ask->period;
	RqboRange	range = range_of(ask);
	const char *why = !period->year_is_known ? "it is not known when the fiscal year of the company begins" :
		period->range.start > period->year_start ?
		psprintf("the fiscal year begins in %.7s, and not all of its months before %.7s are imported",
				 rqbo_month_iso(period->year_start), rqbo_month_iso(period->range.start)) : NULL;

	add_rows(import, rqbo_proof_rows_of_trial_balance(report, &range));
	add_rows(import, rqbo_store_prove_trial_balance(of_import(import), period, report));
	if (why != NULL)
		add_rows(import, list_make1(rqbo_proof_row("trial_balance_statements", "profit_and_loss", &range,
												   RQBO_UNKNOWN, why)));
}

static void
check(RqboImport *import, const RqboReport *report)
{
	const ProofAsk *ask = import->proof->ask;
	const RqboRange *range = &ask->period.range;

	rqbo_db_begin();
	if (ask->by_month)
	{
		check_by_month(import, report, range);
		add_rows(import, rqbo_store_prove_stored(of_import(import), range, report));
	}
	else if (ask->name == RQBO_TRIAL_BALANCE)
		check_trial_balance(import, report);
	else
	{
		add_rows(import, rqbo_proof_rows_of_total(report, range));
		add_rows(import, rqbo_store_prove_year(of_import(import), range, report));
	}
	if (import->proof->is_tie_out)
		keep_rows(import);
	rqbo_db_commit();
}

/*
 * NULL, with the reader's objection, for an answer that is no such report.
 * The reader touches neither tables nor locks, so that nothing is left to be
 * undone.
 */
static RqboReport *
read_answer(RqboImport *import, ErrorData **objection)
{
	const RqboHttpResult *result = import->session->task->result;
	const ProofAsk *ask = import->proof->ask;
	RqboRange	range = range_of(ask);
	RqboReportAsk asked = {ask->name, range.start, range.end, range.method, ask->by_month ? "Month" : "Total", true};
	MemoryContext context = CurrentMemoryContext;
	RqboReport *volatile report = NULL;

	PG_TRY();
	{
		report = rqbo_report_read(result->body, result->length, &asked);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		*objection = CopyErrorData();
		if ((*objection)->sqlerrcode != ERRCODE_RQBO_INVALID_RESPONSE &&
			(*objection)->sqlerrcode != ERRCODE_RQBO_DOES_NOT_TIE_OUT)
			PG_RE_THROW();
		FlushErrorState();
	}
	PG_END_TRY();
	return report;
}

static char *
describe_objection(const RqboImport *import, const ErrorData *objection)
{
	const char *tid = import->session->intuit_tid;

	return psprintf("%s; %s%s%s", objection->message, objection->detail != NULL ? objection->detail : "",
					tid != NULL ? " intuit_tid: " : "", tid != NULL ? tid : "");
}

static bool
can_be_halved(const ProofAsk *ask)
{
	return ask->by_month && rqbo_import_can_halve(&ask->period.range);
}

/*
 * Too much at once: ask for its two halves instead.
 */
static void
halve(RqboImport *import)
{
	RqboProof  *proof = import->proof;
	RqboRange  *range = &proof->ask->period.range;
	MemoryContext saved = MemoryContextSwitchTo(import->session->task->context);
	DateADT		middle = rqbo_import_middle(range);
	ProofAsk   *later = palloc(sizeof(ProofAsk));

	*later = *proof->ask;
	later->period.range.start = middle;
	range->end = middle - 1;
	proof->asks = lcons(proof->ask, lcons(later, proof->asks));
	MemoryContextSwitchTo(saved);
}

static void
too_much(RqboTask *task)
{
	RqboImport *import = rqbo_import_of(task);

	if (can_be_halved(import->proof->ask))
		halve(import);
	else
		put_unmade(import, RQBO_UNKNOWN, "the report is too much for QuickBooks, or for reefqbo.max_response_size");
	next_ask(task);
}

static void
unusable(RqboTask *task)
{
	RqboImport *import = rqbo_import_of(task);

	put_unmade(import, RQBO_UNKNOWN, rqbo_qbo_why_unusable(import->session));
	next_ask(task);
}

static void
answered(RqboTask *task)
{
	RqboImport *import = rqbo_import_of(task);
	RqboProof  *proof = import->proof;
	MemoryContext saved = MemoryContextSwitchTo(proof->context);
	ErrorData  *objection = NULL;
	RqboReport *report;

	if (can_be_halved(proof->ask) && rqbo_report_was_cut(task->result->body))
		halve(import);
	else
	{
		rqbo_encoding_begin();
		report = read_answer(import, &objection);
		rqbo_encoding_end();
		if (report != NULL)
			check(import, report);
		else
			put_unmade(import, objection->sqlerrcode == ERRCODE_RQBO_DOES_NOT_TIE_OUT ? RQBO_FAILED : RQBO_UNKNOWN,
					   describe_objection(import, objection));
	}
	MemoryContextSwitchTo(saved);
	MemoryContextReset(proof->context);
	next_ask(task);
}

/* ---- asking ---- */

static char *
path_of(const RqboImport *import, const ProofAsk *ask)
{
	RqboRange	range = range_of(ask);

	return rqbo_import_report_path(import->session, ask->name, &range, ask->by_month ? "Month" : "Total");
}

static void
plan_asks(RqboImport *import, List *asks)
{
	ListCell   *cell;

	foreach(cell, asks)
		rqbo_sending_plan(import->session, path_of(import, lfirst(cell)), import->kind != &rqbo_import_tie_out_kind);
}

static void
send_ask(RqboImport *import)
{
	const ProofAsk *ask = import->proof->ask;
	RqboSession *session = import->session;
	RqboRange	range = range_of(ask);
	char	   *doing = psprintf("could not read the %s report %.7s to %.7s of \"%s\"", rqbo_report_name(ask->name),
								 rqbo_month_iso(range.start), rqbo_month_iso(range.end), rqbo_session_company(session));
	char	   *path = path_of(import, ask);

	if (import->proof->is_tie_out)
		rqbo_qbo_get(session, doing, path, answered, too_much);
	else
		rqbo_qbo_get_once(session, doing, path, answered, unusable);
}

static void
next_ask(RqboTask *task)
{
	RqboImport *import = rqbo_import_of(task);
	RqboProof  *proof = import->proof;

	if (proof->asks == NIL)
	{
		finish(task);
		return;
	}
	proof->ask = linitial(proof->asks);
	proof->asks = list_delete_first(proof->asks);
	send_ask(import);
}

static List *
add_ask(List *asks, RqboReportName name, bool by_month, const RqboProofPeriod *period)
{
	ProofAsk   *ask = palloc(sizeof(ProofAsk));

	ask->name = name;
	ask->by_month = by_month;
	ask->period = *period;
	ask->period.range.method = pstrdup(period->range.method);
	return lappend(asks, ask);
}

/* What proves a fiscal year as a whole. */
static List *
add_year(List *asks, const RqboProofPeriod *period)
{
	asks = add_ask(asks, RQBO_PROFIT_AND_LOSS, false, period);
	return add_ask(asks, RQBO_TRIAL_BALANCE, false, period);
}

/*
 * The period that rqbo_store_proof_period is going to tell when a range is
 * stored: where the year has begun before, as far back as its months are there.
 */
static RqboProofPeriod
foresee_period(RqboImport *import, const RqboRange *range)
{
	RqboProofPeriod period = *rqbo_store_proof_period(of_import(import), range);
	RqboRange	before = {range->method, range->start, range->start - 1};

	period.range.start = range->start <= period.year_start ? period.year_start :
		rqbo_store_proof_period(of_import(import), &before)->range.start;
	return period;
}

void
rqbo_proof_plan(RqboImport *import, const RqboRange *ranges)
{
	List	   *asks = NIL;
	List	   *methods = NIL;
	ListCell   *cell;

	if (!rqbo_proof_requests || rqbo_max_requests_per_company == 1)
		return;
	for (; ranges->method != NULL; ranges++)
		methods = add_range(methods, ranges);
	rqbo_db_begin();
	foreach(cell, methods)
	{
		RqboProofPeriod period = foresee_period(import, lfirst(cell));

		asks = add_year(asks, &period);
	}
	plan_asks(import, asks);
	rqbo_db_commit();
}

/*
 * No requests: say so, in the place of what they would have shown.
 */
static void
add_unasked(RqboImport *import)
{
	ListCell   *cell;

	foreach(cell, import->proof->asks)
		add_unmade(import, lfirst(cell), RQBO_UNKNOWN, "not asked for: reefqbo.proof_requests is off");
	import->proof->asks = NIL;
}

/*
 * The end of an import: ask for what proves the months it has stored.  Nothing
 * that goes wrong is the import's failure.
 */
static void
prove_stored(RqboImport *import, RqboStep then)
{
	RqboProof  *proof = proof_of(import);
	MemoryContext saved = MemoryContextSwitchTo(import->session->task->context);
	ListCell   *cell;

	proof->then = then;
	foreach(cell, proof->stored)
	{
		RqboProofPeriod *period;

		rqbo_db_begin();
		period = rqbo_store_proof_period(of_import(import), lfirst(cell));
		rqbo_db_commit();
		proof->asks = add_year(proof->asks, period);
	}
	MemoryContextSwitchTo(saved);
	if (!rqbo_proof_requests)
		add_unasked(import);
	next_ask(import->session->task);
}

/*
 * Whether a restated month was closed depends on the closing date, which may
 * have moved since it was read; only then is it worth a request.
 */
static void
stored_is_proved(RqboTask *task)
{
	RqboImport *import = rqbo_import_of(task);

	if (import->counts.amounts_restated > 0)
		rqbo_company_read_preferences(import->session, import->then);
	else
		import->then(task);
}

void
rqbo_proof_end_import(RqboTask *task)
{
	RqboImport *import = rqbo_import_of(task);

	if (import->proof == NULL)
		stored_is_proved(task);
	else
		prove_stored(import, stored_is_proved);
}

/* ---- reefqbo.tie_out ---- */

static void
announce(const RqboImport *import, int months)
{
	const char *company = rqbo_session_company(import->session);

	if (months == 0)
		ereport(NOTICE,
				(errmsg("%s: no actuals were imported yet, so there is nothing to prove", company),
				 errhint("Import a range first, with reefqbo.import_actuals.")));
	else
		ereport(NOTICE,
				(errmsg("%s: proving %d months takes %d requests", company, months,
						list_length(import->proof->asks))));
}

static void
tie_out(RqboImport *import)
{
	RqboTask   *task = import->session->task;
	RqboProof  *proof = proof_of(import);
	const char *method = import->ask.range.method;
	MemoryContext saved = MemoryContextSwitchTo(task->context);
	RqboProofPeriod *periods;
	int			months = 0;

	proof->then = import->then;
	proof->is_tie_out = true;
	rqbo_db_begin();
	periods = rqbo_store_proof_periods(of_import(import), *method != '\0' ? method : NULL);
	rqbo_db_commit();
	for (; periods->range.method != NULL; periods++)
	{
		proof->asks = add_ask(proof->asks, RQBO_PROFIT_AND_LOSS, true, periods);
		proof->asks = add_ask(proof->asks, RQBO_BALANCE_SHEET, true, periods);
		proof->asks = add_year(proof->asks, periods);
		months += rqbo_month_count(periods->range.start, periods->range.end);
	}
	MemoryContextSwitchTo(saved);
	announce(import, months);
	plan_asks(import, proof->asks);
	next_ask(task);
}

static void
add_row(const char *const *values, void *arg)
{
	rqbo_job_add_row(arg, RQBO_PROOF_COLUMNS, values);
}

static void
end_tie_out(RqboImport *import)
{
	rqbo_store_count_requests(import->model_id, import->connection_id, import->session->requests, 0);
	rqbo_store_read_proof(of_import(import), add_row, import->job);
}

const RqboImportKind rqbo_import_tie_out_kind = {
	.name = "tie_out",
	.counts_statements = true,
	.needs_company = true,
	.begin = tie_out,
	.store_end = end_tie_out
};
