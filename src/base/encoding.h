/*-------------------------------------------------------------------------
 *
 * base/encoding.h
 *	  Text from outside, which is UTF-8, in a database that may not be.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_BASE_ENCODING_H
#define RQBO_BASE_ENCODING_H

/*
 * Converting needs a transaction, unless the database is UTF-8 as well: the
 * reading of an answer stands between these two.  They leave the memory
 * context as it is.
 */
extern void rqbo_encoding_begin(void);
extern void rqbo_encoding_end(void);

/* In the database encoding, in CurrentMemoryContext; NULL stays NULL. */
extern char *rqbo_encoding_import(const char *utf8);

/*
 * How much of the beginning of a text from outside can be taken for UTF-8 and
 * is no longer than most bytes: whole characters only.  The text ends with a
 * zero, and may end inside a character.
 */
extern size_t rqbo_encoding_prefix(const char *text, size_t most);

/*
 * A text for a message, in the encoding of the database: what the client's
 * encoding cannot hold is replaced, lest the message become an error.
 */
extern char *rqbo_encoding_for_client(const char *text);

#endif							/* RQBO_BASE_ENCODING_H */
