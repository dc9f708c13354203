/*-------------------------------------------------------------------------
 *
 * report/read.c
 *	  A QuickBooks report as lines and columns that tie out.
 *
 * The parts are in files of their own: report/header.c, report/columns.c,
 * report/rows.c, and report/tieout.c, which holds the figures against the report's
 * own sums.  None of them knows SQL or the network.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "base/texts.h"
#include "report/columns.h"
#include "report/header.h"
#include "report/read.h"
#include "report/reader.h"
#include "report/rows.h"
#include "report/text.h"
#include "report/tieout.h"

/* Longer than any group of QuickBooks', and short enough to be part of a key. */
#define MAX_STORED_ID	200

static bool
says_no_data(const RqboJson *document)
{
	RqboJson   *options = rqbo_json_member(rqbo_json_member(document, "Header"), "Option");
	int			i;

	for (i = 0; i < rqbo_json_length(options); i++)
	{
		RqboJson   *option = rqbo_json_element(options, i);
		const char *name = rqbo_json_member_text(option, "Name");
		const char *value = rqbo_json_member_text(option, "Value");

		CHECK_FOR_INTERRUPTS();
		if (name != NULL && value != NULL && strcmp(name, "NoReportData") == 0)
			return pg_strcasecmp(value, "true") == 0;
	}
	return false;
}

/*
 * Stored under its id, the second line of an account would take the place of
 * the first, or be added to it.
 */
static void
refuse_repeated_accounts(const RqboReport *report)
{
	RqboTexts  *ids = rqbo_texts_make();
	int			i;

	for (i = 0; i < report->nlines; i++)
	{
		const char *id = report->lines[i].account_id;

		CHECK_FOR_INTERRUPTS();
		if (id != NULL && !rqbo_texts_add(ids, id, i))
			rqbo_report_invalid("Account id \"%s\" has more than one line.", rqbo_report_clip(id));
	}
}

/*
 * Ids are part of keys.
 */
static void
name_lines(const RqboReader *reader)
{
	const RqboReport *report = reader->report;
	MemoryContext saved = MemoryContextSwitchTo(reader->result);

	rqbo_report_name_lines(reader->report);
	MemoryContextSwitchTo(saved);
	for (int i = 0; i < report->nlines; i++)
	{
		const char *id = report->lines[i].stored_id;

		CHECK_FOR_INTERRUPTS();
		if (id != NULL && strlen(id) > MAX_STORED_ID)
			rqbo_report_invalid("The group of line \"%s\" is too long.", rqbo_report_clip(report->lines[i].name));
	}
}

/*
 * What the columns are is what was asked for, or else what the Header says.
 */
static bool
is_by_dimension(const RqboReport *report, const RqboReportAsk *ask)
{
	const char *by = ask != NULL ? ask->summarized_by : report->summarized_by;

	return by != NULL && (pg_strcasecmp(by, "Classes") == 0 || pg_strcasecmp(by, "Departments") == 0);
}

static RqboReport *
read_document(MemoryContext result, const RqboJson *document, const RqboReportAsk *ask)
{
	RqboReader *reader = rqbo_report_make_reader(result);

	reader->keeps_differences = ask != NULL && ask->keeps_differences;
	rqbo_report_read_header(reader, document);
	if (reader->report->name == RQBO_GENERAL_LEDGER)
		rqbo_report_raise_unsupported(rqbo_report_name(RQBO_GENERAL_LEDGER));
	if (ask != NULL)
		rqbo_report_compare_header(reader, ask);
	reader->is_by_dimension = is_by_dimension(reader->report, ask);
	reader->report->says_no_data = says_no_data(document);
	rqbo_report_read_columns(reader, rqbo_json_member(document, "Columns"));
	rqbo_report_read_rows(reader, rqbo_json_member(document, "Rows"));
	refuse_repeated_accounts(reader->report);
	name_lines(reader);
	if (ask != NULL)
		rqbo_report_compare_columns(reader, ask);
	rqbo_report_tie_out(reader);
	return reader->report;
}

/*
 * The document and what is needed only while reading end with this function.
 */
RqboReport *
rqbo_report_read(const char *text, size_t len, const RqboReportAsk *ask)
{
	MemoryContext result = CurrentMemoryContext;
	MemoryContext scratch = AllocSetContextCreate(result, "reefqbo report", ALLOCSET_DEFAULT_SIZES);
	RqboReport *report;

	MemoryContextSwitchTo(scratch);
	report = read_document(result, rqbo_report_parse(text, len), ask);
	MemoryContextSwitchTo(result);
	MemoryContextDelete(scratch);
	return report;
}
