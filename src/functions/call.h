/*-------------------------------------------------------------------------
 *
 * functions/call.h
 *	  What the SQL-callable functions share: arguments, rights, jobs.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_FUNCTIONS_CALL_H
#define RQBO_FUNCTIONS_CALL_H

#include "fmgr.h"

#include "base/compat.h"
#include "functions/rights.h"
#include "job/caller.h"
#include "store/access.h"
#include "store/connection.h"

/* ---- arguments ---- */

extern char *rqbo_call_text_or_null(FunctionCallInfo fcinfo, int n);
extern char *rqbo_call_text(FunctionCallInfo fcinfo, int n, const char *name);

/* Ours to be wiped by rqbo_clear_wipe; the caller's statement has it by nature. */
extern char *rqbo_call_take_secret(FunctionCallInfo fcinfo, int n, const char *name);

/* A value that goes into an address or a header, or comes with one. */
extern void rqbo_call_check_plain(const char *value, const char *name, int sqlstate);

extern DateADT rqbo_call_date(FunctionCallInfo fcinfo, int n, const char *name);

/* 22023 unless it is whole months, in years that QuickBooks can have. */
extern void rqbo_call_check_months(DateADT start, DateADT end);

/* "Accrual" or "Cash", however it is written. */
extern const char *rqbo_call_method(FunctionCallInfo fcinfo, int n);

/* ---- with the rights of the function's owner, and SPI connected; 55000 in a half restored database ---- */

extern void rqbo_call_begin(FunctionCallInfo fcinfo, RqboCaller *caller);
extern void rqbo_call_end(const RqboCaller *caller);

/* The id of a model that the caller may work with. */
extern int64 rqbo_call_model_id(const RqboCaller *caller, const char *model, RqboLevel level);

/* 42704: the branch is not connected. */
pg_noreturn extern void rqbo_call_no_connection(const char *model, const char *branch);

/* Write down what the caller has done; entry says the rest. */
extern void rqbo_call_audit(const RqboCaller *caller, RqboAudit *entry);
extern void rqbo_call_audit_connection(const RqboCaller *caller, const char *action, const RqboConnection *connection);

/* ---- jobs ---- */

extern RqboJobRequest *rqbo_call_make_request(RqboJobKind kind);

/*
 * Look something up, and give the locks on the tables back: the caller is
 * about to wait for QuickBooks, and DROP EXTENSION must not wait for the
 * caller.
 */
typedef void (*RqboLookUp) (FunctionCallInfo fcinfo, RqboJobRequest *request);
extern void rqbo_call_look_up(FunctionCallInfo fcinfo, RqboJobRequest *request, RqboLookUp look_up);

/* Fill in which connections a job is about; branch_id 0 means all. */
extern void rqbo_call_find_connections(FunctionCallInfo fcinfo, RqboJobRequest *request, RqboLevel level,
									   int branch_argument, bool null_is_root);

/* Run the job; its one row, or its rows, are the function's result. */
extern Datum rqbo_call_for_row(FunctionCallInfo fcinfo, RqboJobRequest *request);
extern Datum rqbo_call_for_rows(FunctionCallInfo fcinfo, RqboJobRequest *request);

#endif							/* RQBO_FUNCTIONS_CALL_H */
