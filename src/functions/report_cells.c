/*-------------------------------------------------------------------------
 *
 * functions/report_cells.c
 *	  The SQL function that shows a report as rows.
 *	  Reading a report is done in report.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/tuplestore.h"

#include "base/compat.h"
#include "report/lines.h"
#include "report/read.h"

#define N_RESULT_COLUMNS 11

PG_FUNCTION_INFO_V1(rqbo_report_cells);

/*
 * The text as UTF-8.  In a database without an encoding it is taken as it is
 * and judged by the reader.
 */
static const char *
text_as_utf8(const text *value, size_t *length)
{
	char	   *string = VARDATA_ANY(value);
	char	   *utf8 = string;

	*length = VARSIZE_ANY_EXHDR(value);
	if (GetDatabaseEncoding() != PG_SQL_ASCII)
		utf8 = pg_server_to_any(string, (int) *length, PG_UTF8);
	if (utf8 != string)
		*length = strlen(utf8);
	return utf8;
}

static const char *
kind_name(const RqboReportLine *line, const RqboReportColumn *column)
{
	if (column->is_total || line->kind == RQBO_LINE_TOTAL)
		return "total";
	return line->kind == RQBO_LINE_ACCOUNT ? "account" : "computed";
}

/*
 * What is the same in all cells of a line.
 */
static void
set_line(const RqboReport *report, int index, Datum *values, bool *nulls)
{
	const RqboReportLine *line = &report->lines[index];

	values[0] = Int32GetDatum(index + 1);
	values[1] = Int32GetDatum(line->depth);
	nulls[2] = line->section == NULL;
	if (line->section != NULL)
		values[2] = CStringGetTextDatum(line->section);
	nulls[3] = line->account_id == NULL;
	if (line->account_id != NULL)
		values[3] = CStringGetTextDatum(line->account_id);
	values[4] = CStringGetTextDatum(line->name);
}

static void
set_cell(const RqboReport *report, int line, int index, Datum *values, bool *nulls)
{
	const RqboReportColumn *column = &report->columns[index];

	values[5] = CStringGetTextDatum(kind_name(&report->lines[line], column));
	values[6] = Int32GetDatum(index + 1);
	values[7] = CStringGetTextDatum(column->title);
	nulls[8] = !column->has_period;
	nulls[9] = !column->has_period;
	values[8] = DateADTGetDatum(column->has_period ? column->start : 0);
	values[9] = DateADTGetDatum(column->has_period ? column->end : 0);
	values[10] = NumericGetDatum(report->lines[line].amounts[index]);
}

static void
put_line(ReturnSetInfo *rsinfo, const RqboReport *report, int line)
{
	Datum		values[N_RESULT_COLUMNS];
	bool		nulls[N_RESULT_COLUMNS] = {false};
	int			column;

	set_line(report, line, values, nulls);
	for (column = 0; column < report->ncolumns; column++)
	{
		CHECK_FOR_INTERRUPTS();
		set_cell(report, line, column, values, nulls);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
}

Datum
rqbo_report_cells(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	size_t		length;
	const char *json = text_as_utf8(PG_GETARG_TEXT_PP(0), &length);
	RqboReport *report = rqbo_report_read(json, length, NULL);
	MemoryContext line_context = AllocSetContextCreate(CurrentMemoryContext, "reefqbo report line",
													   ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller;
	int			line;

	InitMaterializedSRF(fcinfo, 0);
	caller = MemoryContextSwitchTo(line_context);
	for (line = 0; line < report->nlines; line++)
	{
		put_line(rsinfo, report, line);
		MemoryContextReset(line_context);
	}
	MemoryContextSwitchTo(caller);
	return (Datum) 0;
}
