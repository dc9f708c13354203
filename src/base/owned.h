/*-------------------------------------------------------------------------
 *
 * base/owned.h
 *	  Objects of foreign libraries, owned by a memory context.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_BASE_OWNED_H
#define RQBO_BASE_OWNED_H

typedef void (*RqboRelease) (void *object);
typedef struct RqboOwned RqboOwned;

extern RqboOwned *rqbo_owned_reserve(MemoryContext context, RqboRelease release);
extern void rqbo_owned_set(RqboOwned *owned, void *object);
extern void rqbo_owned_release(RqboOwned *owned);

#endif							/* RQBO_BASE_OWNED_H */
