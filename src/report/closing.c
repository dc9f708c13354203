/*-------------------------------------------------------------------------
 *
 * report/closing.c
 *	  The closing figures of the three statements.
 *
 * The net income of a profit and loss, both sides of a balance sheet, debits
 * against credits.  The groups of the sections differ between countries, and
 * so do the signs they go into the net income with.  Where there are others
 * than the known ones, the closing figures are left to the caller: see
 * balance_checked in report/read.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "base/amount.h"
#include "report/closing.h"
#include "report/compare.h"
#include "report/reader.h"
#include "report/sums.h"
#include "report/text.h"

/* The groups of a profit and loss, in the order of the signs below. */
static const char *const profit_groups[] = {
	"Income", "COGS", "Expenses", "OtherIncome", "OtherExpenses"
};

#define N_PROFIT_GROUPS lengthof(profit_groups)

static const struct
{
	const char *group;
	int			signs[N_PROFIT_GROUPS];
}			profit_lines[] = {
	{"GrossProfit", {1, -1, 0, 0, 0}},
	{"NetOperatingIncome", {1, -1, -1, 0, 0}},
	{"NetOtherIncome", {0, 0, 0, 1, -1}},
	{"NetIncome", {1, -1, -1, 1, -1}},
};

static bool
group_is(const char *group, const char *name)
{
	return group != NULL && strcmp(group, name) == 0;
}

static int
profit_group(const char *group)
{
	int			i;

	for (i = 0; i < (int) N_PROFIT_GROUPS; i++)
	{
		if (group_is(group, profit_groups[i]))
			return i;
	}
	return -1;
}

/*
 * The sums of the known groups; false if there is anything beside them.
 */
static bool
sum_profit_groups(const RqboColumnSums *sums, Numeric *groups)
{
	const RqboReader *reader = sums->reader;
	int			i;

	for (i = 0; i < (int) N_PROFIT_GROUPS; i++)
		groups[i] = reader->zero;
	for (i = 0; i < reader->nsections; i++)
	{
		int			group = profit_group(reader->sections[i].group);

		CHECK_FOR_INTERRUPTS();
		if (reader->sections[i].parent >= 0)
			continue;
		if (group >= 0)
			rqbo_report_accumulate(reader, &groups[group], sums->sections[i]);
		else if (!rqbo_report_is_zero(reader, sums->sections[i]))
			return false;
	}
	return rqbo_report_is_zero(reader, sums->top);
}

static Numeric
apply_signs(const RqboReader *reader, const Numeric *groups, const int *signs)
{
	Numeric		result = reader->zero;
	int			i;

	for (i = 0; i < (int) N_PROFIT_GROUPS; i++)
	{
		if (signs[i] > 0)
			result = rqbo_amount_add(result, groups[i]);
		else if (signs[i] < 0)
			result = rqbo_amount_subtract(result, groups[i]);
	}
	return result;
}

static void
check_profit_line(const RqboColumnSums *sums, int line, const Numeric *groups)
{
	int			i;

	for (i = 0; i < (int) lengthof(profit_lines); i++)
	{
		if (group_is(sums->reader->report->lines[line].group, profit_lines[i].group))
			rqbo_report_compare_line(sums->reader, RQBO_TALLY_SECTIONS, line, sums->column,
									 "income less expenses is",
									 apply_signs(sums->reader, groups, profit_lines[i].signs));
	}
}

static bool
is_closing_line(const RqboReader *reader, int line)
{
	return reader->report->lines[line].kind == RQBO_LINE_COMPUTED &&
		reader->lines[line].section < 0;
}

bool
rqbo_report_check_profit_column(const RqboColumnSums *sums)
{
	const RqboReader *reader = sums->reader;
	Numeric		groups[N_PROFIT_GROUPS];
	int			i;

	if (!sum_profit_groups(sums, groups))
		return false;
	for (i = 0; i < reader->report->nlines; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (is_closing_line(reader, i))
			check_profit_line(sums, i, groups);
	}
	return true;
}

/*
 * The top section of a group, or -1.
 */
static int
find_side(const RqboReader *reader, const char *group)
{
	int			i;

	for (i = 0; i < reader->nsections; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (reader->sections[i].parent < 0 && group_is(reader->sections[i].group, group))
			return i;
	}
	return -1;
}

/*
 * Where groups are not the known ones: the two top sections that have sums, if
 * there are two.
 */
static bool
find_two_sides(const RqboReader *reader, int *sides)
{
	int			n = 0;
	int			i;

	for (i = 0; i < reader->nsections; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (reader->sections[i].parent >= 0 || reader->sections[i].summary < 0)
			continue;
		if (n < 2)
			sides[n] = i;
		n++;
	}
	return n == 2;
}

static bool
find_sides(const RqboReader *reader, int *sides)
{
	sides[0] = find_side(reader, "TotalAssets");
	sides[1] = find_side(reader, "TotalLiabilitiesAndEquity");
	if (sides[0] < 0 && sides[1] < 0)
		return find_two_sides(reader, sides);
	return true;
}

