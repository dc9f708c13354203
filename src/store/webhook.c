/*-------------------------------------------------------------------------
 *
 * store/webhook.c
 *	  Verifier tokens, and events that have come in, in tables.
 *	  Whether a body is Intuit's is asked in functions/webhook.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"

#include "base/db.h"
#include "store/webhook.h"

RqboVerifier *
rqbo_store_list_verifiers(int64 environment_id, int *count)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"SELECT w.environment_id, i.identity::text, w.verifier_sealed, w.previous_sealed"
		" FROM reefqbo.webhook w LEFT JOIN reefqbo.installation i ON true"
		" WHERE $1 IN (0, w.environment_id) ORDER BY w.environment_id",
		INT8OID);
	RqboArgs	args = {0};
	RqboVerifier *verifiers;

	rqbo_arg_int8(&args, environment_id);
	*count = (int) rqbo_db_run(&statement, &args);
	verifiers = SPI_palloc((*count + 1) * sizeof(RqboVerifier));
	for (int i = 0; i < *count; i++)
	{
		verifiers[i].environment_id = rqbo_cell_int8(i, 1);
		verifiers[i].installation = rqbo_cell_text(i, 2);
		verifiers[i].sealed = rqbo_cell_bytea(i, 3);
		verifiers[i].previous_sealed = rqbo_cell_bytea(i, 4);
	}
	return verifiers;
}

void
rqbo_store_put_verifier(int64 environment_id, const bytea *sealed)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"INSERT INTO reefqbo.webhook (environment_id, verifier_sealed) VALUES ($1, $2)"
		" ON CONFLICT (environment_id) DO UPDATE SET previous_sealed = webhook.verifier_sealed,"
		" verifier_sealed = EXCLUDED.verifier_sealed, registered_at = reefqbo._now()",
		INT8OID, BYTEAOID);
	RqboArgs	args = {0};

	rqbo_arg_int8(&args, environment_id);
	rqbo_arg_bytea(&args, sealed);
	rqbo_db_run(&statement, &args);
}

void
rqbo_store_take_events(const RqboEventColumns *events, RqboTupleSink sink, void *arg)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"SELECT event_id, model_id, connection_id, entity, outcome"
		" FROM reefqbo._take_events($1, $2, $3, $4, $5, $6, $7)",
		TEXTARRAYOID, INT4ARRAYOID, TEXTARRAYOID, BOOLARRAYOID, TIMESTAMPTZARRAYOID, INT4ARRAYOID, BYTEAARRAYOID);
	static RqboStatement prune = {.text = "SELECT reefqbo._forget_old_events()"};
	RqboArgs	args = {0};
	RqboArgs	none = {0};
	uint64		count;

	rqbo_arg_text_column(&args, &events->ids);
	rqbo_arg_column(&args, &events->realms, INT4OID, sizeof(int32), true, TYPALIGN_INT);
	rqbo_arg_text_column(&args, &events->entities);
	rqbo_arg_column(&args, &events->wanted, BOOLOID, sizeof(bool), true, TYPALIGN_CHAR);
	rqbo_arg_column(&args, &events->moments, TIMESTAMPTZOID, sizeof(TimestampTz), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE);
	rqbo_arg_column(&args, &events->digest_realms, INT4OID, sizeof(int32), true, TYPALIGN_INT);
	rqbo_arg_column(&args, &events->digests, BYTEAOID, -1, false, TYPALIGN_INT);
	count = rqbo_db_run(&statement, &args);
	for (uint64 i = 0; i < count; i++)
		sink(SPI_tuptable->vals[i], arg);
	rqbo_db_run(&prune, &none);
}
