/*-------------------------------------------------------------------------
 *
 * store/sealed.h
 *	  Sealed values wherever they stand, for sealing them again.
 *
 * As store/connection.h: inside a transaction with SPI connected.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_STORE_SEALED_H
#define RQBO_STORE_SEALED_H

typedef enum RqboSealedTable
{
	RQBO_SEALED_APPS,			/* client secret */
	RQBO_SEALED_CONNECTIONS,	/* realm id, and its digest */
	RQBO_SEALED_CREDENTIALS,	/* refresh token, the one before it, access token */
	RQBO_SEALED_WEBHOOKS		/* verifier token, the one before it */
} RqboSealedTable;

#define RQBO_SEALED_TABLES 4
#define RQBO_SEALED_VALUES 3

/* The sealed values of one row; those there are not are NULL. */
typedef struct RqboSealedRow
{
	int64		id1;			/* the row's key: environment_id, or model_id */
	int64		id2;			/* 0, or connection_id */
	int64		environment_id;
	int64		generation;		/* of tokens, else 0 */
	char	   *installation;
	char	   *label;			/* what it belongs to, for people */
	bytea	   *values[RQBO_SEALED_VALUES];
} RqboSealedRow;

/*
 * At most so many rows behind a key that have a value not sealed with the key
 * of this head, locked; *count says how many.  Those that somebody else has
 * locked are passed over.
 */
extern RqboSealedRow *rqbo_store_lock_sealed(RqboSealedTable table, const bytea *head, int64 after1, int64 after2,
											 int limit, int *count);
extern void rqbo_store_put_sealed(RqboSealedTable table, const RqboSealedRow *row);

/* How many rows, of all tables, have a value that is not sealed with the key of this head. */
extern int64 rqbo_store_count_sealed_otherwise(const bytea *head);

/* Is anything sealed with it? */
extern bool rqbo_store_is_sealing(const bytea *head);

/* Who is at it to replace a grant now, as a text; and are any of those still at it? */
extern char *rqbo_store_list_grant_holders(void);
extern bool rqbo_store_holds_grants(const char *holders);

#endif							/* RQBO_STORE_SEALED_H */
