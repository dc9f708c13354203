/*-------------------------------------------------------------------------
 *
 * net/json_fault.h
 *	  The Fault in an answer of Intuit's, as it is written.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_NET_JSON_FAULT_H
#define RQBO_NET_JSON_FAULT_H

#include "net/json.h"

/* The first error of a Fault: UTF-8, borrowed from the document; NULL for what it does not say. */
typedef struct RqboJsonFault
{
	const char *code;			/* "3200" or "003200", if it is a number at all */
	const char *message;
	const char *detail;
} RqboJsonFault;

/* Has the document a Fault, with the keys of the service or of its gateway? */
extern bool rqbo_json_read_fault(const RqboJson *document, RqboJsonFault *fault);

#endif							/* RQBO_NET_JSON_FAULT_H */
