/*-------------------------------------------------------------------------
 *
 * worker/upkeep.h
 *	  The background worker of one database: what its rooms call of each other.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_WORKER_UPKEEP_H
#define RQBO_WORKER_UPKEEP_H

/* Imports that were cut off, grants that end, old lines of the log. */
extern void rqbo_chores_do(void);

#endif							/* RQBO_WORKER_UPKEEP_H */
