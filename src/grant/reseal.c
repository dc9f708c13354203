/*-------------------------------------------------------------------------
 *
 * grant/reseal.c
 *	  Sealing everything again with the newest key.
 *
 * A pass goes through the tables by key, in batches that each take what is not
 * sealed with the newest key, unseal it, seal it again and commit.  Being cut
 * off therefore costs nothing, and beginning again repeats nothing.  A row is
 * read and written under its lock, so that a refresh of its tokens comes
 * either before, and its tokens are what is sealed again, or after.
 *
 * A process that loaded the key ring before the newest key was in it may
 * still seal with an older one, behind the pass.  It holds the lock of the
 * grant it is about to replace; and whoever takes that lock later finds the
 * newest key in the row, does not know it, and reads the ring again.  Hence
 * those who hold such a lock after the first pass are waited for, and a
 * last pass seals what they have left.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/memutils.h"

#include "base/clock.h"
#include "base/db.h"
#include "base/errors.h"
#include "base/lock.h"
#include "grant/reseal.h"
#include "secret/clear.h"
#include "secret/redact.h"
#include "secret/seal.h"
#include "store/access.h"
#include "store/kept.h"
#include "store/sealed.h"

#define BATCH_ROWS 100
#define WAIT_MS 200
#define PATIENCE_MS 120000
#define NAMED_PLACES 5

/* Values that could not be unsealed, of one cause. */
typedef struct Unread
{
	RqboSealState state;
	char	   *key_id;			/* or NULL */
	int			count;
	int			nplaces;
	char	   *last_place;
	StringInfoData places;
} Unread;

typedef struct Reseal
{
	RqboJob    *job;
	RqboTask   *task;
	RqboKeyring *ring;
	const RqboKey *key;			/* its newest */
	bytea	   *head;			/* of what it has sealed */
	RqboSealedTable table;
	int64		after1;			/* the last row that was looked at */
	int64		after2;
	int64		unread_rows;	/* of this pass, as are the next three */
	int64		kept_left;		/* files that others hold the lock of */
	int			unread_values;
	List	   *unread;			/* of Unread * */
	char	   *holders;		/* of grants, after the first pass; NULL before */
	int64		began_waiting;	/* on rqbo_clock_ms; 0 while there was nothing to wait for */
	int64		sealed[RQBO_SEALED_TABLES];	/* how many values */
} Reseal;

static void begin_pass(RqboTask *task);

/* ---- what could not be unsealed ---- */

static Unread *
find_unread(Reseal *r, RqboSealState state, const char *key_id)
{
	ListCell   *cell;
	Unread	   *unread;

	foreach(cell, r->unread)
	{
		unread = lfirst(cell);
		if (unread->state == state && strcmp(unread->key_id, key_id) == 0)
			return unread;
	}
	unread = palloc0(sizeof(Unread));
	unread->state = state;
	unread->key_id = pstrdup(key_id);
	initStringInfo(&unread->places);
	r->unread = lappend(r->unread, unread);
	return unread;
}

/*
 * Count it, and name the first places it was met in.
 */
static void
note_unread(Reseal *r, RqboSealState state, const char *key_id, const char *place)
{
	MemoryContext saved = MemoryContextSwitchTo(r->task->context);
	Unread	   *unread = find_unread(r, state, key_id != NULL ? key_id : "");

	unread->count++;
	r->unread_values++;
	if (unread->last_place == NULL || strcmp(unread->last_place, place) != 0)
	{
		unread->last_place = pstrdup(place);
		if (unread->nplaces++ < NAMED_PLACES)
			appendStringInfo(&unread->places, "%s%s", unread->nplaces > 1 ? ", " : "", place);
	}
	MemoryContextSwitchTo(saved);
}

static char *
describe_unread(const Reseal *r)
{
	StringInfoData detail;
	ListCell   *cell;

	initStringInfo(&detail);
	foreach(cell, r->unread)
	{
		const Unread *unread = lfirst(cell);

		if (unread->state == RQBO_SEAL_KEY_LACKING)
			appendStringInfo(&detail, "%d sealed with key \"%s\", which the key ring does not have",
							 unread->count, rqbo_secret_redact(unread->key_id));
		else
			appendStringInfo(&detail, "%d changed after sealing, or sealed with another key than the ring has under its name",
							 unread->count);
		appendStringInfo(&detail, ": %s", unread->places.data);
		if (unread->nplaces > NAMED_PLACES)
			appendStringInfo(&detail, " and %d more", unread->nplaces - NAMED_PLACES);
		appendStringInfoString(&detail, lnext(r->unread, cell) != NULL ? "\n" : ".");
	}
	return detail.data;
}

