/*-------------------------------------------------------------------------
 *
 * report/lines.c
 *	  A QuickBooks report as lines and columns: plain data.
 *	  No reading: that begins in report/read.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "base/amount.h"
#include "base/texts.h"
#include "report/lines.h"

static const char *const report_names[] = {
	[RQBO_PROFIT_AND_LOSS] = "ProfitAndLoss",
	[RQBO_BALANCE_SHEET] = "BalanceSheet",
	[RQBO_TRIAL_BALANCE] = "TrialBalance",
	[RQBO_GENERAL_LEDGER] = "GeneralLedger",
};

const char *
rqbo_report_name(RqboReportName name)
{
	return report_names[name];
}

const char *
rqbo_report_asked_name(RqboReportName name, bool is_french)
{
	if (is_french && name == RQBO_TRIAL_BALANCE)
		return "TrialBalanceFR";
	if (is_french && name == RQBO_GENERAL_LEDGER)
		return "GeneralLedgerFR";
	return report_names[name];
}

bool
rqbo_report_line_is_stored(const RqboReportLine *line)
{
	return line->kind != RQBO_LINE_TOTAL && line->is_summand;
}

/*
 * A line that is in no chart has no id of QuickBooks'.  What a language does not
 * change is its own group, or else the section it stands in and its place among
 * the lines of that kind there.  Its title may be another line's too.
 */
static char *
name_computed(RqboTexts *bases, int *counts, int line, const RqboReportLine *computed)
{
	bool		has_group = computed->group != NULL;
	const char *base = has_group ? computed->group : computed->section != NULL ? computed->section : "line";
	char	   *key = psprintf("%c%s", has_group ? 'g' : 's', base);
	int			first = rqbo_texts_add(bases, key, line) ? line : rqbo_texts_find(bases, key);
	int			count = ++counts[first];

	if (has_group)
		return count == 1 ? psprintf("computed:%s", base) : psprintf("computed:%s+%d", base, count);
	return psprintf("computed:%s:%d", base, count);
}

void
rqbo_report_name_lines(RqboReport *report)
{
	RqboTexts  *bases = rqbo_texts_make();
	int		   *counts = palloc0((report->nlines + 1) * sizeof(int));

	for (int i = 0; i < report->nlines; i++)
	{
		RqboReportLine *line = &report->lines[i];

		CHECK_FOR_INTERRUPTS();
		if (!rqbo_report_line_is_stored(line))
			continue;
		line->stored_id = line->kind == RQBO_LINE_ACCOUNT ? line->account_id : name_computed(bases, counts, i, line);
	}
	pfree(counts);
}

Numeric
rqbo_report_sum_column(const RqboReport *report, int column)
{
	Numeric		sum = rqbo_amount_zero();

	for (int i = 0; i < report->nlines && column < report->ncolumns; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (report->lines[i].is_summand)
			sum = rqbo_amount_add(sum, report->lines[i].amounts[column]);
	}
	return sum;
}

bool
rqbo_report_was_cut(const char *text)
{
	return strstr(text, "Unable to display more data") != NULL;
}
