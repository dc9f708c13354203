/*-------------------------------------------------------------------------
 *
 * worker/desk.h
 *	  Where sessions hand their calls to the background worker of a database.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_WORKER_DESK_H
#define RQBO_WORKER_DESK_H

#include "storage/dsm.h"

#define RQBO_DESK_NO_PLACE (-1)

/* From the hooks of worker/shmem.c. */
extern void rqbo_desk_request(void);
extern void rqbo_desk_startup(void);

/* ---- by sessions ---- */

/* Put a call there; RQBO_DESK_NO_PLACE if there is none.  is_import: it may have to wait until another worker is there. */
extern int	rqbo_desk_put(const char *database, dsm_handle segment, bool is_import);

/* Take it back; false if it was taken over. */
extern bool rqbo_desk_withdraw(int place, dsm_handle segment);

/* Leave word that a request is not wanted any more; whoever does it next hears of it. */
extern void rqbo_desk_put_cancel(const char *database, int64 model_id, int64 request_id);

/* Is it there still? */
extern bool rqbo_desk_holds(int place, dsm_handle segment);

/* ---- by the background worker ---- */

/* What is taken: a call, or the cancel of a request. */
typedef struct RqboDeskTaken
{
	dsm_handle	segment;		/* DSM_HANDLE_INVALID for a cancel */
	int64		model_id;		/* of one, and so is the next */
	int64		request_id;
} RqboDeskTaken;

/* The next of the database, imports only if they are asked for; false if there is none. */
extern bool rqbo_desk_take(const char *database, bool with_imports, RqboDeskTaken *taken);

#endif							/* RQBO_WORKER_DESK_H */
