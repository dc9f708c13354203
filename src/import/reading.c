/*-------------------------------------------------------------------------
 *
 * import/reading.c
 *	  What is asked of QuickBooks in the same form by every kind of import, and
 *	  stretches of months that are too much at once.  Knows no import.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/month.h"
#include "import/reading.h"
#include "net/json.h"
#include "qbo/accounting.h"

char *
rqbo_import_report_path(const RqboSession *session, RqboReportName name, const RqboRange *range,
						const char *summarized_by)
{
	return psprintf("/reports/%s?start_date=%s&end_date=%s&accounting_method=%s&summarize_column_by=%s",
					rqbo_report_asked_name(name, session->connection->is_french), rqbo_month_iso(range->start),
					rqbo_month_iso(range->end), range->method, summarized_by);
}

char *
rqbo_import_count_path(const char *entity)
{
	return rqbo_qbo_query_path(psprintf("select count(*) from %s where Active IN (true, false)", entity));
}

int
rqbo_import_take_count(RqboSession *session)
{
	RqboJson   *response = rqbo_qbo_read_body(session, "QueryResponse");
	const char *count = rqbo_json_member_text(response, "totalCount");

	if (count == NULL || strlen(count) > 9 || strspn(count, "0123456789") != strlen(count))
		rqbo_qbo_raise_invalid(session, "It has no totalCount.");
	return atoi(count);
}

char *
rqbo_import_describe_range(const RqboRange *range)
{
	return psprintf("%.7s to %.7s", rqbo_month_iso(range->start), rqbo_month_iso(range->end));
}

bool
rqbo_import_can_halve(const RqboRange *range)
{
	return rqbo_month_count(range->start, range->end) > 1;
}

DateADT
rqbo_import_middle(const RqboRange *range)
{
	Assert(rqbo_import_can_halve(range));
	return rqbo_month_add(range->start, rqbo_month_count(range->start, range->end) / 2);
}

void
rqbo_import_raise_not_begun(const RqboSession *session, DateADT start, DateADT last)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s: the month %.7s has not begun", rqbo_session_company(session), rqbo_month_iso(start)),
			 errdetail("By QuickBooks' clock the latest month is %.7s.", rqbo_month_iso(last)),
			 errhint("Import the months up to that one. A refresh adds each new month when it has begun.")));
	pg_unreachable();
}

void
rqbo_import_tell_not_begun(const RqboSession *session, DateADT last)
{
	ereport(NOTICE,
			(errmsg("%s: months after %.7s have not begun and are not read", rqbo_session_company(session),
					rqbo_month_iso(last))));
}
