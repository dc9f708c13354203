/*-------------------------------------------------------------------------
 *
 * secret/cipher.c
 *	  AES-256-CBC by pgcrypto.  Keys and what is authenticated: secret/seal.c.
 *
 * pgcrypto is called by function OID and never through SQL text, whose
 * parameters a log or auto_explain could print.  It frees two copies of the
 * key without wiping them.  One is in the memory context it is called in: that
 * is one of its own, in one block, which is wiped after, also by an ERROR.  The
 * other is in TopMemoryContext, whose chunks are handed out again, the last
 * freed first: it is taken, and wiped.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/dependency.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "base/compat.h"
#include "secret/cipher.h"
#include "secret/clear.h"

#define CIPHER "aes-cbc/pad:pkcs"

/* What a call needs beside its input and output, with much to spare, and the pieces it is wiped in. */
#define ROOM_BYTES 16384
#define ROOM_PIECE 1024
#define FREED_PIECES 2

typedef enum Direction
{
	ENCRYPT,
	DECRYPT
} Direction;

/* ---- pgcrypto, by OID ---- */

static const char *const names[] = {[ENCRYPT] = "encrypt_iv",[DECRYPT] = "decrypt_iv"};

/*
 * Is this pgcrypto's own C function, rather than one of its name that
 * somebody made or added to the extension?  pgcrypto is a trusted extension:
 * its owner need not be a superuser, but its functions are the bootstrap
 * superuser's, and only a superuser makes C functions.
 */
static bool
is_pgcrypto_function(HeapTuple tuple, const char *symbol)
{
	Form_pg_proc proc = (Form_pg_proc) GETSTRUCT(tuple);
	bool		no_source;
	bool		no_library;
	Datum		source = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosrc, &no_source);
	Datum		library = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_probin, &no_library);

	return proc->prolang == ClanguageId &&
		proc->pronargs == 4 &&
		proc->proargtypes.values[0] == BYTEAOID &&
		proc->proargtypes.values[1] == BYTEAOID &&
		proc->proargtypes.values[2] == BYTEAOID &&
		proc->proargtypes.values[3] == TEXTOID &&
		superuser_arg(proc->proowner) &&
		!no_source && strcmp(TextDatumGetCString(source), symbol) == 0 &&
		!no_library && strcmp(TextDatumGetCString(library), "$libdir/pgcrypto") == 0;
}

/*
 * The same of the extension it is a member of.  That is looked up once in a
 * process: a membership changes nothing of what the function is, and tokens
 * that are on their way wait for no lock on a catalog.
 */
static bool
is_member(Direction direction, Oid function)
{
	static Oid	members[lengthof(names)];

	if (members[direction] != function &&
		getExtensionOfObject(ProcedureRelationId, function) == get_extension_oid("pgcrypto", true))
		members[direction] = function;
	return members[direction] == function;
}

/*
 * encrypt_iv or decrypt_iv (bytea, bytea, bytea, text), in whichever schema
 * pgcrypto was installed.
 */
static Oid
find_function(Direction direction)
{
	CatCList   *list = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(names[direction]));
	char	   *symbol = psprintf("pg_%s", names[direction]);
	Oid			function = InvalidOid;

	for (int i = 0; i < list->n_members && !OidIsValid(function); i++)
	{
		HeapTuple	tuple = &list->members[i]->tuple;

		if (is_pgcrypto_function(tuple, symbol))
			function = ((Form_pg_proc) GETSTRUCT(tuple))->oid;
	}
	ReleaseCatCacheList(list);
	if (!OidIsValid(function) || !is_member(direction, function))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("could not find function %s of extension pgcrypto", names[direction]),
				 errhint("CREATE EXTENSION reefqbo CASCADE installs pgcrypto. Its functions must be its own and belong to a superuser.")));
	return function;
}

/* ---- a place to work in ---- */

