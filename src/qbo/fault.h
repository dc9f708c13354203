/*-------------------------------------------------------------------------
 *
 * qbo/fault.h
 *	  Intuit's faults, and the SQLSTATEs they become.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_QBO_FAULT_H
#define RQBO_QBO_FAULT_H

#include "base/compat.h"
#include "net/http.h"

/* The first error of a Fault.  Texts are redacted, in the database encoding. */
typedef struct RqboFault
{
	int			code;			/* 0 if there is no fault, -1 if it has no number */
	char	   *message;		/* or NULL */
	char	   *detail;			/* or NULL */
} RqboFault;

/* A text from outside, redacted and in one line, in the database encoding; NULL if that is nothing. */
extern char *rqbo_fault_text(const char *text);

/* Look for a fault in the body of an answer, whatever its status. */
extern void rqbo_fault_read(const RqboHttpResult *result, RqboFault *fault);

/* Raise the error that a request ended with.  doing: "could not …", without what went wrong. */
pg_noreturn extern void rqbo_fault_raise(const char *doing, const RqboAttempt *attempt, const RqboFault *fault,
										 const RqboHttpResult *result);

/* What the answer says, for an errdetail: Intuit's words and the intuit_tid. */
extern char *rqbo_fault_words(const RqboFault *fault, const RqboHttpResult *result);

/* The same in one line, beginning with what went wrong, for something that is done without. */
extern char *rqbo_fault_describe(const RqboAttempt *attempt, const RqboFault *fault, const RqboHttpResult *result);

extern const char *rqbo_fault_hint(int sqlstate);

/* Is it this request that is refused or not understood, rather than us, or all requests at the moment? */
extern bool rqbo_fault_is_about_request(const RqboAttempt *attempt);

/* The status a connection deserves after an answer; NULL if it says nothing about that. */
extern const char *rqbo_fault_verdict(const RqboAttempt *attempt);

#endif							/* RQBO_QBO_FAULT_H */
