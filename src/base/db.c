/*-------------------------------------------------------------------------
 *
 * base/db.c
 *	  Short transactions and kept plans: how the folders that touch tables do it.
 *	  No statement stands here: each is in store.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "utils/inval.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/clock.h"
#include "base/compat.h"
#include "base/db.h"

/* What a short transaction gives back when it ends. */
static MemoryContext outer_context = NULL;
static Oid	outer_user = InvalidOid;
static int	outer_security = 0;

#define MAX_HOOKS 2

static struct
{
	void		(*before) (void);
	void		(*after) (void);
}			hooks[MAX_HOOKS];
static int	nhooks = 0;
static bool calls_hooks = false;

/*
 * The owner of the extension, and its version if that is asked for.
 */
static Oid
read_extension(Oid extension, char **version)
{
	Relation	relation = table_open(ExtensionRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	Oid			owner = InvalidOid;

	ScanKeyInit(&key, Anum_pg_extension_oid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(extension));
	scan = systable_beginscan(relation, ExtensionOidIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		bool		is_null;
		Datum		datum = heap_getattr(tuple, Anum_pg_extension_extversion, RelationGetDescr(relation), &is_null);

		owner = ((Form_pg_extension) GETSTRUCT(tuple))->extowner;
		if (version != NULL && !is_null)
			*version = MemoryContextStrdup(outer_context, text_to_cstring(DatumGetTextPP(datum)));
	}
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return owner;
}

static int
compare_versions(const char *a, const char *b)
{
	while (*a != '\0' || *b != '\0')
	{
		long		part_a = strtol(a, unconstify(char **, &a), 10);
		long		part_b = strtol(b, unconstify(char **, &b), 10);

		if (part_a != part_b)
			return part_a < part_b ? -1 : 1;
		a += strcspn(a, "0123456789");
		b += strcspn(b, "0123456789");
	}
	return 0;
}

char *
rqbo_db_extension_version(int *order)
{
	char	   *version = NULL;
	Oid			extension;

	outer_context = CurrentMemoryContext;
	StartTransactionCommand();
	extension = get_extension_oid("reefqbo", true);
	if (OidIsValid(extension))
		(void) read_extension(extension, &version);
	CommitTransactionCommand();
	MemoryContextSwitchTo(outer_context);
	*order = version != NULL ? compare_versions(version, RQBO_VERSION) : 0;
	return version;
}

/*
 * Keep DROP and ALTER EXTENSION out until the end of the transaction, and
 * make sure that there still is an extension.  Returns its owner.
 */
static Oid
lock_extension(bool wait)
{
	Oid			extension = get_extension_oid("reefqbo", true);
	LOCKTAG		tag;

	SET_LOCKTAG_OBJECT(tag, MyDatabaseId, ExtensionRelationId, extension, 0);
	if (LockAcquire(&tag, AccessShareLock, false, !wait) == LOCKACQUIRE_NOT_AVAIL)
		ereport(ERROR,
				(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
				 errmsg("extension \"reefqbo\" is being altered or dropped")));
	AcceptInvalidationMessages();
	if (!OidIsValid(extension) || get_extension_oid("reefqbo", true) != extension)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("extension \"reefqbo\" does not exist in this database any more")));
	return read_extension(extension, NULL);
}

static void
begin(bool wait)
{
	Oid			owner;

	outer_context = CurrentMemoryContext;
	calls_hooks = wait;
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	pgstat_report_activity(STATE_RUNNING, "reefqbo: reading and storing");
	owner = lock_extension(wait);
	/* what was read before the lock was granted may be stale */
	PopActiveSnapshot();
	PushActiveSnapshot(GetTransactionSnapshot());
	GetUserIdAndSecContext(&outer_user, &outer_security);
	SetUserIdAndSecContext(owner, SECURITY_LOCAL_USERID_CHANGE);

	MemoryContextSwitchTo(outer_context);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
}

/*
 * Begin a transaction in a worker.  It runs with the rights of the
 * extension's owner, whoever the worker connected as.
 */
void
rqbo_db_begin(void)
{
	begin(true);
}

/*
 * The same for a step that holds interrupts off and so must not wait for a
 * lock: it fails instead.  Naming the tables is the caller's.
 */
void
rqbo_db_begin_nowait(void)
{
	begin(false);
}

/*
 * Until the end of the transaction. From a source that sets defaults, such as
 * PGC_S_OVERRIDE, it would stay: it becomes what the transaction's end goes back to.
 */
void
rqbo_db_set_local(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_SUSET, PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0, false);
}

void
rqbo_db_make_durable(void)
{
	ForceSyncCommit();
	if (synchronous_commit < SYNCHRONOUS_COMMIT_REMOTE_FLUSH)
		rqbo_db_set_local("synchronous_commit", "on");
}

void
rqbo_db_flush(void)
{
	ForceSyncCommit();
}

void
rqbo_db_add_hooks(void (*before) (void), void (*after) (void))
{
	Assert(nhooks < MAX_HOOKS);
	hooks[nhooks].before = before;
	hooks[nhooks].after = after;
	nhooks++;
}

void
rqbo_db_commit(void)
{
	for (int i = 0; calls_hooks && i < nhooks; i++)
		if (hooks[i].before != NULL)
			hooks[i].before();
	SPI_finish();
	SetUserIdAndSecContext(outer_user, outer_security);
	PopActiveSnapshot();
	CommitTransactionCommand();
	MemoryContextSwitchTo(outer_context);
	for (int i = 0; calls_hooks && i < nhooks; i++)
		hooks[i].after();
	pgstat_report_stat(false);
	pgstat_report_activity(STATE_IDLE, NULL);
}

