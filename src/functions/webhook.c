/*-------------------------------------------------------------------------
 *
 * functions/webhook.c
 *	  The SQL-callable functions of webhooks: is it Intuit who tells, and whom
 *	  does it concern?
 *
 * Nothing is asked of QuickBooks here.  What is told makes a company due, and
 * the background worker does what it does when a company is due.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/detoast.h"
#include "common/base64.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include "base/errors.h"
#include "functions/call.h"
#include "import/changes.h"
#include "qbo/webhook.h"
#include "secret/clear.h"
#include "secret/keyring.h"
#include "secret/seal.h"
#include "store/restore.h"
#include "store/webhook.h"

#define SIGNATURE_LENGTH 44		/* base64 of 32 bytes */
#define MOST_BYTES (16 * 1024 * 1024)

PG_FUNCTION_INFO_V1(rqbo_register_webhook);
PG_FUNCTION_INFO_V1(rqbo_receive_webhook);

static RqboSealOwner
owner_of(int64 environment_id, const char *installation)
{
	return (RqboSealOwner) {.purpose = RQBO_SEAL_VERIFIER, .installation = installation, .id1 = environment_id};
}

/* ---- registering ---- */

/*
 * Registering the same once more must not put the one before out of use.
 */
static bool
is_registered(RqboKeyring *ring, int64 environment_id, const char *token)
{
	int			count;
	RqboVerifier *v = rqbo_store_list_verifiers(environment_id, &count);
	char	   *present;
	bool		is_same;

	if (count == 0 || !rqbo_secret_opens(ring, owner_of(environment_id, v->installation), v->sealed))
		return false;
	present = rqbo_secret_unseal(ring, owner_of(environment_id, v->installation), v->sealed);
	is_same = rqbo_secret_equal(present, token);
	rqbo_clear_wipe(present);
	return is_same;
}

static void
put_verifier(const RqboCaller *caller, const char *environment, const char *token)
{
	int64		environment_id = rqbo_store_environment_needed(environment);
	RqboKeyring *ring = rqbo_keyring_load();
	RqboAudit	entry = {.action = "webhook_registered"};

	if (is_registered(ring, environment_id, token))
		return;
	rqbo_store_put_verifier(environment_id, rqbo_secret_seal(ring, owner_of(environment_id, rqbo_store_installation()), token));
	entry.detail = psprintf("for environment \"%s\"", environment);
	rqbo_call_audit(caller, &entry);
}

Datum
rqbo_register_webhook(PG_FUNCTION_ARGS)
{
	char	   *environment = rqbo_call_text(fcinfo, 0, "environment");
	char	   *token = rqbo_call_take_secret(fcinfo, 1, "verifier_token");
	RqboCaller	caller;

	rqbo_call_check_plain(token, "verifier_token", ERRCODE_INVALID_PARAMETER_VALUE);
	rqbo_call_begin(fcinfo, &caller);
	rqbo_rights_check(&caller, RQBO_ALL_MODELS, NULL, RQBO_ADMIN);
	rqbo_store_need_restored();
	put_verifier(&caller, environment, token);
	rqbo_call_end(&caller);
	rqbo_clear_wipe(token);
	PG_RETURN_VOID();
}

/* ---- whose is it? ---- */

/*
 * A body that is not Intuit's says nothing that is worth keeping, in the log
 * either.
 */
pg_noreturn static void
refuse(const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
			 errmsg("the webhook is not signed by Intuit"),
			 errdetail("%s", detail),
			 errhint("Pass the bytes of the body as they came and the header intuit-signature. The verifier token stands beside the webhook at Intuit; reefqbo.register_webhook makes it known."),
			 errhidestmt(true)));
}

static void
read_signature(const char *text, uint8 *mac)
{
	char		decoded[64];

	if (strlen(text) != SIGNATURE_LENGTH || pg_b64_decode(text, SIGNATURE_LENGTH, (void *) decoded, sizeof(decoded)) != RQBO_DIGEST_BYTES)
		refuse("The signature is not the base64 of 32 bytes.");
	memcpy(mac, decoded, RQBO_DIGEST_BYTES);
}

/*
 * What one environment lacks the key of keeps no other from its events: *closed
 * is set then.
 */
static bool
is_signed_by(RqboKeyring *ring, const RqboVerifier *v, const bytea *sealed, const bytea *body, const uint8 *mac, bool *closed)
{
	char	   *token;
	bool		is_signed;

	if (sealed == NULL)
		return false;
	if (!rqbo_secret_opens(ring, owner_of(v->environment_id, v->installation), sealed))
	{
		*closed = true;
		return false;
	}
	token = rqbo_secret_unseal(ring, owner_of(v->environment_id, v->installation), sealed);
	is_signed = rqbo_secret_has_signed(token, VARDATA_ANY(body), VARSIZE_ANY_EXHDR(body), mac);
	rqbo_clear_wipe(token);
	return is_signed;
}

/*
 * It may be by a token that cannot be unsealed: whoever unseals it is told why.
 */
static void
raise_closed(RqboKeyring *ring, const RqboVerifier *v)
{
	RqboSealOwner owner = owner_of(v->environment_id, v->installation);

	rqbo_clear_wipe(rqbo_secret_unseal(ring, owner, v->sealed));
	rqbo_clear_wipe(rqbo_secret_unseal(ring, owner, v->previous_sealed));
}

/*
 * The environments whose token has signed it, as an array ended by 0.  All are
 * tried, whichever does.
 */
