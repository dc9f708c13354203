/*-------------------------------------------------------------------------
 *
 * secret/keyring.c
 *	  Reads the key ring, from a file or from a command.
 *
 * Lines of key_id:base64 of 32 bytes; empty lines and lines that begin with
 * # are passed over.  The text of the ring and the keys are wiped when the
 * memory context they live in goes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base64.h"
#include "storage/fd.h"
#include "utils/memutils.h"

#include "base/errors.h"
#include "base/guc.h"
#include "base/owned.h"
#include "secret/command.h"
#include "secret/keyring.h"

#define MAX_RING_BYTES (64 * 1024)
#define MAX_KEYS 100
#define COMMAND_TIMEOUT_MS 30000

/* The text of the ring while it is read, in memory that is wiped after. */
typedef struct RingText
{
	char		data[MAX_RING_BYTES + 1];
	size_t		length;
} RingText;

static void
wipe_ring(void *object)
{
	RqboKeyring *ring = object;

	explicit_bzero(ring->keys, MAX_KEYS * sizeof(RqboKey));
}

static void
wipe_text(void *object)
{
	explicit_bzero(object, sizeof(RingText));
}

/*
 * The file must be a plain one that nobody but its owner can read; NULL if so,
 * else what is wrong.
 */
static const char *
file_problem(int file)
{
	struct stat st;

	if (fstat(file, &st) != 0)
		return "cannot be looked at";
	if (!S_ISREG(st.st_mode))
		return "is not a regular file";
	if (st.st_mode & (S_IRWXG | S_IRWXO))
		return "has group or world access";
	return NULL;
}

/*
 * Open for reading, without waiting for whoever has the other end of what is
 * not a file.  Where it is the log may tell, and nobody else: whoever calls
 * may be a reader.
 */
static int
open_file(void)
{
	int			file = OpenTransientFile(rqbo_key_file, O_RDONLY | O_NONBLOCK | PG_BINARY);

	if (file < 0)
		ereport(ERROR,
				(errcode(ERRCODE_RQBO_KEY_UNAVAILABLE),
				 errmsg("could not open reefqbo.key_file: %m"),
				 errdetail_log("reefqbo.key_file is \"%s\".", rqbo_key_file),
				 errhint("reefqbo.key_file must name a file that the server's own user can read.")));
	return file;
}

/*
 * Read to the end, or to that of the space for it; false if that failed.
 */
static bool
read_all(int file, RingText *text)
{
	ssize_t		count;

	text->length = 0;
	do
	{
		count = read(file, text->data + text->length, sizeof(text->data) - text->length);
		if (count > 0)
			text->length += count;
	} while (count > 0 || (count < 0 && errno == EINTR));
	return count == 0;
}

static void
read_file(RingText *text)
{
	int			file = open_file();
	const char *problem = file_problem(file);
	bool		is_read = problem == NULL && read_all(file, text);

	CloseTransientFile(file);
	if (problem != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_RQBO_KEY_UNAVAILABLE),
				 errmsg("reefqbo.key_file %s", problem),
				 errdetail_log("reefqbo.key_file is \"%s\".", rqbo_key_file),
				 errhint("It must be a plain file, readable by the server's own user only: chmod 600.")));
	if (!is_read)
		ereport(ERROR,
				(errcode(ERRCODE_RQBO_KEY_UNAVAILABLE),
				 errmsg("could not read reefqbo.key_file"),
				 errdetail_log("reefqbo.key_file is \"%s\".", rqbo_key_file)));
}

static void
read_command(RingText *text)
{
	int			status;
	RqboCommandEnd end = rqbo_command_read(rqbo_key_command, COMMAND_TIMEOUT_MS, text->data, sizeof(text->data),
										   &text->length, &status);

	if (end == RQBO_COMMAND_NOT_RUN)
		ereport(ERROR,
				(errcode(ERRCODE_RQBO_KEY_UNAVAILABLE),
				 errmsg("could not run reefqbo.key_command: %m")));
	if (end == RQBO_COMMAND_TOO_LONG)
		ereport(ERROR,
				(errcode(ERRCODE_RQBO_KEY_UNAVAILABLE),
				 errmsg("reefqbo.key_command has not ended within %d seconds", COMMAND_TIMEOUT_MS / 1000),
				 errhint("It must print the key ring and end, without waiting for anybody.")));
	if (end == RQBO_COMMAND_UNREADABLE || status != 0)
		ereport(ERROR,
				(errcode(ERRCODE_RQBO_KEY_UNAVAILABLE),
				 errmsg("reefqbo.key_command failed"),
				 errdetail("The command ended thus: %s.",
						   status > 0 ? wait_result_to_str(status) : "its output could not be read")));
}

static void
malformed(int line_number, const char *why)
{
	ereport(ERROR,
			(errcode(ERRCODE_RQBO_KEY_UNAVAILABLE),
			 errmsg("line %d of the key ring is malformed", line_number),
			 errdetail("%s", why),
			 errhint("A line is key_id:base64 of 32 bytes, as made by: echo \"k1:$(openssl rand -base64 32)\"")));
}

