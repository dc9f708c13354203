/*-------------------------------------------------------------------------
 *
 * store/kept.c
 *	  Tokens that the tables could not take, in a file each until they can.
 *	  When that is done is decided in qbo/oauth.c and qbo/kept.c.
 *
 * Once Intuit has rotated a refresh token, its answer may be the only copy of
 * the living one.  Somebody's lock, a full disk or an extension that is being
 * altered may be in the way of the tables; none is in the way of a file that
 * was reserved before Intuit was asked.  It holds what the tables would: sealed
 * tokens.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <sys/stat.h>
#include <unistd.h>

#include "catalog/pg_type.h"
#include "common/file_perm.h"
#include "miscadmin.h"
#include "port/pg_crc32c.h"
#include "storage/fd.h"

#include "base/clock.h"
#include "base/db.h"
#include "store/kept.h"

#define DIRECTORY "reefqbo_tokens"
#define MAGIC 0x5251544B		/* "RQTK" */
#define RESERVED 8192

/* The head of a file; the access token and the refresh token follow, as they are sealed. */
typedef struct KeptHead
{
	uint32		magic;			/* 0 while the place is only reserved */
	pg_crc32c	crc;			/* of all that follows it */
	RqboKeptOwner owner;
	TimestampTz kept_at;		/* the spans below began then */
	int64		access_seconds;
	int64		refresh_seconds;
	int64		hard_seconds;
	uint32		access_length;
	uint32		refresh_length;
} KeptHead;

/* ---- files ---- */

static void
make_path(char *path, int64 model_id, int64 connection_id)
{
	snprintf(path, MAXPGPATH, DIRECTORY "/%u." INT64_FORMAT "." INT64_FORMAT, MyDatabaseId, model_id, connection_id);
}

static void
raise_file_error(const char *what, const char *path)
{
	ereport(ERROR,
			(errcode_for_file_access(),
			 errmsg("could not %s file \"%s\": %m", what, path),
			 errhint("New tokens are kept there when the tables cannot take them. Intuit is not asked for any before that can be done.")));
}

/*
 * The file from its beginning, on disk when this returns, and its name as well.
 */
static void
write_durably(const RqboKeptOwner *owner, const char *data, size_t length)
{
	char		path[MAXPGPATH];
	int			file;

	make_path(path, owner->model_id, owner->connection_id);
	if (MakePGDirectory(DIRECTORY) < 0 && errno != EEXIST)
		raise_file_error("create the directory of", path);
	file = OpenTransientFile(path, O_RDWR | O_CREAT | PG_BINARY);
	if (file < 0)
		raise_file_error("open", path);
	errno = 0;
	if (pg_pwrite(file, data, length, 0) != (ssize_t) length)
	{
		if (errno == 0)
			errno = ENOSPC;
		raise_file_error("write", path);
	}
	if (pg_fsync(file) != 0)
		raise_file_error("flush", path);
	CloseTransientFile(file);
	fsync_fname(DIRECTORY, true);
}

void
rqbo_kept_reserve(const RqboKeptOwner *owner)
{
	char		zeros[RESERVED] = {0};

	write_durably(owner, zeros, sizeof(zeros));
}

static pg_crc32c
checksum(const char *data, size_t length)
{
	size_t		begin = offsetof(KeptHead, crc) + sizeof(pg_crc32c);
	pg_crc32c	crc;

	INIT_CRC32C(crc);
	COMP_CRC32C(crc, data + begin, length - begin);
	FIN_CRC32C(crc);
	return crc;
}

void
rqbo_kept_write(const RqboKeptOwner *owner, const RqboSealedTokens *tokens)
{
	KeptHead	head = {
		.magic = MAGIC,
		.owner = *owner,
		.kept_at = rqbo_now(),
		.access_seconds = tokens->access_seconds,
		.refresh_seconds = tokens->refresh_seconds,
		.hard_seconds = tokens->hard_seconds,
		.access_length = VARSIZE(tokens->access_sealed),
		.refresh_length = VARSIZE(tokens->refresh_sealed)
	};
	size_t		length = sizeof(head) + head.access_length + head.refresh_length;
	char	   *data = palloc(length);

	memcpy(data, &head, sizeof(head));
	memcpy(data + sizeof(head), tokens->access_sealed, head.access_length);
	memcpy(data + sizeof(head) + head.access_length, tokens->refresh_sealed, head.refresh_length);
	((KeptHead *) data)->crc = checksum(data, length);
	write_durably(owner, data, length);
	pfree(data);
}

