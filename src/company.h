/*-------------------------------------------------------------------------
 *
 * company.h
 *	  Reading what a company says of itself.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_COMPANY_H
#define RQBO_COMPANY_H

#include "session.h"

/* Read CompanyInfo into session->company, which is stored in a transaction of the caller's. */
extern void rqbo_company_ask(RqboSession *session, RqboStep then);
extern void rqbo_company_store(RqboSession *session);

/* Read CompanyInfo and Preferences, and store them. */
extern void rqbo_company_read(RqboSession *session, RqboStep then);

/* Read and store the Preferences alone: the closing date moves. */
extern void rqbo_company_read_preferences(RqboSession *session, RqboStep then);

#endif							/* RQBO_COMPANY_H */
