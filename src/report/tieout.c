/*-------------------------------------------------------------------------
 *
 * report/tieout.c
 *	  Holds the figures of a report against the report's own sums.
 *
 * QuickBooks may cut an answer, or change a company's figures while it makes
 * one, and still answer 200.  Every sum it prints is therefore made again
 * from the lines: each section's, each total column's, and the closing
 * figures of the three statements.  Nothing is rounded and no difference is
 * tolerated.
 *
 * The groups of the sections differ between countries.  Where they are not
 * the known ones the closing figures are left to the caller: see
 * balance_checked in report/read.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "base/amount.h"
#include "report/closing.h"
#include "report/compare.h"
#include "report/parts.h"
#include "report/periods.h"
#include "report/reader.h"
#include "report/sums.h"
#include "report/tieout.h"

static void
make_tallies(RqboReader *reader)
{
	RqboReport *report = reader->report;
	int			kind;
	int			column;

	for (kind = 0; kind < RQBO_TALLY_KINDS; kind++)
	{
		CHECK_FOR_INTERRUPTS();
		report->tallies[kind] = MemoryContextAllocZero(reader->result,
													   (report->ncolumns + 1) * sizeof(RqboTally));
		for (column = 0; column < report->ncolumns; column++)
		{
			CHECK_FOR_INTERRUPTS();
			report->tallies[kind][column].figure = report->tallies[kind][column].other_figure = reader->zero;
		}
	}
}

/* More sections than this are not added up with and without signs. */
#define MOST_IN_A_NET 10

/*
 * Where statutory layouts take one section from another (net current assets,
 * total assets less current liabilities), the sum of a section is that of its
 * own lines and the sections inside, each added or taken away.  Which of the two
 * is for the accounts' classification to say; the caller adds up the whole by it.
 */
static bool
is_net(const RqboColumnSums *sums, int section)
{
	const RqboReader *reader = sums->reader;
	Numeric		printed = reader->report->lines[reader->sections[section].summary].amounts[sums->column];
	Numeric		inside[MOST_IN_A_NET];
	Numeric		own = sums->sections[section];
	int			count = 0;

	for (int i = section + 1; i < reader->nsections; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (reader->sections[i].parent != section || rqbo_report_is_zero(reader, sums->sections[i]))
			continue;
		if (count == MOST_IN_A_NET)
			return false;
		inside[count++] = sums->sections[i];
		own = rqbo_amount_subtract(own, sums->sections[i]);
	}
	for (int signs = 1; signs < 1 << count; signs++)
	{
		Numeric		sum = own;

		CHECK_FOR_INTERRUPTS();
		for (int i = 0; i < count; i++)
			sum = (signs >> i & 1) ? rqbo_amount_subtract(sum, inside[i]) : rqbo_amount_add(sum, inside[i]);
		if (rqbo_amount_equal(sum, printed))
			return true;
	}
	return false;
}

/* So many of them at most are looked for in a column. */
#define MOST_NETS 100

static bool
takes_net(RqboColumnSums *sums, int section)
{
	RqboReader *reader = sums->reader;
	Numeric		printed = reader->report->lines[reader->sections[section].summary].amounts[sums->column];

	if (!reader->may_have_nets || rqbo_amount_equal(printed, sums->sections[section]) || sums->nnets >= MOST_NETS)
		return false;
	sums->nnets++;
	if (!is_net(sums, section))
		return false;
	reader->has_nets = true;
	return true;
}

/*
 * Sections come before those inside them, so that from the last to the first
 * each is complete when it is added to the one around it.
 */