void
rqbo_kept_remove(int64 model_id, int64 connection_id)
{
	char		path[MAXPGPATH];

	make_path(path, model_id, connection_id);
	(void) unlink(path);
}

/* ---- reading ---- */

static size_t
read_file(const char *path, char **data)
{
	int			file = OpenTransientFile(path, O_RDONLY | PG_BINARY);
	struct stat status;
	ssize_t		length;

	if (file < 0 && errno == ENOENT)
		return 0;
	if (file < 0 || fstat(file, &status) != 0)
		raise_file_error("open", path);
	*data = palloc(status.st_size + 1);
	length = pg_pread(file, *data, status.st_size, 0);
	if (length < 0)
		raise_file_error("read", path);
	CloseTransientFile(file);
	return length;
}

/*
 * The file's head with the tokens behind it; NULL if there is none, or only the
 * reserved place, or if it was cut off while it was written.
 */
static const KeptHead *
read_kept(const char *path)
{
	char	   *data;
	size_t		length = read_file(path, &data);
	const KeptHead *head = (const KeptHead *) data;
	size_t		whole;

	if (length < sizeof(KeptHead) || head->magic != MAGIC)
		return NULL;
	whole = sizeof(KeptHead) + (size_t) head->access_length + head->refresh_length;
	return whole <= length && EQ_CRC32C(head->crc, checksum(data, whole)) ? head : NULL;
}

bool
rqbo_kept_is_there(int64 model_id, int64 connection_id)
{
	char		path[MAXPGPATH];

	make_path(path, model_id, connection_id);
	return read_kept(path) != NULL;
}

List *
rqbo_kept_list(void)
{
	List	   *owners = NIL;
	char	   *prefix = psprintf("%u.", MyDatabaseId);
	DIR		   *directory = AllocateDir(DIRECTORY);
	struct dirent *entry;

	if (directory == NULL && errno == ENOENT)
		return NIL;
	while ((entry = ReadDir(directory, DIRECTORY)) != NULL)
	{
		char		path[MAXPGPATH * 2];
		const KeptHead *head;

		if (strncmp(entry->d_name, prefix, strlen(prefix)) != 0)
			continue;
		snprintf(path, sizeof(path), DIRECTORY "/%s", entry->d_name);
		head = read_kept(path);
		if (head != NULL)
			owners = lappend(owners, memcpy(palloc(sizeof(RqboKeptOwner)), &head->owner, sizeof(RqboKeptOwner)));
	}
	FreeDir(directory);
	return owners;
}

/* ---- taking in ---- */

static bool
is_the_generation(const KeptHead *head)
{
	static RqboStatement table = {.text = "LOCK TABLE reefqbo.credential IN ROW EXCLUSIVE MODE NOWAIT"};
	static RqboStatement row = RQBO_STATEMENT(
		"SELECT generation FROM reefqbo.credential WHERE model_id = $1 AND connection_id = $2"
		" FOR NO KEY UPDATE NOWAIT",
		INT8OID, INT8OID);
	RqboArgs	none = {0};

	rqbo_db_run(&table, &none);
	return rqbo_db_run_ids(&row, head->owner.model_id, head->owner.connection_id) > 0
		&& rqbo_column_int8(1) == head->owner.generation;
}

static bytea *
copy_sealed(const char *data, uint32 length)
{
	return memcpy(palloc(length), data, length);
}

void
rqbo_store_take_kept(int64 model_id, int64 connection_id)
{
	char		path[MAXPGPATH];
	const KeptHead *head;
	RqboSealedTokens tokens;
	int64		passed;

	make_path(path, model_id, connection_id);
	head = read_kept(path);
	if (head == NULL || !is_the_generation(head))
		return;
	passed = (rqbo_now() - head->kept_at) / USECS_PER_SEC;
	tokens.access_sealed = copy_sealed((const char *) (head + 1), head->access_length);
	tokens.refresh_sealed = copy_sealed((const char *) (head + 1) + head->access_length, head->refresh_length);
	tokens.access_seconds = head->access_seconds - passed;
	tokens.refresh_seconds = head->refresh_seconds - passed;
	tokens.hard_seconds = head->hard_seconds < 0 ? head->hard_seconds : Max(0, head->hard_seconds - passed);
	(void) rqbo_store_put_tokens(model_id, connection_id, &tokens, false);
}
