/*-------------------------------------------------------------------------
 *
 * report/header.c
 *	  What a report says it is, and whether that is what was asked for.
 *
 * QuickBooks falls back to a range of its own when it does not like the one
 * asked for, and answers a plain 200.  So the Header is compared.
 * https://developer.intuit.com/app/developer/qbo/docs/workflows/run-reports
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/date.h"
#include "utils/datetime.h"

#include "base/month.h"
#include "net/json_fault.h"
#include "report/header.h"
#include "report/reader.h"
#include "report/sums.h"
#include "report/text.h"

static const char *
safe_foreign_text(const char *text)
{
	return text == NULL ? "?" : rqbo_report_quote(text);
}

static void
refuse_fault(const RqboJson *document)
{
	RqboJsonFault fault;

	if (!rqbo_json_read_fault(document, &fault))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_RQBO_INVALID_RESPONSE),
			 errmsg("QuickBooks answered with a fault instead of a report"),
			 errdetail("Fault %s: %s", safe_foreign_text(fault.code), safe_foreign_text(fault.message)),
			 errhint(RQBO_REPORT_HINT)));
}

void
rqbo_report_raise_unsupported(const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_RQBO_INVALID_RESPONSE),
			 errmsg("QuickBooks report \"%s\" is not supported", rqbo_report_quote(name)),
			 errhint("Reports ProfitAndLoss, BalanceSheet and TrialBalance are.")));
	pg_unreachable();
}

static RqboReportName
parse_name(const char *text)
{
	int			name;

	if (text == NULL)
		rqbo_report_invalid("Its Header has no ReportName.");
	for (name = 0; name <= RQBO_GENERAL_LEDGER; name++)
	{
		if (strcmp(text, rqbo_report_name(name)) == 0 || strcmp(text, rqbo_report_asked_name(name, true)) == 0)
			return (RqboReportName) name;
	}
	rqbo_report_raise_unsupported(text);
}

/*
 * False when the Header does not have it.
 */
static bool
parse_period(const RqboJson *header, const char *key, DateADT *date)
{
	const char *text = rqbo_json_member_text(header, key);

	if (text == NULL || *text == '\0')
		return false;
	if (!rqbo_month_parse_date(text, date))
		rqbo_report_invalid("%s \"%s\" of its Header is not a date.", key, rqbo_report_quote(text));
	return true;
}

static void
read_period(RqboReport *report, const RqboJson *header)
{
	bool		has_start = parse_period(header, "StartPeriod", &report->start);
	bool		has_end = parse_period(header, "EndPeriod", &report->end);

	report->has_period = has_start && has_end;
	if (report->has_period && report->start > report->end)
		rqbo_report_invalid("Its Header says it starts on %s, after its end on %s.",
							rqbo_month_iso(report->start),
							rqbo_month_iso(report->end));
}

void
rqbo_report_read_header(RqboReader *reader, const RqboJson *document)
{
	RqboReport *report = reader->report;
	RqboJson   *header;

	refuse_fault(document);
	header = rqbo_json_member(document, "Header");
	if (!rqbo_json_is_object(header))
		rqbo_report_invalid("The answer has no Header.");
	report->name = parse_name(rqbo_json_member_text(header, "ReportName"));
	report->basis = rqbo_report_string(reader, rqbo_json_member_text(header, "ReportBasis"));
	report->currency = rqbo_report_string(reader, rqbo_json_member_text(header, "Currency"));
	report->summarized_by = rqbo_report_string(reader,
											   rqbo_json_member_text(header, "SummarizeColumnsBy"));
	report->time = rqbo_report_string(reader, rqbo_json_member_text(header, "Time"));
	read_period(report, header);
}

static char *
describe(const char *name, bool has_period, DateADT start, DateADT end,
		 const char *basis, const char *summarized_by)
{
	return psprintf("%s, %s to %s, %s, by %s", name,
					has_period ? rqbo_month_iso(start) : "?",
					has_period ? rqbo_month_iso(end) : "?",
					basis ? rqbo_report_quote(basis) : "?",
					summarized_by ? rqbo_report_quote(summarized_by) : "?");
}

