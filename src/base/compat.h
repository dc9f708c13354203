/*-------------------------------------------------------------------------
 *
 * base/compat.h
 *	  What differs between PostgreSQL 15 and 19, in one place.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_BASE_COMPAT_H
#define RQBO_BASE_COMPAT_H

#include "access/htup_details.h"
#include "catalog/pg_auth_members.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "catalog/pg_database.h"
#if PG_VERSION_NUM < 190000
#include "commands/dbcommands.h"
#endif
#include "libpq/pqsignal.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "storage/latch.h"
#if PG_VERSION_NUM >= 180000
#include "storage/waiteventset.h"
#endif
#include "utils/acl.h"
#include "utils/guc_tables.h"
#if PG_VERSION_NUM >= 190000
#include "utils/lsyscache.h"
#endif
#include "utils/syscache.h"
#include "utils/wait_event.h"
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

#if PG_VERSION_NUM < 150000
#error reefqbo needs PostgreSQL 15 or later
#endif

/* 19 tells a signal's handler more of it. */
#if PG_VERSION_NUM >= 190000
#define rqbo_ignore_signal_args() ((void) postgres_signal_arg, (void) pg_siginfo)
#else
#define rqbo_ignore_signal_args() ((void) postgres_signal_arg)
#endif

/* 19 has the description of a row finished before it is used. */
#if PG_VERSION_NUM < 190000
#define TupleDescFinalize(desc) ((void) (desc))
#endif

/* get_database_name is declared in commands/dbcommands.h, from 19 on in utils/lsyscache.h: see above. */

/* 17 ties a wait event set to a resource owner (NULL: freed by hand), 16 to a memory context. */
#if PG_VERSION_NUM >= 170000
#define rqbo_wait_event_set_create(nevents) CreateWaitEventSet(NULL, (nevents))
#else
#define rqbo_wait_event_set_create(nevents) CreateWaitEventSet(CurrentMemoryContext, (nevents))
#endif

/* 17 gives extensions wait events with names of their own. */
#if PG_VERSION_NUM >= 170000
#define rqbo_wait_event(name) WaitEventExtensionNew(name)
#else
#define rqbo_wait_event(name) PG_WAIT_EXTENSION
#endif

/* 18 marks a function that does not return in front of its declaration. */
#if PG_VERSION_NUM < 180000
#define pg_noreturn pg_attribute_noreturn()
#endif

/* 19 lets DROP DATABASE and its like end a worker that is in their way. */
#ifdef BGWORKER_INTERRUPTIBLE
#define RQBO_BGWORKER_INTERRUPTIBLE BGWORKER_INTERRUPTIBLE
#else
#define RQBO_BGWORKER_INTERRUPTIBLE 0
#endif

/* Whether a role has what it is a member of without SET ROLE; from 16 on each membership says so by itself. */
static inline bool
rqbo_membership_is_inherited(HeapTuple membership)
{
#if PG_VERSION_NUM >= 160000
	return ((Form_pg_auth_members) GETSTRUCT(membership))->inherit_option;
#else
	HeapTuple	member = SearchSysCache1(AUTHOID, ObjectIdGetDatum(((Form_pg_auth_members) GETSTRUCT(membership))->member));
	bool		inherits = HeapTupleIsValid(member) && ((Form_pg_authid) GETSTRUCT(member))->rolinherit;

	if (HeapTupleIsValid(member))
		ReleaseSysCache(member);
	return inherits;
#endif
}

/* Where the present value of a setting comes from; 16 gives extensions the look-up by name. */
static inline GucSource
rqbo_guc_source(const char *name)
{
#if PG_VERSION_NUM >= 160000
	return find_option(name, false, false, ERROR)->source;
#else
	struct config_generic **variables = get_guc_variables();

	for (int i = 0; i < GetNumConfigOptions(); i++)
		if (strcmp(variables[i]->name, name) == 0)
			return variables[i]->source;
	return PGC_S_DEFAULT;
#endif
}

/* 16 has one function for the owner of any kind of object. */
static inline bool
rqbo_owns_database(Oid database)
{
#if PG_VERSION_NUM >= 160000
	return object_ownercheck(DatabaseRelationId, database, GetUserId());
#else
	return pg_database_ownercheck(database, GetUserId());
#endif
}

static inline bool
rqbo_owns_relation(Oid relation)
{
#if PG_VERSION_NUM >= 160000
	return object_ownercheck(RelationRelationId, relation, GetUserId());
#else
	return pg_class_ownercheck(relation, GetUserId());
#endif
}

#endif							/* RQBO_BASE_COMPAT_H */
