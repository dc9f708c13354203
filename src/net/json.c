/*-------------------------------------------------------------------------
 *
 * net/json.c
 *	  Reading JSON that came from outside.
 *
 * The only file that knows json-c.  The text is taken as hostile: what
 * json-c would let through or stumble over is refused before it sees it.
 *
 * json-c 0.16 does not check every one of its allocations: a failed one can
 * crash the server or lose a member in silence, and it spends 50 bytes and
 * more for each byte of "{},{},".  So the memory a document can need at most
 * is reckoned first, held against a limit, and tried for in one piece.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <json-c/json_object.h>
#include <json-c/json_tokener.h>

#include "mb/pg_wchar.h"
#include "miscadmin.h"

#include "base/owned.h"
#include "net/json.h"

/*
 * What json-c needs at most for each sign of a document, with malloc's own
 * overhead: an object starts with a table of 16 entries, an array with 32.
 */
#define OBJECT_COST		900
#define ARRAY_COST		500
#define MEMBER_COST		200
#define ELEMENT_COST	120

/* How much json-c gets at once, about: in between, interrupts are served. */
#define LONG_RUN		(64 * 1024)

/* A sign and the digits that every 64-bit integer can hold. */
#define MAX_INTEGER		19

/* The largest report QuickBooks gives, 400,000 cells, needs half of this. */
#define MAX_MEMORY		((size_t) 1024 * 1024 * 1024)

#define JSON_FLAGS \
	(JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8 | JSON_TOKENER_ALLOW_TRAILING_CHARS)

static void
release_tokener(void *object)
{
	json_tokener_free((struct json_tokener *) object);
}

static void
release_tree(void *object)
{
	json_object_put((struct json_object *) object);
}

static void
raise_out_of_memory(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_OUT_OF_MEMORY),
			 errmsg("out of memory"),
			 errdetail("Failed while reading a JSON document.")));
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void
skip_space(const char **text, size_t *len)
{
	while (*len > 0 && is_space(**text))
	{
		(*text)++;
		(*len)--;
	}
}

static void
skip_byte_order_mark(const char **text, size_t *len)
{
	if (*len >= 3 && memcmp(*text, "\xEF\xBB\xBF", 3) == 0)
	{
		*text += 3;
		*len -= 3;
	}
}

static size_t
cost_of_byte(char c)
{
	switch (c)
	{
		case '{':
			return OBJECT_COST;
		case '[':
			return ARRAY_COST;
		case ':':
			return MEMBER_COST;
		case ',':
			return ELEMENT_COST;
		default:
			return 3;
	}
}

/*
 * An upper bound of the memory the document takes.  Signs inside strings are
 * counted too, which errs on the safe side.
 */
static size_t
memory_needed(const char *text, size_t len)
{
	size_t		needed = 0;
	size_t		i;

	for (i = 0; i < len; i++)
		needed += cost_of_byte(text[i]);
	return needed;
}

/*
 * One string, from after its opening quote.  NULL, or the reason to refuse it;
 * *text is left after its closing quote, or at the end.
 */
static const char *
scan_string(const char **text, const char *end)
{
	const char *p;

	for (p = *text; p < end && *p != '"'; p++)
	{
		if ((unsigned char) *p < ' ')
			return "It contains a malformed string.";
		if (*p != '\\')
			continue;
		if (end - p >= 6 && memcmp(p, "\\u0000", 6) == 0)
			return "It contains the character \\u0000.";
		if (++p == end)
			break;
	}
	*text = Min(p + 1, end);
	return NULL;
}

/*
 * One number, of the characters a number may have.  json-c takes an integer
 * that is too large for the largest there is, even where it is strict.
 */
static const char *
scan_number(const char **text, const char *end)
{
	const char *p = *text;
	bool		is_integer = true;

	for (; p < end && strchr("+-.0123456789Ee", *p) != NULL; p++)
	{
		if (strchr(".Ee", *p) != NULL)
			is_integer = false;
	}
	if (is_integer && p - *text > MAX_INTEGER)
		return "It contains a number that is too large.";
	*text = p;
	return NULL;
}

