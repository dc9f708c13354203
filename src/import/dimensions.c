/*-------------------------------------------------------------------------
 *
 * import/dimensions.c
 *	  Reads the profit and loss by class or by department, month by month.
 *
 * Each month is one report, tied out to its own totals and to the figures that
 * were imported without the dimension, and stored in one transaction.
 *
 * https://developer.intuit.com/app/developer/qbo/docs/api/accounting/report-entities/profitandloss
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/db.h"
#include "base/errors.h"
#include "base/month.h"
#include "base/show.h"
#include "base/texts.h"
#include "import/dimensions.h"
#include "import/pages.h"
#include "import/reading.h"
#include "import/values.h"
#include "qbo/accounting.h"
#include "store/dimensions.h"

#define SUMMARY_COLUMNS 9

typedef struct RqboDimensionWork
{
	MemoryContext context;		/* as long as a month */
	DateADT		month;			/* the one in hand */
} RqboDimensionWork;

static void next_month(RqboTask *task);

static const char *
summarized_by(const RqboImport *import)
{
	return strcmp(import->ask.dimension, "class") == 0 ? "Classes" : "Departments";
}

static DateADT
last_day(DateADT month)
{
	return rqbo_month_add(month, 1) - 1;
}

/* ---- which column is which value ---- */

/*
 * QuickBooks' ids are numbers; what is called otherwise, or 0, is no value.
 */
static bool
looks_like_id(const char *key)
{
	return key != NULL && key[0] != '\0' && strspn(key, "0123456789") == strlen(key) &&
		strspn(key, "0") < strlen(key);
}

static void
raise_repeated(const RqboReport *report, const char *value, int first, int second)
{
	const char *title = rqbo_show_line(report->columns[first].title);
	const char *other = rqbo_show_line(report->columns[second].title);

	ereport(ERROR,
			(errcode(ERRCODE_RQBO_INVALID_RESPONSE),
			 errmsg("could not tell the columns of a QuickBooks report apart"),
			 strcmp(value, RQBO_UNSPECIFIED) == 0 ?
			 errdetail("Neither column \"%s\" nor column \"%s\" has an id.", title, other) :
			 errdetail("Columns \"%s\" and \"%s\" have the same id.", title, other),
			 errhint("Nothing of this month was changed. Ask QuickBooks for the report again; if it lasts, show Intuit's support the answer.")));
}

/*
 * The value of each column; NULL for what is for checking only.
 */
static const char *const *
find_values(const RqboImport *import, const RqboReport *report)
{
	const char **values = palloc0((report->ncolumns + 1) * sizeof(char *));
	RqboTexts  *columns = rqbo_texts_make();

	for (int i = 0; i < report->ncolumns; i++)
	{
		const RqboReportColumn *column = &report->columns[i];
		bool		has_id = looks_like_id(column->key) ||
			(column->key != NULL && rqbo_import_pages_have(import, column->key));

		CHECK_FOR_INTERRUPTS();
		if (column->is_total)
			continue;
		values[i] = has_id ? column->key : RQBO_UNSPECIFIED;
		if (!rqbo_texts_add(columns, values[i], i))
			raise_repeated(report, values[i], rqbo_texts_find(columns, values[i]), i);
	}
	return values;
}

/* ---- one month ---- */

static void
explain_report_error(void *arg)
{
	const RqboImport *import = arg;

	errcontext("%s report by %s, %.7s, of \"%s\"", import->ask.range.method, import->ask.dimension,
			   rqbo_month_iso(import->dimensions->month), rqbo_session_company(import->session));
}

static RqboReport *
read_report(RqboImport *import)
{
	DateADT		month = import->dimensions->month;
	RqboReportAsk asked = {RQBO_PROFIT_AND_LOSS, month, last_day(month), import->ask.range.method,
		summarized_by(import), false};

	return rqbo_import_read_report(import, &asked, explain_report_error);
}

static void
check_parts(const RqboImport *import, const RqboDimensionMonth *month, const RqboReport *report,
			const char *const *values)
{
	RqboDimensionDifference *difference = rqbo_store_find_difference(month, report, values);

	if (difference == NULL)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_RQBO_DOES_NOT_TIE_OUT),
			 errmsg("the parts of %.7s by %s of \"%s\" do not sum to the whole", rqbo_month_iso(month->start),
					month->dimension, rqbo_session_company(import->session)),
			 errdetail("Account %s: the parts are %s, the figure that was imported is %s.",
					   rqbo_show_line(difference->account),
					   difference->parts, difference->figure),
			 errhint("Nothing of this month was changed. The books may have changed since: call reefqbo.refresh first, then import by %s again.",
					 month->dimension)));
}

