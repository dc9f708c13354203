/*-------------------------------------------------------------------------
 *
 * secret/clear.c
 *	  Secrets in the clear, wiped however they end.
 *	  What foreign libraries copy of them is not in reach here.
 *
 * An ERROR jumps over the code that would have wiped, so that each is wiped by
 * a callback of its memory context as well.  None of them grows: repalloc would
 * leave the shorter one behind.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "base/owned.h"
#include "secret/clear.h"

typedef struct ClearText
{
	RqboOwned  *owned;
	size_t		size;
	char		text[FLEXIBLE_ARRAY_MEMBER];
} ClearText;

static void
wipe_text(void *object)
{
	ClearText  *clear = object;

	explicit_bzero(clear->text, clear->size);
}

char *
rqbo_clear_alloc(MemoryContext context, size_t size)
{
	RqboOwned  *owned = rqbo_owned_reserve(context, wipe_text);
	ClearText  *clear = MemoryContextAllocZero(context, offsetof(ClearText, text) + size);

	clear->owned = owned;
	clear->size = size;
	rqbo_owned_set(owned, clear);
	return clear->text;
}

char *
rqbo_clear_copy(MemoryContext context, const char *text)
{
	size_t		size = strlen(text) + 1;

	return memcpy(rqbo_clear_alloc(context, size), text, size);
}

char *
rqbo_clear_format(const char *format,...)
{
	va_list		args;
	int			length;
	char	   *clear;

	va_start(args, format);
	length = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (length < 0)
		elog(ERROR, "could not format a text");
	clear = rqbo_clear_alloc(CurrentMemoryContext, length + 1);
	va_start(args, format);
	(void) vsnprintf(clear, length + 1, format, args);
	va_end(args);
	return clear;
}

void
rqbo_clear_wipe(char *clear)
{
	ClearText  *whole;

	if (clear == NULL)
		return;
	whole = (ClearText *) (clear - offsetof(ClearText, text));
	rqbo_owned_release(whole->owned);
	pfree(whole);
}
