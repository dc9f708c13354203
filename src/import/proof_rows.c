/*-------------------------------------------------------------------------
 *
 * import/proof_rows.c
 *	  What a report says about itself, as rows of reefqbo.tie_out_check.
 *
 * The reader has compared already; here it is only put into words.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "base/amount.h"
#include "base/month.h"
#include "import/proof_rows.h"

#define MOST_ACCOUNTS 20

const char *
rqbo_proof_statement(RqboReportName name)
{
	switch (name)
	{
		case RQBO_PROFIT_AND_LOSS:
			return "profit_and_loss";
		case RQBO_BALANCE_SHEET:
			return "balance_sheet";
		case RQBO_TRIAL_BALANCE:
			return "trial_balance";
		case RQBO_GENERAL_LEDGER:
			break;
	}
	return NULL;
}

RqboProofRow *
rqbo_proof_row(const char *kind, const char *statement, const RqboRange *range, RqboVerdict verdict, const char *detail)
{
	RqboProofRow *row = palloc0(sizeof(RqboProofRow));

	row->kind = kind;
	row->statement = statement;
	row->method = range->method;
	row->start = range->start;
	row->end = range->end;
	row->verdict = verdict;
	row->detail = detail;
	return row;
}

static char *
copy_text(const char *text)
{
	return text != NULL ? pstrdup(text) : NULL;
}

static Numeric
copy_numeric(Numeric value)
{
	return value != NULL ? DatumGetNumericCopy(NumericGetDatum(value)) : NULL;
}

RqboProofRow *
rqbo_proof_row_copy(const RqboProofRow *row)
{
	RqboProofRow *copy = palloc(sizeof(RqboProofRow));

	*copy = *row;
	copy->kind = pstrdup(row->kind);
	copy->statement = pstrdup(row->statement);
	copy->method = pstrdup(row->method);
	copy->account_id = copy_text(row->account_id);
	copy->figure = copy_numeric(row->figure);
	copy->other_figure = copy_numeric(row->other_figure);
	copy->detail = copy_text(row->detail);
	return copy;
}

static RqboProofRow *
nothing_row(const char *kind, const RqboReport *report, const RqboRange *range)
{
	RqboProofRow *row = rqbo_proof_row(kind, rqbo_proof_statement(report->name), range, RQBO_PASSED,
									   "QuickBooks has nothing to report");

	row->figure = row->other_figure = rqbo_amount_zero();
	return row;
}

/* ---- differences ---- */

/*
 * The first difference in words, and how many more there are; NULL if none.
 */
static char *
describe_differences(const RqboTally *tally)
{
	if (tally->differing > 1)
		return psprintf("%s And %d more.", tally->difference, tally->differing - 1);
	return tally->difference;
}

static List *
account_rows(List *rows, const RqboReport *report, int column, const RqboProofRow *check)
{
	int			count = 0;
	ListCell   *cell;

	foreach(cell, report->differences)
	{
		const RqboDifference *difference = lfirst(cell);
		RqboProofRow *row;

		CHECK_FOR_INTERRUPTS();
		if (difference->kind != RQBO_TALLY_PERIODS || difference->column != column ||
			difference->account_id == NULL || count++ >= MOST_ACCOUNTS)
			continue;
		row = palloc(sizeof(RqboProofRow));
		*row = *check;
		row->account_id = difference->account_id;
		row->figure = difference->figure;
		row->other_figure = difference->other_figure;
		row->compared = 1;
		row->detail = difference->text;
		rows = lappend(rows, row);
	}
	return rows;
}

static RqboProofRow *
tally_row(const char *kind, const RqboReport *report, RqboTallyKind tally_kind, int column, const RqboRange *range)
{
	const RqboTally *tally = &report->tallies[tally_kind][column];
	RqboProofRow *row = rqbo_proof_row(kind, rqbo_proof_statement(report->name), range,
									   tally->differing == 0 ? RQBO_PASSED : RQBO_FAILED,
									   describe_differences(tally));

	row->figure = tally->figure;
	row->other_figure = tally->other_figure;
	row->compared = tally->compared;
	return row;
}

/* ---- by month ---- */

static int
find_month(const RqboReport *report, DateADT month)
{
	for (int i = 0; i < report->ncolumns; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (!report->columns[i].is_total && report->columns[i].start == month)
			return i;
	}
	return -1;
}

static List *
month_rows(List *rows, const RqboReport *report, const RqboRange *month)
{
	bool		has_sides = report->name == RQBO_BALANCE_SHEET && report->balance_checked;
	int			column = find_month(report, month->start);

	if (column < 0)
	{
		rows = lappend(rows, nothing_row("section_totals", report, month));
		return has_sides ? lappend(rows, nothing_row("balance", report, month)) : rows;
	}
	rows = lappend(rows, tally_row("section_totals", report, RQBO_TALLY_SECTIONS, column, month));
	if (has_sides)
		rows = lappend(rows, tally_row("balance", report, RQBO_TALLY_BALANCE, column, month));
	return rows;
}

/*
 * Balances do not add up over time, so that only movements have it.
 */
static List *
total_column_rows(List *rows, const RqboReport *report, const RqboRange *range)
{
	for (int i = 0; i < report->ncolumns; i++)
	{
		if (report->columns[i].is_total)
		{
			RqboProofRow *row = tally_row("total_column", report, RQBO_TALLY_PERIODS, i, range);

			return account_rows(lappend(rows, row), report, i, row);
		}
	}
	if (report->nlines == 0 || report->ncolumns == 0)
		return lappend(rows, nothing_row("total_column", report, range));
	return lappend(rows, rqbo_proof_row("total_column", rqbo_proof_statement(report->name), range, RQBO_UNKNOWN,
										"the report has no Total column"));
}

List *
rqbo_proof_rows_by_month(const RqboReport *report, const RqboRange *range)
{
	List	   *rows = NIL;

	for (DateADT start = range->start; start <= range->end; start = rqbo_month_add(start, 1))
	{
		RqboRange	month = {range->method, start, rqbo_month_add(start, 1) - 1};

		rows = month_rows(rows, report, &month);
	}
	return report->name == RQBO_PROFIT_AND_LOSS ? total_column_rows(rows, report, range) : rows;
}

/* ---- in one column ---- */

List *
rqbo_proof_rows_of_total(const RqboReport *report, const RqboRange *range)
{
	if (report->ncolumns == 0 || report->tallies[RQBO_TALLY_SECTIONS][0].differing == 0)
		return NIL;
	return list_make1(tally_row("section_totals", report, RQBO_TALLY_SECTIONS, 0, range));
}

/*
 * Both columns have to add up to what their last line says, too.
 */
List *
rqbo_proof_rows_of_trial_balance(const RqboReport *report, const RqboRange *range)
{
	RqboProofRow *row = rqbo_proof_row("trial_balance_sides", rqbo_proof_statement(report->name), range, RQBO_PASSED,
									   report->differences == NIL ? NULL :
									   ((RqboDifference *) linitial(report->differences))->text);

	row->figure = rqbo_report_sum_column(report, 0);
	row->other_figure = rqbo_report_sum_column(report, 1);
	row->compared = 1;
	if (row->detail != NULL || !rqbo_amount_equal(row->figure, row->other_figure))
		row->verdict = RQBO_FAILED;
	return list_make1(row);
}
