/*-------------------------------------------------------------------------
 *
 * net/wiping.c
 *	  Memory for libcurl that is wiped when it is freed.
 *
 * It copies headers and bodies of requests, which carry secrets, into buffers
 * of its own.  Not palloc's memory: nothing here may throw.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <stddef.h>
#include <stdlib.h>

#include "net/wiping.h"

typedef union Head
{
	size_t		size;			/* of what follows */
	max_align_t align;
} Head;

void *
rqbo_wiping_malloc(size_t size)
{
	Head	   *head = size <= SIZE_MAX - sizeof(Head) ? malloc(sizeof(Head) + size) : NULL;

	if (head == NULL)
		return NULL;
	head->size = size;
	return head + 1;
}

void
rqbo_wiping_free(void *memory)
{
	Head	   *head;

	if (memory == NULL)
		return;
	head = (Head *) memory - 1;
	explicit_bzero(memory, head->size);
	free(head);
}

/*
 * Not by realloc, which would leave the old one as it is where it must move.
 */
void *
rqbo_wiping_realloc(void *memory, size_t size)
{
	void	   *other = rqbo_wiping_malloc(size);

	if (memory == NULL || other == NULL)
		return other;
	memcpy(other, memory, Min(size, ((Head *) memory - 1)->size));
	rqbo_wiping_free(memory);
	return other;
}

char *
rqbo_wiping_strdup(const char *text)
{
	size_t		size = strlen(text) + 1;
	char	   *copy = rqbo_wiping_malloc(size);

	return copy != NULL ? memcpy(copy, text, size) : NULL;
}

void *
rqbo_wiping_calloc(size_t count, size_t size)
{
	void	   *memory = size == 0 || count <= SIZE_MAX / size ? rqbo_wiping_malloc(count * size) : NULL;

	return memory != NULL ? memset(memory, 0, count * size) : NULL;
}
