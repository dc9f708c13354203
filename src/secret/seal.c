/*-------------------------------------------------------------------------
 *
 * secret/seal.c
 *	  Sealing what must not lie in the clear.
 *
 * A sealed value is: version (1 byte), length of the key id (1), key id,
 * IV (16), AES-256-CBC ciphertext by pgcrypto, HMAC-SHA-256 (32) over the
 * owner and all that stands before it (encrypt, then authenticate).  The two
 * keys are derived from the ring's key.  The owner is not stored: it comes
 * from the row the value is read from and from the installation that row is
 * in, so that a value copied to another row or database, or put back after the
 * tokens have changed, is refused, like one whose bits were changed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hmac.h"
#include "common/sha2.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "base/compat.h"
#include "base/errors.h"
#include "secret/cipher.h"
#include "secret/clear.h"
#include "secret/redact.h"
#include "secret/seal.h"

#define SEAL_VERSION 1
#define IV_BYTES RQBO_CIPHER_IV_BYTES
#define MAC_BYTES RQBO_DIGEST_BYTES

/* ---- digests ---- */

typedef struct Piece
{
	const void *data;
	size_t		length;
} Piece;

/*
 * HMAC-SHA-256 over some pieces.
 */
static void
hmac_sha256(Piece key, const Piece *pieces, int npieces, uint8 *result)
{
	pg_hmac_ctx *ctx = pg_hmac_create(PG_SHA256);
	bool		done = ctx != NULL && pg_hmac_init(ctx, key.data, key.length) >= 0;

	for (int i = 0; done && i < npieces; i++)
		done = pg_hmac_update(ctx, pieces[i].data, pieces[i].length) >= 0;
	done = done && pg_hmac_final(ctx, result, MAC_BYTES) >= 0;
	pg_hmac_free(ctx);
	if (!done)
		ereport(ERROR,
				(errcode(ERRCODE_RQBO_KEY_UNAVAILABLE),
				 errmsg("could not compute a digest")));
}

static void
derive_key(const RqboKey *key, const char *use, uint8 *derived)
{
	Piece		piece = {use, strlen(use)};

	hmac_sha256((Piece) {key->bytes, RQBO_KEY_BYTES}, &piece, 1, derived);
}

static bool
equal_bytes(const uint8 *a, const uint8 *b, size_t length)
{
	uint8		difference = 0;

	for (size_t i = 0; i < length; i++)
		difference |= a[i] ^ b[i];
	return difference == 0;
}

/* ---- seal and unseal ---- */

static void
authenticate(const RqboKey *key, RqboSealOwner owner, const void *sealed, size_t length, uint8 *mac)
{
	uint8		derived[RQBO_KEY_BYTES];
	char		owner_text[160];
	Piece		pieces[2];

	snprintf(owner_text, sizeof(owner_text), "%d/%s/" INT64_FORMAT "/" INT64_FORMAT "/" INT64_FORMAT "/",
			 (int) owner.purpose, owner.installation, owner.id1, owner.id2, owner.generation);
	pieces[0] = (Piece) {owner_text, strlen(owner_text)};
	pieces[1] = (Piece) {sealed, length};
	derive_key(key, "reefqbo authentication", derived);
	hmac_sha256((Piece) {derived, sizeof(derived)}, pieces, 2, mac);
	explicit_bzero(derived, sizeof(derived));
}

/*
 * Version, length of the id, id.
 */
static void
append_head(StringInfo sealed, const RqboKey *key)
{
	appendStringInfoChar(sealed, SEAL_VERSION);
	appendStringInfoChar(sealed, (char) strlen(key->id));
	appendStringInfoString(sealed, key->id);
}

bytea *
rqbo_secret_head(const RqboKey *key)
{
	StringInfoData head;

	initStringInfo(&head);
	append_head(&head, key);
	return rqbo_bytea_of(head.data, head.len);
}

static const char *
purpose_name(RqboSealPurpose purpose)
{
	switch (purpose)
	{
		case RQBO_SEAL_CLIENT_SECRET:
			return "client secret";
		case RQBO_SEAL_REFRESH_TOKEN:
			return "refresh token";
		case RQBO_SEAL_ACCESS_TOKEN:
			return "access token";
		case RQBO_SEAL_REALM_ID:
			return "realm id";
		case RQBO_SEAL_VERIFIER:
			return "verifier token";
	}
	return "secret";
}

static void
cannot_unseal(RqboSealOwner owner, const char *detail, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_RQBO_KEY_UNAVAILABLE),
			 errmsg("could not unseal a %s", purpose_name(owner.purpose)),
			 errdetail("%s", detail),
			 errhint("%s", hint)));
}

/*
 * The row of the installation is made by the first register_app and comes along
 * with a dump.
 */
static void
check_installation(RqboSealOwner owner)
{
	if (owner.installation == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_RQBO_KEY_UNAVAILABLE),
				 errmsg("could not seal or unseal a %s", purpose_name(owner.purpose)),
				 errdetail("The row of reefqbo.installation, which everything sealed is bound to, is not there."),
				 errhint("Restore it from a backup. If there is none, call reefqbo.register_app for each environment and reefqbo.reconnect for each connection.")));
}

