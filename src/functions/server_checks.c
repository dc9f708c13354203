/*-------------------------------------------------------------------------
 *
 * functions/server_checks.c
 *	  What reefqbo.check cannot see from SQL: the key ring, whether a sealed
 *	  value is one of its keys', pgcrypto at work, the library itself, how long a
 *	  company is to be left alone, and whose tokens are kept in a file.
 *
 * Nothing here is written or sent, and no secret is opened.  What is wrong
 * raises as ever; the SQL around it makes a row of that.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "net/throttle.h"
#include "net/transfer.h"
#include "secret/seal.h"
#include "store/kept.h"
#include "worker/shmem.h"

PG_FUNCTION_INFO_V1(rqbo_key_ids);
PG_FUNCTION_INFO_V1(rqbo_seal_holds);
PG_FUNCTION_INFO_V1(rqbo_cipher_works);
PG_FUNCTION_INFO_V1(rqbo_library);
PG_FUNCTION_INFO_V1(rqbo_paused_until);
PG_FUNCTION_INFO_V1(rqbo_kept_connections);

/* ---- the key ring ---- */

Datum
rqbo_key_ids(PG_FUNCTION_ARGS pg_attribute_unused())
{
	RqboKeyring *ring = rqbo_keyring_load();
	Datum	   *ids = palloc(ring->nkeys * sizeof(Datum));

	for (int i = 0; i < ring->nkeys; i++)
		ids[i] = CStringGetTextDatum(ring->keys[i].id);
	PG_RETURN_ARRAYTYPE_P(construct_array(ids, ring->nkeys, TEXTOID, -1, false, TYPALIGN_INT));
}

/*
 * Loaded once for all values that a query asks about.
 */
static RqboKeyring *
ring_of_query(FunctionCallInfo fcinfo)
{
	MemoryContext saved;

	if (fcinfo->flinfo->fn_extra == NULL)
	{
		saved = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
		fcinfo->flinfo->fn_extra = rqbo_keyring_load();
		MemoryContextSwitchTo(saved);
	}
	return fcinfo->flinfo->fn_extra;
}

Datum
rqbo_seal_holds(PG_FUNCTION_ARGS)
{
	RqboSealOwner owner = {
		.purpose = (RqboSealPurpose) PG_GETARG_INT32(0),
		.installation = text_to_cstring(PG_GETARG_TEXT_PP(1)),
		.id1 = PG_GETARG_INT64(2),
		.id2 = PG_GETARG_INT64(3),
		.generation = PG_GETARG_INT64(4)
	};

	PG_RETURN_BOOL(rqbo_secret_opens(ring_of_query(fcinfo), owner, PG_GETARG_BYTEA_PP(5)));
}

/* ---- pgcrypto ---- */

/*
 * Seal a word with a key of the moment, and unseal it again.
 */
Datum
rqbo_cipher_works(PG_FUNCTION_ARGS pg_attribute_unused())
{
	const char *word = "reefqbo";
	RqboKey		key = {.id = "moment"};
	RqboKeyring ring = {1, &key};
	RqboSealOwner owner = {.purpose = RQBO_SEAL_CLIENT_SECRET, .installation = "none"};

	if (!pg_strong_random(key.bytes, RQBO_KEY_BYTES))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not generate random values")));
	PG_RETURN_BOOL(strcmp(rqbo_secret_unseal(&ring, owner, rqbo_secret_seal(&ring, owner, word)), word) == 0);
}

/* ---- the library ---- */

Datum
rqbo_library(PG_FUNCTION_ARGS)
{
	const char *ca_file = rqbo_transfer_ca_file();
	TupleDesc	desc;
	Datum		values[3] = {0};
	bool		nulls[3] = {false};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values[0] = CStringGetTextDatum(RQBO_VERSION);
	values[1] = BoolGetDatum(rqbo_shmem_is_there());
	if (ca_file != NULL)
		values[2] = CStringGetTextDatum(ca_file);
	nulls[2] = ca_file == NULL;
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}

/* ---- the budget of requests ---- */

Datum
rqbo_paused_until(PG_FUNCTION_ARGS)
{
	RqboThrottle throttle = {.is_begun = true,.tokens = PG_GETARG_FLOAT8(0),.counted_at = PG_GETARG_TIMESTAMPTZ(1)};
	TimestampTz now = GetCurrentTimestamp();

	if (!rqbo_throttle_is_paused(&throttle, now))
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(TimestampTzPlusMilliseconds(now, rqbo_throttle_wait_ms(&throttle, now)));
}

/* ---- kept tokens ---- */

Datum
rqbo_kept_connections(PG_FUNCTION_ARGS pg_attribute_unused())
{
	List	   *owners = rqbo_kept_list();
	Datum	   *ids = palloc((list_length(owners) + 1) * sizeof(Datum));
	int			count = 0;
	ListCell   *cell;

	foreach(cell, owners)
		ids[count++] = Int64GetDatum(((const RqboKeptOwner *) lfirst(cell))->connection_id);
	PG_RETURN_ARRAYTYPE_P(construct_array(ids, count, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}
