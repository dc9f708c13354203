/*-------------------------------------------------------------------------
 *
 * import/ledger.c
 *	  Reads the postings behind one account's figure, and holds them against it.
 *
 * A range that is too much for Intuit is halved, down to one month.  Lines
 * become rows of the answer as they are read, since there may be very many, and
 * nobody is given any, and none is stored, before all are read and sum to the
 * figure.  They are stored from there, if that was asked for.
 *
 * https://developer.intuit.com/app/developer/qbo/docs/api/accounting/report-entities/generalledger
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "base/amount.h"
#include "base/db.h"
#include "base/encoding.h"
#include "base/errors.h"
#include "base/month.h"
#include "base/show.h"
#include "base/url.h"
#include "import/ledger.h"
#include "import/reading.h"
#include "qbo/accounting.h"
#include "report/ledger.h"
#include "store/ledger.h"

#define RESULT_COLUMNS 12
/* In a row of the answer the first column that is also one of the table; of the beginning balance it is NULL. */
#define FIRST_KEPT 2
#define COLUMNS "tx_date,txn_type,doc_num,name,memo,split_acc,subt_nat_amount,rbal_nat_amount"
/* An account may hold another currency; the statements are in the home currency. */
#define HOME_COLUMNS ",subt_nat_home_amount,rbal_nat_home_amount"

typedef struct RqboLedgerWork
{
	MemoryContext context;		/* the task's */
	List	   *ranges;			/* of RqboRange, left to read, the next one first */
	RqboRange  *range;			/* the one in hand */
	RqboFigure *figure;
	bool		has_begun;		/* something was read */
	Numeric		opening;		/* the beginning balance of the whole */
	Numeric		running;		/* what there is so far */
	Numeric		shown;			/* beside the line in hand */
	Numeric		printed;		/* what the report should print there */
	int			nlines;
	char	   *currency;		/* NULL if it is not known */
} RqboLedgerWork;

static void next_range(RqboTask *task);

static char *
describe(const RqboRange *range)
{
	if (!rqbo_import_can_halve(range))
		return psprintf("%.7s", rqbo_month_iso(range->start));
	return rqbo_import_describe_range(range);
}

/*
 * How the account is called in messages.
 */
static char *
account_of(const RqboImport *import)
{
	return rqbo_show_line(import->ledger->figure->account);
}

/* ---- amounts ---- */

/*
 * With its cents, though QuickBooks may print none of a zero.
 */
static char *
show(Numeric amount)
{
	return rqbo_amount_show(rqbo_amount_add(amount, rqbo_amount_parse("0.00")));
}

/*
 * To a sum of the work's own.
 */
static void
add_to(const RqboLedgerWork *work, Numeric *sum, Numeric amount)
{
	MemoryContext saved = MemoryContextSwitchTo(work->context);
	Numeric		before = *sum;

	*sum = rqbo_amount_add(before, amount);
	pfree(before);
	MemoryContextSwitchTo(saved);
}

static Numeric
keep_amount(const RqboLedgerWork *work, Numeric amount)
{
	MemoryContext saved = MemoryContextSwitchTo(work->context);
	Numeric		kept = DatumGetNumericCopy(NumericGetDatum(amount));

	MemoryContextSwitchTo(saved);
	return kept;
}

/* ---- ranges ---- */

static RqboRange *
make_range(const RqboRange *like, DateADT start, DateADT end)
{
	RqboRange  *range = palloc(sizeof(RqboRange));

	range->method = like->method;
	range->start = start;
	range->end = end;
	return range;
}

static void
halve_range(RqboTask *task)
{
	RqboImport *import = rqbo_import_of(task);
	RqboLedgerWork *work = import->ledger;
	RqboRange  *range = work->range;
	DateADT		middle = rqbo_import_middle(range);
	MemoryContext saved = MemoryContextSwitchTo(work->context);

	ereport(NOTICE,
			(errmsg("%s: %s is too much at once, asking for it in halves",
					rqbo_session_company(import->session), describe(range))));
	work->ranges = lcons(make_range(range, middle, range->end), work->ranges);
	work->ranges = lcons(make_range(range, range->start, middle - 1), work->ranges);
	MemoryContextSwitchTo(saved);
	next_range(task);
}