static void
raise_unread(const Reseal *r)
{
	int			count = r->unread_values;

	ereport(ERROR,
			(errcode(ERRCODE_RQBO_KEY_UNAVAILABLE),
			 errmsg_plural("could not unseal %d value", "could not unseal %d values", count, count),
			 errdetail("%s", describe_unread(r)),
			 errhint("All others are sealed with key \"%s\". Put the line of the key back into the ring, above the newest one, and call reefqbo.reseal again; or give the app's secret anew with reefqbo.register_app, and the company's grant with reefqbo.reconnect.",
					 r->key->id)));
}

/* ---- sealing ---- */

static RqboSealOwner
owner_of(RqboSealedTable table, int value, const RqboSealedRow *row)
{
	RqboSealPurpose purpose =
		table == RQBO_SEALED_APPS ? RQBO_SEAL_CLIENT_SECRET :
		table == RQBO_SEALED_CONNECTIONS ? RQBO_SEAL_REALM_ID :
		table == RQBO_SEALED_WEBHOOKS ? RQBO_SEAL_VERIFIER :
		value == 2 ? RQBO_SEAL_ACCESS_TOKEN : RQBO_SEAL_REFRESH_TOKEN;

	/* the second token is that of the generation before */
	return (RqboSealOwner) {purpose, row->installation, row->id1, row->id2, row->generation - (value == 1 && table == RQBO_SEALED_CREDENTIALS ? 1 : 0)};
}

/*
 * Seal one value again; false if it is left as it is.
 */
static bool
seal_value(Reseal *r, RqboSealedRow *row, int value)
{
	RqboSealOwner owner = owner_of(r->table, value, row);
	char	   *key_id;
	char	   *secret;
	RqboSealState state = rqbo_secret_examine(r->ring, owner, row->values[value], &key_id);

	if (state == RQBO_SEAL_NEWEST)
		return false;
	if (state != RQBO_SEAL_OLDER)
	{
		note_unread(r, state, key_id, row->label);
		return false;
	}
	secret = rqbo_secret_unseal(r->ring, owner, row->values[value]);
	row->values[value] = rqbo_secret_seal(r->ring, owner, secret);
	if (r->table == RQBO_SEALED_CONNECTIONS)
		row->values[1] = rqbo_secret_realm_digest(r->key, row->environment_id, secret);
	rqbo_clear_wipe(secret);
	r->sealed[r->table]++;
	return true;
}

/*
 * The second value of a connection is a digest, which goes along with the first.
 */
static void
seal_row(Reseal *r, RqboSealedRow *row)
{
	int			nvalues = r->table == RQBO_SEALED_CONNECTIONS ? 1 : RQBO_SEALED_VALUES;
	int			unread = r->unread_values;
	bool		is_changed = false;

	for (int v = 0; v < nvalues; v++)
		if (row->values[v] != NULL)
			is_changed |= seal_value(r, row, v);
	if (is_changed)
		rqbo_store_put_sealed(r->table, row);
	if (r->unread_values > unread)
		r->unread_rows++;
	r->after1 = row->id1;
	r->after2 = row->id2;
}

/* ---- tokens kept in files ---- */

/*
 * As a row of the table that could not take them.  Whose connection is not
 * there is left as it is: its data may not have been restored yet.
 */
static void
seal_file(Reseal *r, const RqboKeptOwner *listed)
{
	RqboKeptOwner owner;
	RqboSealedTokens tokens;
	const RqboConnection *c = rqbo_store_read_connection(listed->model_id, listed->connection_id);
	RqboSealedRow row = {0};
	bool		is_changed;

	if (c == NULL || !rqbo_kept_read(listed->model_id, listed->connection_id, &owner, &tokens))
		return;
	row.id1 = c->model_id;
	row.id2 = c->connection_id;
	row.generation = tokens.generation;
	row.installation = c->installation;
	row.label = psprintf("file of branch \"%s\" of model \"%s\"", c->branch, c->title);
	row.values[0] = tokens.refresh_sealed;
	row.values[2] = tokens.access_sealed;
	is_changed = seal_value(r, &row, 0);
	if (row.values[2] != NULL)
		is_changed |= seal_value(r, &row, 2);
	tokens.refresh_sealed = row.values[0];
	tokens.access_sealed = row.values[2];
	if (is_changed)
		rqbo_kept_replace(&owner, &tokens);
}