bool
rqbo_keyring_is_id(const char *id, int length)
{
	if (length < 1 || length > RQBO_KEY_ID_MAX)
		return false;
	for (int i = 0; i < length; i++)
		if (!isalnum((unsigned char) id[i]) && strchr("._-", id[i]) == NULL)
			return false;
	return true;
}

static void
read_line(RqboKeyring *ring, const char *line, int length, int line_number)
{
	const char *colon = memchr(line, ':', length);
	RqboKey    *key;
	uint8		decoded[64];
	int			decoded_length = -1;
	int			encoded_length;

	if (colon == NULL || !rqbo_keyring_is_id(line, colon - line))
		malformed(line_number, "It does not begin with a key id of 1 to 32 letters, digits, dots, hyphens or underscores, and a colon.");
	if (rqbo_keyring_find(ring, line, colon - line) != NULL)
		malformed(line_number, "Its key id stands on an earlier line already.");
	if (ring->nkeys == MAX_KEYS)
		malformed(line_number, "There are more than 100 keys.");

	encoded_length = length - (colon + 1 - line);
	if (encoded_length <= pg_b64_enc_len(RQBO_KEY_BYTES))
		decoded_length = pg_b64_decode(colon + 1, encoded_length, (void *) decoded, sizeof(decoded));
	key = &ring->keys[ring->nkeys];
	if (decoded_length == RQBO_KEY_BYTES)
	{
		memcpy(key->id, line, colon - line);
		key->id[colon - line] = '\0';
		memcpy(key->bytes, decoded, RQBO_KEY_BYTES);
		ring->nkeys++;
	}
	explicit_bzero(decoded, sizeof(decoded));
	if (decoded_length != RQBO_KEY_BYTES)
		malformed(line_number, "What follows the colon is not the base64 of 32 bytes.");
}

static void
read_lines(RqboKeyring *ring, const RingText *text)
{
	const char *line = text->data;
	int			line_number = 0;

	while (line < text->data + text->length)
	{
		int			length = strcspn(line, "\n");
		const char *next = line + length + 1;

		line_number++;
		while (length > 0 && isspace((unsigned char) line[length - 1]))
			length--;
		if (length > 0 && line[0] != '#')
			read_line(ring, line, length, line_number);
		line = next;
	}
}

bool
rqbo_keyring_is_by_command(void)
{
	return rqbo_key_command != NULL && rqbo_key_command[0] != '\0';
}

RqboKeyring *
rqbo_keyring_load(void)
{
	RqboOwned  *ring_owned = rqbo_owned_reserve(CurrentMemoryContext, wipe_ring);
	RqboOwned  *text_owned = rqbo_owned_reserve(CurrentMemoryContext, wipe_text);
	RqboKeyring *ring = palloc0(sizeof(RqboKeyring));
	RingText   *text = palloc(sizeof(RingText));

	ring->keys = palloc0(MAX_KEYS * sizeof(RqboKey));
	rqbo_owned_set(ring_owned, ring);
	rqbo_owned_set(text_owned, text);

	if (rqbo_keyring_is_by_command())
		read_command(text);
	else if (rqbo_key_file != NULL && rqbo_key_file[0] != '\0')
		read_file(text);
	else
		ereport(ERROR,
				(errcode(ERRCODE_RQBO_KEY_UNAVAILABLE),
				 errmsg("no key ring is configured"),
				 errhint("Set reefqbo.key_file or reefqbo.key_command in postgresql.conf.")));
	if (text->length > MAX_RING_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_RQBO_KEY_UNAVAILABLE),
				 errmsg("the key ring is larger than %d bytes", MAX_RING_BYTES)));
	text->data[text->length] = '\0';
	read_lines(ring, text);
	rqbo_owned_release(text_owned);
	if (ring->nkeys == 0)
		ereport(ERROR,
				(errcode(ERRCODE_RQBO_KEY_UNAVAILABLE),
				 errmsg("the key ring is empty"),
				 errhint("A line is key_id:base64 of 32 bytes, as made by: echo \"k1:$(openssl rand -base64 32)\"")));
	return ring;
}

void
rqbo_keyring_renew(RqboKeyring *ring)
{
	RqboKeyring *fresh = rqbo_keyring_load();

	memcpy(ring->keys, fresh->keys, MAX_KEYS * sizeof(RqboKey));
	ring->nkeys = fresh->nkeys;
}

const RqboKey *
rqbo_keyring_find(const RqboKeyring *ring, const char *id, int length)
{
	for (int i = 0; i < ring->nkeys; i++)
		if ((int) strlen(ring->keys[i].id) == length && memcmp(ring->keys[i].id, id, length) == 0)
			return &ring->keys[i];
	return NULL;
}

const RqboKey *
rqbo_keyring_newest(const RqboKeyring *ring)
{
	return &ring->keys[ring->nkeys - 1];
}
