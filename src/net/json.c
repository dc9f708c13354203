/*-------------------------------------------------------------------------
 *
 * net/json.c
 *	  Reading JSON that came from outside, strictly by RFC 8259.
 *	  What a document means is its readers' business.
 *
 * An answer may be many megabytes of "{"value":"1.00"},", for which a library's
 * tree of hash tables takes fifty times the text.  Here a document is one piece
 * of memory of about the size of its text, and a node is a place in it:
 *
 *	  string, number	its mark, its text, a zero byte
 *	  true, false, null	its mark
 *	  object			its mark, its length, the number of members; then of
 *						each the key, a zero byte and the value
 *	  array				its mark, its length, the number of elements; then
 *						these, and the place of each in the array
 *
 * So what is not asked for is stepped over, and an element found, at once.
 *
 * https://www.rfc-editor.org/rfc/rfc8259
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "net/json.h"

#define MARK_STRING	'"'
#define MARK_NUMBER	'0'
#define MARK_TRUE	't'
#define MARK_FALSE	'f'
#define MARK_NULL	'n'
#define MARK_OBJECT	'{'
#define MARK_ARRAY	'['

/* Of an object or an array: its mark, its length with these, and how many are in it. */
#define HEAD_SIZE	(1 + 2 * sizeof(uint32))

/* Several times the largest report QuickBooks gives, which has 400,000 cells. */
#define MAX_DOCUMENT ((size_t) 128 * 1024 * 1024)

/* A sign and the digits that every 64-bit integer can hold. */
#define MAX_INTEGER	19

#define REPLACEMENT_CHARACTER 0xFFFD

typedef struct Parser
{
	const char *next;			/* of the text */
	const char *end;
	char	   *document;
	size_t		length;			/* so far */
	size_t		size;
	uint32	   *places;			/* of the elements of all arrays that are not at their end yet */
	size_t		nplaces;
	size_t		max_places;
	const char *reason;			/* to refuse the text, once it is */
} Parser;

static bool parse_value(Parser *p, int depth);

/* ---- the document ---- */

static bool
refuse(Parser *p, const char *reason)
{
	p->reason = reason;
	return false;
}

static bool
put(Parser *p, const void *bytes, size_t length)
{
	if (length > MAX_DOCUMENT - p->length)
		return refuse(p, "It is too large.");
	if (p->length + length > p->size)
	{
		p->size = Max(2 * p->size, p->length + length);
		p->document = repalloc_huge(p->document, p->size);
	}
	memcpy(p->document + p->length, bytes, length);
	p->length += length;
	return true;
}

static bool
put_mark(Parser *p, char mark)
{
	return put(p, &mark, 1);
}

static void
put_place(Parser *p, size_t place)
{
	if (p->nplaces == p->max_places)
	{
		p->max_places *= 2;
		p->places = repalloc_huge(p->places, p->max_places * sizeof(uint32));
	}
	p->places[p->nplaces++] = (uint32) place;
}

static bool
begin_container(Parser *p, char mark)
{
	const char	head[HEAD_SIZE] = {mark};

	return put(p, head, HEAD_SIZE);
}

static void
end_container(Parser *p, size_t begin, uint32 count)
{
	char	   *head = p->document + begin;
	uint32		length = (uint32) (p->length - begin);

	memcpy(head + 1, &length, sizeof(length));
	memcpy(head + 1 + sizeof(length), &count, sizeof(count));
}

/* ---- the text ---- */

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void
skip_space(Parser *p)
{
	while (p->next < p->end && is_space(*p->next))
		p->next++;
}

static bool
accept(Parser *p, char c)
{
	skip_space(p);
	if (p->next == p->end || *p->next != c)
		return false;
	p->next++;
	return true;
}

/*
 * Something else should stand here.
 */
static bool
refuse_here(Parser *p)
{
	return refuse(p, p->next == p->end ? "It ends before the document is complete." : "It is not well-formed JSON.");
}

/* ---- strings ---- */

/*
 * Four hexadecimal digits; -1 if they are none.
 */
