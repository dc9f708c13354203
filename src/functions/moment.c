/*-------------------------------------------------------------------------
 *
 * functions/moment.c
 *	  The moment from which what a transaction changes of a model holds.
 *	  What it is written beside is decided in src/sql.
 *
 * All that a transaction changes of a model holds from one moment on, so that
 * nobody asks for one between.  Who closes a month waits for those who change
 * something, and they for him: what is committed after a month was closed has
 * a later moment, however long its transaction took.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "fmgr.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/clock.h"
#include "base/lock.h"

PG_FUNCTION_INFO_V1(rqbo_moment_of_changes);
PG_FUNCTION_INFO_V1(rqbo_moment_of_closing);

/* Who changes very many has one lock for all.  Closings do not keep each other out by it. */
#define ALL_MODELS 0

typedef struct Moment
{
	int64		model_id;
	TimestampTz at;
} Moment;

/* Of the models that the transaction has changed, in its memory. */
static List *moments = NIL;
static FullTransactionId transaction_of_moments;

static Moment *
find_moment(int64 model_id)
{
	FullTransactionId transaction = GetTopFullTransactionId();
	ListCell   *cell;

	if (!FullTransactionIdEquals(transaction, transaction_of_moments))
		moments = NIL;
	transaction_of_moments = transaction;
	foreach(cell, moments)
	{
		Moment	   *moment = lfirst(cell);

		if (moment->model_id == model_id)
			return moment;
	}
	return NULL;
}

static Moment *
new_moment(int64 model_id)
{
	MemoryContext before = MemoryContextSwitchTo(TopTransactionContext);
	Moment	   *moment = palloc(sizeof(Moment));

	moment->model_id = model_id;
	moments = lappend(moments, moment);
	MemoryContextSwitchTo(before);
	return moment;
}

/*
 * With the lock of before the moment of before holds, and no other.
 */
Datum
rqbo_moment_of_changes(PG_FUNCTION_ARGS)
{
	int64		model_id = PG_GETARG_INT64(0);
	bool		had_lock = rqbo_lock_in_transaction(RQBO_LOCK_MODEL, model_id, ShareLock);
	Moment	   *moment = find_moment(model_id);

	if (moment == NULL || !had_lock)
	{
		if (moment == NULL)
			moment = new_moment(model_id);
		moment->at = rqbo_now();
	}
	PG_RETURN_TIMESTAMPTZ(moment->at);
}

Datum
rqbo_moment_of_closing(PG_FUNCTION_ARGS)
{
	(void) rqbo_lock_in_transaction(RQBO_LOCK_MODEL, PG_GETARG_INT64(0), ExclusiveLock);
	(void) rqbo_lock_in_transaction(RQBO_LOCK_MODEL, ALL_MODELS, RowExclusiveLock);
	PG_RETURN_TIMESTAMPTZ(rqbo_now());
}
