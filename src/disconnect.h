/*-------------------------------------------------------------------------
 *
 * disconnect.h
 *	  Ending a connection, with or without what was imported.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_DISCONNECT_H
#define RQBO_DISCONNECT_H

#include "engine.h"
#include "job.h"

extern void rqbo_disconnect_add(RqboEngine *engine, RqboJob *job);

#endif							/* RQBO_DISCONNECT_H */
