/*-------------------------------------------------------------------------
 *
 * secret/clear.h
 *	  Secrets in the clear, wiped however they end.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_SECRET_CLEAR_H
#define RQBO_SECRET_CLEAR_H

/*
 * Zeros, to be written over by the caller alone; their size is not to change.
 * Wiped by rqbo_clear_wipe, or with the context at the latest.
 */
extern char *rqbo_clear_alloc(MemoryContext context, size_t size);

extern char *rqbo_clear_copy(MemoryContext context, const char *text);

/* In CurrentMemoryContext, as psprintf. */
extern char *rqbo_clear_format(const char *format,...) __attribute__((format(printf, 1, 2)));

/* What the above have returned, or NULL; nothing else. */
extern void rqbo_clear_wipe(char *clear);

#endif							/* RQBO_SECRET_CLEAR_H */
