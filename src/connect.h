/*-------------------------------------------------------------------------
 *
 * connect.h
 *	  Ending a sign-in, and ending a connection.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_CONNECT_H
#define RQBO_CONNECT_H

#include "engine.h"
#include "job.h"

extern void rqbo_connect_add_completion(RqboEngine *engine, RqboJob *job);
extern void rqbo_connect_add_disconnection(RqboEngine *engine, RqboJob *job);

#endif							/* RQBO_CONNECT_H */
