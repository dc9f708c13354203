/*-------------------------------------------------------------------------
 *
 * qbo/calls.c
 *	  Evidence of every request that was made, until it is in a table.
 *	  The table is filled by store/calls.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "lib/stringinfo.h"
#include "storage/ipc.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "base/clock.h"
#include "base/db.h"
#include "qbo/calls.h"
#include "secret/redact.h"
#include "store/calls.h"

#define REALM_BLANK "{realm}"

struct RqboCallNote
{
	dlist_node	link;
	bool		is_over;
	int64		began_ms;		/* on rqbo_clock_ms */
	RqboCallRow row;
};

static MemoryContext notes_context = NULL;
static dlist_head notes = DLIST_STATIC_INIT(notes);
static int	nover = 0;			/* notes that wait to be stored */
static bool are_stored = false; /* by the transaction under way */

/* ---- taking notes ---- */

/*
 * The path and query of an address, without the realm id.
 */
static char *
public_path(const char *url, const char *realm_id)
{
	const char *host = strstr(url, "://");
	const char *path = host != NULL ? strchr(host + 3, '/') : NULL;
	size_t		realm_length = realm_id != NULL ? strlen(realm_id) : 0;
	StringInfoData result;

	initStringInfo(&result);
	for (const char *c = path != NULL ? path : "/"; *c != '\0';)
	{
		if (realm_length > 0 && strncmp(c, realm_id, realm_length) == 0)
		{
			appendStringInfoString(&result, REALM_BLANK);
			c += realm_length;
		}
		else
			appendStringInfoChar(&result, *c++);
	}
	return result.data;
}

RqboCallNote *
rqbo_calls_begin(int64 model_id, int64 connection_id, const RqboHttpRequest *request, const char *realm_id)
{
	MemoryContext saved = MemoryContextSwitchTo(notes_context);
	RqboCallNote *note = palloc0(sizeof(RqboCallNote));

	note->began_ms = rqbo_clock_ms();
	note->row.model_id = model_id;
	note->row.connection_id = connection_id;
	note->row.called_at = rqbo_now();
	note->row.method = request->form != NULL ? "POST" : "GET";
	note->row.path = public_path(request->url, realm_id);
	dlist_push_tail(&notes, &note->link);
	MemoryContextSwitchTo(saved);
	return note;
}

static char *
keep(const char *text)
{
	return text != NULL ? MemoryContextStrdup(notes_context, text) : NULL;
}

void
rqbo_calls_end(RqboCallNote *note, const RqboHttpResult *result)
{
	RqboCallRow *row = &note->row;

	note->is_over = true;
	nover++;
	row->milliseconds = (int) Min((result != NULL ? result->ended_ms : rqbo_clock_ms()) - note->began_ms, PG_INT32_MAX);
	if (result == NULL)
	{
		row->error = keep("given up before there was an answer");
		return;
	}
	row->status = result->status;
	row->bytes = result->bytes;
	row->intuit_tid = keep(result->intuit_tid);
	if (result->message != NULL)
		row->error = keep(rqbo_secret_redact(result->message));
}

/* ---- storing them ---- */

static void
forget_stored(void)
{
	dlist_mutable_iter iter;

	if (!are_stored)
		return;
	dlist_foreach_modify(iter, &notes)
	{
		RqboCallNote *note = dlist_container(RqboCallNote, link, iter.cur);

		if (!note->is_over)
			continue;
		dlist_delete(&note->link);
		pfree(note->row.path);
		if (note->row.intuit_tid != NULL)
			pfree(note->row.intuit_tid);
		if (note->row.error != NULL)
			pfree(note->row.error);
		pfree(note);
	}
	nover = 0;
}

/*
 * Evidence must not fail the work it is of: behind somebody's lock on the table
 * it waits for a later transaction.
 */
static void
store_notes(void)
{
	const RqboCallRow **rows;
	dlist_iter	iter;
	int			count = 0;

	are_stored = nover > 0 && rqbo_store_try_lock_calls();
	if (!are_stored)
		return;
	rows = palloc(nover * sizeof(RqboCallRow *));
	dlist_foreach(iter, &notes)
	{
		const RqboCallNote *note = dlist_container(RqboCallNote, link, iter.cur);

		if (note->is_over)
			rows[count++] = &note->row;
	}
	rqbo_store_add_calls(rows, count);
}

void
rqbo_calls_store(void)
{
	if (nover == 0)
		return;
	rqbo_db_begin();
	rqbo_db_commit();
}

/*
 * The process ends, perhaps in the middle of it all.  What was sent was sent.
 * As always at an exit, an error here ends it at once; hence nothing that may
 * have to wait, for a lock or for a standby.
 */
static void
store_at_exit(int code pg_attribute_unused(), Datum arg pg_attribute_unused())
{
	dlist_iter	iter;

	dlist_foreach(iter, &notes)
	{
		RqboCallNote *note = dlist_container(RqboCallNote, link, iter.cur);

		if (!note->is_over)
			rqbo_calls_end(note, NULL);
	}
	if (nover == 0)
		return;
	AbortOutOfAnyTransaction();
	SetConfigOption("synchronous_commit", "local", PGC_SUSET, PGC_S_OVERRIDE);
	rqbo_db_begin_nowait();
	store_notes();
	rqbo_db_commit();
	if (!are_stored)
		ereport(LOG,
				(errmsg("reefqbo: %d requests to Intuit are not in reefqbo.api_call, since somebody has locked it", nover)));
}

void
rqbo_calls_open(void)
{
	notes_context = AllocSetContextCreate(TopMemoryContext, "reefqbo calls", ALLOCSET_SMALL_SIZES);
	rqbo_db_add_hooks(store_notes, forget_stored);
	before_shmem_exit(store_at_exit, (Datum) 0);
}