/*
 * Under its lock, which an ERROR does not give back; it ends this process then.
 */
static void
seal_kept(Reseal *r)
{
	ListCell   *cell;

	r->table = RQBO_SEALED_CREDENTIALS;
	foreach(cell, rqbo_kept_list())
	{
		const RqboKeptOwner *owner = lfirst(cell);

		if (!rqbo_lock_try(RQBO_LOCK_GRANT, owner->branch_id))
		{
			r->kept_left++;
			continue;
		}
		rqbo_db_begin();
		seal_file(r, owner);
		rqbo_db_commit();
		rqbo_lock_release(RQBO_LOCK_GRANT, owner->branch_id);
	}
}

/* ---- the end ---- */

static bool
is_needed(const RqboKey *key)
{
	const bytea *head = rqbo_secret_head(key);

	return rqbo_store_is_sealing(head) || rqbo_kept_is_sealing(head);
}

/*
 * Keys of the ring whose lines nothing needs any more.
 */
static void
notice_idle_keys(const Reseal *r)
{
	StringInfoData idle;
	int			nidle = 0;

	initStringInfo(&idle);
	for (int i = 0; i < r->ring->nkeys - 1; i++)
		if (!is_needed(&r->ring->keys[i]))
			appendStringInfo(&idle, "%s\"%s\"", nidle++ > 0 ? ", " : "", r->ring->keys[i].id);
	if (nidle > 0)
		ereport(NOTICE,
				(errmsg_plural("nothing is sealed with key %s any more", "nothing is sealed with keys %s any more",
							   nidle, idle.data),
				 errhint("Lines of keys that nothing is sealed with may be removed from the ring. Keep a copy of them as long as there are backups from before.")));
}

static void
notice_result(const Reseal *r)
{
	if (r->sealed[RQBO_SEALED_APPS] + r->sealed[RQBO_SEALED_CONNECTIONS] + r->sealed[RQBO_SEALED_CREDENTIALS] + r->sealed[RQBO_SEALED_WEBHOOKS] > 0)
		ereport(NOTICE,
				(errmsg("sealed again with key \"%s\": " INT64_FORMAT " client secrets, " INT64_FORMAT
						" realm ids, " INT64_FORMAT " tokens",
						r->key->id, r->sealed[RQBO_SEALED_APPS], r->sealed[RQBO_SEALED_CONNECTIONS],
						r->sealed[RQBO_SEALED_CREDENTIALS] + r->sealed[RQBO_SEALED_WEBHOOKS])));
	else if (r->unread_values == 0)
		ereport(NOTICE,
				(errmsg("everything is sealed with key \"%s\" already", r->key->id)));
}

static void
audit(const Reseal *r)
{
	RqboAudit	entry = {
		.action = "resealed",
		.session_role = r->job->request->user,
		.acting_role = r->job->request->role,
		.detail = psprintf("with key \"%s\": " INT64_FORMAT " client secrets, " INT64_FORMAT " realm ids, " INT64_FORMAT
						   " tokens; %d could not be unsealed",
						   r->key->id, r->sealed[RQBO_SEALED_APPS], r->sealed[RQBO_SEALED_CONNECTIONS],
						   r->sealed[RQBO_SEALED_CREDENTIALS] + r->sealed[RQBO_SEALED_WEBHOOKS], r->unread_values)
	};

	rqbo_store_audit(&entry);
}

/*
 * All is done that can be.
 */
static void
end_reseal(Reseal *r)
{
	rqbo_db_begin();
	audit(r);
	notice_result(r);
	notice_idle_keys(r);
	rqbo_db_commit();
	if (r->unread_values > 0)
		raise_unread(r);
	rqbo_task_end(r->task);
}

/*
 * Others hold on to what is to be sealed: come back, but not for ever, since
 * one of them may be the session that waits for us.
 */
