/*-------------------------------------------------------------------------
 *
 * store/kept.c
 *	  Tokens that the tables could not take, in a file each until they can.
 *	  When that is done is decided in qbo/oauth.c and qbo/oauth_kept.c.
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

#include "common/file_perm.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "port/pg_crc32c.h"
#include "storage/fd.h"

#include "base/clock.h"
#include "base/compat.h"
#include "store/kept.h"

#define DIRECTORY "reefqbo_tokens"
#define MAGIC 0x5251544B		/* "RQTK" */
#define RESERVED 40960			/* two of the longest tokens, sealed */

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
report_file_error(int elevel, const char *what, const char *path)
{
	ereport(elevel,
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
	if (MakePGDirectory(DIRECTORY) == 0)
		fsync_fname(".", true);
	else if (errno != EEXIST)
		report_file_error(ERROR, "create the directory of", path);
	file = OpenTransientFile(path, O_RDWR | O_CREAT | PG_BINARY);
	if (file < 0)
		report_file_error(ERROR, "open", path);
	errno = 0;
	if (pg_pwrite(file, data, length, 0) != (ssize_t) length)
	{
		if (errno == 0)
			errno = ENOSPC;
		report_file_error(ERROR, "write", path);
	}
	if (pg_fsync(file) != 0)
		report_file_error(ERROR, "flush", path);
	CloseTransientFile(file);
	fsync_fname(DIRECTORY, true);
}

void
rqbo_kept_reserve(const RqboKeptOwner *owner)
{
	char	   *zeros = palloc0(RESERVED);

	write_durably(owner, zeros, RESERVED);
	pfree(zeros);
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

uint64
rqbo_kept_digest(const bytea *refresh_sealed)
{
	return hash_bytes_extended((const unsigned char *) VARDATA_ANY(refresh_sealed), VARSIZE_ANY_EXHDR(refresh_sealed), 0);
}

void
rqbo_kept_remove(int64 model_id, int64 connection_id)
{
	char		path[MAXPGPATH];

	make_path(path, model_id, connection_id);
	(void) unlink(path);
}

/* ---- reading ---- */

static ssize_t
read_open_file(int file, char **data)
{
	struct stat status;

	if (fstat(file, &status) != 0)
		return -1;
	*data = palloc(status.st_size + 1);
	return pg_pread(file, *data, status.st_size, 0);
}

/*
 * 0 if there is none, or if it cannot be read and elevel is no error.
 */
static size_t
read_file(const char *path, char **data, int elevel)
{
	int			file = OpenTransientFile(path, O_RDONLY | PG_BINARY);
	ssize_t		length;

	if (file < 0)
	{
		if (errno != ENOENT)
			report_file_error(elevel, "open", path);
		return 0;
	}
	length = read_open_file(file, data);
	if (length < 0)
		report_file_error(elevel, "read", path);
	CloseTransientFile(file);
	return Max(length, 0);
}

/*
 * The file's head with the tokens behind it; NULL if there is none, or only the
 * reserved place, or if it was cut off while it was written.
 */
static const KeptHead *
read_kept(const char *path, int elevel)
{
	char	   *data = NULL;
	size_t		length = read_file(path, &data, elevel);
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
	return read_kept(path, ERROR) != NULL;
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
		head = read_kept(path, WARNING);
		if (head != NULL)
			owners = lappend(owners, memcpy(palloc(sizeof(RqboKeptOwner)), &head->owner, sizeof(RqboKeptOwner)));
	}
	FreeDir(directory);
	return owners;
}

/* ---- taking in ---- */

static RqboTaking
compare_with_row(const RqboKeptOwner *owner)
{
	const RqboCredential *credential;

	rqbo_store_lock_credential(owner->model_id, owner->connection_id);
	credential = rqbo_store_read_credential(owner->model_id, owner->connection_id);
	if (credential == NULL)
		return RQBO_OWNERLESS;
	if (credential->generation != owner->generation || credential->refresh_sealed == NULL ||
		rqbo_kept_digest(credential->refresh_sealed) != owner->refresh_digest)
		return RQBO_OUTDATED;
	return RQBO_TAKEN;
}

static bytea *
copy_sealed(const char *data, uint32 length)
{
	return memcpy(palloc(length), data, length);
}

RqboTaking
rqbo_store_take_kept(int64 model_id, int64 connection_id)
{
	char		path[MAXPGPATH];
	const KeptHead *head;
	RqboSealedTokens tokens;
	RqboTaking	taking;
	int64		passed;

	make_path(path, model_id, connection_id);
	head = read_kept(path, ERROR);
	taking = head != NULL ? compare_with_row(&head->owner) : RQBO_OUTDATED;
	if (taking != RQBO_TAKEN)
		return taking;
	passed = (rqbo_now() - head->kept_at) / USECS_PER_SEC;
	tokens.generation = head->owner.generation + 1;
	tokens.access_sealed = copy_sealed((const char *) (head + 1), head->access_length);
	tokens.refresh_sealed = copy_sealed((const char *) (head + 1) + head->access_length, head->refresh_length);
	tokens.access_seconds = head->access_seconds - passed;
	tokens.refresh_seconds = head->refresh_seconds - passed;
	tokens.hard_seconds = head->hard_seconds < 0 ? head->hard_seconds : Max(0, head->hard_seconds - passed);
	rqbo_store_put_tokens(model_id, connection_id, &tokens, false);
	return taking;
}
