/*-------------------------------------------------------------------------
 *
 * report/periods.c
 *	  The columns of a report over time.
 *
 * They cover the report's range without a gap, and movements add up to their
 * total column.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "base/month.h"
#include "report/compare.h"
#include "report/periods.h"
#include "report/reader.h"
#include "report/sums.h"
#include "report/text.h"

static void
raise_gap(const RqboReader *reader, const RqboReportColumn *column, bool at_end, DateADT expected)
{
	rqbo_report_mismatch(reader, "Column \"%s\" covers %s to %s, but it should %s on %s.",
				   rqbo_report_clip(column->title),
				   rqbo_month_iso(column->start), rqbo_month_iso(column->end),
				   at_end ? "end" : "start", rqbo_month_iso(expected));
}

/*
 * The columns that have a period of their own cover the report's range, each
 * from the day after the one before it.
 */
void
rqbo_report_check_periods(const RqboReader *reader)
{
	const RqboReport *report = reader->report;
	const RqboReportColumn *last = NULL;
	int			i;

	if (reader->is_by_dimension)
		return;
	for (i = 0; i < report->ncolumns; i++)
	{
		const RqboReportColumn *column = &report->columns[i];

		CHECK_FOR_INTERRUPTS();
		if (column->is_total || !reader->columns[i].is_dated)
			continue;
		if (last != NULL && column->start != last->end + 1)
			raise_gap(reader, column, false, last->end + 1);
		if (last == NULL && report->has_period && column->start != report->start)
			raise_gap(reader, column, false, report->start);
		last = column;
	}
	if (last != NULL && report->has_period && last->end != report->end)
		raise_gap(reader, last, true, report->end);
}

static bool
sum_periods(const RqboReader *reader, const RqboReportLine *line, Numeric *sum)
{
	bool		found = false;
	int			i;

	*sum = reader->zero;
	for (i = 0; i < reader->report->ncolumns; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (reader->report->columns[i].is_total || !reader->columns[i].is_dated)
			continue;
		rqbo_report_accumulate(reader, sum, line->amounts[i]);
		found = true;
	}
	return found;
}

static void
check_line_total(const RqboReader *reader, int line)
{
	Numeric		sum;
	int			i;

	if (!sum_periods(reader, &reader->report->lines[line], &sum))
		return;
	for (i = 0; i < reader->report->ncolumns; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (reader->report->columns[i].is_total)
			rqbo_report_compare_line(reader, RQBO_TALLY_PERIODS, line, i, "its periods add up to", sum);
	}
}

/*
 * Movements add up over time, balances do not.
 */
void
rqbo_report_check_line_totals(const RqboReader *reader)
{
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "reefqbo line sums",
												  ALLOCSET_DEFAULT_SIZES);
	int			i;

	for (i = 0; i < reader->report->nlines; i++)
	{
		MemoryContext caller = MemoryContextSwitchTo(scratch);

		CHECK_FOR_INTERRUPTS();
		check_line_total(reader, i);
		MemoryContextSwitchTo(caller);
		MemoryContextReset(scratch);
	}
	MemoryContextDelete(scratch);
}
