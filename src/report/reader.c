/*-------------------------------------------------------------------------
 *
 * report/reader.c
 *	  The reading of one report in hand, and the errors it may end in.
 *	  What is read stands in the files of its parts.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/amount.h"
#include "report/reader.h"

RqboJson *
rqbo_report_parse(const char *text, size_t len)
{
	const char *reason;
	RqboJson   *document = rqbo_json_parse(text, len, &reason);

	if (document == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_RQBO_INVALID_RESPONSE),
				 errmsg("QuickBooks report is not a JSON document"),
				 errdetail("%s", reason),
				 errhint(RQBO_REPORT_HINT)));
	return document;
}

RqboReader *
rqbo_report_make_reader(MemoryContext result)
{
	RqboReader *reader = palloc0(sizeof(RqboReader));
	MemoryContext caller = MemoryContextSwitchTo(result);

	reader->result = result;
	reader->report = palloc0(sizeof(RqboReport));
	reader->zero = rqbo_amount_zero();
	MemoryContextSwitchTo(caller);
	return reader;
}

void
rqbo_report_raise_cut(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_RQBO_INVALID_RESPONSE),
			 errmsg("QuickBooks cut the report short"),
			 errdetail("The report is larger than the 400,000 cells QuickBooks gives."),
			 errhint("Ask for a shorter range.")));
	pg_unreachable();
}
