/*-------------------------------------------------------------------------
 *
 * report/rows.c
 *	  The tree of a report's rows, walked into lines.
 *
 * What a row is shows in the keys it has, never in their order or in its
 * "type", which may be missing or wrong:
 *
 *	  Header, Rows	a section; the Header of an account with sub-accounts has
 *					the account's id and its own postings
 *	  Summary		the section's sum; a row with nothing else is a line that
 *					QuickBooks works out, such as the gross profit
 *	  ColData		a line; one of an account has the account's id
 *
 * https://developer.intuit.com/app/developer/qbo/docs/api/accounting/report-entities/profitandloss
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "report/reader.h"
#include "report/rows.h"
#include "report/sums.h"
#include "report/text.h"

/* Longer than any of QuickBooks' ids, and short enough to be a key. */
#define MAX_ID			100

/* Where a row stands. */
typedef struct Place
{
	int			section;		/* index of the enclosing section, or -1 */
	int			depth;
	char	   *group;			/* of the nearest section that has one */
} Place;

static void read_row_list(RqboReader *reader, const RqboJson *rows, const Place *place);

/*
 * Rows times columns, whether or not the cells are there: so much memory a
 * hostile answer could make us spend on few bytes.
 */
static void
count_row(RqboReader *reader)
{
	reader->nrows++;
	if ((int64) reader->nrows * (reader->report->ncolumns + 1) > RQBO_REPORT_MAX_CELLS)
		rqbo_report_invalid("It has more than %d cells.", RQBO_REPORT_MAX_CELLS);
}

static int
add_section(RqboReader *reader, int parent, char *group)
{
	RqboSection *section;

	if (reader->nsections == reader->max_sections)
	{
		reader->max_sections *= 2;
		reader->sections = repalloc_huge(reader->sections,
										 reader->max_sections * sizeof(RqboSection));
	}
	section = &reader->sections[reader->nsections];
	section->parent = parent;
	section->summary = -1;
	section->group = group;
	return reader->nsections++;
}

static void
make_room(RqboReader *reader)
{
	RqboReport *report = reader->report;

	if (report->nlines < reader->max_lines)
		return;
	reader->max_lines *= 2;
	report->lines = repalloc_huge(report->lines, reader->max_lines * sizeof(RqboReportLine));
	reader->lines = repalloc_huge(reader->lines, reader->max_lines * sizeof(RqboLineInfo));
}

/*
 * The text of a cell, NULL when there is none.
 */
const char *
rqbo_report_cell_text(const RqboJson *cell)
{
	RqboJson   *value = rqbo_json_member(cell, "value");
	const char *text = rqbo_json_text(value);

	if (cell != NULL && !rqbo_json_is_object(cell))
		rqbo_report_invalid("A cell is not a JSON object.");
	if (value != NULL && text == NULL)
		rqbo_report_invalid("The value of a cell is neither text nor number.");
	return text;
}

static const RqboJson *
label_of(const RqboReader *reader, const RqboJson *cells)
{
	return rqbo_json_element(cells, Max(reader->label, 0));
}

static const char *
name_of(const RqboReader *reader, const RqboJson *cells)
{
	const char *name = rqbo_report_cell_text(label_of(reader, cells));

	return name != NULL ? name : "";
}

/*
 * NULL for a row that is not an account's.
 */
static const char *
id_of(const RqboReader *reader, const RqboJson *cells)
{
	const char *id = rqbo_json_member_text(label_of(reader, cells), "id");

	if (id == NULL || *id == '\0')
		return NULL;
	if (strlen(id) > MAX_ID)
		rqbo_report_invalid("Account id \"%s\" is too long.", rqbo_report_excerpt(id));
	return id;
}

static const char *
title_of_cell(const RqboReader *reader, int cell)
{
	int			i;

	for (i = 0; i < reader->report->ncolumns; i++)
	{
		if (reader->columns[i].cell == cell)
			return rqbo_report_clip(reader->report->columns[i].title);
	}
	return "";
}

static Numeric
read_amount(RqboReader *reader, const RqboJson *cells, int cell)
{
	const char *text = rqbo_report_cell_text(rqbo_json_element(cells, cell));
	Numeric		amount = rqbo_report_parse_amount(reader, text);

	if (amount == NULL)
		rqbo_report_invalid("\"%s\" is not an amount, in line \"%s\", column %d (\"%s\").",
							rqbo_report_quote_amount(text),
							rqbo_report_excerpt(name_of(reader, cells)),
							cell + 1, title_of_cell(reader, cell));
	return amount;
}

/*
 * A row may have fewer cells than the report has columns.  What stands in
 * more of them belongs to a column we do not know, and is not to be lost.
 */