static bytea *
encrypt(const RqboKey *key, const char *secret, const uint8 *iv)
{
	uint8		derived[RQBO_KEY_BYTES];
	size_t		length;
	char	   *cipher;

	derive_key(key, "reefqbo cipher", derived);
	cipher = rqbo_cipher_encrypt(derived, iv, secret, strlen(secret), &length);
	return rqbo_bytea_of(cipher, length);
}

bytea *
rqbo_secret_seal(const RqboKeyring *ring, RqboSealOwner owner, const char *secret)
{
	const RqboKey *key = rqbo_keyring_newest(ring);
	uint8		iv[IV_BYTES];
	uint8		mac[MAC_BYTES];
	bytea	   *cipher;
	StringInfoData sealed;

	check_installation(owner);
	if (!pg_strong_random(iv, sizeof(iv)))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not generate random values")));
	cipher = encrypt(key, secret, iv);

	initStringInfo(&sealed);
	append_head(&sealed, key);
	appendBinaryStringInfo(&sealed, (char *) iv, sizeof(iv));
	appendBinaryStringInfo(&sealed, VARDATA(cipher), VARSIZE(cipher) - VARHDRSZ);
	authenticate(key, owner, sealed.data, sealed.len, mac);
	appendBinaryStringInfo(&sealed, (char *) mac, sizeof(mac));
	return rqbo_bytea_of(sealed.data, sealed.len);
}

/*
 * Is it whole, as far as can be seen without a key?  NULL if so, else what is
 * wrong.  *head_length is set to what stands before the IV.
 */
static const char *
shape_problem(const char *data, int length, int *head_length)
{
	int			id_length;

	if (length < 2 || data[0] != SEAL_VERSION)
		return "The stored value is not one that this version of reefqbo has sealed.";
	id_length = (unsigned char) data[1];
	*head_length = 2 + id_length;
	if (id_length > RQBO_KEY_ID_MAX || length < *head_length + IV_BYTES + IV_BYTES + MAC_BYTES)
		return "The stored value is cut short.";
	return NULL;
}

/*
 * The key of a value that is whole.
 */
static const RqboKey *
sealing_key(const RqboKeyring *ring, const char *data)
{
	return rqbo_keyring_find(ring, data + 2, (unsigned char) data[1]);
}

static const RqboKey *
sealing_key_needed(RqboKeyring *ring, RqboSealOwner owner, const char *data)
{
	if (sealing_key(ring, data) == NULL)
		rqbo_keyring_renew(ring);
	if (sealing_key(ring, data) == NULL)
	{
		char	   *id = pnstrdup(data + 2, (unsigned char) data[1]);

		cannot_unseal(owner, psprintf("It was sealed with key \"%s\", which the key ring does not have.",
									  rqbo_secret_redact(id)),
					  "Put that key's line back into the ring, above the newest one.");
	}
	return sealing_key(ring, data);
}

static bool
is_authentic(const RqboKey *key, RqboSealOwner owner, const char *data, int length)
{
	uint8		mac[MAC_BYTES];

	authenticate(key, owner, data, length - MAC_BYTES, mac);
	return equal_bytes(mac, (const uint8 *) data + length - MAC_BYTES, MAC_BYTES);
}

RqboSealState
rqbo_secret_examine(const RqboKeyring *ring, RqboSealOwner owner, const bytea *sealed, char **key_id)
{
	const char *data = VARDATA_ANY(sealed);
	int			length = VARSIZE_ANY_EXHDR(sealed);
	int			head_length;
	const RqboKey *key;

	*key_id = NULL;
	if (shape_problem(data, length, &head_length) != NULL || !rqbo_keyring_is_id(data + 2, head_length - 2))
		return RQBO_SEAL_DAMAGED;
	*key_id = pnstrdup(data + 2, head_length - 2);
	check_installation(owner);
	key = sealing_key(ring, data);
	if (key == NULL)
		return RQBO_SEAL_KEY_LACKING;
	if (key == rqbo_keyring_newest(ring))
		return RQBO_SEAL_NEWEST;
	return is_authentic(key, owner, data, length) ? RQBO_SEAL_OLDER : RQBO_SEAL_DAMAGED;
}

bool
rqbo_secret_opens(RqboKeyring *ring, RqboSealOwner owner, const bytea *sealed)
{
	const char *data = VARDATA_ANY(sealed);
	int			length = VARSIZE_ANY_EXHDR(sealed);
	int			head_length;

	if (owner.installation == NULL || shape_problem(data, length, &head_length) != NULL)
		return false;
	if (sealing_key(ring, data) == NULL)
		rqbo_keyring_renew(ring);
	return sealing_key(ring, data) != NULL && is_authentic(sealing_key(ring, data), owner, data, length);
}

static char *
decrypt(const RqboKey *key, const char *cipher, size_t cipher_length, const uint8 *iv)
{
	uint8		derived[RQBO_KEY_BYTES];
	size_t		length;

	derive_key(key, "reefqbo cipher", derived);
	return rqbo_cipher_decrypt(derived, iv, cipher, cipher_length, &length);
}