static int64 *
find_signers(RqboKeyring *ring, const bytea *body, const uint8 *mac)
{
	int			count;
	RqboVerifier *verifiers = rqbo_store_list_verifiers(0, &count);
	int64	   *signers = palloc0((count + 1) * sizeof(int64));
	int			nsigners = 0;
	const RqboVerifier *closed = NULL;

	for (int i = 0; i < count; i++)
	{
		const RqboVerifier *v = &verifiers[i];
		bool		is_closed = false;
		bool		by_present = is_signed_by(ring, v, v->sealed, body, mac, &is_closed);
		bool		by_previous = is_signed_by(ring, v, v->previous_sealed, body, mac, &is_closed);

		if (by_present || by_previous)
			signers[nsigners++] = v->environment_id;
		if (is_closed)
			closed = v;
	}
	if (nsigners == 0 && closed != NULL)
		raise_closed(ring, closed);
	if (nsigners == 0)
		refuse(count > 0 ? "No verifier token that is registered gives this signature." : "No verifier token is registered.");
	return signers;
}

/* ---- whom does it concern? ---- */

/*
 * The number of an event's realm among those of the body; what is new is added
 * with its digests by each key, within each environment.  A body has few.
 */
static int
number_of_realm(List **realms, const char *realm_id, const RqboKeyring *ring, const int64 *environments,
				RqboEventColumns *columns)
{
	ListCell   *cell;
	int			number = 0;

	foreach(cell, *realms)
	{
		if (strcmp(lfirst(cell), realm_id) == 0)
			return number;
		number++;
	}
	*realms = lappend(*realms, unconstify(char *, realm_id));
	for (; *environments != 0; environments++)
		for (int k = 0; k < ring->nkeys; k++)
		{
			rqbo_column_add(&columns->digest_realms, Int32GetDatum(number), false);
			rqbo_column_add(&columns->digests,
							PointerGetDatum(rqbo_secret_realm_digest(&ring->keys[k], *environments, realm_id)), false);
		}
	return number;
}

/*
 * At most, if each event is of a company of its own.
 */
static int
count_digests(int count, const RqboKeyring *ring, const int64 *environments)
{
	int			nenvironments = 0;

	while (environments[nenvironments] != 0)
		nenvironments++;
	return count * ring->nkeys * nenvironments;
}

static void
begin_columns(RqboEventColumns *columns, int count, int ndigests)
{
	rqbo_column_begin(&columns->ids, count);
	rqbo_column_begin(&columns->realms, count);
	rqbo_column_begin(&columns->entities, count);
	rqbo_column_begin(&columns->wanted, count);
	rqbo_column_begin(&columns->moments, count);
	rqbo_column_begin(&columns->digest_realms, ndigests);
	rqbo_column_begin(&columns->digests, ndigests);
}

static void
add_event(RqboEventColumns *columns, const RqboWebhookEvent *event, int realm)
{
	const char *wanted = event->entity != NULL ? rqbo_import_changes_entity(event->entity) : NULL;

	rqbo_column_add_text(&columns->ids, event->id);
	rqbo_column_add(&columns->realms, Int32GetDatum(realm), realm < 0);
	rqbo_column_add_text(&columns->entities, wanted != NULL ? wanted : event->entity);
	rqbo_column_add(&columns->wanted, BoolGetDatum(wanted != NULL && event->id != NULL), false);
	rqbo_column_add(&columns->moments, TimestampTzGetDatum(event->happened_at), !event->has_time);
}

static void
sink_tuple(HeapTuple tuple, void *arg)
{
	tuplestore_puttuple(arg, tuple);
}

static void
take_body(const bytea *body, const RqboKeyring *ring, const int64 *environments, Tuplestorestate *result)
{
	int			count;
	RqboWebhookEvent *events = rqbo_webhook_read(VARDATA_ANY(body), VARSIZE_ANY_EXHDR(body), &count);
	RqboEventColumns columns;
	List	   *realms = NIL;

	begin_columns(&columns, count, count_digests(count, ring, environments));
	for (int i = 0; i < count; i++)
		add_event(&columns, &events[i],
				  events[i].id != NULL ? number_of_realm(&realms, events[i].realm_id, ring, environments, &columns) : -1);
	rqbo_store_take_events(&columns, sink_tuple, result);
}

Datum
rqbo_receive_webhook(PG_FUNCTION_ARGS)
{
	char	   *signature = rqbo_call_text(fcinfo, 1, "signature");
	uint8		mac[RQBO_DIGEST_BYTES];
	RqboCaller	caller;
	RqboKeyring *ring;
	bytea	   *body;
	int64	   *environments;

	if (PG_ARGISNULL(0))
		(void) rqbo_call_text(fcinfo, 0, "body");
	read_signature(signature, mac);
	if (toast_raw_datum_size(PG_GETARG_DATUM(0)) > MOST_BYTES)
		refuse("The body has more than 16 MB.");
	body = PG_GETARG_BYTEA_PP(0);
	InitMaterializedSRF(fcinfo, 0);
	rqbo_call_begin(fcinfo, &caller);
	rqbo_rights_check(&caller, RQBO_ALL_MODELS, NULL, RQBO_WEBHOOK);
	rqbo_store_need_restored();
	ring = rqbo_keyring_load();
	environments = find_signers(ring, body, mac);
	take_body(body, ring, environments, ((ReturnSetInfo *) fcinfo->resultinfo)->setResult);
	rqbo_call_end(&caller);
	return (Datum) 0;
}
