/*-------------------------------------------------------------------------
 *
 * qbo/calls.h
 *	  Evidence of every request that was made, until it is in a table.
 *
 * A request is noted when it is sent, and what became of it when that is
 * known.  What is noted goes into reefqbo.api_call with the next transaction of
 * the process, so that it costs none of its own; what is left goes there before
 * the process ends.  Only a crash takes away what has not got there.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_QBO_CALLS_H
#define RQBO_QBO_CALLS_H

#include "net/http.h"

typedef struct RqboCallNote RqboCallNote;

/* Begin to take notes in this process: from now on its transactions carry them. */
extern void rqbo_calls_open(void);

/*
 * A request is being sent.  connection_id is 0 before there is one.  Of the
 * address only the path counts, in which the realm id is blanked.
 */
extern RqboCallNote *rqbo_calls_begin(int64 model_id, int64 connection_id, const RqboHttpRequest *request,
									  const char *realm_id);

/* Its answer; NULL if it was given up before there was one. */
extern void rqbo_calls_end(RqboCallNote *note, const RqboHttpResult *result);

/* Store what is left, in a transaction of its own. */
extern void rqbo_calls_store(void);

#endif							/* RQBO_QBO_CALLS_H */
