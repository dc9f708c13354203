/*-------------------------------------------------------------------------
 *
 * qbo/company.h
 *	  Reading what a company says of itself.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_QBO_COMPANY_H
#define RQBO_QBO_COMPANY_H

#include "qbo/session.h"

/* Read CompanyInfo and Preferences, and store them. */
extern void rqbo_company_read(RqboSession *session, RqboStep then);

/* Read and store the Preferences alone: the closing date moves. */
extern void rqbo_company_read_preferences(RqboSession *session, RqboStep then);

/*
 * The same in parts, for those who do not store it, or later: ask, and take
 * what the present answer says; RQ008 if it does not.
 */
extern void rqbo_company_ask(RqboSession *session, RqboStep then);
extern void rqbo_company_take(RqboSession *session, RqboCompanyInfo *info);

/* Take it into session->company, and store that in a transaction of the caller's. */
extern void rqbo_company_keep(RqboSession *session);
extern void rqbo_company_store(RqboSession *session);

extern void rqbo_company_ask_preferences(RqboSession *session, RqboStep then);
extern void rqbo_company_take_preferences(RqboSession *session, RqboCompanyInfo *info);

#endif							/* RQBO_QBO_COMPANY_H */
