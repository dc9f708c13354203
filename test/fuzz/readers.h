/*
 * readers.h
 *	  Each reader of what comes from outside, as a function of bytes.  What it may raise is an error of ours.
 */
#ifndef RQBO_FUZZ_READERS_H
#define RQBO_FUZZ_READERS_H

/* text is terminated, which its length does not count */
typedef void (*FuzzReader) (const char *text, size_t length);

extern void fuzz_report(const char *text, size_t length);
extern void fuzz_ledger(const char *text, size_t length);
extern void fuzz_token(const char *text, size_t length);
extern void fuzz_fault(const char *text, size_t length);
extern void fuzz_changes(const char *text, size_t length);
extern void fuzz_values(const char *text, size_t length);
extern void fuzz_headers(const char *text, size_t length);
extern void fuzz_redirect(const char *text, size_t length);
extern void fuzz_webhook(const char *text, size_t length);

#endif							/* RQBO_FUZZ_READERS_H */
