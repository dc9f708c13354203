/*-------------------------------------------------------------------------
 *
 * secret/cipher.h
 *	  AES-256-CBC by pgcrypto.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_SECRET_CIPHER_H
#define RQBO_SECRET_CIPHER_H

#include "utils/builtins.h"

/* A bytea of so many bytes, which is laid out as a text is. */
#define rqbo_bytea_of(data, length) ((bytea *) cstring_to_text_with_len((const char *) (data), (int) (length)))

#define RQBO_CIPHER_KEY_BYTES 32
#define RQBO_CIPHER_IV_BYTES 16

/*
 * Either way, *length is that of the result, which is one of secret/clear.h
 * and has a zero behind its end.  The key is wiped, whatever happens.
 */
extern char *rqbo_cipher_encrypt(uint8 *key, const uint8 *iv, const char *clear, size_t clear_length,
								 size_t *length);
extern char *rqbo_cipher_decrypt(uint8 *key, const uint8 *iv, const char *cipher, size_t cipher_length,
								 size_t *length);

#endif							/* RQBO_SECRET_CIPHER_H */
