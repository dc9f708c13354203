/*-------------------------------------------------------------------------
 *
 * grant/reseal.h
 *	  Sealing everything again with the newest key.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_GRANT_RESEAL_H
#define RQBO_GRANT_RESEAL_H

#include "job/result.h"
#include "net/engine.h"

extern void rqbo_reseal_add(RqboEngine *engine, RqboJob *job);

#endif							/* RQBO_GRANT_RESEAL_H */
