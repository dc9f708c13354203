/*-------------------------------------------------------------------------
 *
 * report/columns.c
 *	  The columns of a report: which hold money, and of which period.
 *
 * A column's period comes from its MetaData.  Its title is for people: it is
 * in the company's language, and says "Apr 5-30, 2024" where QuickBooks cut
 * a month.  A column of sums has the ColKey "total", or no dates where the
 * others have them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "base/month.h"
#include "report/columns.h"
#include "report/parts.h"
#include "report/reader.h"
#include "report/text.h"

/* What a column says, or the column it is nested in. */
typedef struct ColumnFacts
{
	const char *title;
	const char *key;
	int			nest;			/* the one it stands in */
	bool		says_total;
	bool		has_start;
	bool		has_end;
	DateADT		start;
	DateADT		end;
} ColumnFacts;

static void read_columns(RqboReader *reader, const RqboJson *columns, const ColumnFacts *outer);

static bool
parse_column_date(const char *text, const char *key, const char *title, DateADT *date)
{
	if (text == NULL || *text == '\0')
		return false;
	if (!rqbo_month_parse_date(text, date))
		rqbo_report_invalid("%s \"%s\" of column \"%s\" is not a date.", key,
							rqbo_report_quote(text), rqbo_report_excerpt(title));
	return true;
}

static void
read_fact(const RqboJson *entry, ColumnFacts *facts)
{
	const char *name = rqbo_json_member_text(entry, "Name");
	const char *value = rqbo_json_member_text(entry, "Value");

	if (name == NULL)
		return;
	if (strcmp(name, "StartDate") == 0)
		facts->has_start = parse_column_date(value, name, facts->title, &facts->start);
	else if (strcmp(name, "EndDate") == 0)
		facts->has_end = parse_column_date(value, name, facts->title, &facts->end);
	else if (strcmp(name, "ColKey") == 0 && value != NULL)
	{
		facts->key = *value != '\0' ? value : NULL;
		facts->says_total = pg_strcasecmp(value, "total") == 0;
	}
}

static void
read_facts(const RqboJson *column, ColumnFacts *facts)
{
	const char *title = rqbo_json_member_text(column, "ColTitle");
	RqboJson   *entries = rqbo_json_member(column, "MetaData");
	int			i;

	if (title != NULL && *title != '\0')
		facts->title = title;
	for (i = 0; i < rqbo_json_length(entries); i++)
	{
		CHECK_FOR_INTERRUPTS();
		read_fact(rqbo_json_element(entries, i), facts);
	}
	if (facts->has_start != facts->has_end)
		rqbo_report_invalid("Column \"%s\" has only one of StartDate and EndDate.",
							rqbo_report_excerpt(facts->title));
	if (facts->has_start && facts->start > facts->end)
		rqbo_report_invalid("Column \"%s\" starts on %s, after its end on %s.",
							rqbo_report_excerpt(facts->title),
							rqbo_month_iso(facts->start),
							rqbo_month_iso(facts->end));
}

static void
make_room(RqboReader *reader)
{
	RqboReport *report = reader->report;

	if (report->ncolumns < reader->max_columns)
		return;
	reader->max_columns *= 2;
	report->columns = repalloc(report->columns, reader->max_columns * sizeof(RqboReportColumn));
	reader->columns = repalloc(reader->columns, reader->max_columns * sizeof(RqboColumnInfo));
}

static void
add_money_column(RqboReader *reader, const ColumnFacts *facts)
{
	RqboReportColumn *column;
	RqboColumnInfo *info;

	make_room(reader);
	column = &reader->report->columns[reader->report->ncolumns];
	info = &reader->columns[reader->report->ncolumns++];
	column->title = rqbo_report_name_string(reader, facts->title);
	column->key = rqbo_report_name_string(reader, facts->key);
	column->is_total = false;
	column->has_period = facts->has_start;
	column->start = facts->start;
	column->end = facts->end;
	info->cell = reader->ncells;
	info->says_total = facts->says_total;
	info->is_dated = facts->has_start;
	info->nest = facts->nest;
}

static void
add_column(RqboReader *reader, const char *type, const ColumnFacts *facts)
{
	if (type != NULL && pg_strcasecmp(type, "Money") == 0)
		add_money_column(reader, facts);
	else if (type != NULL && pg_strcasecmp(type, "Account") == 0 && reader->label < 0)
		reader->label = reader->ncells;
	reader->ncells++;
}

static int
add_nest(RqboReader *reader, int outer)
{
	if (reader->nnests == reader->max_nests)
	{
		reader->max_nests *= 2;
		reader->nests = repalloc_huge(reader->nests, reader->max_nests * sizeof(int));
	}
	reader->nests[reader->nnests] = outer;
	return reader->nnests++;
}

