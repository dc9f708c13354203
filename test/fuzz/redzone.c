/*
 * redzone.c
 *	  PostgreSQL's memory contexts, with a red zone behind each piece that the library asks for.  What the server
 *	  itself asks for has none: it is not built with a sanitizer.
 *
 * The server gives memory back a context at a time, and uses it again.  So before a context goes every red zone goes,
 * which makes those of pieces that are in use still less strict, but never wrong.
 */
#undef palloc
#undef palloc0
#undef repalloc
#undef pfree
#undef pstrdup
#undef pnstrdup
#undef MemoryContextAlloc
#undef MemoryContextAllocZero
#undef MemoryContextStrdup
#undef MemoryContextDelete
#undef MemoryContextReset

#include "postgres.h"

#include <sanitizer/asan_interface.h>

#include "utils/memutils.h"

#include "redzone_itself.h"

#define ZONE 32
#define MOST_ZONES (1 << 18)

static char *zones[MOST_ZONES];
static int	nzones;

void
redzone_forget(void)
{
	for (int i = 0; i < nzones; i++)
		__asan_unpoison_memory_region(zones[i], ZONE);
	nzones = 0;
}

static void
remember(char *zone)
{
	if (nzones == MOST_ZONES)
		redzone_forget();
	zones[nzones++] = zone;
	__asan_poison_memory_region(zone, ZONE);
}

static void *
mark(char *piece, Size size)
{
	__asan_unpoison_memory_region(piece, size + ZONE);
	remember(piece + size);
	return piece;
}

static void
unmark(void *piece)
{
	char	   *zone = __asan_region_is_poisoned(piece, GetMemoryChunkSpace(piece));

	if (zone != NULL)
		__asan_unpoison_memory_region(zone, ZONE);
}

void *
redzone_alloc(MemoryContext context, Size size)
{
	return mark(MemoryContextAlloc(context, size + ZONE), size);
}

void *
redzone_alloc_zero(MemoryContext context, Size size)
{
	return memset(redzone_alloc(context, size), 0, size);
}

void *
redzone_palloc(Size size)
{
	return redzone_alloc(CurrentMemoryContext, size);
}

void *
redzone_palloc0(Size size)
{
	return redzone_alloc_zero(CurrentMemoryContext, size);
}

void *
redzone_repalloc(void *piece, Size size)
{
	unmark(piece);
	return mark(repalloc(piece, size + ZONE), size);
}

void
redzone_pfree(void *piece)
{
	unmark(piece);
	pfree(piece);
}

char *
redzone_pnstrdup(const char *text, Size length)
{
	size_t		len = strnlen(text, length);
	char	   *copy = redzone_palloc(len + 1);

	memcpy(copy, text, len);
	copy[len] = '\0';
	return copy;
}

char *
redzone_strdup(MemoryContext context, const char *text)
{
	size_t		length = strlen(text) + 1;

	return memcpy(redzone_alloc(context, length), text, length);
}

char *
redzone_pstrdup(const char *text)
{
	return redzone_strdup(CurrentMemoryContext, text);
}

void
redzone_delete(MemoryContext context)
{
	redzone_forget();
	MemoryContextDelete(context);
}

void
redzone_reset(MemoryContext context)
{
	redzone_forget();
	MemoryContextReset(context);
}