/* ---- rows of the answer ---- */

static void
add_row(const RqboImport *import, int number, const RqboLedgerLine *line)
{
	const RqboLedgerWork *work = import->ledger;
	const char *values[RESULT_COLUMNS] = {
		psprintf("%d", number),
		import->ask.account_id,
		line != NULL ? rqbo_month_iso(line->date) : NULL,
		line != NULL ? line->type : NULL,
		line != NULL ? line->transaction_id : NULL,
		line != NULL ? line->number : NULL,
		line != NULL ? line->name : NULL,
		line != NULL ? line->memo : NULL,
		line != NULL ? line->split : NULL,
		line != NULL ? show(line->amount) : NULL,
		show(work->shown),
		work->currency
	};

	rqbo_job_add_row(import->job, RESULT_COLUMNS, values);
}

static void
add_line(const RqboImport *import, const RqboLedgerLine *line)
{
	RqboLedgerWork *work = import->ledger;

	add_to(work, &work->shown, line->amount);
	add_row(import, ++work->nlines, line);
}

/* ---- checks ---- */

static void
raise_difference(const RqboImport *import, const char *what, Numeric lines, Numeric figure)
{
	ereport(ERROR,
			(errcode(ERRCODE_RQBO_DOES_NOT_TIE_OUT),
			 errmsg("the ledger lines of \"%s\", %s, do not add up to the figure", account_of(import),
					describe(&import->ask.range)),
			 errdetail("%s is %s by the general ledger, and %s as it was imported.", what, show(lines), show(figure)),
			 errhint("The books may have changed since: call reefqbo.refresh, then ask again.")));
}

static void
notice_unchecked(const RqboImport *import, const char *why, const char *hint)
{
	ereport(NOTICE,
			(errmsg("%s: the ledger lines of \"%s\", %s, are held against no figure",
					rqbo_session_company(import->session), account_of(import),
					describe(&import->ask.range)),
			 errdetail("%s", why),
			 hint != NULL ? errhint("%s", hint) : 0));
}

static bool
is_balance_off(const RqboLedgerWork *work)
{
	const RqboFigure *figure = work->figure;

	return (figure->opening != NULL && !rqbo_amount_equal(work->opening, rqbo_amount_parse(figure->opening))) ||
		(figure->closing != NULL && !rqbo_amount_equal(work->running, rqbo_amount_parse(figure->closing)));
}

/* ---- revaluation ---- */

/*
 * Where it is the only account in another currency, the lines of the profit and
 * loss say how much it is; else only whether there is any.
 */
static bool
is_revaluation(const RqboFigure *figure, Numeric change)
{
	if (!figure->is_foreign || !figure->has_lines)
		return false;
	return figure->opening == NULL || !figure->is_sole ||
		rqbo_amount_equal(change, rqbo_amount_parse(figure->revaluation));
}

static void
add_revaluation(RqboImport *import, Numeric change)
{
	char		type[] = "Revaluation";
	RqboLedgerLine line = {.date = import->ask.range.end,.type = type,.amount = change};

	add_line(import, &line);
}

/*
 * The general ledger has no posting of what an account in another currency gains
 * or loses by its rate; the balance sheet has it.  It becomes a line of its own.
 */
static void
take_revaluation(RqboImport *import)
{
	RqboLedgerWork *work = import->ledger;
	const RqboFigure *figure = work->figure;
	Numeric		opening = figure->opening != NULL ? rqbo_amount_parse(figure->opening) : work->opening;
	Numeric		closing = rqbo_amount_parse(figure->closing);
	Numeric		posted = rqbo_amount_subtract(work->running, work->opening);
	Numeric		change = rqbo_amount_subtract(rqbo_amount_subtract(closing, opening), posted);

	if (is_revaluation(figure, change))
	{
		work->opening = keep_amount(work, opening);
		work->running = keep_amount(work, closing);
		if (!rqbo_amount_is_zero(change))
			add_revaluation(import, change);
	}
}

/*
 * What a year has earned goes into retained earnings with no posting: where a
 * fiscal year ends, its lines do not account for its balance.
 */
