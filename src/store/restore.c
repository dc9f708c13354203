/*-------------------------------------------------------------------------
 *
 * store/restore.c
 *	  Whether the tables are being restored, and the end of that.
 *	  What a restore is, and how its end is known, is in src/sql/80_restore.sql.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/db.h"
#include "store/restore.h"

static bool
is_restoring(void)
{
	static RqboStatement statement = {.text = "SELECT reefqbo._is_restoring()"};
	RqboArgs	none = {0};

	rqbo_db_run(&statement, &none);
	return rqbo_column_bool(1);
}

bool
rqbo_store_end_restore(void)
{
	static RqboStatement statement = {.text = "SELECT reefqbo._end_restore()"};
	RqboArgs	none = {0};

	if (!is_restoring())
		return true;
	rqbo_db_run(&statement, &none);
	return rqbo_column_bool(1);
}

static void
raise_being_restored(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("%s", RQBO_BEING_RESTORED),
			 errhint("%s", RQBO_BEING_RESTORED_HINT)));
}

void
rqbo_store_need_restored(void)
{
	if (!rqbo_store_end_restore())
		raise_being_restored();
}

void
rqbo_store_refuse_half_restored(void)
{
	static RqboStatement statement = {.text = "SELECT 1 FROM reefqbo._missing() LIMIT 1"};
	RqboArgs	none = {0};

	if (is_restoring() && rqbo_db_run(&statement, &none) > 0)
		raise_being_restored();
}
