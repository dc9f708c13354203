/*-------------------------------------------------------------------------
 *
 * base/show.c
 *	  Texts of others, to be shown to people.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "base/encoding.h"
#include "base/show.h"

PG_FUNCTION_INFO_V1(rqbo_show_line_sql);

/*
 * How many bytes the control begins with that stands here in UTF-8, beyond
 * ASCII; 0 for none.  A zero at the end is none of the bytes compared.
 */
static int
utf8_control(const unsigned char *c)
{
	if (c[0] == 0xC2)
		return c[1] >= 0x80 && c[1] <= 0x9F ? 2 : 0;	/* C1 */
	if (c[0] == 0xD8)
		return c[1] == 0x9C ? 2 : 0;	/* U+061C */
	if (c[0] != 0xE2)
		return 0;
	if (c[1] == 0x80)			/* U+200E, U+200F, U+2028 to U+202E */
		return c[2] == 0x8E || c[2] == 0x8F || (c[2] >= 0xA8 && c[2] <= 0xAE) ? 3 : 0;
	return c[1] == 0x81 && c[2] >= 0xA6 && c[2] <= 0xA9 ? 3 : 0;	/* U+2066 to U+2069 */
}

/*
 * The encodings of ISO 8859 have the controls of C1 where others have letters.
 */
static bool
is_iso8859(int encoding)
{
	return (encoding >= PG_LATIN1 && encoding <= PG_LATIN10) ||
		(encoding >= PG_ISO_8859_5 && encoding <= PG_ISO_8859_8);
}

/*
 * How many bytes the control has that stands here, 0 for none.  A database
 * without an encoding has UTF-8 as it came.
 */
static int
control_at(const char *text, int encoding)
{
	const unsigned char *c = (const unsigned char *) text;

	if (c[0] < ' ' || c[0] == 0x7F)
		return 1;
	if (encoding == PG_UTF8 || encoding == PG_SQL_ASCII)
		return utf8_control(c);
	return is_iso8859(encoding) && c[0] >= 0x80 && c[0] <= 0x9F ? 1 : 0;
}

char *
rqbo_show_line(const char *text)
{
	int			encoding = GetDatabaseEncoding();
	char	   *shown;
	char	   *end;

	if (text == NULL)
		return NULL;
	shown = end = palloc(strlen(text) + 1);
	while (*text != '\0')
	{
		int			length = control_at(text, encoding);

		*end++ = length > 0 ? ' ' : *text;
		text += Max(length, 1);
	}
	*end = '\0';
	return shown;
}

/*
 * Without what ASCII has not.
 */
static char *
question(const char *text)
{
	char	   *copy = pstrdup(text);

	for (char *c = copy; *c != '\0'; c++)
		if (IS_HIGHBIT_SET(*c))
			*c = '?';
	return copy;
}

char *
rqbo_show_foreign(const char *text, size_t most)
{
	char	   *copy = pnstrdup(text, rqbo_encoding_prefix(text, most));

	return rqbo_show_line(GetDatabaseEncoding() == PG_UTF8 ? copy : question(copy));
}

void
rqbo_show_put(char *place, size_t size, const char *text)
{
	strlcpy(place, text, pg_mbcliplen(text, (int) strlen(text), (int) size - 1) + 1);
}

char *
rqbo_show_any(const char *text)
{
	return pg_verifymbstr(text, (int) strlen(text), true) ? pstrdup(text) : question(text);
}

/*
 * For messages of functions written in SQL.
 */
Datum
rqbo_show_line_sql(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(rqbo_show_line(text_to_cstring(PG_GETARG_TEXT_PP(0)))));
}
