/*-------------------------------------------------------------------------
 *
 * qbo/oauth_kept.c
 *	  Tokens kept in a file, when the tables cannot take them: when that is.
 *	  The files are those of store/kept.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <time.h>

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "base/compat.h"
#include "base/db.h"
#include "base/lock.h"
#include "qbo/oauth_exchange.h"
#include "qbo/oauth_kept.h"
#include "store/kept.h"

/* A request for tokens is over long before, with all that it may be repeated. */
#define EMPTY_SECONDS 3600

void
rqbo_oauth_reserve_place(RqboSession *session, const RqboCredential *credential)
{
	const RqboConnection *c = session->connection;
	RqboExchange *x = rqbo_exchange_of(session);

	x->owner = (RqboKeptOwner) {
		c->model_id, c->connection_id, c->branch_id, credential->generation, credential->obtained_at
	};
	rqbo_kept_reserve(&x->owner);
	x->has_place = true;
	x->is_kept = false;
}

void
rqbo_oauth_give_up_place(RqboSession *session)
{
	RqboExchange *x = rqbo_exchange_of(session);

	rqbo_kept_remove(session->connection->model_id, session->connection->connection_id);
	x->has_place = x->is_kept = false;
}

/*
 * Where there is no row, its data may not have been restored yet.
 */
static void
take(int64 model_id, int64 connection_id)
{
	RqboTaking	taking;

	rqbo_db_begin_nowait();
	taking = rqbo_store_take_kept(model_id, connection_id);
	rqbo_db_make_durable();
	rqbo_db_commit();
	if (taking != RQBO_OWNERLESS)
		rqbo_kept_remove(model_id, connection_id);
}

void
rqbo_oauth_take_kept(const RqboConnection *connection)
{
	if (rqbo_kept_is_there(connection->model_id, connection->connection_id))
		take(connection->model_id, connection->connection_id);
}

/* ---- what nobody comes back for ---- */

static bool
lock(int64 branch_id, volatile int64 *locked)
{
	if (rqbo_lock_try(RQBO_LOCK_GRANT, branch_id))
		*locked = branch_id;
	return *locked == branch_id;
}

/*
 * The place that was reserved for an answer that was lost, with its process.
 * Whoever holds the grant lock may be about to fill it; nobody else is, and
 * nobody at all where there is no connection.
 */
static void
remove_empty(const RqboKeptFile *file, volatile int64 *locked)
{
	const RqboKeptOwner *owner = &file->owner;
	const RqboConnection *connection;

	if ((pg_time_t) time(NULL) - file->written_at < EMPTY_SECONDS)
		return;
	rqbo_db_begin();
	connection = rqbo_store_read_connection(owner->model_id, owner->connection_id);
	rqbo_db_commit();
	if ((connection == NULL || lock(connection->branch_id, locked)) &&
		!rqbo_kept_is_there(owner->model_id, owner->connection_id))
		rqbo_kept_remove_file(file);
}

/*
 * Of a database that is no more.  One of its name that is restored has another
 * number.
 */
static void
remove_orphan(const RqboKeptFile *file)
{
	MemoryContext context = CurrentMemoryContext;
	bool		is_orphan;

	StartTransactionCommand();
	is_orphan = get_database_name(file->database) == NULL;
	CommitTransactionCommand();
	MemoryContextSwitchTo(context);
	if (!is_orphan)
		return;
	rqbo_kept_remove_file(file);
	if (file->is_whole)
		ereport(LOG,
				(errmsg("reefqbo: removed tokens of connection " INT64_FORMAT " that were kept for database %u, which does not exist any more",
						file->owner.connection_id, file->database)));
}

/* ---- all of them ---- */

/*
 * *locked is set to the branch whose grant lock is to be given back.
 */
static void
see_to_file(const RqboKeptFile *file, volatile int64 *locked)
{
	const RqboKeptOwner *owner = &file->owner;

	if (file->database != MyDatabaseId)
		remove_orphan(file);
	else if (!file->is_whole)
		remove_empty(file, locked);
	else if (lock(owner->branch_id, locked))
		take(owner->model_id, owner->connection_id);
}

/*
 * What is in the way of one is no reason to stop.
 */
static void
try_to_see_to(const RqboKeptFile *file)
{
	MemoryContext context = CurrentMemoryContext;
	volatile int64 locked = 0;
	ErrorData  *volatile failure = NULL;

	PG_TRY();
	{
		see_to_file(file, &locked);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		failure = CopyErrorData();
		FlushErrorState();
		AbortOutOfAnyTransaction();
		MemoryContextSwitchTo(context);
	}
	PG_END_TRY();
	if (locked != 0)
		rqbo_lock_release(RQBO_LOCK_GRANT, locked);
	if (failure != NULL && failure->sqlerrcode == ERRCODE_QUERY_CANCELED)
		ReThrowError(failure);
	if (failure != NULL && file->is_whole)
		ereport(LOG,
				(errmsg("reefqbo: the tables still cannot take the tokens of connection " INT64_FORMAT ", which stay in a file: %s",
						file->owner.connection_id, failure->message)));
}

void
rqbo_oauth_take_all_kept(void)
{
	ListCell   *cell;

	foreach(cell, rqbo_kept_list_files())
		try_to_see_to(lfirst(cell));
}
