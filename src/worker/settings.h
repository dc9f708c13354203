/*-------------------------------------------------------------------------
 *
 * worker/settings.h
 *	  The settings of PostgreSQL's that a worker must have, whatever the
 *	  database says.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_WORKER_SETTINGS_H
#define RQBO_WORKER_SETTINGS_H

/* Once connected to a database. */
extern void rqbo_worker_take_settings(void);

#endif							/* RQBO_WORKER_SETTINGS_H */
