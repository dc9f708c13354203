/*-------------------------------------------------------------------------
 *
 * job/rows.c
 *	  The rows of a job's answer, however many: in memory, and many in a
 *	  temporary file.  What they are of is their job's.
 *
 * A job is longer than a transaction, so that they belong to none.  They are in
 * a context beside the one they go with, which is told first that it ends.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/tuplestore.h"

#include "base/compat.h"
#include "base/owned.h"
#include "job/rows.h"

struct RqboJobRows
{
	MemoryContext context;		/* has all of it */
	MemoryContext row;			/* the one that is added */
	Tuplestorestate *store;
	TupleTableSlot *slot;
};

static void
release_rows(void *object)
{
	RqboJobRows *rows = object;

	if (rows->store != NULL)
		tuplestore_end(rows->store);
	MemoryContextDelete(rows->context);
}

static TupleDesc
describe(int ncolumns)
{
	TupleDesc	desc = CreateTemplateTupleDesc(ncolumns);

	for (int i = 1; i <= ncolumns; i++)
		TupleDescInitBuiltinEntry(desc, i, "", TEXTOID, -1, 0);
	TupleDescFinalize(desc);
	return desc;
}

static Tuplestorestate *
make_store(void)
{
	ResourceOwner owner = CurrentResourceOwner;
	Tuplestorestate *store;

	CurrentResourceOwner = NULL;
	store = tuplestore_begin_heap(false, true, RQBO_JOB_ROWS_KB);
	CurrentResourceOwner = owner;
	return store;
}

RqboJobRows *
rqbo_job_rows_make(MemoryContext context, int ncolumns)
{
	RqboOwned  *owned = rqbo_owned_reserve(context, release_rows);
	MemoryContext own = AllocSetContextCreate(TopMemoryContext, "reefqbo rows", ALLOCSET_DEFAULT_SIZES);
	MemoryContext saved = MemoryContextSwitchTo(own);
	RqboJobRows *rows = palloc0(sizeof(RqboJobRows));

	rows->context = own;
	rqbo_owned_set(owned, rows);
	rows->row = AllocSetContextCreate(own, "reefqbo row", ALLOCSET_SMALL_SIZES);
	rows->slot = MakeSingleTupleTableSlot(describe(ncolumns), &TTSOpsMinimalTuple);
	rows->store = make_store();
	MemoryContextSwitchTo(saved);
	return rows;
}

void
rqbo_job_rows_add(RqboJobRows *rows, const char *const *values)
{
	TupleDesc	desc = rows->slot->tts_tupleDescriptor;
	MemoryContext saved = MemoryContextSwitchTo(rows->row);
	Datum	   *datums = palloc0(desc->natts * sizeof(Datum));
	bool	   *nulls = palloc0(desc->natts * sizeof(bool));

	for (int i = 0; i < desc->natts; i++)
	{
		nulls[i] = values[i] == NULL;
		if (values[i] != NULL)
			datums[i] = CStringGetTextDatum(values[i]);
	}
	tuplestore_putvalues(rows->store, desc, datums, nulls);
	MemoryContextSwitchTo(saved);
	MemoryContextReset(rows->row);
}

TupleTableSlot *
rqbo_job_rows_next(RqboJobRows *rows)
{
	if (!tuplestore_gettupleslot(rows->store, true, false, rows->slot))
		return NULL;
	slot_getallattrs(rows->slot);
	return rows->slot;
}

void
rqbo_job_rows_rewind(RqboJobRows *rows)
{
	ExecClearTuple(rows->slot);
	tuplestore_rescan(rows->store);
}
