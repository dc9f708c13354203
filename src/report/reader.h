/*-------------------------------------------------------------------------
 *
 * report/reader.h
 *	  The reading of one report in hand, and the errors it may end in.
 *
 * For the files of this folder only.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_REPORT_READER_H
#define RQBO_REPORT_READER_H

#include "base/compat.h"
#include "base/errors.h"
#include "net/json.h"
#include "report/lines.h"

/* An answer has 400,000 cells at most, says Intuit; beyond this it is no report. */
#define RQBO_REPORT_MAX_CELLS 1000000

typedef struct RqboColumnInfo
{
	int			cell;			/* its place in a row's ColData */
	bool		says_total;		/* its ColKey is "total" */
	bool		is_dated;		/* it came with StartDate and EndDate */
	int			nest;			/* index of the column of columns it is in, or 0 */
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
	bool		may_have_nets;	/* a balance sheet whose sides are not known ones: a section's sum may
								 * be that of some inside less that of others */
	bool		has_nets;		/* and one was found to be */
	int			label;			/* place of the label in a row's ColData */
	int			ncells;			/* how many ColData a row should have */
	int			max_columns;
	RqboColumnInfo *columns;	/* beside report->columns */
	int			nnests;
	int			max_nests;
	int		   *nests;			/* of each column of columns the one it is in, which
								 * comes before it; the first is the whole report */
	int			nrows;
	int			nsections;
	int			max_sections;
	RqboSection *sections;		/* a section comes before those inside it */
	int			max_lines;
	RqboLineInfo *lines;		/* beside report->lines */
} RqboReader;

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

/* The text as JSON; RQ008 if it is none. */
extern RqboJson *rqbo_report_parse(const char *text, size_t len);

/* A reader in CurrentMemoryContext, whose report is in the context result. */
extern RqboReader *rqbo_report_make_reader(MemoryContext result);

/* The error for a report that QuickBooks has cut off. */
pg_noreturn extern void rqbo_report_raise_cut(void);

#endif							/* RQBO_REPORT_READER_H */
