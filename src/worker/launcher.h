/*-------------------------------------------------------------------------
 *
 * worker/launcher.h
 *	  The process that starts a worker for each database that has work.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_WORKER_LAUNCHER_H
#define RQBO_WORKER_LAUNCHER_H

/* From _PG_init of a preloaded library. */
extern void rqbo_launcher_register(void);

#endif							/* RQBO_WORKER_LAUNCHER_H */
