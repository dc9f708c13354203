/*-------------------------------------------------------------------------
 *
 * import/keep_grant.c
 *	  Keeps a grant alive that nobody uses: reads nothing, but refreshes its token.
 *	  How a token is refreshed stands in qbo/oauth.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "import/keep_grant.h"
#include "qbo/oauth.h"

static void
begin(RqboImport *import)
{
	Assert(import->ask.is_scheduled);
	rqbo_oauth_keep_alive(import->session, import->then);
}

static void
store_end(RqboImport *import)
{
	rqbo_store_grant_kept(import->model_id, import->connection_id);
}

/* If it fails, the log knows it as the refresh that it is for. */
const RqboImportKind rqbo_import_keep_grant_kind = {
	.name = "refresh",
	.begin = begin,
	.store_end = store_end
};