static void
check_figure(RqboImport *import)
{
	const RqboLedgerWork *work = import->ledger;
	const RqboFigure *figure = work->figure;

	if (figure->closing == NULL)
		notice_unchecked(import, "Some of these months were not imported by this accounting method.",
					   "Import them with reefqbo.import_actuals.");
	if (figure->is_retained && is_balance_off(work))
	{
		notice_unchecked(import, "What a year has earned goes into this account without a posting.", NULL);
		return;
	}
	if (figure->closing != NULL && is_balance_off(work))
		take_revaluation(import);
	if (figure->has_balances && figure->opening != NULL &&
		!rqbo_amount_equal(work->opening, rqbo_amount_parse(figure->opening)))
		raise_difference(import, "The beginning balance", work->opening, rqbo_amount_parse(figure->opening));
	if (figure->closing != NULL && !rqbo_amount_equal(work->running, rqbo_amount_parse(figure->closing)))
		raise_difference(import, figure->has_balances ? "The balance at the end" : "The movement", work->running,
						 rqbo_amount_parse(figure->closing));
}

/*
 * The next range begins where the one before has ended.
 */
static void
check_opening(const RqboImport *import, const RqboLedger *ledger)
{
	const RqboLedgerWork *work = import->ledger;

	if (work->figure->has_balances && work->has_begun && !work->figure->is_retained &&
		!rqbo_amount_equal(work->running, ledger->opening))
		raise_difference(import, "The balance between two of the months", ledger->opening, work->running);
}

/*
 * Its own balance after each line, if it prints one.
 */
static void
check_printed(const RqboImport *import, const RqboLedgerLine *line)
{
	const RqboLedgerWork *work = import->ledger;

	if (!work->figure->has_balances || line->running == NULL || rqbo_amount_equal(line->running, work->printed))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_RQBO_DOES_NOT_TIE_OUT),
			 errmsg("the general ledger of \"%s\" does not tie out", account_of(import)),
			 errdetail("The balance of %s on %s should be %s.", show(line->running), rqbo_month_iso(line->date),
					   show(work->printed)),
			 errhint("It may have been cut short, or made while the figures changed. Ask again.")));
}

static void
check_date(const RqboImport *import, const RqboLedgerLine *line)
{
	const RqboRange *range = import->ledger->range;

	if (line->date < range->start || line->date > range->end)
		rqbo_qbo_raise_invalid(import->session, psprintf("A line of it is of %s.", rqbo_month_iso(line->date)));
}

/* ---- one range ---- */

static void
explain_report_error(void *arg)
{
	const RqboImport *import = arg;

	errcontext("%s general ledger of \"%s\", %s, of \"%s\"", import->ask.range.method, account_of(import),
			   describe(import->ledger->range), rqbo_session_company(import->session));
}

/*
 * What the balance sheet has, if it has one: where it is not what the ledger
 * begins with, that ends in an error, or else it is by a revaluation.
 */
static Numeric
balance_shown_first(const RqboLedgerWork *work)
{
	const RqboFigure *figure = work->figure;

	return figure->has_balances && !figure->is_retained && figure->opening != NULL ?
		rqbo_amount_parse(figure->opening) : work->opening;
}

static void
begin_lines(const RqboImport *import, const RqboLedger *ledger)
{
	RqboLedgerWork *work = import->ledger;

	work->printed = keep_amount(work, ledger->opening);
	if (work->has_begun)
		return;
	work->has_begun = true;
	work->opening = keep_amount(work, work->figure->has_balances ? ledger->opening : rqbo_amount_zero());
	work->running = keep_amount(work, work->opening);
	work->shown = keep_amount(work, balance_shown_first(work));
	if (work->figure->has_balances)
		add_row(import, 0, NULL);
}

static void
take_line(const RqboLedgerLine *line, void *arg)
{
	RqboImport *import = arg;

	check_date(import, line);
	add_to(import->ledger, &import->ledger->printed, line->amount);
	check_printed(import, line);
	add_line(import, line);
}

