/*-------------------------------------------------------------------------
 *
 * grant/sign_in_grant.c
 *	  What a sign-in stores: the connection and its tokens.
 *	  When that is, depends on its way, which is chosen elsewhere.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "grant/sign_in_grant.h"
#include "qbo/oauth.h"
#include "secret/seal.h"
#include "store/connection.h"
#include "store/upkeep.h"

static void
seal_realm(RqboSession *session)
{
	RqboConnection *c = session->connection;

	c->realm_sealed = rqbo_secret_seal(session->ring, rqbo_connection_owner(c, RQBO_SEAL_REALM_ID, 0),
									   session->realm_id);
}

/*
 * Store the connection and its tokens.  Sealing needs the id of the row: the
 * first time, it is put once to get it.
 */
void
rqbo_sign_in_grant_put(RqboSession *session)
{
	RqboConnection *c = session->connection;
	bytea	   *digest = rqbo_secret_realm_digest(rqbo_keyring_newest(session->ring), c->environment_id,
												  session->realm_id);

	rqbo_store_lock_grant(c);
	if (c->connection_id == 0)
	{
		seal_realm(session);
		c->connection_id = rqbo_store_put_connection(c, digest);
	}
	seal_realm(session);
	(void) rqbo_store_put_connection(c, digest);
	(void) rqbo_store_schedule_connection(c->model_id, c->connection_id);
	rqbo_oauth_put_tokens(session, true);
	c->realm_sealed = NULL;
}