bool
rqbo_report_has_known_side(const RqboReader *reader)
{
	return find_side(reader, "TotalAssets") >= 0 || find_side(reader, "TotalLiabilitiesAndEquity") >= 0;
}

static const char *
name_of_side(const RqboReader *reader, int section)
{
	if (reader->sections[section].summary >= 0)
		return reader->report->lines[reader->sections[section].summary].name;
	return reader->sections[section].group;
}

/*
 * Is there an amount on neither side?
 */
static bool
has_more_than_sides(const RqboColumnSums *sums, const int *sides)
{
	const RqboReader *reader = sums->reader;
	int			i;

	for (i = 0; i < reader->nsections; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (reader->sections[i].parent < 0 && i != sides[0] && i != sides[1] &&
			!rqbo_report_is_zero(reader, sums->sections[i]))
			return true;
	}
	return !rqbo_report_is_zero(reader, sums->top);
}

static void
compare_sides(const RqboColumnSums *sums, int side, int other)
{
	const RqboReader *reader = sums->reader;
	Numeric		figure = sums->sections[side];
	RqboComparison what = {RQBO_TALLY_BALANCE, sums->column, name_of_side(reader, side), NULL};

	if (other >= 0)
		rqbo_report_compare(reader, &what, figure,
							psprintf("\"%s\" is", rqbo_report_clip(name_of_side(reader, other))),
							sums->sections[other]);
	else if (reader->keeps_differences)
		rqbo_report_compare(reader, &what, figure, "the other side is missing:", reader->zero);
	else if (!rqbo_report_is_zero(reader, figure))
		rqbo_report_mismatch(reader, "In column \"%s\", \"%s\" is %s, but the other side is missing.",
							 rqbo_report_clip(reader->report->columns[sums->column].title),
							 rqbo_report_clip(name_of_side(reader, side)),
							 rqbo_amount_show(figure));
}

bool
rqbo_report_check_balance_column(const RqboColumnSums *sums)
{
	int			sides[2];

	if (!find_sides(sums->reader, sides) || has_more_than_sides(sums, sides))
		return false;
	if (sides[0] >= 0)
		compare_sides(sums, sides[0], sides[1]);
	else
		compare_sides(sums, sides[1], sides[0]);
	return true;
}

static Numeric
sum_top(const RqboColumnSums *sums)
{
	const RqboReader *reader = sums->reader;
	Numeric		total = sums->top;
	int			i;

	for (i = 0; i < reader->nsections; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (reader->sections[i].parent < 0)
			rqbo_report_accumulate(reader, &total, sums->sections[i]);
	}
	return total;
}

void
rqbo_report_check_grand_totals(const RqboColumnSums *sums)
{
	const RqboReader *reader = sums->reader;
	Numeric		total = sum_top(sums);
	int			i;

	for (i = 0; i < reader->report->nlines; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (reader->lines[i].is_grand_total)
			rqbo_report_compare_line(reader, RQBO_TALLY_SECTIONS, i, sums->column, "all lines add up to", total);
	}
}

static bool
has_net_income(const RqboReader *reader)
{
	int			i;

	for (i = 0; i < reader->report->nlines; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (is_closing_line(reader, i) && group_is(reader->report->lines[i].group, "NetIncome"))
			return true;
	}
	return false;
}

static bool
has_unknown_group(const RqboReader *reader)
{
	int			i;

	for (i = 0; i < reader->nsections; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (reader->sections[i].parent < 0 && profit_group(reader->sections[i].group) < 0)
			return true;
	}
	return false;
}

/*
 * A profit and loss closes with its net income, whatever its group is called
 * in that country.  One that was cut does not.
 */
void
rqbo_report_require_net_income(RqboReader *reader)
{
	RqboReport *report = reader->report;

	if (has_net_income(reader))
		return;
	report->balance_checked = false;
	if (!has_unknown_group(reader) || !is_closing_line(reader, report->nlines - 1))
		rqbo_report_mismatch(reader, "It has accounts, but its closing line is missing.");
}

static bool
has_grand_total(const RqboReader *reader)
{
	int			i;

	for (i = 0; i < reader->report->nlines; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (reader->lines[i].is_grand_total)
			return true;
	}
	return false;
}

/*
 * What each of the two columns adds up to was compared with its total.  Whoever
 * keeps differences sees this one in the lines.
 */
void
rqbo_report_check_trial_balance(const RqboReader *reader)
{
	const RqboReport *report = reader->report;
	Numeric		debits;
	Numeric		credits;

	if (!has_grand_total(reader))
		rqbo_report_mismatch(reader, "It has accounts, but its total line is missing.");
	if (reader->keeps_differences || report->ncolumns != 2)
		return;
	debits = rqbo_report_sum_column(report, 0);
	credits = rqbo_report_sum_column(report, 1);
	if (!rqbo_amount_equal(debits, credits))
		rqbo_report_mismatch(reader, "Its debits are %s, but its credits are %s: the difference is %s.",
							 rqbo_amount_show(debits), rqbo_amount_show(credits),
							 rqbo_amount_show(rqbo_amount_subtract(debits, credits)));
}
