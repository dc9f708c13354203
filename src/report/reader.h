/*-------------------------------------------------------------------------
 *
 * report/reader.h
 *	  What the files of the report reader share with each other only.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_REPORT_READER_H
#define RQBO_REPORT_READER_H

#include "base/compat.h"
#include "base/errors.h"
#include "net/json.h"
#include "report/read.h"

/* An answer has 400,000 cells at most, says Intuit; beyond this it is no report. */
#define RQBO_REPORT_MAX_CELLS 1000000

typedef struct RqboColumnInfo
{
	int			cell;			/* its place in a row's ColData */
	bool		says_total;		/* its ColKey is "total" */
	bool		is_dated;		/* it came with StartDate and EndDate */
	bool		is_nested;		/* it stands in a column that has columns, */
	int			nest_start;		/* and so do those from this one on */
	int			nest_end;		/* and before this one */
} RqboColumnInfo;

/* A row that holds other rows, or a heading and a sum. */
typedef struct RqboSection
{
	int			parent;			/* index of the section it is in, or -1 */
	int			summary;		/* index of its line of kind total, or -1 */
	char	   *group;			/* its own group, or NULL */
} RqboSection;

typedef struct RqboLineInfo
{
	int			section;		/* index of the section it is in, or -1 */
	bool		is_grand_total; /* the sum of everything, as in a trial balance */
} RqboLineInfo;

/*
 * The work in hand.  What the report points to is in the context result,
 * everything else in one that ends with the reading.
 */
typedef struct RqboReader
{
	RqboReport *report;
	MemoryContext result;
	Numeric		zero;			/* shared by all cells without an amount */
	bool		is_by_dimension;	/* its columns are classes or departments, not periods */
	bool		keeps_differences;
	int			label;			/* place of the label in a row's ColData */
	int			ncells;			/* how many ColData a row should have */
	int			max_columns;
	RqboColumnInfo *columns;	/* beside report->columns */
	int			nrows;
	int			nsections;
	int			max_sections;
	RqboSection *sections;		/* a section comes before those inside it */
	int			max_lines;
	RqboLineInfo *lines;		/* beside report->lines */
} RqboReader;

/* What is being compared. */
typedef struct RqboComparison
{
	RqboTallyKind kind;
	int			column;
	const char *name;
	const char *account_id;		/* or NULL */
} RqboComparison;

/* The column being checked. */
typedef struct RqboColumnSums
{
	RqboReader *reader;
	int			column;
	Numeric    *sections;		/* what the lines of each section add up to */
	Numeric		top;			/* what stands in no section */
} RqboColumnSums;

/* What to do about an answer that is none. */
#define RQBO_REPORT_HINT \
	"Ask QuickBooks for the report again; if it lasts, show Intuit's support the answer."

/* Refuse the answer as one that is no such report; a detail like errdetail's. */
#define rqbo_report_invalid(...) \
	ereport(ERROR, \
			(errcode(ERRCODE_RQBO_INVALID_RESPONSE), \
			 errmsg("could not read QuickBooks report"), \
			 errdetail(__VA_ARGS__), \
			 errhint(RQBO_REPORT_HINT)))

/* Refuse a report whose figures do not tie out. */
#define rqbo_report_mismatch(reader, ...) \
	ereport(ERROR, \
			(errcode(ERRCODE_RQBO_DOES_NOT_TIE_OUT), \
			 errmsg("QuickBooks report %s does not tie out", \
					rqbo_report_name((reader)->report->name)), \
			 errdetail(__VA_ARGS__), \
			 errhint("It may have been cut short, or made while the figures changed. " \
					 "Ask for it again, or for a shorter range.")))

/* report/read.c */
extern RqboJson *rqbo_report_parse(const char *text, size_t len);
extern RqboReader *rqbo_report_make_reader(MemoryContext result);

/* report/text.c */
extern char *rqbo_report_string(RqboReader *reader, const char *text);
extern char *rqbo_report_excerpt(const char *text);
extern char *rqbo_report_clip(const char *string);
extern char *rqbo_report_scrub(const char *text);
extern bool rqbo_report_is_zero(const RqboReader *reader, Numeric amount);
extern char *rqbo_report_format_amount(Numeric amount);
extern Numeric rqbo_report_parse_amount(RqboReader *reader, const char *text);

/* report/header.c */
pg_noreturn extern void rqbo_report_raise_unsupported(const char *name);
extern void rqbo_report_read_header(RqboReader *reader, const RqboJson *document);
extern void rqbo_report_compare_header(const RqboReader *reader, const RqboReportAsk *ask);
extern void rqbo_report_compare_columns(const RqboReader *reader, const RqboReportAsk *ask);

/* report/columns.c */
extern void rqbo_report_read_columns(RqboReader *reader, const RqboJson *columns);

/* report/rows.c */
extern const char *rqbo_report_cell_text(const RqboJson *cell);
extern RqboJson *rqbo_report_cells_of(const RqboJson *row, const char *key);
extern RqboJson *rqbo_report_list_of(const RqboJson *rows);
pg_noreturn extern void rqbo_report_raise_cut(void);
extern void rqbo_report_read_rows(RqboReader *reader, const RqboJson *rows);

/* report/tieout.c */
extern void rqbo_report_accumulate(const RqboReader *reader, Numeric *sum, Numeric amount);
extern void rqbo_report_compare(const RqboReader *reader, const RqboComparison *what,
								Numeric figure, const char *against, Numeric sum);
extern void rqbo_report_compare_line(const RqboReader *reader, RqboTallyKind kind, int line, int column,
									 const char *against, Numeric sum);
extern void rqbo_report_tie_out(RqboReader *reader);

/* report/closing.c */
extern bool rqbo_report_check_profit_column(const RqboColumnSums *sums);
extern bool rqbo_report_check_balance_column(const RqboColumnSums *sums);
extern void rqbo_report_check_grand_totals(const RqboColumnSums *sums);
extern void rqbo_report_require_net_income(RqboReader *reader);
extern void rqbo_report_check_trial_balance(const RqboReader *reader);

/* report/periods.c */
extern void rqbo_report_check_periods(const RqboReader *reader);
extern void rqbo_report_check_line_totals(const RqboReader *reader);

/* report/parts.c */
extern void rqbo_report_mark_part_totals(const RqboReader *reader);
extern void rqbo_report_check_parts(const RqboReader *reader);

#endif							/* RQBO_REPORT_READER_H */