static void
check_cells(RqboReader *reader, const RqboJson *cells)
{
	int			i;

	for (i = 0; i < rqbo_json_length(cells); i++)
	{
		const char *text = rqbo_report_cell_text(rqbo_json_element(cells, i));

		CHECK_FOR_INTERRUPTS();
		if (text != NULL && rqbo_report_was_cut(text))
			rqbo_report_raise_cut();
		if (i >= Max(reader->ncells, 1) &&
			!rqbo_report_is_zero(reader, read_amount(reader, cells, i)))
			rqbo_report_invalid("Line \"%s\" has an amount beyond the last column.",
								rqbo_report_excerpt(name_of(reader, cells)));
	}
}

static Numeric *
read_amounts(RqboReader *reader, const RqboJson *cells)
{
	int			ncolumns = reader->report->ncolumns;
	Numeric    *amounts = MemoryContextAlloc(reader->result, Max(ncolumns, 1) * sizeof(Numeric));
	int			i;

	check_cells(reader, cells);
	for (i = 0; i < ncolumns; i++)
	{
		CHECK_FOR_INTERRUPTS();
		amounts[i] = read_amount(reader, cells, reader->columns[i].cell);
	}
	return amounts;
}

static bool
is_empty(const RqboReader *reader, const Numeric *amounts)
{
	int			i;

	for (i = 0; i < reader->report->ncolumns; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (!rqbo_report_is_zero(reader, amounts[i]))
			return false;
	}
	return true;
}

/*
 * The line comes as no account's and no summand; the caller says otherwise.
 */
static RqboReportLine *
add_line(RqboReader *reader, RqboLineKind kind, const Place *place,
		 const RqboJson *cells, Numeric *amounts)
{
	RqboReportLine *line;
	RqboLineInfo *info;

	make_room(reader);
	line = &reader->report->lines[reader->report->nlines];
	info = &reader->lines[reader->report->nlines++];
	memset(line, 0, sizeof(*line));
	line->kind = kind;
	line->depth = place->depth;
	line->section = place->group;
	line->name = rqbo_report_name_string(reader, name_of(reader, cells));
	line->amounts = amounts;
	info->section = place->section;
	info->is_grand_total = false;
	return line;
}

static void
make_account(RqboReader *reader, RqboReportLine *line, const char *id)
{
	line->kind = RQBO_LINE_ACCOUNT;
	line->account_id = rqbo_report_string(reader, id);
	line->is_summand = true;
}

static bool
says_grand_total(const char *group)
{
	return group != NULL && strcmp(group, "GrandTotal") == 0;
}

static void
make_grand_total(RqboReader *reader, RqboReportLine *line)
{
	line->kind = RQBO_LINE_TOTAL;
	line->is_summand = false;
	reader->lines[reader->report->nlines - 1].is_grand_total = true;
}

/*
 * Without an id it is what QuickBooks worked out, and a part of the section it
 * is in: the net income inside equity, or what has no class.
 */
static void
read_data(RqboReader *reader, const RqboJson *cells, char *group, const Place *place)
{
	const char *id = id_of(reader, cells);
	Numeric    *amounts = read_amounts(reader, cells);
	RqboReportLine *line;

	if (id == NULL && *name_of(reader, cells) == '\0' && is_empty(reader, amounts))
	{
		pfree(amounts);
		return;					/* a blank row */
	}
	line = add_line(reader, RQBO_LINE_COMPUTED, place, cells, amounts);
	line->group = group;
	line->is_summand = place->section >= 0;
	if (id != NULL)
		make_account(reader, line, id);
	else if (says_grand_total(group))
		make_grand_total(reader, line);
}

/*
 * A row with a Summary and nothing to sum: worked out from other sections,
 * except for the last row of a trial balance.
 */
static void
read_lone_summary(RqboReader *reader, const RqboJson *cells, char *group, const Place *place)
{
	Place		here = *place;
	RqboReportLine *line;

	if (group != NULL)
		here.group = group;
	line = add_line(reader, RQBO_LINE_COMPUTED, &here, cells, read_amounts(reader, cells));
	line->group = group;
	if (says_grand_total(group) ||
		(reader->report->name == RQBO_TRIAL_BALANCE && place->section < 0))
		make_grand_total(reader, line);
}

/*
 * The Header of a section is a line if it is an account's, with or without
 * postings of its own, or if it has amounts; else it is a title.
 */
static void
read_section_header(RqboReader *reader, const RqboJson *cells, char *group, const Place *here)
{
	const char *id = id_of(reader, cells);
	Numeric    *amounts = read_amounts(reader, cells);
	RqboReportLine *line;

	if (id == NULL && is_empty(reader, amounts))
	{
		pfree(amounts);
		return;
	}
	line = add_line(reader, RQBO_LINE_COMPUTED, here, cells, amounts);
	line->group = group;
	line->is_summand = true;
	if (id != NULL)
		make_account(reader, line, id);
}