static void
read_report(RqboImport *import)
{
	const RqboHttpResult *result = import->session->task->result;
	const RqboRange *range = import->ledger->range;
	RqboReportAsk asked = {RQBO_GENERAL_LEDGER, range->start, range->end, range->method, NULL, false};
	ErrorContextCallback callback = {error_context_stack, explain_report_error, import};
	RqboLedger *ledger;

	error_context_stack = &callback;
	rqbo_encoding_begin();
	ledger = rqbo_ledger_read(result->body, result->length, &asked, import->ask.account_id);
	check_opening(import, ledger);
	begin_lines(import, ledger);
	rqbo_ledger_each_line(ledger, take_line, import);
	rqbo_encoding_end();
	error_context_stack = callback.previous;
	add_to(import->ledger, &import->ledger->running, ledger->sum);
	rqbo_session_note_time(import->session, ledger->time);
}

static void
range_answered(RqboTask *task)
{
	RqboImport *import = rqbo_import_of(task);

	if (rqbo_import_can_halve(import->ledger->range) && rqbo_report_was_cut(task->result->body))
	{
		halve_range(task);
		return;
	}
	read_report(import);
	next_range(task);
}

static char *
report_path(const RqboImport *import)
{
	const RqboRange *range = import->ledger->range;
	StringInfoData path;

	initStringInfo(&path);
	appendStringInfo(&path, "/reports/%s?start_date=%s&end_date=%s&accounting_method=%s",
					 rqbo_report_asked_name(RQBO_GENERAL_LEDGER, import->session->connection->is_french),
					 rqbo_month_iso(range->start), rqbo_month_iso(range->end), range->method);
	rqbo_url_add(&path, '&', "account", import->ask.account_id);
	rqbo_url_add(&path, '&', "columns", import->session->connection->has_currencies ? COLUMNS HOME_COLUMNS : COLUMNS);
	return path.data;
}

/* ---- the beginning and the end ---- */

/*
 * The rows of the answer that are lines, so many at a time.
 */
static void
keep_lines(const RqboImport *import)
{
	RqboJobRows *rows = import->job->rows;
	RqboLedgerKeeping keeping = {
		.model_id = import->model_id,
		.connection_id = import->connection_id,
		.import_id = import->import_id,
		.account_id = import->ask.account_id,
		.range = &import->ask.range
	};
	TupleTableSlot *row;

	rqbo_db_begin();
	rqbo_store_begin_ledger(&keeping);
	while (rows != NULL && (row = rqbo_job_rows_next(rows)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		if (!row->tts_isnull[FIRST_KEPT])
			rqbo_store_put_ledger_line(&keeping, row->tts_values + FIRST_KEPT, row->tts_isnull + FIRST_KEPT);
	}
	rqbo_store_end_ledger(&keeping);
	rqbo_db_commit();
	if (rows != NULL)
		rqbo_job_rows_rewind(rows);
}

static void
next_range(RqboTask *task)
{
	RqboImport *import = rqbo_import_of(task);
	RqboLedgerWork *work = import->ledger;

	if (work->ranges == NIL)
	{
		check_figure(import);
		if (import->ask.keep)
			keep_lines(import);
		import->then(task);
		return;
	}
	work->range = linitial(work->ranges);
	work->ranges = list_delete_first(work->ranges);
	rqbo_qbo_get(import->session,
				 psprintf("could not read the general ledger of \"%s\", %s, of \"%s\"", account_of(import),
						  describe(work->range), rqbo_session_company(import->session)),
				 report_path(import), range_answered, rqbo_import_can_halve(work->range) ? halve_range : NULL);
}

static void
begin(RqboImport *import)
{
	MemoryContext saved = MemoryContextSwitchTo(import->session->task->context);
	RqboLedgerWork *work = palloc0(sizeof(RqboLedgerWork));

	work->context = CurrentMemoryContext;
	work->ranges = list_make1(make_range(&import->ask.range, import->ask.range.start, import->ask.range.end));
	import->ledger = work;
	rqbo_db_begin();
	work->figure = rqbo_store_read_figure(import->model_id, import->connection_id, import->ask.account_id,
										  &import->ask.range);
	work->currency = rqbo_store_home_currency(import->model_id, import->connection_id, NULL);
	rqbo_db_commit();
	MemoryContextSwitchTo(saved);
	next_range(import->session->task);
}

const RqboImportKind rqbo_import_ledger_kind = {
	.name = "ledger_lines",
	.has_range = true,
	.needs_company = true,
	.stores_figures = true,
	.begin = begin,
	.store_end = rqbo_import_store_upkeep
};
