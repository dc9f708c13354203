/*-------------------------------------------------------------------------
 *
 * secret/keyring.h
 *	  The keys that tokens and secrets are sealed with.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_SECRET_KEYRING_H
#define RQBO_SECRET_KEYRING_H

#define RQBO_KEY_BYTES 32
#define RQBO_KEY_ID_MAX 32

typedef struct RqboKey
{
	char		id[RQBO_KEY_ID_MAX + 1];
	uint8		bytes[RQBO_KEY_BYTES];
} RqboKey;

typedef struct RqboKeyring
{
	int			nkeys;
	RqboKey    *keys;			/* the last one seals, all unseal */
} RqboKeyring;

/* In CurrentMemoryContext, wiped when that goes.  RQ010 if there is none to be had. */
extern RqboKeyring *rqbo_keyring_load(void);

/* Does a command print it, which may take its time? */
extern bool rqbo_keyring_is_by_command(void);

/* Read it again, into the same ring. */
extern void rqbo_keyring_renew(RqboKeyring *ring);

/* 1 to 32 letters, digits, dots, hyphens or underscores. */
extern bool rqbo_keyring_is_id(const char *id, int length);

/* NULL if the ring has no key of that id. */
extern const RqboKey *rqbo_keyring_find(const RqboKeyring *ring, const char *id, int length);
extern const RqboKey *rqbo_keyring_newest(const RqboKeyring *ring);

#endif							/* RQBO_SECRET_KEYRING_H */
