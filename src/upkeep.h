/*-------------------------------------------------------------------------
 *
 * upkeep.h
 *	  The background worker of one database.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_UPKEEP_H
#define RQBO_UPKEEP_H

/* Settings a worker must not take from the database or from chance; worker.c's. */
extern void rqbo_worker_settle(void);

/* The rows of reefqbo.log that are old, and grants that end. */
extern void rqbo_chores_do(void);

#endif							/* RQBO_UPKEEP_H */
