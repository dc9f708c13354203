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

/* Is it there still? */
extern bool rqbo_desk_holds(int place, dsm_handle segment);

/* ---- by the background worker ---- */

/* The next call of the database, imports only if they are asked for; false if there is none. */
extern bool rqbo_desk_take(const char *database, bool with_imports, dsm_handle *segment);

#endif							/* RQBO_WORKER_DESK_H */
