/*-------------------------------------------------------------------------
 *
 * qbo/places.h
 *	  How many requests of one company are answered within a second, whoever
 *	  asks: the budget of a second, across processes.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_QBO_PLACES_H
#define RQBO_QBO_PLACES_H

#include "store/connection.h"

#define RQBO_PLACES 10

/* Those of one session. */
typedef struct RqboPlaces
{
	int64		free_at[RQBO_PLACES];	/* on rqbo_clock_ms; 0 for free, PG_INT64_MAX while a request is under way */
	int64		locked[RQBO_PLACES];	/* by which realm the shared ones are held */
} RqboPlaces;

#define RQBO_NO_PLACE (-1)

/*
 * A place for one request; RQBO_NO_PLACE if none is free, and *wait_ms says when
 * to ask again.  Outside of a transaction.  is_importer: the session holds the
 * realm's lock.
 */
extern int	rqbo_place_take(RqboPlaces *places, const RqboConnection *connection, bool is_importer, int *wait_ms);

/* Nothing was sent: it is free at once. */
extern void rqbo_place_return(RqboPlaces *places, int place);

/* Answered or given up at that moment, on rqbo_clock_ms: it is free a second later. */
extern void rqbo_place_leave(RqboPlaces *places, int place, int64 at_ms);

/* The session ends, and has kept in the connection's row when its last request was answered. */
extern void rqbo_place_return_all(RqboPlaces *places);

#endif							/* RQBO_QBO_PLACES_H */
