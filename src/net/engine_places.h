/*-------------------------------------------------------------------------
 *
 * net/engine_places.h
 *	  How many requests an engine may have under way.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_NET_ENGINE_PLACES_H
#define RQBO_NET_ENGINE_PLACES_H

#include "net/engine_state.h"

/* How many more tasks may begin, or requests be sent ahead. */
extern int	rqbo_places_free(RqboEngine *engine, bool is_urgent);

/* When one of the requests of a task stops to take a place; never, if none does. */
extern int64 rqbo_places_next(EngineTask *task);

#endif							/* RQBO_NET_ENGINE_PLACES_H */