static void
prepare(RqboStatement *statement)
{
	SPIPlanPtr	plan;

	if (statement->plan != NULL)
		return;
	plan = SPI_prepare(statement->text, statement->nargs, statement->types);
	if (plan == NULL || SPI_keepplan(plan) != 0)
		elog(ERROR, "could not prepare a statement: %s", SPI_result_code_string(SPI_result));
	statement->plan = plan;
}

/*
 * snapshot NULL: what the statement sees by itself.
 */
static uint64
run(RqboStatement *statement, RqboArgs *args, Snapshot snapshot)
{
	int			code;

	Assert(args->count == statement->nargs);
	prepare(statement);
	code = SPI_execute_snapshot(statement->plan, args->values, args->nulls, snapshot, InvalidSnapshot, false, true, 0);
	if (code < 0)
		elog(ERROR, "could not execute a statement: %s", SPI_result_code_string(code));
	return SPI_processed;
}

/*
 * Run a statement; returns the number of rows it processed.
 */
uint64
rqbo_db_run(RqboStatement *statement, RqboArgs *args)
{
	return run(statement, args, InvalidSnapshot);
}

/*
 * The latest snapshot is one place that changes with every call.
 */
uint64
rqbo_db_run_latest(RqboStatement *statement, RqboArgs *args)
{
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	uint64		count = run(statement, args, snapshot);

	UnregisterSnapshot(snapshot);
	return count;
}

uint64
rqbo_db_run_ids(RqboStatement *statement, int64 id1, int64 id2)
{
	RqboArgs	args = {0};

	rqbo_arg_ids(&args, id1, id2);
	return rqbo_db_run(statement, &args);
}

/* ---- arguments ---- */

void
rqbo_arg_datum(RqboArgs *args, Datum value)
{
	Assert(args->count < RQBO_DB_MAX_ARGS);
	args->values[args->count] = value;
	args->nulls[args->count] = ' ';
	args->count++;
}

void
rqbo_arg_null(RqboArgs *args)
{
	rqbo_arg_datum(args, (Datum) 0);
	args->nulls[args->count - 1] = 'n';
}

void
rqbo_arg_int8(RqboArgs *args, int64 value)
{
	rqbo_arg_datum(args, Int64GetDatum(value));
}

void
rqbo_arg_ids(RqboArgs *args, int64 id1, int64 id2)
{
	rqbo_arg_int8(args, id1);
	rqbo_arg_int8(args, id2);
}

void
rqbo_arg_int4(RqboArgs *args, int32 value)
{
	rqbo_arg_datum(args, Int32GetDatum(value));
}

void
rqbo_arg_text(RqboArgs *args, const char *value)
{
	if (value == NULL)
		rqbo_arg_null(args);
	else
		rqbo_arg_datum(args, CStringGetTextDatum(value));
}

void
rqbo_arg_bytea(RqboArgs *args, const bytea *value)
{
	if (value == NULL)
		rqbo_arg_null(args);
	else
		rqbo_arg_datum(args, PointerGetDatum(value));
}

/*
 * A point in time counted from rqbo_now.
 */
void
rqbo_arg_timestamp_ms(RqboArgs *args, int64 ms_from_now, bool is_known)
{
	if (is_known)
		rqbo_arg_datum(args, TimestampTzGetDatum(rqbo_now() + ms_from_now * INT64CONST(1000)));
	else
		rqbo_arg_null(args);
}

/* ---- columns ---- */

static Datum
get_cell(uint64 row, int column, bool *is_null)
{
	if (SPI_tuptable == NULL || row >= SPI_processed)
		elog(ERROR, "a statement returned no row %d", (int) row + 1);
	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, is_null);
}

char *
rqbo_cell_text(uint64 row, int column)
{
	bool		is_null;
	Datum		value = get_cell(row, column, &is_null);
	char	   *string;
	char	   *copy;

	if (is_null)
		return NULL;
	string = TextDatumGetCString(value);
	copy = SPI_palloc(strlen(string) + 1);
	return strcpy(copy, string);
}

int64
rqbo_cell_int8(uint64 row, int column)
{
	bool		is_null;
	Datum		value = get_cell(row, column, &is_null);

	return is_null ? 0 : DatumGetInt64(value);
}

char *
rqbo_column_text(int column)
{
	return rqbo_cell_text(0, column);
}

int64
rqbo_column_int8(int column)
{
	return rqbo_cell_int8(0, column);
}

bool
rqbo_cell_bool(uint64 row, int column)
{
	bool		is_null;
	Datum		value = get_cell(row, column, &is_null);

	return !is_null && DatumGetBool(value);
}

bool
rqbo_column_bool(int column)
{
	return rqbo_cell_bool(0, column);
}

double
rqbo_column_float8(int column)
{
	bool		is_null;
	Datum		value = get_cell(0, column, &is_null);

	return is_null ? 0 : DatumGetFloat8(value);
}

bool
rqbo_column_is_null(int column)
{
	bool		is_null;

	(void) get_cell(0, column, &is_null);
	return is_null;
}

bytea *
rqbo_cell_bytea(uint64 row, int column)
{
	bool		is_null;
	Datum		value = get_cell(row, column, &is_null);
	bytea	   *plain;
	bytea	   *copy;

	if (is_null)
		return NULL;
	plain = DatumGetByteaPP(value);
	copy = SPI_palloc(VARSIZE_ANY(plain));
	memcpy(copy, plain, VARSIZE_ANY(plain));
	return copy;
}

bytea *
rqbo_column_bytea(int column)
{
	return rqbo_cell_bytea(0, column);
}