/*
 * What json-c would let through: single quotes, NaN and Infinity, control
 * characters in a string, integers it cannot hold; and \u0000, which no
 * PostgreSQL string can hold and where json-c would end a key.
 */
static const char *
scan(const char *text, size_t len)
{
	const char *end = text + len;
	const char *reason = NULL;

	while (text < end && reason == NULL)
	{
		char		c = *text;

		CHECK_FOR_INTERRUPTS();
		if (c == '"')
		{
			text++;
			reason = scan_string(&text, end);
		}
		else if (c == '-' || (c >= '0' && c <= '9'))
			reason = scan_number(&text, end);
		else if (is_space(c) || strchr("{}[]:,truefalsn.+E", c) != NULL)
			text++;
		else
			return "It is not well-formed JSON.";
	}
	return reason;
}

/*
 * The reason to refuse the text before it is parsed, or NULL.  len fits an int
 * once memory_needed() is within bounds.
 */
static const char *
reason_to_refuse(const char *text, size_t len)
{
	if (len == 0)
		return "It is empty.";
	if (memchr(text, '\0', len) != NULL)
		return "It contains a zero byte.";
	if (memory_needed(text, len) > MAX_MEMORY)
		return "It is too large.";
	if (!pg_verify_mbstr(PG_UTF8, text, (int) len, true))
		return "It is not valid UTF-8.";
	if (*text != '{' && *text != '[')
		return "It is not a JSON object or array.";
	return scan(text, len);
}

static const char *
reason_of(enum json_tokener_error error)
{
	switch (error)
	{
		case json_tokener_continue:
		case json_tokener_error_parse_eof:
			return "It ends before the document is complete.";
		case json_tokener_error_depth:
			return "It is nested too deeply.";
		case json_tokener_error_parse_utf8_string:
			return "It is not valid UTF-8.";
		case json_tokener_error_parse_number:
			return "It contains a malformed or too large number.";
		case json_tokener_error_parse_string:
			return "It contains a malformed string.";
		default:
			return "It is not well-formed JSON.";
	}
}

/*
 * Better an error here than a crash inside json-c: see the head of this file.
 */
static void
try_memory(size_t size)
{
	void	   *volatile trial = malloc(size);	/* or the pair would be optimized away */

	if (trial == NULL)
		raise_out_of_memory();
	free(trial);
}

/*
 * Success without a tree means that json-c ran out of memory halfway.
 */
static const char *
check_result(struct json_tokener *tokener, const struct json_object *tree,
			 const char *text, size_t len, size_t end)
{
	enum json_tokener_error error = json_tokener_get_error(tokener);

	if (error != json_tokener_success)
		return reason_of(error);
	if (tree == NULL)
		raise_out_of_memory();
	text += end;
	len -= end;
	skip_space(&text, &len);
	return len > 0 ? "Something follows the document." : NULL;
}

/*
 * Where the run that begins here ends: signs of one kind, and of a long one as
 * many as end with a comma, so that neither a number nor a character is cut.
 */
static size_t
end_of_run(const char *text, size_t len, size_t begin)
{
	bool		is_ascii = !IS_HIGHBIT_SET(text[begin]);
	size_t		next = begin + 1;

	while (next < len && !IS_HIGHBIT_SET(text[next]) == is_ascii &&
		   (next - begin < LONG_RUN || text[next - 1] != ','))
		next++;
	return next;
}

/*
 * json-c 0.18, where it is strict, takes nothing outside ASCII, not even in a
 * string (its issue 875).  So it gets the text in runs, and is strict with
 * those of ASCII.  The others lie inside strings, as scan() has seen to, and
 * are valid UTF-8: strictness would find nothing in them.
 */
