/*-------------------------------------------------------------------------
 *
 * functions/definer.c
 *	  The way into functions that are written in SQL.
 *
 * reefqbo.f(model, ...) is the definer function of reefqbo._f(model, ...): it
 * looks at what the caller may for that model, and calls the other with the same
 * arguments and the rights of its owner, as SECURITY DEFINER would have it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_proc.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "functions/rights.h"
#include "store/connection.h"
#include "store/restore.h"

PG_FUNCTION_INFO_V1(rqbo_definer_reader);
PG_FUNCTION_INFO_V1(rqbo_definer_monitor_of_all);
PG_FUNCTION_INFO_V1(rqbo_definer_operator);
PG_FUNCTION_INFO_V1(rqbo_definer_operator_of_all);
PG_FUNCTION_INFO_V1(rqbo_definer_admin);
PG_FUNCTION_INFO_V1(rqbo_definer_restorer);
PG_FUNCTION_INFO_V1(rqbo_definer_trigger);
PG_FUNCTION_INFO_V1(rqbo_caller);

/* Who has called the innermost definer function under way; invalid when none is. */
static Oid	caller_role = InvalidOid;

/*
 * The function that does the work: of the same schema and arguments, with an
 * underscore before its name.
 */
static Oid
find_inner(Oid definer)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(definer));
	Form_pg_proc proc;
	char	   *name;
	Oid			inner;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", definer);
	proc = (Form_pg_proc) GETSTRUCT(tuple);
	name = psprintf("_%s", NameStr(proc->proname));
	inner = GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid, CStringGetDatum(name),
							PointerGetDatum(&proc->proargtypes), ObjectIdGetDatum(proc->pronamespace));
	if (!OidIsValid(inner))
		elog(ERROR, "there is no function behind \"%s\"", NameStr(proc->proname));
	ReleaseSysCache(tuple);
	return inner;
}

/*
 * What is kept for as long as the look-up of the definer function itself.  One
 * that returns a set is called for each of its rows, and checked once.
 */
typedef struct DefinerCall
{
	FmgrInfo	inner;
	Oid			allowed;		/* the role that was found to have the level the last time */
	char	   *model;			/* for this model */
	TimestampTz since;			/* in this statement of the client's */
	CommandId	command;		/* with nothing written since */
	bool		may_write;		/* no restore is in the way */
} DefinerCall;

static DefinerCall *
call_of(FunctionCallInfo fcinfo)
{
	FmgrInfo   *outer = fcinfo->flinfo;
	DefinerCall *call = outer->fn_extra;

	if (call == NULL)
	{
		call = MemoryContextAllocZero(outer->fn_mcxt, sizeof(DefinerCall));
		fmgr_info_cxt(find_inner(outer->fn_oid), &call->inner, outer->fn_mcxt);
		fmgr_info_set_expr(outer->fn_expr, &call->inner);
		outer->fn_extra = call;
	}
	return call;
}

/*
 * An expression that PL/pgSQL keeps has its look-ups for a transaction, in
 * which access may be taken away.
 */
static bool
was_allowed(const DefinerCall *call, const RqboCaller *caller, const char *model)
{
	return call->allowed == caller->role && call->since == GetCurrentStatementStartTimestamp() &&
		call->command == GetCurrentCommandId(false) &&
		model != NULL && call->model != NULL && strcmp(call->model, model) == 0;
}

/*
 * model NULL for all of them.
 */
static void
check_level(FunctionCallInfo fcinfo, const RqboCaller *caller, const char *model, RqboLevel level)
{
	DefinerCall *call = call_of(fcinfo);

	if (!rqbo_rights_are_limited(caller))
		return;
	if (was_allowed(call, caller, model))
		return;
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	rqbo_rights_check(caller, model != NULL ? rqbo_store_find_model(model) : RQBO_ALL_MODELS, model, level);
	SPI_finish();
	call->allowed = caller->role;
	call->since = GetCurrentStatementStartTimestamp();
	call->command = GetCurrentCommandId(false);
	call->model = model != NULL ? MemoryContextStrdup(fcinfo->flinfo->fn_mcxt, model) : NULL;
}

