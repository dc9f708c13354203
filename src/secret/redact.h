/*-------------------------------------------------------------------------
 *
 * secret/redact.h
 *	  Texts of others, without what could be a secret.
 *
 * Whoever quotes only the beginning of a text cuts it after this, not before:
 * the half of a secret does not look like one.  Pure: no database, no network.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_SECRET_REDACT_H
#define RQBO_SECRET_REDACT_H

/* A copy for a message, in one line: what could be a secret is "(redacted)", and the rest clipped to what fits. */
extern char *rqbo_secret_redact(const char *text);

/*
 * The same with another mark, and not in one line yet, for those who see to
 * that and to the clipping: it ends where it has become longer than most bytes,
 * after a whole character, or with the text.
 */
extern char *rqbo_secret_blank(const char *text, const char *mark, int most);

/* How many characters at the beginning of a text belong together, and are blanked or left together. */
extern size_t rqbo_secret_run(const char *text);

#endif							/* RQBO_SECRET_REDACT_H */
