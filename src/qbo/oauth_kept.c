/*-------------------------------------------------------------------------
 *
 * qbo/oauth_kept.c
 *	  Tokens kept in a file, when the tables cannot take them: when that is.
 *	  The files are those of store/kept.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/memutils.h"

#include "base/db.h"
#include "base/lock.h"
#include "qbo/oauth_exchange.h"
#include "qbo/oauth_kept.h"
#include "store/kept.h"

void
rqbo_oauth_reserve_place(RqboSession *session, const RqboCredential *credential)
{
	const RqboConnection *c = session->connection;
	RqboExchange *x = rqbo_exchange_of(session);

	x->owner = (RqboKeptOwner) {
		c->model_id, c->connection_id, c->branch_id, credential->generation,
		rqbo_kept_digest(credential->refresh_sealed)
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

/*
 * What is in the way of one is no reason to stop.
 */
static void
try_to_take(const RqboKeptOwner *owner)
{
	MemoryContext context = CurrentMemoryContext;

	PG_TRY();
	{
		take(owner->model_id, owner->connection_id);
	}
	PG_CATCH();
	{
		ErrorData  *failure;

		MemoryContextSwitchTo(context);
		failure = CopyErrorData();
		FlushErrorState();
		AbortOutOfAnyTransaction();
		MemoryContextSwitchTo(context);
		if (failure->sqlerrcode == ERRCODE_QUERY_CANCELED)
			ReThrowError(failure);
		ereport(LOG,
				(errmsg("reefqbo: the tables still cannot take the tokens of connection " INT64_FORMAT ", which stay in a file: %s",
						owner->connection_id, failure->message)));
	}
	PG_END_TRY();
}

void
rqbo_oauth_take_all_kept(void)
{
	ListCell   *cell;

	foreach(cell, rqbo_kept_list())
	{
		const RqboKeptOwner *owner = lfirst(cell);

		if (!rqbo_lock_try(RQBO_LOCK_GRANT, owner->branch_id))
			continue;
		try_to_take(owner);
		rqbo_lock_release(RQBO_LOCK_GRANT, owner->branch_id);
	}
}
