/*-------------------------------------------------------------------------
 *
 * report/compare.c
 *	  Two figures of a report that should be the same: counted, and what differs
 *	  refused or kept, as the reader was told.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "base/amount.h"
#include "report/compare.h"
#include "report/reader.h"
#include "report/sums.h"
#include "report/text.h"

static void
count_comparison(const RqboReader *reader, const RqboComparison *what, Numeric figure, Numeric sum)
{
	RqboTally  *tally = &reader->report->tallies[what->kind][what->column];
	MemoryContext saved = MemoryContextSwitchTo(reader->result);

	rqbo_report_accumulate(reader, &tally->figure, figure);
	rqbo_report_accumulate(reader, &tally->other_figure, sum);
	tally->compared++;
	MemoryContextSwitchTo(saved);
}

/*
 * The figures come from a context that ends with the column.
 */
static void
keep_difference(const RqboReader *reader, const RqboComparison *what, Numeric figure, Numeric sum, const char *text)
{
	RqboTally  *tally = &reader->report->tallies[what->kind][what->column];
	MemoryContext saved = MemoryContextSwitchTo(reader->result);
	RqboDifference *difference = palloc0(sizeof(RqboDifference));

	difference->kind = what->kind;
	difference->column = what->column;
	difference->account_id = what->account_id != NULL ? pstrdup(what->account_id) : NULL;
	difference->figure = rqbo_amount_add(figure, reader->zero);
	difference->other_figure = rqbo_amount_add(sum, reader->zero);
	difference->text = pstrdup(text);
	reader->report->differences = lappend(reader->report->differences, difference);
	if (tally->differing++ == 0)
		tally->difference = difference->text;
	MemoryContextSwitchTo(saved);
}

/*
 * Two figures that should be the same; what and against name them.
 */
void
rqbo_report_compare(const RqboReader *reader, const RqboComparison *what, Numeric figure,
					const char *against, Numeric sum)
{
	char	   *text;

	count_comparison(reader, what, figure, sum);
	if (rqbo_amount_equal(figure, sum))
		return;
	text = psprintf("In column \"%s\", \"%s\" is %s, but %s %s: the difference is %s.",
					rqbo_report_clip(reader->report->columns[what->column].title),
					rqbo_report_clip(what->name),
					rqbo_amount_show(figure),
					against,
					rqbo_amount_show(sum),
					rqbo_amount_show(rqbo_amount_subtract(figure, sum)));
	if (!reader->keeps_differences)
		rqbo_report_mismatch(reader, "%s", text);
	keep_difference(reader, what, figure, sum, text);
}

void
rqbo_report_compare_line(const RqboReader *reader, RqboTallyKind kind, int line, int column,
						 const char *against, Numeric sum)
{
	const RqboReportLine *printed = &reader->report->lines[line];
	RqboComparison what = {kind, column, printed->name, printed->account_id};

	rqbo_report_compare(reader, &what, printed->amounts[column], against, sum);
}
