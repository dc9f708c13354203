/*-------------------------------------------------------------------------
 *
 * base/url.c
 *	  Putting together and taking apart the query of an address.
 *
 * https://www.rfc-editor.org/rfc/rfc3986#section-2 and, for the + of forms,
 * https://url.spec.whatwg.org/#application/x-www-form-urlencoded
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/errors.h"
#include "base/url.h"

static void
append_encoded(StringInfo url, const char *value)
{
	for (const unsigned char *c = (const unsigned char *) value; *c != '\0'; c++)
	{
		if ((*c < 0x80 && isalnum(*c)) || strchr("-._~", *c) != NULL)
			appendStringInfoChar(url, *c);
		else
			appendStringInfo(url, "%%%02X", *c);
	}
}

void
rqbo_url_add(StringInfo url, char separator, const char *name, const char *value)
{
	if (url->len > 0)
		appendStringInfoChar(url, separator);
	appendStringInfo(url, "%s=", name);
	append_encoded(url, value);
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/*
 * Decode a field.  What decodes to a control character, or does not decode,
 * was never sent by Intuit.
 */
static char *
decode(const char *value, size_t length)
{
	StringInfoData result;

	initStringInfo(&result);
	for (size_t i = 0; i < length; i++)
	{
		int			c = (unsigned char) value[i];

		if (c == '+')
			c = ' ';
		else if (c == '%')
		{
			int			high = i + 2 < length ? hex_digit(value[i + 1]) : -1;
			int			low = i + 2 < length ? hex_digit(value[i + 2]) : -1;

			c = high < 0 || low < 0 ? 0 : high * 16 + low;
			i += 2;
		}
		if (c < ' ' || c > '~')
			ereport(ERROR,
					(errcode(ERRCODE_RQBO_AUTHORIZATION_INVALID),
					 errmsg("the redirect address is malformed"),
					 errhint("Pass the whole address the browser came back to, as it stands in the address bar.")));
		appendStringInfoChar(&result, (char) c);
	}
	return result.data;
}

char *
rqbo_url_field(const char *url, const char *name)
{
	const char *field = strchr(url, '?');
	size_t		name_length = strlen(name);

	while (field != NULL)
	{
		size_t		length = strcspn(++field, "&#");

		if (length > name_length && field[name_length] == '=' && strncmp(field, name, name_length) == 0)
			return decode(field + name_length + 1, length - name_length - 1);
		field = field[length] == '&' ? field + length : NULL;
	}
	return NULL;
}
