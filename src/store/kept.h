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
#include "pgtime.h"

#include "store/connection.h"

/* Whose tokens, and which they follow.  They are sealed for the generation after it. */
typedef struct RqboKeptOwner
{
	int64		model_id;
	int64		connection_id;
	int64		branch_id;
	int64		generation;
	TimestampTz obtained_at;	/* of that generation: a restored row has had others of its number */
} RqboKeptOwner;

/* Any file of the directory. */
typedef struct RqboKeptFile
{
	Oid			database;
	RqboKeptOwner owner;		/* but for its ids, only if it is whole */
	bool		is_whole;		/* holds tokens: no place that is only reserved, and not cut off */
	pg_time_t	written_at;		/* by the file system's clock */
} RqboKeptFile;

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

/* The tokens, with the seconds that are left of them; false if there are none.  Put others in their place. */
extern bool rqbo_kept_read(int64 model_id, int64 connection_id, RqboKeptOwner *owner, RqboSealedTokens *tokens);
extern void rqbo_kept_replace(const RqboKeptOwner *owner, const RqboSealedTokens *tokens);

/* Are there any?  And of whom in this database (of RqboKeptOwner *)?  A file that cannot be read is left out, with a WARNING. */
extern bool rqbo_kept_is_there(int64 model_id, int64 connection_id);
extern List *rqbo_kept_list(void);

/* Is any of this database's sealed with the key of this head? */
extern bool rqbo_kept_is_sealing(const bytea *head);

/* All files, of other databases and without tokens too (of RqboKeptFile *).  Remove one of them. */
extern List *rqbo_kept_list_files(void);
extern void rqbo_kept_remove_file(const RqboKeptFile *file);

/*
 * Store what is kept, unless there are newer tokens; does not wait for locks.
 * Inside a transaction; once that is durable, the file is to be removed, if
 * there was a row for it.
 */
extern RqboTaking rqbo_store_take_kept(int64 model_id, int64 connection_id);

#endif							/* RQBO_STORE_KEPT_H */
