/*-------------------------------------------------------------------------
 *
 * store/kept.h
 *	  Tokens that the tables could not take, in a file each until they can.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_STORE_KEPT_H
#define RQBO_STORE_KEPT_H

#include "nodes/pg_list.h"

#include "store/connection.h"

/* Whose tokens, and which of its generations they follow. */
typedef struct RqboKeptOwner
{
	int64		model_id;
	int64		connection_id;
	int64		branch_id;
	int64		generation;
} RqboKeptOwner;

/*
 * By whoever holds the connection's grant lock.  Reserve the place on disk,
 * before the tokens are asked for; keep them there, on disk when this returns;
 * give the place up.
 */
extern void rqbo_kept_reserve(const RqboKeptOwner *owner);
extern void rqbo_kept_write(const RqboKeptOwner *owner, const RqboSealedTokens *tokens);
extern void rqbo_kept_remove(int64 model_id, int64 connection_id);

/* Are there any?  And of whom in this database (of RqboKeptOwner *). */
extern bool rqbo_kept_is_there(int64 model_id, int64 connection_id);
extern List *rqbo_kept_list(void);

/*
 * Store what is kept, unless there are newer tokens; does not wait for locks.
 * Inside a transaction; once that is durable, the file is to be removed.
 */
extern void rqbo_store_take_kept(int64 model_id, int64 connection_id);

#endif							/* RQBO_STORE_KEPT_H */