static int
hex_of(const char *digits)
{
	int			value = 0;

	for (int i = 0; i < 4; i++)
	{
		char		c = pg_ascii_tolower((unsigned char) digits[i]);

		if (!isxdigit((unsigned char) c))
			return -1;
		value = value * 16 + (c <= '9' ? c - '0' : c - 'a' + 10);
	}
	return value;
}

/*
 * The second half of a character in two, if it stands here; else what half a
 * character is replaced by.
 */
static pg_wchar
join_halves(Parser *p, int first)
{
	int			second = p->end - p->next >= 6 && memcmp(p->next, "\\u", 2) == 0 ? hex_of(p->next + 2) : -1;

	if (!is_utf16_surrogate_first(first) || second < 0 || !is_utf16_surrogate_second(second))
		return REPLACEMENT_CHARACTER;
	p->next += 6;
	return surrogate_pair_to_codepoint(first, second);
}

/*
 * After \u.  No string of PostgreSQL's can hold a zero character.
 */
static bool
parse_code(Parser *p)
{
	unsigned char bytes[MAX_MULTIBYTE_CHAR_LEN + 1];
	int			code = p->end - p->next >= 4 ? hex_of(p->next) : -1;
	pg_wchar	character = code;

	if (code < 0)
		return p->end - p->next < 4 ? refuse(p, "It ends before the document is complete.") :
			refuse(p, "It contains a malformed string.");
	if (code == 0)
		return refuse(p, "It contains the character \\u0000.");
	p->next += 4;
	if (is_utf16_surrogate_first(character) || is_utf16_surrogate_second(character))
		character = join_halves(p, code);
	unicode_to_utf8(character, bytes);
	return put(p, bytes, pg_utf_mblen(bytes));
}

/*
 * After a backslash.
 */
static bool
parse_escape(Parser *p)
{
	static const char escapes[] = "\"\\/bfnrt";
	static const char characters[] = "\"\\/\b\f\n\r\t";
	const char *escape;

	if (p->next == p->end)
		return refuse_here(p);
	if (*p->next == 'u')
	{
		p->next++;
		return parse_code(p);
	}
	escape = strchr(escapes, *p->next++);
	if (escape == NULL)
		return refuse(p, "It contains a malformed string.");
	return put(p, &characters[escape - escapes], 1);
}

/*
 * From after the opening quote.
 */
static bool
parse_string(Parser *p)
{
	for (;;)
	{
		const char *begin = p->next;

		CHECK_FOR_INTERRUPTS();
		while (p->next < p->end && *p->next != '"' && *p->next != '\\' && (unsigned char) *p->next >= ' ')
			p->next++;
		if (!put(p, begin, p->next - begin))
			return false;
		if (p->next == p->end)
			return refuse_here(p);
		switch (*p->next++)
		{
			case '"':
				return put(p, "", 1);
			case '\\':
				if (!parse_escape(p))
					return false;
				break;
			default:
				return refuse(p, "It contains a malformed string.");
		}
	}
}

/* ---- numbers and words ---- */

static const char *
skip_digits(const char *text)
{
	return text + strspn(text, "0123456789");
}

/*
 * By RFC 8259, section 6; something other follows the number.
 */
static bool
is_number(const char *text, const char *end)
{
	const char *begin = *text == '-' ? text + 1 : text;
	const char *p = skip_digits(begin);

	if (p == begin || (*begin == '0' && p > begin + 1))
		return false;
	if (*p == '.')
	{
		begin = p + 1;
		p = skip_digits(begin);
		if (p == begin)
			return false;
	}
	if (*p == 'e' || *p == 'E')
	{
		begin = p + (p[1] == '+' || p[1] == '-' ? 2 : 1);
		p = skip_digits(begin);
		if (p == begin)
			return false;
	}
	return p == end;
}

/*
 * One that is no integer is text to us, and so is as exact as it was written.
 */
