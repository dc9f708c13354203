/*-------------------------------------------------------------------------
 *
 * base/month.c
 *	  Counting in whole months.
 *	  Fiscal years and the months that were imported are not known here.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/datetime.h"

#include "base/month.h"

/* Months since the year 0, and the day in the month. */
static int
month_number(DateADT date, int *day)
{
	int			year;
	int			month;

	j2date(date + POSTGRES_EPOCH_JDATE, &year, &month, day);
	return year * 12 + month - 1;
}

char *
rqbo_month_iso(DateADT date)
{
	int			day;
	int			number = month_number(date, &day);

	return psprintf("%04d-%02d-%02d", number / 12, number % 12 + 1, day);
}

DateADT
rqbo_month_add(DateADT date, int months)
{
	int			day;
	int			number = month_number(date, &day) + months;

	return date2j(number / 12, number % 12 + 1, 1) - POSTGRES_EPOCH_JDATE;
}

int
rqbo_month_count(DateADT start, DateADT end)
{
	int			day;

	return month_number(end, &day) - month_number(start, &day) + 1;
}

bool
rqbo_month_is_whole(DateADT start, DateADT end)
{
	return start <= end && rqbo_month_add(start, 0) == start && rqbo_month_add(end, 1) - 1 == end;
}


static bool
digits(const char *text, int count, int *value)
{
	*value = 0;
	while (count-- > 0)
	{
		if (*text < '0' || *text > '9')
			return false;
		*value = *value * 10 + (*text++ - '0');
	}
	return true;
}


/*
 * YYYY-MM-DD and nothing else.
 */
bool
rqbo_month_parse_date(const char *text, DateADT *date)
{
	int			year;
	int			month;
	int			day;

	if (strlen(text) != 10 || text[4] != '-' || text[7] != '-' ||
		!digits(text, 4, &year) || !digits(text + 5, 2, &month) || !digits(text + 8, 2, &day))
		return false;
	if (year < 1 || month < 1 || month > 12 || day < 1 ||
		day > day_tab[isleap(year)][month - 1])
		return false;
	*date = date2j(year, month, day) - POSTGRES_EPOCH_JDATE;
	return true;
}
