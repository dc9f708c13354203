/*-------------------------------------------------------------------------
 *
 * secret/seal.h
 *	  Sealing what must not lie in the clear.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_SECRET_SEAL_H
#define RQBO_SECRET_SEAL_H

#include "secret/keyring.h"

#define RQBO_DIGEST_BYTES 32		/* of SHA-256 */

typedef enum RqboSealPurpose
{
	RQBO_SEAL_CLIENT_SECRET,
	RQBO_SEAL_REFRESH_TOKEN,
	RQBO_SEAL_ACCESS_TOKEN,
	RQBO_SEAL_REALM_ID,
	RQBO_SEAL_VERIFIER
} RqboSealPurpose;

/*
 * What a secret belongs to.  What is sealed for one cannot be unsealed as
 * another's: not in another row, nor in another database, nor among the tokens
 * that have followed it.
 */
typedef struct RqboSealOwner
{
	RqboSealPurpose purpose;
	const char *installation;	/* NULL if there is none: RQ010 */
	int64		id1;			/* model_id, or environment_id for a client secret or verifier token */
	int64		id2;			/* connection_id, or 0 */
	int64		generation;		/* of tokens, else 0 */
} RqboSealOwner;

/* How a stored value stands to a key ring. */
typedef enum RqboSealState
{
	RQBO_SEAL_NEWEST,			/* sealed with the ring's newest key */
	RQBO_SEAL_OLDER,			/* with another one of it; can be unsealed */
	RQBO_SEAL_KEY_LACKING,		/* with a key that the ring does not have */
	RQBO_SEAL_DAMAGED			/* not what was sealed for this row */
} RqboSealState;

/* *key_id is the key it was sealed with, NULL if that cannot be told. */
extern RqboSealState rqbo_secret_examine(const RqboKeyring *ring, RqboSealOwner owner, const bytea *sealed,
										 char **key_id);

/* What every value begins with that was sealed with this key, and no other value does. */
extern bytea *rqbo_secret_head(const RqboKey *key);

extern bytea *rqbo_secret_seal(const RqboKeyring *ring, RqboSealOwner owner, const char *secret);

/*
 * In CurrentMemoryContext; wipe it with rqbo_clear_wipe.  RQ010 if it cannot
 * be done.  The ring is read again for a key it does not know: somebody may
 * have added that key, and sealed with it, since the ring was loaded.
 */
extern char *rqbo_secret_unseal(RqboKeyring *ring, RqboSealOwner owner, const bytea *sealed);

/* Would it unseal: is its key in the ring, and is it whole and this owner's? */
extern bool rqbo_secret_opens(RqboKeyring *ring, RqboSealOwner owner, const bytea *sealed);

/* A digest of a realm id within its environment by one key of the ring, to find equal ones by. */
extern bytea *rqbo_secret_realm_digest(const RqboKey *key, int64 environment_id, const char *realm_id);

/* The same by each key of the ring, as an array of bytea. */
extern Datum rqbo_secret_realm_digests(const RqboKeyring *ring, int64 environment_id, const char *realm_id);

/* A random word of 256 bits, and the SHA-256 that stands for it in the table. */
extern char *rqbo_secret_make_state(void);
extern bytea *rqbo_secret_digest_state(const char *state);

/*
 * What stands in the table for the browser's session that a sign-in was begun
 * in: the state is its key, so that this needs no key ring.
 */
extern bytea *rqbo_secret_digest_session(const char *state, const char *session);

/* Is it this digest?  In a time that does not depend on where they differ. */
extern bool rqbo_secret_is_digest(const bytea *stored, const uint8 *digest);

/* Is this the HMAC-SHA-256 of the data with the secret as its key?  In a time that does not depend on where it differs. */
extern bool rqbo_secret_has_signed(const char *secret, const void *data, size_t length, const uint8 *mac);

/* Equal, in a time that does not depend on where they differ. */
extern bool rqbo_secret_equal(const char *a, const char *b);

#endif							/* RQBO_SECRET_SEAL_H */
