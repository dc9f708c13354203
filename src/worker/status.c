/*-------------------------------------------------------------------------
 *
 * worker/status.c
 *	  reefqbo.worker_status: the processes of the background worker, as shared
 *	  memory has them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "base/clock.h"
#include "base/show.h"
#include "worker/shmem.h"

PG_FUNCTION_INFO_V1(rqbo_worker_status);

#define COLUMNS 8

static const char *
state_of(const RqboSlot *slot)
{
	if (slot->worker_pid != 0)
		return "working";
	if (slot->problem.what[0] != '\0' || slot->failures > 0)
		return "failing";
	return rqbo_shmem_start_of(slot, rqbo_now()) <= rqbo_now() ? "due" : "idle";
}

static void
put_moment(Datum *value, bool *is_null, TimestampTz moment)
{
	*value = TimestampTzGetDatum(moment);
	*is_null = moment == 0 || TIMESTAMP_NOT_FINITE(moment);
}

static void
put_text(Datum *value, bool *is_null, const char *text)
{
	*is_null = text[0] == '\0';
	*value = CStringGetTextDatum(rqbo_show_any(text));
}

static void
put_slot(ReturnSetInfo *result, const RqboSlot *slot)
{
	Datum		values[COLUMNS] = {0};
	bool		nulls[COLUMNS] = {false};
	NameData	database;

	namestrcpy(&database, rqbo_show_any(slot->database));
	values[0] = NameGetDatum(&database);
	values[1] = CStringGetTextDatum(state_of(slot));
	values[2] = Int32GetDatum(slot->worker_pid);
	nulls[2] = slot->worker_pid == 0;
	put_moment(&values[3], &nulls[3], slot->began_at);
	put_moment(&values[4], &nulls[4], slot->ended_at);
	put_moment(&values[5], &nulls[5], rqbo_shmem_start_of(slot, rqbo_now()));
	put_text(&values[6], &nulls[6], slot->problem.what);
	put_text(&values[7], &nulls[7], slot->problem.hint);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

static void
put_launcher(ReturnSetInfo *result, int pid)
{
	Datum		values[COLUMNS] = {0};
	bool		nulls[COLUMNS] = {true, false, false, true, true, true, true, true};

	values[1] = CStringGetTextDatum("launcher");
	values[2] = Int32GetDatum(pid);
	nulls[2] = pid == 0;
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

Datum
rqbo_worker_status(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	if (!rqbo_shmem_is_there())
		return (Datum) 0;
	put_launcher(result, rqbo_shmem_launcher_pid());
	for (int i = 0; i < RQBO_MAX_SLOTS; i++)
	{
		RqboSlot	slot;

		rqbo_shmem_lock(LW_SHARED);
		slot = *rqbo_shmem_slot(i);
		rqbo_shmem_unlock();
		/* those who help are there while they do */
		if (slot.database[0] != '\0' && (slot.number == 0 || slot.worker_pid != 0))
			put_slot(result, &slot);
	}
	return (Datum) 0;
}
