/*-------------------------------------------------------------------------
 *
 * secret/redact.c
 *	  Texts of others, without what could be a secret.
 *
 * Intuit's faults repeat tokens and realm ids.  Tokens are long unbroken runs
 * with a digit in them, realm ids are long numbers; words, dates and times of
 * a message are neither.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"

#include "base/show.h"
#include "secret/redact.h"

#define MAX_REDACTED 400
#define MIN_TOKEN 20			/* characters with a digit among them */
#define MIN_DIGITS 9			/* on end */
#define MIN_ANY 40

size_t
rqbo_secret_run(const char *text)
{
	return strspn(text, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-._~+/=");
}

static bool
could_be_secret(const char *run, size_t length)
{
	bool		has_digit = false;
	int			on_end = 0;

	for (size_t i = 0; i < length; i++)
	{
		on_end = run[i] >= '0' && run[i] <= '9' ? on_end + 1 : 0;
		has_digit = has_digit || on_end > 0;
		if (on_end >= MIN_DIGITS)
			return true;
	}
	return (has_digit && length >= MIN_TOKEN) || length >= MIN_ANY;
}

/*
 * In UTF-8.  In other encodings a text is cut a little later for it.
 */
static bool
is_inside_character(const char *text)
{
	return (*text & 0xC0) == 0x80;
}

char *
rqbo_secret_blank(const char *text, const char *mark, int most)
{
	StringInfoData result;

	initStringInfo(&result);
	while (*text != '\0' && (result.len <= most || is_inside_character(text)))
	{
		size_t		length = rqbo_secret_run(text);

		if (length == 0)
			appendStringInfoChar(&result, *text);
		else if (could_be_secret(text, length))
			appendStringInfoString(&result, mark);
		else
			appendBinaryStringInfo(&result, text, length);
		text += Max(length, 1);
	}
	return result.data;
}

char *
rqbo_secret_redact(const char *text)
{
	char	   *redacted = rqbo_secret_blank(rqbo_show_line(text), "(redacted)", MAX_REDACTED);

	redacted[pg_mbcliplen(redacted, strlen(redacted), MAX_REDACTED)] = '\0';
	return redacted;
}
