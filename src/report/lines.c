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

bool
rqbo_report_line_is_stored(const RqboReportLine *line)
{
	return line->kind != RQBO_LINE_TOTAL && line->is_summand;
}

/*
 * The account id a line is stored under.  A computed line has none of
 * QuickBooks'; its group is the same in every language.
 */
char *
rqbo_report_line_id(const RqboReportLine *line)
{
	if (line->kind == RQBO_LINE_ACCOUNT)
		return line->account_id;
	return psprintf("computed:%s", line->group != NULL ? line->group : line->name);
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
