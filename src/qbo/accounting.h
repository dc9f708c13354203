/*-------------------------------------------------------------------------
 *
 * qbo/accounting.h
 *	  The accounting API of QuickBooks Online: it can only be read.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_QBO_ACCOUNTING_H
#define RQBO_QBO_ACCOUNTING_H

#include "base/compat.h"
#include "net/json.h"
#include "qbo/session.h"

/*
 * GET a path below /v3/company/<realm>, with a living token and within the
 * budgets, repeated as net/retry.c decides.  The step then finds an answer with
 * status 200 and no Fault in it in task->result; anything else raises.  doing
 * begins the message of that error ("could not …").
 *
 * if_too_much, unless NULL, is called instead when Intuit did not answer in
 * time or the answer is too large: asking for less may help.
 */
extern void rqbo_qbo_get(RqboSession *session, const char *doing, const char *path,
						 RqboStep then, RqboStep if_too_much);

/*
 * The same for what can be done without: if_unusable is called if this company
 * does not take the request, or if the answer is too much.  Outages and a
 * grant that is refused raise as ever.
 */
extern void rqbo_qbo_get_optional(RqboSession *session, const char *doing, const char *path,
								  RqboStep then, RqboStep if_unusable);

/* The path of a query: a select. */
extern char *rqbo_qbo_query_path(const char *query);

/*
 * The same for what must cost nobody anything: one attempt with the access
 * token at hand, a short time-out, and whatever goes wrong is for if_unusable,
 * which finds the reason with the function below.
 */
extern void rqbo_qbo_get_once(RqboSession *session, const char *doing, const char *path,
							  RqboStep then, RqboStep if_unusable);
extern const char *rqbo_qbo_why_unusable(const RqboSession *session);

/* The parsed body of task->result; RQ008 if it is not an object with that member. */
extern RqboJson *rqbo_qbo_read_body(RqboSession *session, const char *member);

/* Raise RQ008 about the present answer. */
pg_noreturn extern void rqbo_qbo_raise_invalid(RqboSession *session, const char *why);

#endif							/* RQBO_QBO_ACCOUNTING_H */