static void
raise_another_report(const RqboReport *report, const RqboReportAsk *ask)
{
	ereport(ERROR,
			(errcode(ERRCODE_RQBO_INVALID_RESPONSE),
			 errmsg("QuickBooks answered another report than was asked for"),
			 errdetail("Asked for: %s. Answered: %s.",
					   describe(rqbo_report_name(ask->name), true, ask->start, ask->end,
								ask->basis, ask->summarized_by),
					   describe(rqbo_report_name(report->name), report->has_period,
								report->start, report->end,
								report->basis, report->summarized_by)),
			 errhint(RQBO_REPORT_HINT)));
}

static bool
differs(const char *said, const char *asked)
{
	return asked != NULL && (said == NULL || pg_strcasecmp(said, asked) != 0);
}

/*
 * What is not said counts as different.  Only the way the columns are
 * summarized may be missing: rqbo_report_compare_columns() sees it for itself.
 */
void
rqbo_report_compare_header(const RqboReader *reader, const RqboReportAsk *ask)
{
	const RqboReport *report = reader->report;

	if (report->name != ask->name ||
		!report->has_period || report->start != ask->start || report->end != ask->end ||
		differs(report->basis, ask->basis) ||
		(report->summarized_by != NULL && differs(report->summarized_by, ask->summarized_by)))
		raise_another_report(report, ask);
}

static bool
is_whole_month(DateADT start, DateADT end)
{
	int			year;
	int			month;
	int			day;

	j2date(start + POSTGRES_EPOCH_JDATE, &year, &month, &day);
	return day == 1 && end - start + 1 == day_tab[isleap(year)][month - 1];
}

static bool
column_is_empty(const RqboReader *reader, int column)
{
	int			i;

	for (i = 0; i < reader->report->nlines; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (!rqbo_report_is_zero(reader, reader->report->lines[i].amounts[column]))
			return false;
	}
	return true;
}

/*
 * Every column one calendar month.  A column without a period of its own is
 * all there is when there is nothing to report.
 */
static void
compare_months(const RqboReader *reader, const RqboReportAsk *ask)
{
	const RqboReport *report = reader->report;
	int			i;

	for (i = 0; i < report->ncolumns; i++)
	{
		const RqboReportColumn *column = &report->columns[i];

		CHECK_FOR_INTERRUPTS();
		if (column->is_total || (column->has_period && is_whole_month(column->start, column->end)))
			continue;
		if (!reader->columns[i].is_dated && column_is_empty(reader, i))
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_RQBO_INVALID_RESPONSE),
				 errmsg("QuickBooks answered another report than was asked for"),
				 errdetail("Asked for %s to %s by month, but column \"%s\" is not a calendar month.",
						   rqbo_month_iso(ask->start), rqbo_month_iso(ask->end),
						   rqbo_report_clip(column->title)),
				 errhint(RQBO_REPORT_HINT)));
	}
}

/*
 * Whether columns are the proof of what the Header leaves out.
 */
static bool
columns_prove(const RqboReader *reader, bool by_month)
{
	int			ndated = 0;
	int			i;

	for (i = 0; i < reader->report->ncolumns; i++)
	{
		CHECK_FOR_INTERRUPTS();
		ndated += reader->columns[i].is_dated ? 1 : 0;
	}
	if (by_month)
		return ndated > 0;
	return ndated == 0 && (reader->report->ncolumns == 1 ||
						   reader->report->name == RQBO_TRIAL_BALANCE);
}

void
rqbo_report_compare_columns(const RqboReader *reader, const RqboReportAsk *ask)
{
	const RqboReport *report = reader->report;
	bool		by_month;

	if (ask->summarized_by == NULL)
		return;
	by_month = pg_strcasecmp(ask->summarized_by, "Month") == 0;
	if (report->summarized_by == NULL && !columns_prove(reader, by_month))
		raise_another_report(report, ask);
	if (by_month)
		compare_months(reader, ask);
	else if (report->ncolumns > 0 && pg_strcasecmp(ask->summarized_by, "Total") == 0 &&
			 !columns_prove(reader, false))
		raise_another_report(report, ask);
}