/*
 * Who writes while a restore fills the tables is in its way.  Readers may read
 * what there is, and see in reefqbo.check() that it is not all.
 */
static void
check_restored(FunctionCallInfo fcinfo, RqboLevel level)
{
	DefinerCall *call = call_of(fcinfo);

	if (call->may_write || level == RQBO_READER || func_volatile(fcinfo->flinfo->fn_oid) != PROVOLATILE_VOLATILE)
		return;
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	rqbo_store_need_restored();
	SPI_finish();
	call->may_write = true;
}

/*
 * Call the function that does the work.
 */
static Datum
pass(FunctionCallInfo fcinfo, const RqboCaller *caller)
{
	FmgrInfo   *outer = fcinfo->flinfo;
	Oid			outer_role = caller_role;
	Datum		result;

	fcinfo->flinfo = &call_of(fcinfo)->inner;
	caller_role = caller->role;
	PG_TRY();
	{
		result = FunctionCallInvoke(fcinfo);
	}
	PG_FINALLY();
	{
		fcinfo->flinfo = outer;
		caller_role = outer_role;
	}
	PG_END_TRY();
	return result;
}

static Datum
enter(FunctionCallInfo fcinfo, const char *model, RqboLevel level, bool is_restorer)
{
	RqboCaller	caller;
	Datum		result;

	rqbo_rights_take(fcinfo, &caller);
	if (!is_restorer)
		check_restored(fcinfo, level);
	check_level(fcinfo, &caller, model, level);
	result = pass(fcinfo, &caller);
	rqbo_rights_give_back(&caller);
	return result;
}

static Datum
enter_for_model(FunctionCallInfo fcinfo, RqboLevel level)
{
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be null", "model")));
	return enter(fcinfo, text_to_cstring(PG_GETARG_TEXT_PP(0)), level, false);
}

Datum
rqbo_definer_reader(PG_FUNCTION_ARGS)
{
	return enter_for_model(fcinfo, RQBO_READER);
}

Datum
rqbo_definer_operator(PG_FUNCTION_ARGS)
{
	return enter_for_model(fcinfo, RQBO_OPERATOR);
}

Datum
rqbo_definer_operator_of_all(PG_FUNCTION_ARGS)
{
	return enter(fcinfo, NULL, RQBO_OPERATOR, false);
}

Datum
rqbo_definer_monitor_of_all(PG_FUNCTION_ARGS)
{
	return enter(fcinfo, NULL, RQBO_MONITOR, false);
}

Datum
rqbo_definer_admin(PG_FUNCTION_ARGS)
{
	return enter(fcinfo, NULL, RQBO_ADMIN, false);
}

/*
 * For what ends a restore, and so comes before its end.
 */
Datum
rqbo_definer_restorer(PG_FUNCTION_ARGS)
{
	return enter(fcinfo, NULL, RQBO_ADMIN, true);
}

/*
 * For what a trigger writes where its users may not.  Of a definer function's
 * own doing its caller is the one who did it.
 */
Datum
rqbo_definer_trigger(PG_FUNCTION_ARGS)
{
	RqboCaller	caller;
	RqboCaller	doer;
	Datum		result;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("this function was not called by a trigger")));
	rqbo_rights_take(fcinfo, &caller);
	doer = caller;
	if (OidIsValid(caller_role) && caller.role == GetUserId())
		doer.role = caller_role;
	result = pass(fcinfo, &doer);
	rqbo_rights_give_back(&caller);
	return result;
}

/*
 * The role that called, seen from the function that does the work.
 */
Datum
rqbo_caller(PG_FUNCTION_ARGS pg_attribute_unused())
{
	Oid			role = OidIsValid(caller_role) ? caller_role : GetUserId();
	Name		name = palloc0(NAMEDATALEN);

	namestrcpy(name, GetUserNameFromId(role, false));
	PG_RETURN_NAME(name);
}