char *
rqbo_secret_unseal(RqboKeyring *ring, RqboSealOwner owner, const bytea *sealed)
{
	const char *data = VARDATA_ANY(sealed);
	int			length = VARSIZE_ANY_EXHDR(sealed);
	int			head_length;
	const char *problem = shape_problem(data, length, &head_length);
	const char *cipher;
	const RqboKey *key;

	check_installation(owner);
	if (problem != NULL)
		cannot_unseal(owner, problem, "Restore the row from a backup, or connect again.");
	key = sealing_key_needed(ring, owner, data);
	if (!is_authentic(key, owner, data, length))
		cannot_unseal(owner,
					  psprintf("It was changed after sealing, belongs to another row, database or generation of tokens, or key \"%s\" is not the key of that name that it was sealed with.", key->id),
					  "Nothing was changed. Check the key ring first; restore the row from a backup, whole, or reconnect.");
	cipher = data + head_length + IV_BYTES;
	return decrypt(key, cipher, data + length - MAC_BYTES - cipher, (const uint8 *) data + head_length);
}

/* ---- realm ids and states ---- */

bytea *
rqbo_secret_realm_digest(const RqboKey *key, int64 environment_id, const char *realm_id)
{
	uint8		derived[RQBO_KEY_BYTES];
	uint8		digest[MAC_BYTES];
	char	   *text = rqbo_clear_format(INT64_FORMAT "/%s", environment_id, realm_id);
	Piece		piece = {text, strlen(text)};
	StringInfoData result;

	derive_key(key, "reefqbo realm digest", derived);
	hmac_sha256((Piece) {derived, sizeof(derived)}, &piece, 1, digest);
	explicit_bzero(derived, sizeof(derived));
	rqbo_clear_wipe(text);

	/* led by the key's id: digests by different keys cannot be compared */
	initStringInfo(&result);
	appendStringInfo(&result, "%s:", key->id);
	appendBinaryStringInfo(&result, (char *) digest, sizeof(digest));
	return rqbo_bytea_of(result.data, result.len);
}

Datum
rqbo_secret_realm_digests(const RqboKeyring *ring, int64 environment_id, const char *realm_id)
{
	Datum	   *digests = palloc(ring->nkeys * sizeof(Datum));

	for (int i = 0; i < ring->nkeys; i++)
		digests[i] = PointerGetDatum(rqbo_secret_realm_digest(&ring->keys[i], environment_id, realm_id));
	return PointerGetDatum(construct_array(digests, ring->nkeys, BYTEAOID, -1, false, TYPALIGN_INT));
}

char *
rqbo_secret_make_state(void)
{
	uint8		random[32];
	char	   *state = palloc(2 * sizeof(random) + 1);

	if (!pg_strong_random(random, sizeof(random)))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not generate random values")));
	state[hex_encode((char *) random, sizeof(random), state)] = '\0';
	return state;
}

bytea *
rqbo_secret_digest_state(const char *state)
{
	uint8		digest[PG_SHA256_DIGEST_LENGTH];
	pg_cryptohash_ctx *ctx = pg_cryptohash_create(PG_SHA256);
	bool		done = ctx != NULL &&
		pg_cryptohash_init(ctx) >= 0 &&
		pg_cryptohash_update(ctx, (const uint8 *) state, strlen(state)) >= 0 &&
		pg_cryptohash_final(ctx, digest, sizeof(digest)) >= 0;

	pg_cryptohash_free(ctx);
	if (!done)
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not compute a digest")));
	return rqbo_bytea_of(digest, sizeof(digest));
}

/*
 * The state is in no table, so that whoever has a copy of them cannot try
 * sessions out.
 */
bytea *
rqbo_secret_digest_session(const char *state, const char *session)
{
	static const char use[] = "reefqbo session/";
	Piece		pieces[] = {{use, strlen(use)}, {session, strlen(session)}};
	uint8		digest[RQBO_DIGEST_BYTES];

	hmac_sha256((Piece) {state, strlen(state)}, pieces, lengthof(pieces), digest);
	return rqbo_bytea_of(digest, sizeof(digest));
}

bool
rqbo_secret_is_digest(const bytea *stored, const uint8 *digest)
{
	return VARSIZE_ANY_EXHDR(stored) == RQBO_DIGEST_BYTES &&
		equal_bytes((const uint8 *) VARDATA_ANY(stored), digest, RQBO_DIGEST_BYTES);
}

bool
rqbo_secret_equal(const char *a, const char *b)
{
	size_t		length = strlen(a);

	return length == strlen(b) && equal_bytes((const uint8 *) a, (const uint8 *) b, length);
}

bool
rqbo_secret_has_signed(const char *secret, const void *data, size_t length, const uint8 *mac)
{
	uint8		computed[MAC_BYTES];
	Piece		piece = {data, length};

	hmac_sha256((Piece) {secret, strlen(secret)}, &piece, 1, computed);
	return equal_bytes(computed, mac, MAC_BYTES);
}
