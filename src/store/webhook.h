/*-------------------------------------------------------------------------
 *
 * store/webhook.h
 *	  Verifier tokens, and events that have come in, in tables.
 *
 * As store/connection.h: inside a transaction with SPI connected.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_STORE_WEBHOOK_H
#define RQBO_STORE_WEBHOOK_H

#include "access/htup.h"

#include "base/array.h"

/* The verifier tokens of an environment, sealed. */
typedef struct RqboVerifier
{
	int64		environment_id;
	char	   *installation;
	bytea	   *sealed;
	bytea	   *previous_sealed;	/* NULL if there is none */
} RqboVerifier;

/* Of one environment, or of all (0); *count says how many. */
extern RqboVerifier *rqbo_store_list_verifiers(int64 environment_id, int *count);

/* The token that was there before stays beside it. */
extern void rqbo_store_put_verifier(int64 environment_id, const bytea *sealed);

/* Events as columns: a row for each of them, and one for each digest of each realm. */
typedef struct RqboEventColumns
{
	RqboColumn	ids;
	RqboColumn	realms;			/* a number for each */
	RqboColumn	entities;
	RqboColumn	wanted;			/* calls for a refresh */
	RqboColumn	moments;		/* by QuickBooks' clock; NULL if it is not said */
	RqboColumn	digest_realms;
	RqboColumn	digests;
} RqboEventColumns;

typedef void (*RqboTupleSink) (HeapTuple tuple, void *arg);

/* Take them in, and tell what came of each: event_id, model_id, connection_id, entity, outcome. */
extern void rqbo_store_take_events(const RqboEventColumns *events, RqboTupleSink sink, void *arg);

#endif							/* RQBO_STORE_WEBHOOK_H */
