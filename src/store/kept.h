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

/* Whose tokens, and which they follow.  They are sealed for the generation after it. */
typedef struct RqboKeptOwner
{
	int64		model_id;
	int64		connection_id;
	int64		branch_id;
	int64		generation;
	uint64		refresh_digest; /* rqbo_kept_digest of the sealed refresh token before */
} RqboKeptOwner;

typedef enum RqboTaking
{
	RQBO_TAKEN,
	RQBO_OUTDATED,				/* there are newer tokens */
	RQBO_OWNERLESS				/* there is no row to take them */
} RqboTaking;

/*
 * By whoever holds the connection's grant lock.  Reserve the place on disk,
 * before the tokens are asked for; keep them there, on disk when this returns;
 * give the place up.
 */
extern void rqbo_kept_reserve(const RqboKeptOwner *owner);
extern void rqbo_kept_write(const RqboKeptOwner *owner, const RqboSealedTokens *tokens);
extern void rqbo_kept_remove(int64 model_id, int64 connection_id);
extern uint64 rqbo_kept_digest(const bytea *refresh_sealed);

/* Are there any?  And of whom in this database (of RqboKeptOwner *)?  A file that cannot be read is left out, with a WARNING. */
extern bool rqbo_kept_is_there(int64 model_id, int64 connection_id);
extern List *rqbo_kept_list(void);

/*
 * Store what is kept, unless there are newer tokens; does not wait for locks.
 * Inside a transaction; once that is durable, the file is to be removed, if
 * there was a row for it.
 */
extern RqboTaking rqbo_store_take_kept(int64 model_id, int64 connection_id);

#endif							/* RQBO_STORE_KEPT_H */