static struct json_object *
feed(struct json_tokener *tokener, const char *text, size_t len, size_t *end)
{
	struct json_object *tree;
	size_t		begin;
	size_t		next = 0;

	do
	{
		bool		is_ascii = !IS_HIGHBIT_SET(text[next]);

		CHECK_FOR_INTERRUPTS();
		begin = next;
		next = end_of_run(text, len, begin);
		json_tokener_set_flags(tokener, is_ascii ? JSON_FLAGS : JSON_FLAGS & ~JSON_TOKENER_STRICT);
		tree = json_tokener_parse_ex(tokener, text + begin, (int) (next - begin));
	} while (next < len && json_tokener_get_error(tokener) == json_tokener_continue);
	*end = begin + json_tokener_get_parse_end(tokener);
	return tree;
}

static RqboJson *
parse(const char *text, size_t len, const char **reason)
{
	RqboOwned  *tree_owner = rqbo_owned_reserve(CurrentMemoryContext, release_tree);
	RqboOwned  *tokener_owner = rqbo_owned_reserve(CurrentMemoryContext, release_tokener);
	struct json_tokener *tokener;
	struct json_object *tree;
	size_t		end;

	try_memory(memory_needed(text, len));
	tokener = json_tokener_new_ex(RQBO_JSON_MAX_DEPTH);
	if (tokener == NULL)
		raise_out_of_memory();
	rqbo_owned_set(tokener_owner, tokener);
	tree = feed(tokener, text, len, &end);
	rqbo_owned_set(tree_owner, tree);

	*reason = check_result(tokener, tree, text, len, end);
	rqbo_owned_release(tokener_owner);
	if (*reason == NULL)
		return (RqboJson *) tree;
	rqbo_owned_release(tree_owner);
	return NULL;
}

RqboJson *
rqbo_json_parse(const char *text, size_t len, const char **reason)
{
	skip_byte_order_mark(&text, &len);
	skip_space(&text, &len);
	*reason = reason_to_refuse(text, len);
	return *reason == NULL ? parse(text, len, reason) : NULL;
}

/*
 * json-c's readers do not change a node, yet some of them take it without
 * const: they keep a number's text with it.
 */
static struct json_object *
object_of(const RqboJson *node)
{
	return (struct json_object *) unconstify(RqboJson *, node);
}

bool
rqbo_json_is_object(const RqboJson *node)
{
	return json_object_is_type(object_of(node), json_type_object);
}

bool
rqbo_json_is_array(const RqboJson *node)
{
	return json_object_is_type(object_of(node), json_type_array);
}

RqboJson *
rqbo_json_member(const RqboJson *node, const char *key)
{
	struct json_object *value = NULL;

	if (!rqbo_json_is_object(node))
		return NULL;
	json_object_object_get_ex(object_of(node), key, &value);
	return (RqboJson *) value;
}

int
rqbo_json_length(const RqboJson *node)
{
	if (rqbo_json_is_array(node))
		return (int) json_object_array_length(object_of(node));
	if (rqbo_json_is_object(node))
		return json_object_object_length(object_of(node));
	return 0;
}

RqboJson *
rqbo_json_element(const RqboJson *node, int index)
{
	if (!rqbo_json_is_array(node) || index < 0)
		return NULL;
	return (RqboJson *) json_object_array_get_idx(object_of(node), index);
}

/*
 * json-c keeps the text of what has a point or an exponent, and an integer is
 * exact in it: scan() has refused those that would not be.
 */
const char *
rqbo_json_text(const RqboJson *node)
{
	const char *text;

	switch (json_object_get_type(object_of(node)))
	{
		case json_type_string:
		case json_type_int:
		case json_type_double:
			text = json_object_get_string(object_of(node));
			if (text == NULL)
				raise_out_of_memory();
			return text;
		default:
			return NULL;
	}
}

const char *
rqbo_json_member_text(const RqboJson *node, const char *key)
{
	return rqbo_json_text(rqbo_json_member(node, key));
}

bool
rqbo_json_member_bool(const RqboJson *node, const char *key, bool absent)
{
	RqboJson   *value = rqbo_json_member(node, key);

	if (!json_object_is_type(object_of(value), json_type_boolean))
		return absent;
	return json_object_get_boolean(object_of(value));
}
