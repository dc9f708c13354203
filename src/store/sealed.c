/*-------------------------------------------------------------------------
 *
 * store/sealed.c
 *	  Sealed values wherever they stand, for sealing them again.
 *
 * Rows are found by the head of their values, and locked before they are read.
 * A statement locks rows of one table alone and waits for none, so that it can
 * be part of no deadlock, whatever order others lock in.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"

#include "base/db.h"
#include "base/lock.h"
#include "store/sealed.h"

#define HEAD_OF(column) "substring(" column " FROM 1 FOR length($1))"

#define APP_IS_OTHER HEAD_OF("a.client_secret_sealed") " <> $1"
#define CONNECTION_IS_OTHER HEAD_OF("c.realm_id_sealed") " <> $1"
#define CREDENTIAL_IS_OTHER \
	"(" HEAD_OF("t.refresh_token_sealed") " <> $1 OR " HEAD_OF("t.previous_refresh_token_sealed") " <> $1" \
	" OR " HEAD_OF("t.access_token_sealed") " <> $1)"

#define WEBHOOK_IS_OTHER \
	"(" HEAD_OF("w.verifier_sealed") " <> $1 OR " HEAD_OF("w.previous_sealed") " <> $1)"

#define INSTALLATION "(SELECT i.identity::text FROM reefqbo.installation i)"

/* In the order of RqboSealedTable, as are those that put them back. */
static RqboStatement lock_statements[] = {
	RQBO_STATEMENT(
		"SELECT a.environment_id, 0::bigint, a.environment_id, format('app of environment \"%s\"', e.name),"
		" 0::bigint, " INSTALLATION ", a.client_secret_sealed, NULL::bytea, NULL::bytea"
		" FROM reefqbo.app a JOIN reefqbo.environment e USING (environment_id)"
		" WHERE " APP_IS_OTHER " AND (a.environment_id, 0) > ($2, $3)"
		" ORDER BY a.environment_id LIMIT $4 FOR NO KEY UPDATE OF a SKIP LOCKED",
		BYTEAOID, INT8OID, INT8OID, INT8OID),
	RQBO_STATEMENT(
		"SELECT c.model_id, c.connection_id, c.environment_id,"
		" format('branch \"%s\" of model \"%s\"', b.name, COALESCE(m.title, m.name)),"
		" 0::bigint, " INSTALLATION ", c.realm_id_sealed, c.realm_digest, NULL::bytea"
		" FROM reefqbo.connection c JOIN reefqbo.model m USING (model_id)"
		" JOIN reefqbo.branch b USING (model_id, branch_id)"
		" WHERE " CONNECTION_IS_OTHER " AND (c.model_id, c.connection_id) > ($2, $3)"
		" ORDER BY c.model_id, c.connection_id LIMIT $4 FOR NO KEY UPDATE OF c SKIP LOCKED",
		BYTEAOID, INT8OID, INT8OID, INT8OID),
	RQBO_STATEMENT(
		"SELECT t.model_id, t.connection_id, c.environment_id,"
		" format('branch \"%s\" of model \"%s\"', b.name, COALESCE(m.title, m.name)),"
		" t.generation, " INSTALLATION ", t.refresh_token_sealed, t.previous_refresh_token_sealed, t.access_token_sealed"
		" FROM reefqbo.credential t JOIN reefqbo.connection c USING (model_id, connection_id)"
		" JOIN reefqbo.model m USING (model_id) JOIN reefqbo.branch b USING (model_id, branch_id)"
		" WHERE " CREDENTIAL_IS_OTHER " AND (t.model_id, t.connection_id) > ($2, $3)"
		" ORDER BY t.model_id, t.connection_id LIMIT $4 FOR NO KEY UPDATE OF t SKIP LOCKED",
		BYTEAOID, INT8OID, INT8OID, INT8OID),
	RQBO_STATEMENT(
		"SELECT w.environment_id, 0::bigint, w.environment_id, format('webhook of environment \"%s\"', e.name),"
		" 0::bigint, " INSTALLATION ", w.verifier_sealed, w.previous_sealed, NULL::bytea"
		" FROM reefqbo.webhook w JOIN reefqbo.environment e USING (environment_id)"
		" WHERE " WEBHOOK_IS_OTHER " AND (w.environment_id, 0) > ($2, $3)"
		" ORDER BY w.environment_id LIMIT $4 FOR NO KEY UPDATE OF w SKIP LOCKED",
		BYTEAOID, INT8OID, INT8OID, INT8OID)
};

static RqboStatement put_statements[] = {
	RQBO_STATEMENT(
		"UPDATE reefqbo.app SET client_secret_sealed = $3 WHERE environment_id = $1",
		INT8OID, INT8OID, BYTEAOID, BYTEAOID, BYTEAOID),
	RQBO_STATEMENT(
		"UPDATE reefqbo.connection SET realm_id_sealed = $3, realm_digest = $4"
		" WHERE model_id = $1 AND connection_id = $2",
		INT8OID, INT8OID, BYTEAOID, BYTEAOID, BYTEAOID),
	RQBO_STATEMENT(
		"UPDATE reefqbo.credential SET refresh_token_sealed = $3, previous_refresh_token_sealed = $4,"
		" access_token_sealed = $5 WHERE model_id = $1 AND connection_id = $2",
		INT8OID, INT8OID, BYTEAOID, BYTEAOID, BYTEAOID),
	RQBO_STATEMENT(
		"UPDATE reefqbo.webhook SET verifier_sealed = $3, previous_sealed = $4 WHERE environment_id = $1",
		INT8OID, INT8OID, BYTEAOID, BYTEAOID, BYTEAOID)
};

