/*-------------------------------------------------------------------------
 *
 * report/parts.c
 *	  The columns of a report by class or by department.
 *
 * Each is a part of the whole, told apart by its ColKey; one that stands above
 * others may be followed by the sum of itself and them.  Sums are for checking
 * only.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "report/compare.h"
#include "report/parts.h"
#include "report/reader.h"
#include "report/sums.h"

#define TOTAL_OF "Total "

/*
 * Is there a column before this one that its title says it is the total of?
 */
static bool
is_named_after_another(const RqboReport *report, int column)
{
	const char *title = report->columns[column].title;

	if (pg_strncasecmp(title, TOTAL_OF, strlen(TOTAL_OF)) != 0)
		return false;
	for (int i = 0; i < column; i++)
		if (strcmp(report->columns[i].title, title + strlen(TOTAL_OF)) == 0)
			return true;
	return false;
}

/*
 * A column without a key is the sum of those it stands among, or of the one it
 * names.  Elsewhere it is what belongs to no class, which is a part.
 */
void
rqbo_report_mark_part_totals(const RqboReader *reader)
{
	RqboReport *report = reader->report;

	for (int i = 0; i < report->ncolumns; i++)
		if (report->columns[i].key == NULL &&
			(reader->columns[i].is_nested || is_named_after_another(report, i)))
			report->columns[i].is_total = true;
}

static Numeric
sum_parts(const RqboReader *reader, const RqboReportLine *line, int start, int end)
{
	Numeric		sum = reader->zero;

	for (int i = start; i < end; i++)
		if (!reader->report->columns[i].is_total)
			rqbo_report_accumulate(reader, &sum, line->amounts[i]);
	return sum;
}

static void
check_line(const RqboReader *reader, int line)
{
	const RqboReportLine *printed = &reader->report->lines[line];

	for (int i = 0; i < reader->report->ncolumns; i++)
	{
		const RqboColumnInfo *info = &reader->columns[i];

		if (!reader->report->columns[i].is_total)
			continue;
		if (!info->is_nested && info->says_total)
			rqbo_report_compare_line(reader, RQBO_TALLY_PERIODS, line, i, "its parts add up to",
									 sum_parts(reader, printed, 0, reader->report->ncolumns));
		else if (info->is_nested)
			rqbo_report_compare_line(reader, RQBO_TALLY_PERIODS, line, i, "its parts add up to",
									 sum_parts(reader, printed, info->nest_start, info->nest_end));
	}
}

void
rqbo_report_check_parts(const RqboReader *reader)
{
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "reefqbo part sums",
												  ALLOCSET_DEFAULT_SIZES);

	for (int i = 0; i < reader->report->nlines; i++)
	{
		MemoryContext caller = MemoryContextSwitchTo(scratch);

		CHECK_FOR_INTERRUPTS();
		check_line(reader, i);
		MemoryContextSwitchTo(caller);
		MemoryContextReset(scratch);
	}
	MemoryContextDelete(scratch);
}