static void
wait_for_others(Reseal *r, RqboStep next)
{
	int64		now = rqbo_clock_ms();

	if (r->began_waiting == 0)
		r->began_waiting = now;
	if (now - r->began_waiting > PATIENCE_MS)
		ereport(ERROR,
				(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
				 errmsg("could not seal everything again, since others hold locks"),
				 errdetail("A transaction, a sign-in or a refresh of a grant that had begun before has not ended."),
				 errhint("What could be sealed with key \"%s\" is. Call reefqbo.reseal again, from a transaction of its own, before a key's line is removed from the ring.",
						 r->key->id)));
	rqbo_task_sleep(r->task, WAIT_MS, next);
}

static void
wait_for_holders(RqboTask *task)
{
	Reseal	   *r = task->data;
	bool		are_there;

	rqbo_db_begin();
	are_there = rqbo_store_holds_grants(r->holders);
	rqbo_db_commit();
	if (are_there)
		wait_for_others(r, wait_for_holders);
	else
		begin_pass(task);
}

static void
list_holders(Reseal *r)
{
	MemoryContext saved = MemoryContextSwitchTo(r->task->context);

	rqbo_db_begin();
	r->holders = rqbo_store_list_grant_holders();
	rqbo_db_commit();
	MemoryContextSwitchTo(saved);
}

static int64
count_left(const Reseal *r)
{
	int64		left;

	rqbo_db_begin();
	left = rqbo_store_count_sealed_otherwise(r->head) - r->unread_rows + r->kept_left;
	rqbo_db_commit();
	return left;
}

/*
 * Rows that are left were locked, or have been stored behind the pass.
 */
static void
end_pass(Reseal *r)
{
	if (r->holders == NULL)
	{
		list_holders(r);
		if (r->holders[0] != '\0')
		{
			wait_for_holders(r->task);
			return;
		}
	}
	if (count_left(r) > 0)
		wait_for_others(r, begin_pass);
	else
		end_reseal(r);
}

/* ---- a pass ---- */

/*
 * Seal a batch again; returns whether there may be more of its table.
 */
static bool
seal_batch(Reseal *r)
{
	RqboSealedRow *rows;
	int			count;

	rqbo_db_begin();
	rows = rqbo_store_lock_sealed(r->table, r->head, r->after1, r->after2, BATCH_ROWS, &count);
	for (int i = 0; i < count; i++)
		seal_row(r, &rows[i]);
	rqbo_db_make_durable();
	rqbo_db_commit();
	return count == BATCH_ROWS;
}

static void
seal_next_batch(RqboTask *task)
{
	Reseal	   *r = task->data;
	MemoryContext batch = AllocSetContextCreate(CurrentMemoryContext, "reefqbo batch", ALLOCSET_DEFAULT_SIZES);
	MemoryContext saved = MemoryContextSwitchTo(batch);

	if (!seal_batch(r))
	{
		r->table++;
		r->after1 = r->after2 = 0;
	}
	MemoryContextSwitchTo(saved);
	MemoryContextDelete(batch);
	if (r->table < RQBO_SEALED_TABLES)
		rqbo_task_sleep(task, 0, seal_next_batch);
	else
	{
		seal_kept(r);
		end_pass(r);
	}
}

static void
begin_pass(RqboTask *task)
{
	Reseal	   *r = task->data;

	r->table = RQBO_SEALED_APPS;
	r->after1 = r->after2 = 0;
	r->unread_rows = r->unread_values = 0;
	r->kept_left = 0;
	r->unread = NIL;
	seal_next_batch(task);
}

static void
begin(RqboTask *task)
{
	Reseal	   *r = task->data;
	MemoryContext saved = MemoryContextSwitchTo(task->context);

	r->ring = rqbo_job_keyring(r->job);
	r->key = rqbo_keyring_newest(r->ring);
	r->head = rqbo_secret_head(r->key);
	MemoryContextSwitchTo(saved);
	begin_pass(task);
}

static void
fail(RqboTask *task)
{
	rqbo_job_add_failure(((Reseal *) task->data)->job, task->failure);
}

void
rqbo_reseal_add(RqboEngine *engine, RqboJob *job)
{
	RqboTask   *task = rqbo_engine_add(engine, begin, fail);
	Reseal	   *r = MemoryContextAllocZero(task->context, sizeof(Reseal));

	r->job = job;
	r->task = task;
	task->data = r;
}
