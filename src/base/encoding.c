/*-------------------------------------------------------------------------
 *
 * base/encoding.c
 *	  Text from outside, which is UTF-8, in a database that may not be.
 *	  Whether a text may be shown at all is not decided here.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"

#include "base/encoding.h"

void
rqbo_encoding_begin(void)
{
	MemoryContext context = CurrentMemoryContext;

	if (GetDatabaseEncoding() == PG_UTF8)
		return;
	StartTransactionCommand();
	MemoryContextSwitchTo(context);
}

void
rqbo_encoding_end(void)
{
	MemoryContext context = CurrentMemoryContext;

	if (GetDatabaseEncoding() == PG_UTF8)
		return;
	CommitTransactionCommand();
	MemoryContextSwitchTo(context);
}

/*
 * Convert one character, appending what it becomes.  A name with a question
 * mark in it is better than no import: what cannot be held is replaced by one.
 */
static void
append_character(StringInfo result, Oid conversion, const char *character, int length, int from, int to)
{
	unsigned char converted[MAX_CONVERSION_GROWTH * 4 + 1];

	if (length == 1 && !IS_HIGHBIT_SET(*character))
		appendStringInfoChar(result, *character);
	else if (OidIsValid(conversion) &&
			 pg_do_encoding_conversion_buf(conversion, from, to,
										   (unsigned char *) unconstify(char *, character), length,
										   converted, sizeof(converted), true) == length)
		appendStringInfoString(result, (char *) converted);
	else
		appendStringInfoChar(result, '?');
}

static char *
convert(const char *text, int from, int to)
{
	Oid			conversion = FindDefaultConversionProc(from, to);
	StringInfoData result;

	initStringInfo(&result);
	while (*text != '\0')
	{
		int			length = (int) strnlen(text, pg_encoding_mblen(from, text));

		append_character(&result, conversion, text, length, from, to);
		text += length;
	}
	return result.data;
}

char *
rqbo_encoding_import(const char *utf8)
{
	if (utf8 == NULL)
		return NULL;
	if (GetDatabaseEncoding() == PG_UTF8)
		return pstrdup(utf8);
	return convert(utf8, PG_UTF8, GetDatabaseEncoding());
}

/*
 * What a first byte says of the length of its character is true only of what
 * was verified.
 */
size_t
rqbo_encoding_prefix(const char *text, size_t most)
{
	return pg_encoding_verifymbstr(PG_UTF8, text, (int) strnlen(text, most));
}

/*
 * There and back again: what is left is what the client can be sent.
 */
char *
rqbo_encoding_for_client(const char *text)
{
	int			ours = GetDatabaseEncoding();
	int			theirs = pg_get_client_encoding();

	if (text == NULL || ours == theirs || ours == PG_SQL_ASCII || theirs == PG_SQL_ASCII)
		return unconstify(char *, text);
	return convert(convert(text, ours, theirs), theirs, ours);
}
