/*-------------------------------------------------------------------------
 *
 * base/clock.c
 *	  What time it is, and times as Intuit writes them.
 *	  When something is due is not decided here.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "fmgr.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

#include "base/clock.h"
#include "base/guc.h"
#include "base/month.h"

PG_FUNCTION_INFO_V1(rqbo_now_sql);

static TimestampTz
moved(TimestampTz moment)
{
	return moment + (int64) rqbo_clock_offset * USECS_PER_SEC;
}

TimestampTz
rqbo_now(void)
{
	return moved(GetCurrentTimestamp());
}

/*
 * One time for the whole of a statement, so that it may be called STABLE.
 */
Datum
rqbo_now_sql(PG_FUNCTION_ARGS pg_attribute_unused())
{
	PG_RETURN_TIMESTAMPTZ(moved(GetCurrentStatementStartTimestamp()));
}

/*
 * The part behind the seconds: a fraction, which is dropped, and the offset
 * from UTC, as seconds to take away.
 */
static bool
parse_zone(const char *text, int *offset)
{
	int			hours;
	int			minutes;
	int			length = 0;

	if (*text == '.')
		text += 1 + strspn(text + 1, "0123456789");
	*offset = 0;
	if (strcmp(text, "Z") == 0)
		return true;
	if (*text != '+' && *text != '-')
		return false;
	if (sscanf(text + 1, "%2d:%2d%n", &hours, &minutes, &length) != 2 || text[1 + length] != '\0' ||
		hours < 0 || hours > 15 || minutes < 0 || minutes > 59)
		return false;
	*offset = (hours * 60 + minutes) * 60 * (*text == '-' ? -1 : 1);
	return true;
}

bool
rqbo_clock_parse(const char *text, TimestampTz *moment)
{
	char		day[11];
	DateADT		date;
	int			hour;
	int			minute;
	int			second;
	int			offset;
	int			length = 0;

	if (text == NULL || strlen(text) < 20 || text[10] != 'T')
		return false;
	strlcpy(day, text, sizeof(day));
	if (!rqbo_month_parse_date(day, &date) ||
		sscanf(text + 11, "%2d:%2d:%2d%n", &hour, &minute, &second, &length) != 3 || length != 8 ||
		hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60 ||
		!parse_zone(text + 19, &offset))
		return false;
	*moment = (TimestampTz) date * USECS_PER_DAY +
		((hour * 60 + minute) * INT64CONST(60) + second - offset) * USECS_PER_SEC;
	return true;
}

char *
rqbo_clock_iso(TimestampTz moment)
{
	struct pg_tm tm;
	fsec_t		fsec;

	if (timestamp2tm(moment, NULL, &tm, &fsec, NULL, NULL) != 0)
		elog(ERROR, "timestamp out of range");
	return psprintf("%04d-%02d-%02dT%02d:%02d:%02dZ",
					tm.tm_year, tm.tm_mon, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
}