static bool
parse_number(Parser *p)
{
	const char *begin = p->next;
	bool		is_integer = true;

	for (; p->next < p->end && strchr("+-.0123456789Ee", *p->next) != NULL; p->next++)
		is_integer = is_integer && strchr(".Ee", *p->next) == NULL;
	if (is_integer && p->next - begin > MAX_INTEGER)
		return refuse(p, "It contains a number that is too large.");
	if (p->next == p->end)
		return refuse_here(p);
	if (!is_number(begin, p->next) || strchr(",]} \t\n\r", *p->next) == NULL)
		return refuse(p, "It contains a malformed or too large number.");
	return put_mark(p, MARK_NUMBER) && put(p, begin, p->next - begin) && put(p, "", 1);
}

static bool
parse_word(Parser *p, const char *word)
{
	char		mark = *word;

	while (*word != '\0' && p->next < p->end && *p->next == *word)
		p->next++, word++;
	return *word == '\0' ? put_mark(p, mark) : refuse_here(p);
}

/* ---- objects and arrays, from after the opening bracket ---- */

static bool
parse_member(Parser *p, int depth)
{
	if (!accept(p, '"'))
		return refuse_here(p);
	if (!parse_string(p))
		return false;
	return accept(p, ':') ? parse_value(p, depth) : refuse_here(p);
}

static bool
parse_object(Parser *p, int depth)
{
	size_t		begin = p->length;
	uint32		count = 0;

	if (!begin_container(p, MARK_OBJECT))
		return false;
	if (!accept(p, '}'))
	{
		do
		{
			if (!parse_member(p, depth + 1))
				return false;
			count++;
		} while (accept(p, ','));
		if (!accept(p, '}'))
			return refuse_here(p);
	}
	end_container(p, begin, count);
	return true;
}

static bool
parse_array(Parser *p, int depth)
{
	size_t		begin = p->length;
	size_t		first = p->nplaces;
	uint32		count;

	if (!begin_container(p, MARK_ARRAY))
		return false;
	if (!accept(p, ']'))
	{
		do
		{
			put_place(p, p->length - begin);
			if (!parse_value(p, depth + 1))
				return false;
		} while (accept(p, ','));
		if (!accept(p, ']'))
			return refuse_here(p);
	}
	count = (uint32) (p->nplaces - first);
	p->nplaces = first;
	if (!put(p, p->places + first, count * sizeof(uint32)))
		return false;
	end_container(p, begin, count);
	return true;
}

/*
 * depth is the number of objects and arrays it is in.
 */
static bool
parse_value(Parser *p, int depth)
{
	CHECK_FOR_INTERRUPTS();
	if (depth >= RQBO_JSON_MAX_DEPTH)
		return refuse(p, "It is nested too deeply.");
	if (accept(p, '{'))
		return parse_object(p, depth);
	if (accept(p, '['))
		return parse_array(p, depth);
	if (accept(p, '"'))
		return put_mark(p, MARK_STRING) && parse_string(p);
	if (p->next == p->end)
		return refuse_here(p);
	switch (*p->next)
	{
		case 't':
			return parse_word(p, "true");
		case 'f':
			return parse_word(p, "false");
		case 'n':
			return parse_word(p, "null");
		default:
			return *p->next == '-' || isdigit((unsigned char) *p->next) ? parse_number(p) : refuse_here(p);
	}
}

/* ---- the whole ---- */

static void
skip_byte_order_mark(Parser *p)
{
	if (p->end - p->next >= 3 && memcmp(p->next, "\xEF\xBB\xBF", 3) == 0)
		p->next += 3;
}

static bool
parse_document(Parser *p)
{
	size_t		length = p->end - p->next;

	if (length == 0)
		return refuse(p, "It is empty.");
	if (memchr(p->next, '\0', length) != NULL)
		return refuse(p, "It contains a zero byte.");
	if (length > PG_INT32_MAX)
		return refuse(p, "It is too large.");
	if (!pg_verify_mbstr(PG_UTF8, p->next, (int) length, true))
		return refuse(p, "It is not valid UTF-8.");
	if (*p->next != '{' && *p->next != '[')
		return refuse(p, "It is not a JSON object or array.");
	if (!parse_value(p, 0))
		return false;
	skip_space(p);
	return p->next == p->end || refuse(p, "Something follows the document.");
}

