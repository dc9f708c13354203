/*-------------------------------------------------------------------------
 *
 * encoding.c
 *	  Text from outside, which is UTF-8, in a database that may not be.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"

#include "encoding.h"

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
 * mark in it is better than no import: what the database cannot hold is
 * replaced by one.
 */
static void
append_character(StringInfo result, Oid conversion, const char *utf8, int length)
{
	unsigned char converted[MAX_CONVERSION_GROWTH * 4 + 1];

	if (length == 1)
		appendStringInfoChar(result, *utf8);
	else if (OidIsValid(conversion) &&
			 pg_do_encoding_conversion_buf(conversion, PG_UTF8, GetDatabaseEncoding(),
										   (unsigned char *) unconstify(char *, utf8), length,
										   converted, sizeof(converted), true) == length)
		appendStringInfoString(result, (char *) converted);
	else
		appendStringInfoChar(result, '?');
}

char *
rqbo_encoding_import(const char *utf8)
{
	StringInfoData result;
	Oid			conversion;

	if (utf8 == NULL)
		return NULL;
	if (GetDatabaseEncoding() == PG_UTF8)
		return pstrdup(utf8);
	conversion = FindDefaultConversionProc(PG_UTF8, GetDatabaseEncoding());
	initStringInfo(&result);
	while (*utf8 != '\0')
	{
		int			length = pg_encoding_mblen(PG_UTF8, utf8);

		append_character(&result, conversion, utf8, length);
		utf8 += length;
	}
	return result.data;
}
