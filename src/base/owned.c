/*-------------------------------------------------------------------------
 *
 * base/owned.c
 *	  Objects of foreign libraries, owned by a memory context.
 *
 * What libcurl allocates comes from malloc, and an ERROR jumps
 * over the code that would have freed it.  So the place of the object is
 * reserved first, with a callback on the context that is to own it, and only
 * then the object is made: whichever way the context ends, so does the
 * object.  The same pattern as libpq-be-fe.h in PostgreSQL.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"
#include "utils/palloc.h"

#include "base/owned.h"

struct RqboOwned
{
	MemoryContextCallback callback;
	RqboRelease release;
	void	   *object;
};

static void
release_object(void *arg)
{
	rqbo_owned_release((RqboOwned *) arg);
}

/*
 * Reserve a place in a context for an object that is about to be made.
 */
RqboOwned *
rqbo_owned_reserve(MemoryContext context, RqboRelease release)
{
	RqboOwned  *owned = MemoryContextAllocZero(context, sizeof(RqboOwned));

	owned->release = release;
	owned->callback.func = release_object;
	owned->callback.arg = owned;
	MemoryContextRegisterResetCallback(context, &owned->callback);
	return owned;
}

/*
 * Hand the object over.  NULL is allowed and releases nothing later.
 */
void
rqbo_owned_set(RqboOwned *owned, void *object)
{
	owned->object = object;
}

/*
 * Release the object now.  The reserved place stays with its context, empty.
 */
void
rqbo_owned_release(RqboOwned *owned)
{
	void	   *object = owned->object;

	owned->object = NULL;
	if (object != NULL)
		owned->release(object);
}