RqboJson *
rqbo_report_cells_of(const RqboJson *row, const char *key)
{
	RqboJson   *part = rqbo_json_member(row, key);
	RqboJson   *cells = rqbo_json_member(part, "ColData");

	if (part != NULL && !rqbo_json_is_object(part))
		rqbo_report_invalid("The %s of a row is not a JSON object.", key);
	if (cells != NULL && !rqbo_json_is_array(cells))
		rqbo_report_invalid("The ColData of a row is not a JSON array.");
	return cells;
}

static void
read_section(RqboReader *reader, const RqboJson *row, char *group, const Place *place)
{
	RqboJson   *header = rqbo_report_cells_of(row, "Header");
	RqboJson   *summary = rqbo_report_cells_of(row, "Summary");
	Place		here = *place;
	Place		inside;

	if (group != NULL)
		here.group = group;
	here.section = add_section(reader, place->section, group);
	if (rqbo_json_length(header) > 0)
		read_section_header(reader, header, group, &here);
	inside = here;
	inside.depth++;
	read_row_list(reader, rqbo_json_member(row, "Rows"), &inside);
	if (rqbo_json_length(summary) > 0)
	{
		RqboReportLine *line = add_line(reader, RQBO_LINE_TOTAL, &here, summary,
										read_amounts(reader, summary));

		line->group = group;
		reader->sections[here.section].summary = reader->report->nlines - 1;
	}
}

/*
 * A list of rows, or a single row, or NULL.
 */
RqboJson *
rqbo_report_list_of(const RqboJson *rows)
{
	RqboJson   *list = rqbo_json_member(rows, "Row");

	if ((rows != NULL && !rqbo_json_is_object(rows)) ||
		(list != NULL && !rqbo_json_is_object(list) && !rqbo_json_is_array(list)))
		rqbo_report_invalid("Its Rows are not a JSON object with a list of rows.");
	return list;
}

static bool
has_rows(const RqboJson *row)
{
	return rqbo_json_length(rqbo_report_list_of(rqbo_json_member(row, "Rows"))) > 0;
}

static bool
is_section(const RqboJson *row)
{
	return rqbo_json_member(row, "Header") != NULL || rqbo_json_member(row, "Rows") != NULL ||
		rqbo_json_member(row, "Summary") != NULL;
}

static void
refuse_shapeless(const RqboJson *row, const RqboJson *cells)
{
	if (cells != NULL && !rqbo_json_is_array(cells))
		rqbo_report_invalid("The ColData of a row is not a JSON array.");
	if (cells == NULL && !is_section(row) && rqbo_json_length(row) > 0)
		rqbo_report_invalid("A row has none of ColData, Header, Rows and Summary.");
	if (rqbo_json_length(cells) > 0 && is_section(row))
		rqbo_report_invalid("A row is a section and a line at once.");
}

static void
read_row(RqboReader *reader, const RqboJson *row, const Place *place)
{
	RqboJson   *cells = rqbo_json_member(row, "ColData");
	char	   *group = rqbo_report_name_string(reader, rqbo_json_member_text(row, "group"));

	CHECK_FOR_INTERRUPTS();
	count_row(reader);
	if (row != NULL && !rqbo_json_is_object(row))
		rqbo_report_invalid("A row is not a JSON object.");
	refuse_shapeless(row, cells);
	if (is_section(row) && rqbo_json_length(rqbo_report_cells_of(row, "Header")) == 0 && !has_rows(row))
	{
		cells = rqbo_report_cells_of(row, "Summary");
		if (rqbo_json_length(cells) > 0)
			read_lone_summary(reader, cells, group, place);
	}
	else if (is_section(row))
		read_section(reader, row, group, place);
	else if (cells != NULL)
		read_data(reader, cells, group, place);
}

static void
read_row_list(RqboReader *reader, const RqboJson *rows, const Place *place)
{
	RqboJson   *list = rqbo_report_list_of(rows);
	int			i;

	check_stack_depth();
	if (rqbo_json_is_object(list))
		read_row(reader, list, place);
	for (i = 0; rqbo_json_is_array(list) && i < rqbo_json_length(list); i++)
		read_row(reader, rqbo_json_element(list, i), place);
}

void
rqbo_report_read_rows(RqboReader *reader, const RqboJson *rows)
{
	Place		top = {.section = -1, .depth = 0, .group = NULL};

	reader->max_lines = 64;
	reader->report->lines = MemoryContextAlloc(reader->result,
											   reader->max_lines * sizeof(RqboReportLine));
	reader->lines = palloc(reader->max_lines * sizeof(RqboLineInfo));
	reader->max_sections = 64;
	reader->sections = palloc(reader->max_sections * sizeof(RqboSection));
	read_row_list(reader, rows, &top);
}