static void
store_month(RqboImport *import, const RqboReport *report)
{
	const RqboConnection *c = import->session->connection;
	RqboDimensionMonth month = {c->model_id, c->connection_id, import->import_id, import->ask.dimension,
	import->ask.range.method, import->dimensions->month};
	const char *const *values = find_values(import, report);
	RqboCounts	counts = import->counts;

	rqbo_db_begin();
	rqbo_import_check_currency(import, report);
	check_parts(import, &month, report, values);
	rqbo_store_report_accounts(c->model_id, c->connection_id, report, &counts);
	rqbo_store_report_values(&month, report, values);
	rqbo_store_parts(&month, report, values, &counts);
	rqbo_store_import_progress(c->model_id, import->import_id, &counts, import->session->requests);
	rqbo_db_commit();
	import->counts = counts;
}

static void
month_answered(RqboTask *task)
{
	RqboImport *import = rqbo_import_of(task);
	RqboDimensionWork *work = import->dimensions;
	MemoryContext saved = MemoryContextSwitchTo(work->context);

	store_month(import, read_report(import));
	MemoryContextSwitchTo(saved);
	ereport(NOTICE,
			(errmsg("%s: %.7s by %s, %s, stored and tied out (%d of %d)", rqbo_session_company(import->session),
					rqbo_month_iso(work->month), import->ask.dimension, import->ask.range.method,
					import->counts.months, rqbo_month_count(import->ask.range.start, import->ask.range.end))));
	work->month = rqbo_month_add(work->month, 1);
	next_month(task);
}

static void
next_month(RqboTask *task)
{
	RqboImport *import = rqbo_import_of(task);
	DateADT		month = import->dimensions->month;
	RqboRange	range = {import->ask.range.method, month, last_day(month)};

	MemoryContextReset(import->dimensions->context);
	if (month > import->ask.range.end)
	{
		import->then(task);
		return;
	}
	rqbo_qbo_get(import->session,
				 psprintf("could not read the %s report of %.7s by %s of \"%s\"", rqbo_report_name(RQBO_PROFIT_AND_LOSS),
						  rqbo_month_iso(month), import->ask.dimension, rqbo_session_company(import->session)),
				 rqbo_import_report_path(import->session, RQBO_PROFIT_AND_LOSS, &range, summarized_by(import)),
				 month_answered, NULL);
}

/* ---- the beginning and the end ---- */

/*
 * The parts are held against the figures, which must be there.
 */
static void
check_months(const RqboImport *import)
{
	const RqboConnection *c = import->session->connection;
	const RqboRange *range = &import->ask.range;
	char	   *missing;
	int			requests;

	rqbo_db_begin();
	missing = rqbo_store_missing_months(c->model_id, c->connection_id, range);
	requests = rqbo_store_dimension_requests(c->model_id, c->connection_id, import->ask.dimension, range);
	rqbo_db_commit();
	if (missing != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("months of \"%s\" have not been imported by %s yet", rqbo_session_company(import->session),
						range->method),
				 errdetail("They are: %s.", missing),
				 errhint("Call reefqbo.import_actuals for them first: the parts by %s are held against its figures.",
						 import->ask.dimension)));
	ereport(NOTICE,
			(errmsg("%s: %d requests to read %d months by %s", rqbo_session_company(import->session), requests,
					rqbo_month_count(range->start, range->end), import->ask.dimension)));
}

static void
begin(RqboImport *import)
{
	MemoryContext context = import->session->task->context;

	import->dimensions = MemoryContextAllocZero(context, sizeof(RqboDimensionWork));
	import->dimensions->month = import->ask.range.start;
	import->dimensions->context = AllocSetContextCreate(context, "reefqbo month", ALLOCSET_DEFAULT_SIZES);
	check_months(import);
	rqbo_import_values_begin(import, next_month);
}

static void
add_row(const RqboImport *import)
{
	const RqboCounts *n = &import->counts;
	double		seconds = (double) (GetCurrentTimestamp() - import->began_at) / USECS_PER_SEC;
	const char *values[SUMMARY_COLUMNS] = {
		import->session->connection->branch,
		import->session->connection->company,
		psprintf("%d", list_length(rqbo_import_pages_rows(import))),
		psprintf("%d", n->months),
		psprintf("%d", n->amounts_inserted),
		psprintf("%d", n->amounts_changed),
		psprintf("%d", n->amounts_unchanged),
		psprintf("%d", import->session->requests),
		psprintf("%.2f", seconds)
	};

	rqbo_job_add_row(import->job, SUMMARY_COLUMNS, values);
}

const RqboImportKind rqbo_import_dimensions_kind = {
	.name = "dimensions",
	.has_range = true,
	.needs_company = true,
	.stores_figures = true,
	.begin = begin,
	.store_end = rqbo_import_store_upkeep,
	.add_rows = add_row
};
