/*
 * reader_changes.c
 *	  What QuickBooks says has changed.
 */
#include "import/changes.c"

#include "readers.h"

void
fuzz_changes(const char *text, size_t length)
{
	char	   *seen[] = {NULL};
	RqboRefreshState state = {.changes_seen = seen};
	RqboNews	news = {.since = DATEVAL_NOEND};
	RqboChangesWork work = {.state = &state,.news = &news};
	RqboImport	import = {.asked_changes = &work};
	const char *reason;
	RqboJson   *body = rqbo_json_parse(text, length, &reason);

	if (body != NULL)
		(void) take_answer(&import, body);
}
