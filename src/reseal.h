/*-------------------------------------------------------------------------
 *
 * reseal.h
 *	  Sealing everything again with the newest key.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_RESEAL_H
#define RQBO_RESEAL_H

#include "engine.h"
#include "job.h"

extern void rqbo_reseal_add(RqboEngine *engine, RqboJob *job);

#endif							/* RQBO_RESEAL_H */
