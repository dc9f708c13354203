/*-------------------------------------------------------------------------
 *
 * store/ahead.c
 *	  What a clock that was ahead has left in tables: months that have not begun,
 *	  and times that have not come.
 *	  Which clock is right is decided in qbo/present.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"

#include "base/db.h"
#include "store/ahead.h"

static void
arg_first(RqboArgs *args, int64 model_id, int64 connection_id, DateADT first)
{
	rqbo_arg_ids(args, model_id, connection_id);
	rqbo_arg_datum(args, DateADTGetDatum(first));
}

void
rqbo_store_find_ahead(int64 model_id, int64 connection_id, DateADT first, int *months, bool *has_times)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"SELECT (SELECT count(DISTINCT i.period_start) FROM reefqbo.imported_month i"
		"  WHERE i.model_id = $1 AND i.connection_id = $2 AND i.period_start >= $3),"
		" EXISTS (SELECT 1 FROM reefqbo.import_log l WHERE l.model_id = $1 AND l.connection_id = $2"
		"  AND l.started_at > reefqbo._now() + interval '1 minute')",
		INT8OID, INT8OID, DATEOID);
	RqboArgs	args = {0};

	arg_first(&args, model_id, connection_id, first);
	rqbo_db_run(&statement, &args);
	*months = (int) rqbo_column_int8(1);
	*has_times = rqbo_column_bool(2);
}

/*
 * The parts by class and the like go with what they are parts of.
 */
static void
forget_parts(int64 model_id, int64 connection_id, DateADT first)
{
	static RqboStatement statements[] = {
		RQBO_STATEMENT("DELETE FROM reefqbo.dimension_actual WHERE model_id = $1 AND connection_id = $2 AND period_start >= $3",
					   INT8OID, INT8OID, DATEOID),
		RQBO_STATEMENT("DELETE FROM reefqbo.unsettled_month WHERE model_id = $1 AND connection_id = $2 AND period_start >= $3",
					   INT8OID, INT8OID, DATEOID),
		RQBO_STATEMENT("DELETE FROM reefqbo.dimension_month WHERE model_id = $1 AND connection_id = $2 AND period_start >= $3",
					   INT8OID, INT8OID, DATEOID)
	};

	for (int i = 0; i < (int) lengthof(statements); i++)
	{
		RqboArgs	args = {0};

		arg_first(&args, model_id, connection_id, first);
		rqbo_db_run(&statements[i], &args);
	}
}

/*
 * An array of months up to the one before a month of the same year: the others
 * are NULL.
 */
#define CUT_MONTHS(array, type) \
	"CASE WHEN " array " IS NOT NULL THEN " array "[:date_part('month', $3) - 1]" \
	" || array_fill(NULL::" type ", ARRAY[13 - date_part('month', $3)::integer]) END"

/* Is there anything in them? */
#define HAS_BEFORE "num_nonnulls(VARIADIC y.amounts[:date_part('month', $3) - 1]) > 0"
#define HAS_AFTER "num_nonnulls(VARIADIC y.amounts[date_part('month', $3):]) > 0"

static void
forget_amounts(int64 model_id, int64 connection_id, DateADT first)
{
	static RqboStatement statements[] = {
		RQBO_STATEMENT("DELETE FROM reefqbo._actual_year y WHERE y.model_id = $1 AND y.connection_id = $2"
					   " AND (y.year > reefqbo._year($3) OR y.year = reefqbo._year($3) AND NOT " HAS_BEFORE ")",
					   INT8OID, INT8OID, DATEOID),
		RQBO_STATEMENT("UPDATE reefqbo._actual_year y SET amounts = " CUT_MONTHS("y.amounts", "numeric") ","
					   " import_ids = " CUT_MONTHS("y.import_ids", "bigint")
					   " WHERE y.model_id = $1 AND y.connection_id = $2 AND y.year = reefqbo._year($3)"
					   " AND " HAS_BEFORE " AND " HAS_AFTER, INT8OID, INT8OID, DATEOID)
	};

	for (int i = 0; i < (int) lengthof(statements); i++)
	{
		RqboArgs	args = {0};

		arg_first(&args, model_id, connection_id, first);
		rqbo_db_run(&statements[i], &args);
	}
}