RqboSealedRow *
rqbo_store_lock_sealed(RqboSealedTable table, const bytea *head, int64 after1, int64 after2, int limit, int *count)
{
	RqboArgs	args = {0};
	RqboSealedRow *rows;

	rqbo_arg_bytea(&args, head);
	rqbo_arg_ids(&args, after1, after2);
	rqbo_arg_int8(&args, limit);
	*count = (int) rqbo_db_run(&lock_statements[table], &args);
	rows = SPI_palloc((*count + 1) * sizeof(RqboSealedRow));
	for (int i = 0; i < *count; i++)
	{
		rows[i].id1 = rqbo_cell_int8(i, 1);
		rows[i].id2 = rqbo_cell_int8(i, 2);
		rows[i].environment_id = rqbo_cell_int8(i, 3);
		rows[i].label = rqbo_cell_text(i, 4);
		rows[i].generation = rqbo_cell_int8(i, 5);
		rows[i].installation = rqbo_cell_text(i, 6);
		for (int v = 0; v < RQBO_SEALED_VALUES; v++)
			rows[i].values[v] = rqbo_cell_bytea(i, 7 + v);
	}
	return rows;
}

void
rqbo_store_put_sealed(RqboSealedTable table, const RqboSealedRow *row)
{
	RqboArgs	args = {0};

	rqbo_arg_ids(&args, row->id1, row->id2);
	for (int v = 0; v < RQBO_SEALED_VALUES; v++)
		rqbo_arg_bytea(&args, row->values[v]);
	rqbo_db_run(&put_statements[table], &args);
}

int64
rqbo_store_count_sealed_otherwise(const bytea *head)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"SELECT (SELECT count(*) FROM reefqbo.app a WHERE " APP_IS_OTHER ")"
		" + (SELECT count(*) FROM reefqbo.connection c WHERE " CONNECTION_IS_OTHER ")"
		" + (SELECT count(*) FROM reefqbo.credential t WHERE " CREDENTIAL_IS_OTHER ")"
		" + (SELECT count(*) FROM reefqbo.webhook w WHERE " WEBHOOK_IS_OTHER ")",
		BYTEAOID);
	RqboArgs	args = {0};

	rqbo_arg_bytea(&args, head);
	rqbo_db_run(&statement, &args);
	return rqbo_column_int8(1);
}

bool
rqbo_store_is_sealing(const bytea *head)
{
	static RqboStatement statement = RQBO_STATEMENT(
		"SELECT EXISTS (SELECT 1 FROM reefqbo.app WHERE " HEAD_OF("client_secret_sealed") " = $1)"
		" OR EXISTS (SELECT 1 FROM reefqbo.connection WHERE " HEAD_OF("realm_id_sealed") " = $1)"
		" OR EXISTS (SELECT 1 FROM reefqbo.credential WHERE " HEAD_OF("refresh_token_sealed") " = $1"
		"  OR " HEAD_OF("previous_refresh_token_sealed") " = $1 OR " HEAD_OF("access_token_sealed") " = $1)",
		BYTEAOID);
	RqboArgs	args = {0};

	rqbo_arg_bytea(&args, head);
	rqbo_db_run(&statement, &args);
	return rqbo_column_bool(1);
}

/* ---- those who are replacing a grant ---- */

#define GRANT_HOLDERS(what) \
	"SELECT " what " FROM pg_locks k" \
	" CROSS JOIN LATERAL (SELECT format('%s/%s/%s', k.pid, k.classid, k.objid)) h (name)" \
	" WHERE k.locktype = 'advisory' AND k.granted AND k.objsubid = $1" \
	" AND k.database = (SELECT oid FROM pg_database WHERE datname = current_database())"

char *
rqbo_store_list_grant_holders(void)
{
	static RqboStatement statement = RQBO_STATEMENT(
		GRANT_HOLDERS("COALESCE(string_agg(h.name, ','), '')"),
		INT8OID);
	RqboArgs	args = {0};

	rqbo_arg_int8(&args, rqbo_lock_class(RQBO_LOCK_GRANT));
	rqbo_db_run(&statement, &args);
	return rqbo_column_text(1);
}

bool
rqbo_store_holds_grants(const char *holders)
{
	static RqboStatement statement = RQBO_STATEMENT(
		GRANT_HOLDERS("count(*)") " AND h.name = ANY (string_to_array($2, ','))",
		INT8OID, TEXTOID);
	RqboArgs	args = {0};

	rqbo_arg_int8(&args, rqbo_lock_class(RQBO_LOCK_GRANT));
	rqbo_arg_text(&args, holders);
	rqbo_db_run(&statement, &args);
	return rqbo_column_int8(1) > 0;
}
