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
make_path_in(Oid database, char *path, int64 model_id, int64 connection_id)
{
	snprintf(path, MAXPGPATH, DIRECTORY "/%u." INT64_FORMAT "." INT64_FORMAT, database, model_id, connection_id);
}

static void
make_path(char *path, int64 model_id, int64 connection_id)
{
	make_path_in(MyDatabaseId, path, model_id, connection_id);
}

static void
report_file_error(int elevel, const char *what, const char *path)
{
	ereport(elevel,
			(errcode_for_file_access(),
			 errmsg("could not %s file \"%s\": %m", what, path),
			 errhint("New tokens are kept there when the tables cannot take them. Intuit is not asked for any before that can be done.")));
}

static void
make_directory(const char *path)
{
	if (MakePGDirectory(DIRECTORY) == 0)
		fsync_fname(".", true);
	else if (errno != EEXIST)
		report_file_error(ERROR, "create the directory of", path);
}

/*
 * The file from its beginning, on disk when this returns, and its name as well.
 */
static void
write_durably(const char *path, const char *data, size_t length)
{
	int			file;

	make_directory(path);
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
	char		path[MAXPGPATH];
	char	   *zeros = palloc0(RESERVED);

	make_path(path, owner->model_id, owner->connection_id);
	write_durably(path, zeros, RESERVED);
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

static void
write_tokens(const char *path, const RqboKeptOwner *owner, const RqboSealedTokens *tokens)
{
	KeptHead	head = {
		.magic = MAGIC,
		.owner = *owner,
		.kept_at = rqbo_now(),
		.access_seconds = tokens->access_seconds,
		.refresh_seconds = tokens->refresh_seconds,
		.hard_seconds = tokens->hard_seconds,
		.access_length = tokens->access_sealed != NULL ? VARSIZE(tokens->access_sealed) : 0,
		.refresh_length = VARSIZE(tokens->refresh_sealed)
	};
	size_t		length = sizeof(head) + head.access_length + head.refresh_length;
	char	   *data = palloc(length);

	memcpy(data, &head, sizeof(head));
	if (tokens->access_sealed != NULL)
		memcpy(data + sizeof(head), tokens->access_sealed, head.access_length);
	memcpy(data + sizeof(head) + head.access_length, tokens->refresh_sealed, head.refresh_length);
	((KeptHead *) data)->crc = checksum(data, length);
	write_durably(path, data, length);
	pfree(data);
}

void
rqbo_kept_write(const RqboKeptOwner *owner, const RqboSealedTokens *tokens)
{
	char		path[MAXPGPATH];

	make_path(path, owner->model_id, owner->connection_id);
	write_tokens(path, owner, tokens);
}

static void
make_new_path(char *new_path, const char *path)
{
	snprintf(new_path, MAXPGPATH + 4, "%s.new", path);
}

/*
 * Those that are there may be the only ones: they stay until the others are on
 * disk beside them.
 */
void
rqbo_kept_replace(const RqboKeptOwner *owner, const RqboSealedTokens *tokens)
{
	char		path[MAXPGPATH];
	char		new_path[MAXPGPATH + 4];

	make_path(path, owner->model_id, owner->connection_id);
	make_new_path(new_path, path);
	write_tokens(new_path, owner, tokens);
	(void) durable_rename(new_path, path, ERROR);
}

static void
remove_path(const char *path)
{
	char		new_path[MAXPGPATH + 4];

	make_new_path(new_path, path);
	(void) unlink(new_path);
	(void) unlink(path);
}

void
rqbo_kept_remove(int64 model_id, int64 connection_id)
{
	char		path[MAXPGPATH];

	make_path(path, model_id, connection_id);
	remove_path(path);
}

void
rqbo_kept_remove_file(const RqboKeptFile *file)
{
	char		path[MAXPGPATH];

	make_path_in(file->database, path, file->owner.model_id, file->owner.connection_id);
	remove_path(path);
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
read_whole(const char *path, int elevel)
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

/*
 * The same, and it must be those that the file is named for.
 */
static const KeptHead *
read_kept(const char *path, int64 model_id, int64 connection_id, int elevel)
{
	const KeptHead *head = read_whole(path, elevel);

	if (head != NULL && (head->owner.model_id != model_id || head->owner.connection_id != connection_id))
		head = NULL;
	return head;
}

bool
rqbo_kept_is_there(int64 model_id, int64 connection_id)
{
	char		path[MAXPGPATH];

	make_path(path, model_id, connection_id);
	return read_kept(path, model_id, connection_id, ERROR) != NULL;
}

/*
 * Whose it is, by its name; false for a name that is not one of ours.
 */
static bool
read_name(const char *name, RqboKeptFile *file)
{
	int			end = -1;

	return sscanf(name, "%u." INT64_FORMAT "." INT64_FORMAT "%n",
				  &file->database, &file->owner.model_id, &file->owner.connection_id, &end) == 3 &&
		name[end] == '\0';
}

static void
read_kept_file(const char *name, RqboKeptFile *file)
{
	char		path[MAXPGPATH * 2];
	struct stat status;
	const KeptHead *head;

	snprintf(path, sizeof(path), DIRECTORY "/%s", name);
	file->written_at = stat(path, &status) == 0 ? (pg_time_t) status.st_mtime : 0;
	head = read_kept(path, file->owner.model_id, file->owner.connection_id, WARNING);
	file->is_whole = head != NULL;
	if (head != NULL)
		file->owner = head->owner;
}

List *
rqbo_kept_list_files(void)
{
	List	   *files = NIL;
	DIR		   *directory = AllocateDir(DIRECTORY);
	struct dirent *entry;

	if (directory == NULL && errno == ENOENT)
		return NIL;
	while ((entry = ReadDir(directory, DIRECTORY)) != NULL)
	{
		RqboKeptFile file = {0};

		if (!read_name(entry->d_name, &file))
			continue;
		read_kept_file(entry->d_name, &file);
		files = lappend(files, memcpy(palloc(sizeof(file)), &file, sizeof(file)));
	}
	FreeDir(directory);
	return files;
}

List *
rqbo_kept_list(void)
{
	List	   *owners = NIL;
	ListCell   *cell;

	foreach(cell, rqbo_kept_list_files())
	{
		RqboKeptFile *file = lfirst(cell);

		if (file->database == MyDatabaseId && file->is_whole)
			owners = lappend(owners, &file->owner);
	}
	return owners;
}

static bytea *
copy_sealed(const char *data, uint32 length)
{
	if (length == 0)
		return NULL;
	return memcpy(palloc(length), data, length);
}

bool
rqbo_kept_read(int64 model_id, int64 connection_id, RqboKeptOwner *owner, RqboSealedTokens *tokens)
{
	char		path[MAXPGPATH];
	const KeptHead *head;
	int64		passed;

	make_path(path, model_id, connection_id);
	head = read_kept(path, model_id, connection_id, ERROR);
	if (head == NULL)
		return false;
	passed = (rqbo_now() - head->kept_at) / USECS_PER_SEC;
	*owner = head->owner;
	tokens->generation = head->owner.generation + 1;
	tokens->access_sealed = copy_sealed((const char *) (head + 1), head->access_length);
	tokens->refresh_sealed = copy_sealed((const char *) (head + 1) + head->access_length, head->refresh_length);
	tokens->access_seconds = head->access_seconds - passed;
	tokens->refresh_seconds = head->refresh_seconds - passed;
	tokens->hard_seconds = head->hard_seconds < 0 ? head->hard_seconds : Max(0, head->hard_seconds - passed);
	return true;
}

static bool
begins_with(const bytea *sealed, const bytea *head)
{
	size_t		length = VARSIZE_ANY_EXHDR(head);

	return sealed != NULL && VARSIZE_ANY_EXHDR(sealed) >= length && memcmp(VARDATA_ANY(sealed), VARDATA_ANY(head), length) == 0;
}

bool
rqbo_kept_is_sealing(const bytea *head)
{
	ListCell   *cell;

	foreach(cell, rqbo_kept_list())
	{
		const RqboKeptOwner *listed = lfirst(cell);
		RqboKeptOwner owner;
		RqboSealedTokens tokens;

		if (rqbo_kept_read(listed->model_id, listed->connection_id, &owner, &tokens) &&
			(begins_with(tokens.access_sealed, head) || begins_with(tokens.refresh_sealed, head)))
			return true;
	}
	return false;
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
	if (credential->generation != owner->generation || credential->obtained_at != owner->obtained_at ||
		credential->refresh_sealed == NULL)
		return RQBO_OUTDATED;
	return RQBO_TAKEN;
}

RqboTaking
rqbo_store_take_kept(int64 model_id, int64 connection_id)
{
	RqboKeptOwner owner;
	RqboSealedTokens tokens;
	RqboTaking	taking = RQBO_OUTDATED;

	if (rqbo_kept_read(model_id, connection_id, &owner, &tokens))
		taking = compare_with_row(&owner);
	if (taking == RQBO_TAKEN)
		rqbo_store_put_tokens(model_id, connection_id, &tokens, false);
	return taking;
}