/*
 * Columns of columns are summed for each line: those without money are none,
 * or a few columns of money could be made to cost as much as many.
 */
static void
read_nest(RqboReader *reader, const RqboJson *columns, ColumnFacts *facts)
{
	int			ncolumns = reader->report->ncolumns;

	facts->nest = add_nest(reader, facts->nest);
	read_columns(reader, columns, facts);
	if (reader->report->ncolumns == ncolumns)
		reader->nnests = facts->nest;
}

/*
 * Only the innermost columns have cells.  The key of a column around them is
 * not theirs.
 */
static void
read_column(RqboReader *reader, const RqboJson *column, const ColumnFacts *outer)
{
	ColumnFacts facts = *outer;
	RqboJson   *nested = rqbo_json_member(column, "Columns");

	if (!rqbo_json_is_object(column))
		rqbo_report_invalid("A column is not a JSON object.");
	facts.key = NULL;
	read_facts(column, &facts);
	if (rqbo_json_length(nested) > 0)
		read_nest(reader, nested, &facts);
	else
		add_column(reader, rqbo_json_member_text(column, "ColType"), &facts);
}

static void
read_columns(RqboReader *reader, const RqboJson *columns, const ColumnFacts *outer)
{
	RqboJson   *list = rqbo_json_member(columns, "Column");
	int			i;

	check_stack_depth();
	if (rqbo_json_is_object(list))
	{
		read_column(reader, list, outer);
		return;
	}
	for (i = 0; i < rqbo_json_length(list); i++)
	{
		CHECK_FOR_INTERRUPTS();
		read_column(reader, rqbo_json_element(list, i), outer);
	}
}

static int
count_dated(const RqboReader *reader)
{
	int			ndated = 0;
	int			i;

	for (i = 0; i < reader->report->ncolumns; i++)
	{
		CHECK_FOR_INTERRUPTS();
		ndated += reader->columns[i].is_dated ? 1 : 0;
	}
	return ndated;
}

/*
 * A single column of money is the data, even where it is called total.
 */
static void
mark_totals(RqboReader *reader)
{
	RqboReport *report = reader->report;
	int			ndated = count_dated(reader);
	int			ntotals = 0;
	int			i;

	if (report->ncolumns == 1)
		return;
	for (i = 0; i < report->ncolumns; i++)
	{
		const RqboColumnInfo *info = &reader->columns[i];

		CHECK_FOR_INTERRUPTS();
		report->columns[i].is_total = info->says_total || (ndated > 0 && !info->is_dated && !reader->is_by_dimension);
	}
	if (reader->is_by_dimension)
		rqbo_report_mark_part_totals(reader);
	for (i = 0; i < report->ncolumns; i++)
	{
		CHECK_FOR_INTERRUPTS();
		ntotals += report->columns[i].is_total ? 1 : 0;
	}
	if (ntotals > 0 && ntotals == report->ncolumns)
		rqbo_report_invalid("All its columns are totals.");
}

static void
set_periods(RqboReport *report)
{
	int			i;

	for (i = 0; i < report->ncolumns; i++)
	{
		RqboReportColumn *column = &report->columns[i];

		CHECK_FOR_INTERRUPTS();
		if (column->is_total)
			column->has_period = false;
		else if (!column->has_period)
		{
			column->has_period = report->has_period;
			column->start = report->start;
			column->end = report->end;
		}
	}
}

static void
refuse_odd_columns(const RqboReader *reader)
{
	const RqboReport *report = reader->report;

	if (reader->label < 0 && (report->ncolumns > 0 || !report->says_no_data))
		rqbo_report_invalid("It has no column of accounts.");
	if (report->name == RQBO_TRIAL_BALANCE && report->ncolumns != 0 && report->ncolumns != 2)
		rqbo_report_invalid("A trial balance has 2 columns of money, but this one has %d.",
							report->ncolumns);
}

/*
 * A report that says it has no data may leave the columns out; another may
 * have the one of the accounts only.
 */
void
rqbo_report_read_columns(RqboReader *reader, const RqboJson *columns)
{
	ColumnFacts none = {.title = ""};

	reader->label = -1;
	reader->ncells = 0;
	reader->max_columns = 16;
	reader->report->columns = MemoryContextAlloc(reader->result,
												 reader->max_columns * sizeof(RqboReportColumn));
	reader->columns = palloc(reader->max_columns * sizeof(RqboColumnInfo));
	reader->max_nests = 16;
	reader->nests = palloc(reader->max_nests * sizeof(int));
	none.nest = add_nest(reader, -1);
	read_columns(reader, columns, &none);
	refuse_odd_columns(reader);
	mark_totals(reader);
	set_periods(reader->report);
}
