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

#include "base/texts.h"
#include "report/compare.h"
#include "report/parts.h"
#include "report/reader.h"
#include "report/sums.h"

#define TOTAL_OF "Total "

/*
 * Does the title say it is the total of one of these?
 */
static bool
is_named_after_one(const char *title, const RqboTexts *titles)
{
	return pg_strncasecmp(title, TOTAL_OF, strlen(TOTAL_OF)) == 0 &&
		rqbo_texts_find(titles, title + strlen(TOTAL_OF)) >= 0;
}

/*
 * A column without a key is the sum of those it stands among, or of one before
 * it that it names.  Elsewhere it is what belongs to no class, which is a part.
 */
void
rqbo_report_mark_part_totals(const RqboReader *reader)
{
	RqboReport *report = reader->report;
	RqboTexts  *titles = rqbo_texts_make();

	for (int i = 0; i < report->ncolumns; i++)
	{
		RqboReportColumn *column = &report->columns[i];

		CHECK_FOR_INTERRUPTS();
		if (column->key == NULL && (reader->columns[i].nest > 0 || is_named_after_one(column->title, titles)))
			column->is_total = true;
		rqbo_texts_add(titles, column->title, i);
	}
}

/*
 * What the parts in each column of columns add up to.  It comes before those
 * inside it, so that from the last to the first each is complete when it is
 * added to the one around it.
 */
static void
sum_nests(const RqboReader *reader, const RqboReportLine *line, Numeric *sums)
{
	for (int i = 0; i < reader->nnests; i++)
		sums[i] = reader->zero;
	for (int i = 0; i < reader->report->ncolumns; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (!reader->report->columns[i].is_total)
			rqbo_report_accumulate(reader, &sums[reader->columns[i].nest], line->amounts[i]);
	}
	for (int i = reader->nnests - 1; i > 0; i--)
		rqbo_report_accumulate(reader, &sums[reader->nests[i]], sums[i]);
}

static void
check_line(const RqboReader *reader, int line)
{
	Numeric    *sums = palloc_extended(reader->nnests * sizeof(Numeric), MCXT_ALLOC_HUGE);

	sum_nests(reader, &reader->report->lines[line], sums);
	for (int i = 0; i < reader->report->ncolumns; i++)
	{
		const RqboColumnInfo *info = &reader->columns[i];

		CHECK_FOR_INTERRUPTS();
		if (reader->report->columns[i].is_total && (info->nest > 0 || info->says_total))
			rqbo_report_compare_line(reader, RQBO_TALLY_PERIODS, line, i, "its parts add up to", sums[info->nest]);
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
