/*-------------------------------------------------------------------------
 *
 * store/access.h
 *	  What roles may, and what was done by whom, in tables.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_STORE_ACCESS_H
#define RQBO_STORE_ACCESS_H

#include "store/connection.h"

/* Has a role this level, by its name, for a model, or for all of them (0)?  level NULL: any. */
extern bool rqbo_store_has_level(Oid role, int64 model_id, const char *level);

/* Something worth knowing afterwards: who did what.  Texts may be NULL. */
typedef struct RqboAudit
{
	const char *action;			/* one of those that the table allows */
	const char *session_role;
	const char *acting_role;
	int64		model_id;		/* 0 if it is about no model */
	const char *model;
	const char *branch;
	const char *company;
	const char *detail;
} RqboAudit;

extern void rqbo_store_audit(const RqboAudit *entry);

/* The same of something done to a connection. */
extern void rqbo_store_audit_connection(const char *session_role, const char *acting_role, const char *action,
										const RqboConnection *connection, const char *detail);

#endif							/* RQBO_STORE_ACCESS_H */
