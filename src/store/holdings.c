/*-------------------------------------------------------------------------
 *
 * store/holdings.c
 *	  What was imported of a company, counted and removed.
 *	  Who may remove it, and when, is decided in grant.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"

#include "base/db.h"
#include "store/connection.h"

RqboHoldings *
rqbo_store_count_holdings(int64 model_id, int64 connection_id)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"SELECT (SELECT count(*) FROM reefqbo.account a WHERE a.model_id = $1 AND a.connection_id = $2),"
		" (SELECT count(*) FROM reefqbo._amount a WHERE a.model_id = $1 AND a.connection_id = $2),"
		" count(DISTINCT i.period_start),"
		" (SELECT count(*) FROM reefqbo.restatement r WHERE r.model_id = $1 AND r.connection_id = $2),"
		" COALESCE(to_char(min(i.period_start), 'YYYY-MM \"to\" ') || to_char(max(i.period_start), 'YYYY-MM'), 'none')"
		" FROM reefqbo.imported_month i WHERE i.model_id = $1 AND i.connection_id = $2",
		INT8OID, INT8OID);
	RqboHoldings *holdings;

	rqbo_db_run_ids(&statement, model_id, connection_id);
	holdings = SPI_palloc(sizeof(RqboHoldings));
	holdings->accounts = rqbo_column_int8(1);
	holdings->amounts = rqbo_column_int8(2);
	holdings->months = rqbo_column_int8(3);
	holdings->restatements = rqbo_column_int8(4);
	holdings->range = rqbo_column_text(5);
	return holdings;
}

/* ---- keys of others ---- */

void
rqbo_store_need_no_references(int64 model_id, int64 connection_id)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"SELECT reefqbo._need_no_references($1, NULLIF($2, 0))", INT8OID, INT8OID);

	rqbo_db_run_ids(&statement, model_id, connection_id);
}

/* ---- removing ---- */

/*
 * What refers to a row goes before it; the schedule's row goes with the
 * connection's.
 */
#define REMOVE_FROM(table) \
	RQBO_STATEMENT("DELETE FROM reefqbo." table " WHERE model_id = $1 AND connection_id = $2", INT8OID, INT8OID)

void
rqbo_store_forget(int64 model_id, int64 connection_id)
{
	static RqboStatement statements[] = {
		RQBO_STATEMENT("SELECT reefqbo._remove_keys($1, $2)", INT8OID, INT8OID),
		REMOVE_FROM("adjustment"),
		REMOVE_FROM("historical_rate"),
		REMOVE_FROM("ownership"),
		RQBO_STATEMENT("UPDATE reefqbo.ownership SET investment_connection_id = NULL, investment_account_id = NULL"
					   " WHERE model_id = $1 AND investment_connection_id = $2", INT8OID, INT8OID),
		REMOVE_FROM("account_mapping"),
		REMOVE_FROM("variable"),
		REMOVE_FROM("account_change"),
		REMOVE_FROM("ledger_line"),
		REMOVE_FROM("dimension_mapping"),
		REMOVE_FROM("dimension_actual"),
		REMOVE_FROM("dimension_month"),
		REMOVE_FROM("dimension_value"),
		REMOVE_FROM("restatement"),
		REMOVE_FROM("_actual_year"),
		REMOVE_FROM("imported_month"),
		REMOVE_FROM("unsettled_month"),
		REMOVE_FROM("withdrawn_month"),
		REMOVE_FROM("webhook_event"),
		REMOVE_FROM("_request"),
		REMOVE_FROM("_proof"),
		REMOVE_FROM("import_log"),
		REMOVE_FROM("account"),
		REMOVE_FROM("credential"),
		REMOVE_FROM("connection"),
		/* what has gone before has ended versions there */
		REMOVE_FROM("account_history"),
		REMOVE_FROM("account_mapping_history"),
		REMOVE_FROM("dimension_mapping_history"),
		REMOVE_FROM("dimension_actual_history"),
		REMOVE_FROM("unsettled_month_history"),
		REMOVE_FROM("ownership_history"),
		REMOVE_FROM("historical_rate_history"),
		REMOVE_FROM("adjustment_history"),
		REMOVE_FROM("company_history")
	};

	for (int i = 0; i < (int) lengthof(statements); i++)
		rqbo_db_run_ids(&statements[i], model_id, connection_id);
}

void
rqbo_store_remove_model(int64 model_id)
{
	static RqboStatement statement = RQBO_STATEMENT("SELECT reefqbo._remove_model($1)", INT8OID);
	RqboArgs	args = {0};

	rqbo_arg_int8(&args, model_id);
	rqbo_db_run(&statement, &args);
}
