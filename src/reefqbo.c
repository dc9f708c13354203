/*-------------------------------------------------------------------------
 *
 * reefqbo.c
 *	  Where PostgreSQL enters the library.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"

#include "base/guc.h"
#include "functions/lock_table.h"
#include "worker/launcher.h"
#include "worker/shmem.h"
#include "worker/wake.h"

PG_MODULE_MAGIC;

PGDLLEXPORT void _PG_init(void);

void
_PG_init(void)
{
	rqbo_guc_define();
	rqbo_lock_table_define();
	if (!process_shared_preload_libraries_in_progress || IsBinaryUpgrade)
		return;
	rqbo_shmem_request();
	rqbo_launcher_register();
	rqbo_wake_define();
}
