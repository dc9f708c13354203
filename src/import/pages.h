/*-------------------------------------------------------------------------
 *
 * import/pages.h
 *	  The whole of a list that QuickBooks gives in pages, inactive rows too.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_IMPORT_PAGES_H
#define RQBO_IMPORT_PAGES_H

#include "import/state.h"
#include "net/json.h"

#define RQBO_PAGE_ROWS 1000
#define RQBO_PAGE_SWEEPS 3
#define RQBO_PAGE_MAX_ID 64

/* What is read, and how one row of it is. */
typedef struct RqboPagesOf
{
	const char *entity;
	const char *what;			/* "the chart of accounts", for messages */
	bool		asks_when_empty;	/* for a page though the count is 0: what that costs is known beforehand */

	/* The row, in CurrentMemoryContext, and its id; raises RQ008 for what is none. */
	void	   *(*read_row) (RqboSession *session, const RqboJson *node, const char **id);

	/* Raise RQ008: count and rows differed in each sweep. */
	void		(*raise_not_whole) (const RqboImport *import, int expected, int returned);
} RqboPagesOf;

/* That it will be read: what it asks first may be sent before. */
extern void rqbo_import_pages_plan(RqboImport *import, const RqboPagesOf *of);

/* Read the list, which lives until it is freed or the task ends.  of must outlive it. */
extern void rqbo_import_pages_begin(RqboImport *import, const RqboPagesOf *of, RqboStep then);

/* What was read, in the order of the ids, and whether an id is among it. */
extern List *rqbo_import_pages_rows(const RqboImport *import);
extern bool rqbo_import_pages_have(const RqboImport *import, const char *id);

extern void rqbo_import_pages_free(RqboImport *import);

#endif							/* RQBO_IMPORT_PAGES_H */
