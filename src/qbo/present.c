/*-------------------------------------------------------------------------
 *
 * qbo/present.c
 *	  Which months have begun, by more than one clock.
 *	  What is read, refused or taken back for it is decided by the callers.
 *
 * What is done on the word of one clock alone harms nothing: a month is not
 * read that has begun.  It takes two to read one, so that neither a server's
 * clock that is ahead nor a proxy's can make months known that are not; and all
 * of them to take one back.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/clock.h"
#include "base/month.h"
#include "qbo/present.h"

/* The first place on earth at which a month begins is so much before UTC. */
#define EARLIEST_ZONE (14 * USECS_PER_HOUR)

/* What is told of an answer may be so old. */
#define SAME_DAY USECS_PER_DAY

#define MAX_CLOCKS 3

static void
add_clock(TimestampTz *clocks, int *count, TimestampTz moment)
{
	int			place = (*count)++;

	for (; place > 0 && clocks[place - 1] > moment; place--)
		clocks[place] = clocks[place - 1];
	clocks[place] = moment;
}

/*
 * What the clocks say, earliest first.  Returns how many there are.
 */
static int
list_clocks(const RqboSession *session, TimestampTz *clocks)
{
	int			count = 0;

	add_clock(clocks, &count, rqbo_now());
	if (session->told_time != 0)
		add_clock(clocks, &count, session->told_time);
	if (session->header_time != 0)
		add_clock(clocks, &count, session->header_time);
	return count;
}

static DateADT
end_of_month(TimestampTz moment)
{
	return rqbo_month_add((DateADT) (moment / USECS_PER_DAY), 1) - 1;
}

bool
rqbo_present_is_told(const RqboSession *session)
{
	return session->told_time != 0 || session->header_time != 0;
}

bool
rqbo_present_is_ahead(const RqboSession *session, TimestampTz moment)
{
	return rqbo_present_is_told(session) && moment > Max(session->told_time, session->header_time) + SAME_DAY;
}

DateADT
rqbo_present_last_day(const RqboSession *session)
{
	TimestampTz clocks[MAX_CLOCKS];
	int			count = list_clocks(session, clocks);

	return end_of_month(clocks[Max(0, count - 2)] + EARLIEST_ZONE);
}

DateADT
rqbo_present_begun(const RqboSession *session)
{
	return end_of_month(rqbo_present_earliest(session));
}

bool
rqbo_present_first_ahead(const RqboSession *session, DateADT *day)
{
	TimestampTz clocks[MAX_CLOCKS];
	int			count = list_clocks(session, clocks);

	*day = end_of_month(clocks[count - 1] + EARLIEST_ZONE) + 1;
	return count > 1;
}

TimestampTz
rqbo_present_earliest(const RqboSession *session)
{
	TimestampTz clocks[MAX_CLOCKS];

	(void) list_clocks(session, clocks);
	return clocks[0];
}

bool
rqbo_present_is_certain(const RqboSession *session)
{
	TimestampTz clocks[MAX_CLOCKS];
	int			count = list_clocks(session, clocks);

	return count > 1 && clocks[count - 1] - clocks[0] < SAME_DAY;
}