RqboJson *
rqbo_json_parse(const char *text, size_t len, const char **reason)
{
	Parser		p = {.next = text,.end = text + len};

	/* enough for an object of texts, which so is in no second place when it is wiped */
	p.size = len + HEAD_SIZE;
	p.document = MemoryContextAllocHuge(CurrentMemoryContext, p.size);
	p.max_places = 64;
	p.places = palloc(p.max_places * sizeof(uint32));
	skip_byte_order_mark(&p);
	skip_space(&p);
	if (!parse_document(&p))
	{
		explicit_bzero(p.document, p.length);
		pfree(p.document);
		p.document = NULL;
	}
	pfree(p.places);
	*reason = p.reason;
	return (RqboJson *) p.document;
}

/* ---- nodes ---- */

static char
mark_of(const RqboJson *node)
{
	return node != NULL ? *(const char *) node : MARK_NULL;
}

/*
 * What stands in a head: at 0 the length, at 1 the count.
 */
static uint32
head_of(const RqboJson *node, int index)
{
	uint32		value;

	memcpy(&value, (const char *) node + 1 + index * sizeof(value), sizeof(value));
	return value;
}

static const char *
end_of(const RqboJson *node)
{
	const char *begin = (const char *) node;

	switch (mark_of(node))
	{
		case MARK_STRING:
		case MARK_NUMBER:
			return begin + strlen(begin) + 1;
		case MARK_OBJECT:
		case MARK_ARRAY:
			return begin + head_of(node, 0);
		default:
			return begin + 1;
	}
}

static RqboJson *
unless_null(const char *place)
{
	return place != NULL && *place != MARK_NULL ? (RqboJson *) unconstify(char *, place) : NULL;
}

void
rqbo_json_wipe(RqboJson *document)
{
	if (document != NULL)
		explicit_bzero(document, end_of(document) - (const char *) document);
}

bool
rqbo_json_is_object(const RqboJson *node)
{
	return mark_of(node) == MARK_OBJECT;
}

bool
rqbo_json_is_array(const RqboJson *node)
{
	return mark_of(node) == MARK_ARRAY;
}

/*
 * Of several with one key the last.
 */
RqboJson *
rqbo_json_member(const RqboJson *node, const char *key)
{
	const char *found = NULL;
	const char *place;

	if (!rqbo_json_is_object(node))
		return NULL;
	place = (const char *) node + HEAD_SIZE;
	for (uint32 i = head_of(node, 1); i > 0; i--)
	{
		const char *value = place + strlen(place) + 1;

		if (strcmp(place, key) == 0)
			found = value;
		place = end_of((const RqboJson *) value);
	}
	return unless_null(found);
}

int
rqbo_json_length(const RqboJson *node)
{
	return rqbo_json_is_array(node) || rqbo_json_is_object(node) ? (int) head_of(node, 1) : 0;
}

RqboJson *
rqbo_json_element(const RqboJson *node, int index)
{
	uint32		place;

	if (!rqbo_json_is_array(node) || index < 0 || index >= rqbo_json_length(node))
		return NULL;
	memcpy(&place, end_of(node) - (head_of(node, 1) - index) * sizeof(place), sizeof(place));
	return unless_null((const char *) node + place);
}

const char *
rqbo_json_text(const RqboJson *node)
{
	char		mark = mark_of(node);

	return mark == MARK_STRING || mark == MARK_NUMBER ? (const char *) node + 1 : NULL;
}

const char *
rqbo_json_member_text(const RqboJson *node, const char *key)
{
	return rqbo_json_text(rqbo_json_member(node, key));
}

bool
rqbo_json_member_bool(const RqboJson *node, const char *key, bool absent)
{
	char		mark = mark_of(rqbo_json_member(node, key));

	return mark == MARK_TRUE || (mark != MARK_FALSE && absent);
}
