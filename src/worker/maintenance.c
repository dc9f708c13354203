/*-------------------------------------------------------------------------
 *
 * worker/maintenance.c
 *	  What the background worker does besides companies: notes imports that were
 *	  cut off, tells of grants that end, and removes old lines of the log in
 *	  bounded steps.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "base/db.h"
#include "qbo/notify.h"
#include "store/calls.h"
#include "store/maintenance.h"
#include "store/requests.h"
#include "worker/maintenance.h"

/* Rows removed in one transaction, and such transactions in one run. */
#define PRUNE_ROWS 1000
#define PRUNE_STEPS 100

static bool
prune_log(int (*prune) (int limit))
{
	int			removed = PRUNE_ROWS;
	bool		has_removed = false;

	for (int step = 0; step < PRUNE_STEPS && removed == PRUNE_ROWS; step++)
	{
		CHECK_FOR_INTERRUPTS();
		rqbo_db_begin();
		removed = prune(PRUNE_ROWS);
		rqbo_db_commit();
		has_removed |= removed > 0;
	}
	return has_removed;
}

bool
rqbo_maintenance_run(void)
{
	bool		has_removed;

	rqbo_db_begin();
	rqbo_store_mark_interrupted();
	rqbo_store_remove_orphaned_requests();
	rqbo_store_write_late_keys();
	rqbo_notify_endings(0, 0);
	rqbo_db_commit();
	has_removed = prune_log(rqbo_store_prune_proof);
	has_removed |= prune_log(rqbo_store_prune);
	has_removed |= prune_log(rqbo_store_prune_requests);
	return prune_log(rqbo_store_prune_calls) || has_removed;
}