static void
sum_sections(RqboColumnSums *sums)
{
	RqboReader *reader = sums->reader;
	const RqboReportLine *lines = reader->report->lines;
	int			i;

	for (i = 0; i < reader->nsections; i++)
	{
		CHECK_FOR_INTERRUPTS();
		sums->sections[i] = reader->zero;
	}
	sums->top = reader->zero;
	sums->nnets = 0;
	for (i = 0; i < reader->report->nlines; i++)
	{
		int			section = reader->lines[i].section;

		CHECK_FOR_INTERRUPTS();
		if (lines[i].is_summand)
			rqbo_report_accumulate(reader, section < 0 ? &sums->top : &sums->sections[section],
					   lines[i].amounts[sums->column]);
	}
	for (i = reader->nsections - 1; i >= 0; i--)
	{
		const RqboSection *section = &reader->sections[i];

		CHECK_FOR_INTERRUPTS();
		if (section->summary >= 0 && takes_net(sums, i))
			sums->sections[i] = lines[section->summary].amounts[sums->column];
		if (section->summary >= 0)
			rqbo_report_compare_line(reader, RQBO_TALLY_SECTIONS, section->summary, sums->column,
									 "its lines add up to", sums->sections[i]);
		if (section->parent >= 0)
			rqbo_report_accumulate(reader, &sums->sections[section->parent], sums->sections[i]);
	}
}

/*
 * False when the closing figures of the column could not be checked.
 */
static bool
check_column(RqboColumnSums *sums)
{
	sum_sections(sums);
	switch (sums->reader->report->name)
	{
		case RQBO_PROFIT_AND_LOSS:
			return rqbo_report_check_profit_column(sums);
		case RQBO_BALANCE_SHEET:
			return rqbo_report_check_balance_column(sums);
		case RQBO_TRIAL_BALANCE:
			rqbo_report_check_grand_totals(sums);
			return true;
		case RQBO_GENERAL_LEDGER:
			break;
	}
	return false;
}

static bool
check_columns(RqboReader *reader)
{
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "reefqbo column sums",
												  ALLOCSET_DEFAULT_SIZES);
	RqboColumnSums	sums = {.reader = reader};
	bool		checked = true;

	sums.sections = palloc((reader->nsections + 1) * sizeof(Numeric));
	for (sums.column = 0; sums.column < reader->report->ncolumns; sums.column++)
	{
		MemoryContext caller = MemoryContextSwitchTo(scratch);

		CHECK_FOR_INTERRUPTS();
		checked = check_column(&sums) && checked;
		MemoryContextSwitchTo(caller);
		MemoryContextReset(scratch);
	}
	MemoryContextDelete(scratch);
	return checked;
}

static int
count_accounts(const RqboReport *report)
{
	int			naccounts = 0;
	int			i;

	for (i = 0; i < report->nlines; i++)
	{
		CHECK_FOR_INTERRUPTS();
		naccounts += report->lines[i].is_summand ? 1 : 0;
	}
	return naccounts;
}

/*
 * With no account in it, a report can only be about nothing.
 */
static void
refuse_figures_of_nothing(const RqboReader *reader)
{
	const RqboReport *report = reader->report;
	int			line;
	int			column;

	for (line = 0; line < report->nlines; line++)
	{
		CHECK_FOR_INTERRUPTS();
		for (column = 0; column < report->ncolumns; column++)
		{
			CHECK_FOR_INTERRUPTS();
			rqbo_report_compare_line(reader, RQBO_TALLY_SECTIONS, line, column,
									 "without any account it should be", reader->zero);
		}
	}
}

void
rqbo_report_tie_out(RqboReader *reader)
{
	RqboReport *report = reader->report;

	make_tallies(reader);
	rqbo_report_check_periods(reader);
	if (count_accounts(report) == 0)
	{
		refuse_figures_of_nothing(reader);
		report->balance_checked = true;
		return;
	}
	reader->may_have_nets = report->name == RQBO_BALANCE_SHEET && !rqbo_report_has_known_side(reader);
	report->balance_checked = check_columns(reader) && !reader->has_nets;
	if (report->name == RQBO_PROFIT_AND_LOSS)
	{
		if (reader->is_by_dimension)
			rqbo_report_check_parts(reader);
		else
			rqbo_report_check_line_totals(reader);
		rqbo_report_require_net_income(reader);
	}
	if (report->name == RQBO_TRIAL_BALANCE)
		rqbo_report_check_trial_balance(reader);
}
