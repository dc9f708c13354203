/*-------------------------------------------------------------------------
 *
 * worker/wake.h
 *	  Sessions and the background worker: a wake-up at commit, and leaving a
 *	  database to who needs it without sessions.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_WORKER_WAKE_H
#define RQBO_WORKER_WAKE_H

/* From _PG_init of a preloaded library. */
extern void rqbo_wake_define(void);

/* When the present transaction commits, something may be due in this database. */
extern void rqbo_wake_at_commit(void);

#endif							/* RQBO_WORKER_WAKE_H */
