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
 * A name with a question mark in it is better than no import: what the
 * database cannot hold is replaced.
 */
static char *
replace_foreign(const char *utf8)
{
	char	   *copy = pstrdup(utf8);
	char	   *to = copy;

	for (const char *c = utf8; *c != '\0'; c++)
	{
		if ((unsigned char) *c < 0x80)
			*to++ = *c;
		else if ((unsigned char) *c >= 0xc0)
			*to++ = '?';
	}
	*to = '\0';
	return copy;
}

char *
rqbo_encoding_import(const char *utf8)
{
	int			encoding = GetDatabaseEncoding();
	int			length = utf8 != NULL ? strlen(utf8) : 0;
	Oid			conversion;
	unsigned char *converted;
	int			size;

	if (utf8 == NULL)
		return NULL;
	if (encoding == PG_UTF8)
		return pstrdup(utf8);
	conversion = FindDefaultConversionProc(PG_UTF8, encoding);
	if (!OidIsValid(conversion))
		return replace_foreign(utf8);
	size = length * MAX_CONVERSION_GROWTH + 1;
	converted = palloc(size);
	if (pg_do_encoding_conversion_buf(conversion, PG_UTF8, encoding, (unsigned char *) unconstify(char *, utf8),
									  length, converted, size, true) != length)
		return replace_foreign(utf8);
	return (char *) converted;
}
