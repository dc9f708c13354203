/*-------------------------------------------------------------------------
 *
 * report/lines.h
 *	  A QuickBooks report as lines and columns: plain data.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_REPORT_LINES_H
#define RQBO_REPORT_LINES_H

#include "nodes/pg_list.h"
#include "utils/date.h"
#include "utils/numeric.h"

typedef enum RqboReportName
{
	RQBO_PROFIT_AND_LOSS,
	RQBO_BALANCE_SHEET,
	RQBO_TRIAL_BALANCE,
	RQBO_GENERAL_LEDGER			/* read by report/ledger.h's function only */
} RqboReportName;

typedef enum RqboLineKind
{
	RQBO_LINE_ACCOUNT,			/* an account's own amounts */
	RQBO_LINE_COMPUTED,			/* a line QuickBooks works out */
	RQBO_LINE_TOTAL				/* a section's sum, for checking only */
} RqboLineKind;

typedef struct RqboReportColumn
{
	char	   *title;			/* as printed, in any language */
	char	   *key;			/* its ColKey: of a class or department the id; or NULL */
	bool		is_total;		/* sum of other columns: for checking only */
	bool		has_period;		/* never for a total; the Header's where the column
								 * itself says none */
	DateADT		start;			/* valid if has_period */
	DateADT		end;
} RqboReportColumn;

typedef struct RqboReportLine
{
	RqboLineKind kind;
	int			depth;			/* 0 at the top */
	char	   *section;		/* group of the nearest section that has one, or NULL;
								 * a section's Header and Summary are inside it */
	char	   *group;			/* the row's own group, or NULL */
	char	   *account_id;		/* NULL unless kind is RQBO_LINE_ACCOUNT */
	char	   *stored_id;		/* what it is stored under; NULL for a line that is not stored */
	char	   *name;
	bool		is_summand;		/* counts in the sum of its section (accounts, and computed
								 * lines such as Net Income inside equity) */
	Numeric    *amounts;		/* one a column, never NULL: "" reads as 0; not to be
								 * freed one by one, zeros are shared */
} RqboReportLine;

/* What of a report is held against what. */
typedef enum RqboTallyKind
{
	RQBO_TALLY_SECTIONS,		/* sums of sections, and what is worked out from them: the lines */
	RQBO_TALLY_PERIODS,			/* the total column: the periods, or the classes or departments */
	RQBO_TALLY_BALANCE			/* assets: liabilities and equity */
} RqboTallyKind;

#define RQBO_TALLY_KINDS 3

/* All that was compared in one column, added up on either side. */
typedef struct RqboTally
{
	Numeric		figure;			/* the printed sums; of a balance sheet, assets */
	Numeric		other_figure;
	int			compared;
	int			differing;
	char	   *difference;		/* the first of them in words, where they are kept, or NULL */
} RqboTally;

/* Two figures that should be the same and are not. */
typedef struct RqboDifference
{
	RqboTallyKind kind;
	int			column;
	char	   *account_id;		/* or NULL */
	Numeric		figure;
	Numeric		other_figure;
	char	   *text;			/* for people */
} RqboDifference;

typedef struct RqboReport
{
	RqboReportName name;
	char	   *basis;			/* "Accrual", "Cash", or NULL when not said */
	char	   *currency;		/* or NULL */
	char	   *summarized_by;	/* or NULL */
	char	   *time;			/* Header.Time as written, or NULL */
	bool		has_period;
	DateADT		start;			/* Header.StartPeriod and EndPeriod */
	DateADT		end;
	bool		says_no_data;	/* the Header's own word that there is nothing to show */
	int			ncolumns;		/* money columns; 0 in one form of "no data" */
	RqboReportColumn *columns;
	int			nlines;
	RqboReportLine *lines;		/* in the order of the report */
	RqboTally  *tallies[RQBO_TALLY_KINDS];	/* each one a column */
	List	   *differences;	/* of RqboDifference; only where asked to keep them */

	/*
	 * The report's closing figures could be checked: net income, both sides
	 * of a balance sheet, debits against credits.  False for a layout of
	 * another country whose groups are not known; then only the caller, who
	 * knows the accounts' classification, can.
	 */
	bool		balance_checked;
} RqboReport;

/* What was asked for, to be compared with what the Header says was answered. */
typedef struct RqboReportAsk
{
	RqboReportName name;
	DateADT		start;
	DateADT		end;
	const char *basis;			/* "Accrual" or "Cash" */
	const char *summarized_by;	/* "Month", "Total", "Classes", "Departments", or NULL */
	bool		keeps_differences;	/* rather than raise RQ007 for figures that differ */
} RqboReportAsk;

/* Is the line one to store, rather than to check by? */
extern bool rqbo_report_line_is_stored(const RqboReportLine *line);

/* Give each line that is stored the id it is stored under, in CurrentMemoryContext. */
extern void rqbo_report_name_lines(RqboReport *report);

/* What the summands of a column add up to; 0 for a column the report does not have. */
extern Numeric rqbo_report_sum_column(const RqboReport *report, int column);

/* Does the text carry QuickBooks' sentence for a report that was cut off? */
extern bool rqbo_report_was_cut(const char *text);

extern const char *rqbo_report_name(RqboReportName name);

/* What the report is asked for as: in France two of them have names of their own. */
extern const char *rqbo_report_asked_name(RqboReportName name, bool is_french);

#endif							/* RQBO_REPORT_LINES_H */
