/*-------------------------------------------------------------------------
 *
 * import/changes.h
 *	  What has changed at QuickBooks, as it says itself.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_IMPORT_CHANGES_H
#define RQBO_IMPORT_CHANGES_H

#include "import/state.h"

/* What the answer comes to. */
typedef struct RqboNews
{
	bool		is_usable;		/* QuickBooks could say what has changed */
	bool		has_any;
	bool		is_unbounded;	/* what was deleted or merged may have stood in any month */
	DateADT		since;			/* first of the months that the rest can touch; DATEVAL_NOEND if none */
} RqboNews;

/* Ask since what the tables hold; the step after finds the answer in news, and import->changes set if it is usable. */
extern void rqbo_import_changes_ask(RqboImport *import, const RqboRefreshState *state, RqboNews *news, RqboStep then);

/* What is asked about, by its name in whatever case; NULL if that is not asked about. */
extern const char *rqbo_import_changes_entity(const char *name);

/* The path of the question, below the realm. */
extern char *rqbo_import_changes_path(TimestampTz since);

#endif							/* RQBO_IMPORT_CHANGES_H */
