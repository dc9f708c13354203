/*-------------------------------------------------------------------------
 *
 * base/wanted.c
 *	  Whoever this process works for, and whether he is still there.
 *	  Where work stops for it is not said here.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/wanted.h"

RqboClient *rqbo_client_present = NULL;

static RqboStillWanted still_wanted = NULL;
static void *still_wanted_arg = NULL;

void
rqbo_wanted_ask(RqboStillWanted wanted, void *arg)
{
	still_wanted = wanted;
	still_wanted_arg = arg;
}

bool
rqbo_wanted(void)
{
	return still_wanted == NULL || still_wanted(still_wanted_arg);
}

void
rqbo_wanted_raise(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_QUERY_CANCELED),
			 errmsg("canceling reefqbo work because the session that asked for it has gone")));
}
