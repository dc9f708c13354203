/*-------------------------------------------------------------------------
 *
 * worker/maintenance.h
 *	  What the background worker does besides companies.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_WORKER_MAINTENANCE_H
#define RQBO_WORKER_MAINTENANCE_H

/* Imports that were cut off, grants that end, old lines of the log. */
extern bool rqbo_maintenance_run(void);

#endif							/* RQBO_WORKER_MAINTENANCE_H */
