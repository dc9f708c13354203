/*-------------------------------------------------------------------------
 *
 * reefqbo.c
 *	  Where PostgreSQL enters the library.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"

#include "guc.h"

PG_MODULE_MAGIC;

PGDLLEXPORT void _PG_init(void);

void
_PG_init(void)
{
	rqbo_guc_define();
}