static MemoryContext
make_room(size_t input_length)
{
	size_t		size = MAXALIGN(ROOM_BYTES + 4 * input_length);

	return AllocSetContextCreate(CurrentMemoryContext, "reefqbo cipher", 0, size, Max(size, 8 * ROOM_BYTES));
}

/*
 * Its first block stays with it when it is reset, and is then handed out again
 * from its beginning.
 */
static void
wipe_room(MemoryContext room)
{
	Size		size;

	MemoryContextReset(room);
	size = MemoryContextMemAllocated(room, false);
	for (;;)
	{
		void	   *piece = MemoryContextAllocExtended(room, ROOM_PIECE, MCXT_ALLOC_NO_OOM);

		if (piece == NULL || MemoryContextMemAllocated(room, false) > size)
			return;
		explicit_bzero(piece, ROOM_PIECE);
	}
}

/*
 * Pieces of each size that a cipher's state may have, of the last freed.
 */
static void
wipe_freed(void)
{
	for (Size size = 64; size <= 1024; size *= 2)
	{
		void	   *pieces[FREED_PIECES];

		for (int i = 0; i < FREED_PIECES; i++)
		{
			pieces[i] = MemoryContextAllocExtended(TopMemoryContext, size, MCXT_ALLOC_NO_OOM);
			if (pieces[i] != NULL)
				explicit_bzero(pieces[i], size);
		}
		for (int i = 0; i < FREED_PIECES; i++)
			if (pieces[i] != NULL)
				pfree(pieces[i]);
	}
}

/*
 * What is large has a block of its own, which is not that of the room.
 */
static void
wipe_bytea(bytea *value)
{
	explicit_bzero(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
}

/* ---- the cipher ---- */

static bytea *
call_function(Oid function, const uint8 *key, const uint8 *iv, bytea *input)
{
	return DatumGetByteaPP(OidFunctionCall4(function,
											PointerGetDatum(input),
											PointerGetDatum(rqbo_bytea_of(key, RQBO_CIPHER_KEY_BYTES)),
											PointerGetDatum(rqbo_bytea_of(iv, RQBO_CIPHER_IV_BYTES)),
											PointerGetDatum(cstring_to_text(CIPHER))));
}

static char *
take_output(bytea *output, MemoryContext context, size_t *length)
{
	char	   *taken;

	*length = VARSIZE_ANY_EXHDR(output);
	taken = rqbo_clear_alloc(context, *length + 1);
	memcpy(taken, VARDATA_ANY(output), *length);
	wipe_bytea(output);
	return taken;
}

static char *
run(Direction direction, uint8 *key, const uint8 *iv, const char *data, size_t data_length, size_t *length)
{
	MemoryContext context = CurrentMemoryContext;
	MemoryContext room = make_room(data_length);
	bytea	   *volatile input = NULL;
	char	   *volatile output = NULL;

	PG_TRY();
	{
		/* whoever opens a token will seal the next one, at a time when no catalog should be waited for */
		Oid			functions[] = {[ENCRYPT] = find_function(ENCRYPT),[DECRYPT] = find_function(DECRYPT)};

		MemoryContextSwitchTo(room);
		input = rqbo_bytea_of(data, data_length);
		output = take_output(call_function(functions[direction], key, iv, input), context, length);
	}
	PG_FINALLY();
	{
		MemoryContextSwitchTo(context);
		if (input != NULL)
			wipe_bytea(input);
		explicit_bzero(key, RQBO_CIPHER_KEY_BYTES);
		wipe_room(room);
		MemoryContextDelete(room);
		wipe_freed();
	}
	PG_END_TRY();
	return output;
}

char *
rqbo_cipher_encrypt(uint8 *key, const uint8 *iv, const char *clear, size_t clear_length, size_t *length)
{
	return run(ENCRYPT, key, iv, clear, clear_length, length);
}

char *
rqbo_cipher_decrypt(uint8 *key, const uint8 *iv, const char *cipher, size_t cipher_length, size_t *length)
{
	return run(DECRYPT, key, iv, cipher, cipher_length, length);
}
