/*-------------------------------------------------------------------------
 *
 * qbo/sending.h
 *	  Requests to the accounting API on their way: the one that is waited for,
 *	  and those that will be wanted next, sent beside it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_QBO_SENDING_H
#define RQBO_QBO_SENDING_H

#include "qbo/session.h"

/* How long a request may take that is made once and can be done without. */
#define RQBO_ONCE_TIMEOUT_MS 30000

/*
 * A path that will be asked for, in the order in which that is expected.  It
 * may be sent before: then its answer waits.  is_once: by rqbo_qbo_get_once.
 * Nothing depends on it: what is asked for and was not planned is sent then, and
 * what was planned and is not asked for is forgotten with the session.
 */
extern void rqbo_sending_plan(RqboSession *session, const char *path, bool is_once);

/* Was something planned that was not asked for yet? */
extern bool rqbo_sending_has_plan(const RqboSession *session);

/*
 * Wait for the answer to a path, if it was sent by now with the token that is
 * used; false if it was not.
 */
extern bool rqbo_sending_await(RqboSession *session, const char *path, RqboStep then);

/* Send it, within the budget; or say how many milliseconds to wait before trying again. */
extern int	rqbo_sending_send(RqboSession *session, const char *path, bool is_once, RqboStep then);

/* Send of what was planned as much as may be. */
extern void rqbo_sending_go_on(RqboSession *session);

#endif							/* RQBO_QBO_SENDING_H */
