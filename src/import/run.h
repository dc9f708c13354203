/*-------------------------------------------------------------------------
 *
 * import/run.h
 *	  Imports as tasks of the engine.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_IMPORT_RUN_H
#define RQBO_IMPORT_RUN_H

#include "job/result.h"
#include "net/engine.h"
#include "store/upkeep.h"

/* Add a task for each connection that a job means, or for one that is due. */
extern void rqbo_import_add(RqboEngine *engine, RqboJob *job);
extern void rqbo_import_add_due(RqboEngine *engine, RqboJob *job, const RqboDue *due);

/* Raise 42704: a job means none. */
extern void rqbo_import_raise_no_connection(void);

#endif							/* RQBO_IMPORT_RUN_H */
