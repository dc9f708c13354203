/*
 * reader_headers.c
 *	  Retry-After, and in the line below it Date.
 */
#include "net/transfer.c"

#include "readers.h"

void
fuzz_headers(const char *text, size_t length)
{
	const char *end = strchr(text, '\n');
	char	   *retry_after = pnstrdup(text, end != NULL ? (size_t) (end - text) : length);
	int64		date = end != NULL ? (int64) curl_getdate(end + 1, NULL) : -1;
	int			pause = read_retry_after(retry_after, date);

	if (pause < -1 || pause > RQBO_LONGEST_PAUSE_MS)
		elog(ERROR, "a pause of %d ms", pause);
}
