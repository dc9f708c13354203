/*-------------------------------------------------------------------------
 *
 * grant/disconnect.h
 *	  Ending a connection, with or without what was imported.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_GRANT_DISCONNECT_H
#define RQBO_GRANT_DISCONNECT_H

#include "job/result.h"
#include "net/engine.h"

extern void rqbo_disconnect_add(RqboEngine *engine, RqboJob *job);

#endif							/* RQBO_GRANT_DISCONNECT_H */