void
rqbo_store_take_back(int64 model_id, int64 connection_id, int64 import_id, DateADT first, RqboCounts *counts)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"WITH month AS ("
		"  DELETE FROM reefqbo.imported_month WHERE model_id = $1 AND connection_id = $2 AND period_start >= $3"
		"  RETURNING *"
		"), withdrawn AS ("
		"  INSERT INTO reefqbo.withdrawn_month (model_id, connection_id, statement, accounting_method,"
		"   period_start, period_end, known_since, withdrawn_at, import_id)"
		"  SELECT model_id, connection_id, statement, accounting_method, period_start, period_end, known_since,"
		"   (SELECT reefqbo._moment($1)), $4"
		"  FROM month"
		"), restated AS ("
		"  INSERT INTO reefqbo.restatement (model_id, connection_id, account_id, statement, accounting_method,"
		"   period_start, period_end, old_amount, new_amount, restated_at, import_id, in_closed_period, was_provisional)"
		"  SELECT model_id, connection_id, account_id, statement, accounting_method, period_start, period_end,"
		"   amount, 0, (SELECT reefqbo._moment($1)), $4, false, true FROM reefqbo._amount"
		"  WHERE model_id = $1 AND connection_id = $2 AND year >= reefqbo._year($3) AND period_start >= $3 AND amount <> 0"
		"  RETURNING 1"
		") SELECT count(*) FROM restated",
		INT8OID, INT8OID, DATEOID, INT8OID);
	RqboArgs	args = {0};

	forget_parts(model_id, connection_id, first);
	arg_first(&args, model_id, connection_id, first);
	rqbo_arg_int8(&args, import_id);
	rqbo_db_run(&statement, &args);
	counts->amounts_changed += (int) rqbo_column_int8(1);
	forget_amounts(model_id, connection_id, first);
}

/* An UPDATE of one column that has times, where it lies ahead. */
#define SET_BACK(table, column) \
	RQBO_STATEMENT("UPDATE reefqbo." table " SET " column " = reefqbo._now()" \
				   " WHERE model_id = $1 AND connection_id = $2 AND " column " > reefqbo._now()", INT8OID, INT8OID)

void
rqbo_store_set_times_back(int64 model_id, int64 connection_id)
{
	static RqboStatement statements[] = {
		SET_BACK("imported_month", "known_since"),
		SET_BACK("imported_month", "over_since"),
		SET_BACK("unsettled_month", "since"),
		SET_BACK("withdrawn_month", "known_since"),
		SET_BACK("restatement", "restated_at"),
		SET_BACK("account", "first_seen_at"),
		SET_BACK("account", "changed_at"),
		SET_BACK("account", "gone_since"),
		SET_BACK("account_change", "noticed_at"),
		SET_BACK("dimension_value", "gone_since"),
		SET_BACK("dimension_month", "fetched_at"),
		SET_BACK("_proof", "checked_at"),
		SET_BACK("connection", "status_since"),
		SET_BACK("connection", "connected_at"),
		SET_BACK("connection", "company_read_at"),
		SET_BACK("connection", "accounts_as_of"),
		SET_BACK("connection", "actuals_as_of"),
		SET_BACK("upkeep", "succeeded_at"),
		SET_BACK("upkeep", "failed_at"),
		SET_BACK("import_log", "finished_at"),
		SET_BACK("import_log", "started_at"),
		RQBO_STATEMENT("SELECT reefqbo._set_history_back($1) WHERE $2 IS NOT NULL", INT8OID, INT8OID)
	};

	for (int i = 0; i < (int) lengthof(statements); i++)
		rqbo_db_run_ids(&statements[i], model_id, connection_id);
}
