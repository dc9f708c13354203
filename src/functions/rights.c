/*-------------------------------------------------------------------------
 *
 * functions/rights.c
 *	  Whose rights hold while one of our functions runs, and what its caller may.
 *
 * Our functions work on tables that their callers may not touch.  SECURITY
 * DEFINER alone would forget who calls, and the session's own role is not it:
 * a function of the application may lend its owner's rights, and a superuser
 * may call a function that is somebody else's.  So they are called with the
 * caller's rights, ask what those are, and take the owner's themselves.
 *
 * What a role may is in the table access, and nowhere else: who was granted
 * EXECUTE, by hand or as a member of a group, may call for the models that it
 * has there.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/catcache.h"
#include "utils/lsyscache.h"
#include "utils/rls.h"
#include "utils/syscache.h"

#include "base/compat.h"
#include "functions/rights.h"
#include "store/access.h"

/* No model has it. */
#define NO_MODEL (-1)

PG_FUNCTION_INFO_V1(rqbo_my_roles);

/* ---- whose rights ---- */

static Oid
owner_of(Oid function)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", function);
	owner = ((Form_pg_proc) GETSTRUCT(tuple))->proowner;
	ReleaseSysCache(tuple);
	return owner;
}

void
rqbo_rights_take(FunctionCallInfo fcinfo, RqboCaller *caller)
{
	GetUserIdAndSecContext(&caller->role, &caller->security);
	SetUserIdAndSecContext(owner_of(fcinfo->flinfo->fn_oid), caller->security | SECURITY_LOCAL_USERID_CHANGE);
}

void
rqbo_rights_give_back(const RqboCaller *caller)
{
	SetUserIdAndSecContext(caller->role, caller->security);
}

/* ---- what the caller may ---- */

bool
rqbo_rights_are_limited(const RqboCaller *caller)
{
	Oid			models = get_relname_relid("model", get_namespace_oid("reefqbo", false));

	return OidIsValid(models) && check_enable_rls(models, caller->role, true) == RLS_ENABLED;
}

static const char *
level_name(RqboLevel level)
{
	switch (level)
	{
		case RQBO_READER:
			return "reader";
		case RQBO_MONITOR:
			return "monitor";
		case RQBO_OPERATOR:
			return "operator";
		case RQBO_WEBHOOK:
			return "webhook";
		case RQBO_ADMIN:
			break;
	}
	return "admin";
}

bool
rqbo_rights_suffice(const RqboCaller *caller, int64 model_id, RqboLevel level)
{
	return !rqbo_rights_are_limited(caller) || rqbo_store_has_level(caller->role, model_id, level_name(level));
}

/*
 * The same is asked as for a model of others, so that the time it takes does not
 * tell the one from the other.
 */
static void
refuse_unknown(const RqboCaller *caller, const char *model, RqboLevel level)
{
	if (rqbo_rights_are_limited(caller) && !rqbo_store_has_level(caller->role, NO_MODEL, level_name(level)))
		(void) rqbo_store_has_level(caller->role, NO_MODEL, NULL);
	rqbo_store_raise_no_model(model);
}

void
rqbo_rights_check(const RqboCaller *caller, int64 model_id, const char *model, RqboLevel level)
{
	if (model != NULL && model_id == 0)
		refuse_unknown(caller, model, level);
	if (rqbo_rights_suffice(caller, model_id, level))
		return;
	if (model == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied: this takes level \"%s\" for all models", level_name(level)),
				 errhint("An admin gives it with reefqbo.grant_access(role, '%s').", level_name(level))));
	if (!rqbo_store_has_level(caller->role, model_id, NULL))
		rqbo_store_raise_no_model(model);
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied for model \"%s\": this takes level \"%s\"", model, level_name(level)),
			 errhint("An admin gives it with reefqbo.grant_access(role, '%s', model).", level_name(level))));
}

/* ---- who the caller is ---- */

/*
 * Add to roles those that role is a member of, as far as it has their
 * privileges.  Roles are no circle, but two ways may lead to one.
 */
static List *
add_groups(List *roles, Oid role)
{
	CatCList   *memberships = SearchSysCacheList1(AUTHMEMMEMROLE, ObjectIdGetDatum(role));

	for (int i = 0; i < memberships->n_members; i++)
	{
		HeapTuple	membership = &memberships->members[i]->tuple;

		if (rqbo_membership_is_inherited(membership))
			roles = list_append_unique_oid(roles, ((Form_pg_auth_members) GETSTRUCT(membership))->roleid);
	}
	ReleaseSysCacheList(memberships);
	return roles;
}

/*
 * reefqbo._my_roles(): what pg_has_role says yes to, as a list, so that an
 * index finds what the present role was given among what all were.
 */
Datum
rqbo_my_roles(PG_FUNCTION_ARGS pg_attribute_unused())
{
	List	   *roles = list_make1_oid(GetUserId());
	Datum	   *values;

	for (int i = 0; i < list_length(roles); i++)
		roles = add_groups(roles, list_nth_oid(roles, i));
	values = palloc(sizeof(Datum) * list_length(roles));
	for (int i = 0; i < list_length(roles); i++)
		values[i] = ObjectIdGetDatum(list_nth_oid(roles, i));
	PG_RETURN_ARRAYTYPE_P(construct_array(values, list_length(roles), OIDOID, sizeof(Oid), true, TYPALIGN_INT));
}
