/*-------------------------------------------------------------------------
 *
 * report/text.c
 *	  Texts and amounts of a report, taken over or shown in an error.
 *	  What is a secret is decided by secret/redact.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "utils/memutils.h"

#include "base/amount.h"
#include "base/encoding.h"
#include "base/show.h"
#include "report/reader.h"
#include "report/text.h"
#include "secret/redact.h"

/*
 * Longer than any name in QuickBooks, with those it stands below.  Each cell
 * of a report is shown with the names of its line and of its column.
 */
#define MAX_NAME		4000

/* How much of a foreign text an error may repeat, in characters. */
#define MAX_EXCERPT		200

#define MAX_AMOUNT		40
#define AMOUNT_CHARACTERS "0123456789+-.,"

/*
 * The text in the database encoding, kept with the report; NULL stays NULL.
 */
char *
rqbo_report_string(RqboReader *reader, const char *text)
{
	char	   *ours = rqbo_encoding_import(text);
	char	   *kept;

	if (text == NULL)
		return NULL;
	kept = MemoryContextStrdup(reader->result, ours);
	pfree(ours);
	return kept;
}

/*
 * The same of a name: of a line, a column or a group.
 */
char *
rqbo_report_name_string(RqboReader *reader, const char *text)
{
	if (text != NULL && strlen(text) > MAX_NAME)
		rqbo_report_invalid("Name \"%s\" is too long.", rqbo_report_quote(text));
	return rqbo_report_string(reader, text);
}

/*
 * The first characters of a string in the database encoding.
 */
char *
rqbo_report_clip(const char *string)
{
	char	   *shown = rqbo_show_line(string);
	int			len = (int) strlen(shown);
	int			clipped = pg_mbcharcliplen(shown, len, MAX_EXCERPT);

	return clipped == len ? shown : psprintf("%.*s...", clipped, shown);
}

/*
 * The beginning of a foreign UTF-8 text, for an error.
 */
char *
rqbo_report_excerpt(const char *text)
{
	return rqbo_report_clip(rqbo_show_foreign(text, strlen(text)));
}

/*
 * The same of what an answer says that is not a report, or at a place where it
 * should say something else: without what could be a secret.
 */
char *
rqbo_report_quote(const char *text)
{
	const char *mark = GetDatabaseEncoding() == PG_UTF8 ? "\xE2\x80\xA6" : "...";

	return rqbo_report_excerpt(rqbo_secret_blank(text, mark, MAX_EXCERPT * MAX_MULTIBYTE_CHAR_LEN));
}

/*
 * The same of what stands in the place of an amount.  Figures are shown, though
 * they may be written in a way that is not known.
 */
char *
rqbo_report_quote_amount(const char *text)
{
	return text[strspn(text, AMOUNT_CHARACTERS)] == '\0' ? rqbo_report_excerpt(text) : rqbo_report_quote(text);
}

/*
 * A sign at most, digits, a point at most.  Stricter than numeric_in, which
 * would take NaN, infinity and exponents as well.
 */
static bool
is_amount(const char *text)
{
	const char *p = text;
	int			ndigits = 0;
	int			npoints = 0;

	if (*p == '-' || *p == '+')
		p++;
	for (; *p != '\0'; p++)
	{
		if (*p >= '0' && *p <= '9')
			ndigits++;
		else if (*p == '.')
			npoints++;
		else
			return false;
	}
	return ndigits > 0 && npoints <= 1 && p - text <= MAX_AMOUNT;
}

/*
 * NULL when the text is no amount.  Nothing reads as zero.
 */
Numeric
rqbo_report_parse_amount(RqboReader *reader, const char *text)
{
	MemoryContext caller;
	Numeric		amount;

	if (text == NULL || *text == '\0')
		return reader->zero;
	if (!is_amount(text))
		return NULL;
	caller = MemoryContextSwitchTo(reader->result);
	amount = rqbo_amount_parse(text);
	MemoryContextSwitchTo(caller);
	return amount;
}
