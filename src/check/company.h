/*-------------------------------------------------------------------------
 *
 * check/company.h
 *	  Asking companies whether an import would be answered.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_CHECK_COMPANY_H
#define RQBO_CHECK_COMPANY_H

#include "job/result.h"
#include "net/engine.h"

/* Add tasks for each connection that a job means; the rows come when all have ended. */
extern void rqbo_check_add(RqboEngine *engine, RqboJob *job);

#endif							/* RQBO_CHECK_COMPANY_H */
