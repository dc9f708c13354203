/*-------------------------------------------------------------------------
 *
 * base/show.h
 *	  Texts of others, to be shown to people.
 *
 * What QuickBooks calls companies, accounts and classes, and what Intuit says,
 * may hold anything.  Where it goes into an error, a notice or the server's
 * log it goes through one of these: it can forge no line there, command no
 * terminal and turn no text around.  Tables have it as it came.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_BASE_SHOW_H
#define RQBO_BASE_SHOW_H

/*
 * A copy in one line of a text in the database encoding: each control
 * character, line separator and bidirectional control is a space.  NULL stays
 * NULL.
 */
extern char *rqbo_show_line(const char *text);

/*
 * The same of at most so many bytes of a text as it came from outside, up to
 * where it is UTF-8.  What the database encoding may not have is "?": the
 * conversion must not fail and so replace one error by another.
 */
extern char *rqbo_show_foreign(const char *text, size_t most);

/* Put as much of a text into a place of that size as there is room for, whole characters only. */
extern void rqbo_show_put(char *place, size_t size, const char *text);

/* A text that may come from a database with another encoding: what is no text here has a question mark for each byte. */
extern char *rqbo_show_any(const char *text);

#endif							/* RQBO_BASE_SHOW_H */
