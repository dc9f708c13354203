/*-------------------------------------------------------------------------
 *
 * base/texts.c
 *	  Texts that were seen, each with a number: found again without a walk over
 *	  all of them.
 *
 * The texts are QuickBooks', where anybody gives names: they are hashed with a
 * seed that nobody knows, so that none are made to fall together.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "common/pg_prng.h"
#include "utils/hsearch.h"

#include "base/texts.h"

typedef struct TextEntry
{
	const char *text;			/* the key; must be first */
	int			number;
} TextEntry;

struct RqboTexts
{
	HTAB	   *table;
};

static uint64 seed;

static uint32
hash_text(const void *key, Size size pg_attribute_unused())
{
	const char *text = *(const char *const *) key;

	return (uint32) hash_bytes_extended((const unsigned char *) text, (int) strlen(text), seed);
}

static int
match_texts(const void *a, const void *b, Size size pg_attribute_unused())
{
	return strcmp(*(const char *const *) a, *(const char *const *) b);
}

RqboTexts *
rqbo_texts_make(void)
{
	RqboTexts  *texts = palloc(sizeof(RqboTexts));
	HASHCTL		ctl = {.keysize = sizeof(char *),.entrysize = sizeof(TextEntry),.hash = hash_text,
	.match = match_texts,.hcxt = CurrentMemoryContext};

	if (seed == 0)
		seed = pg_prng_uint64(&pg_global_prng_state);
	texts->table = hash_create("reefqbo texts", 256, &ctl, HASH_ELEM | HASH_FUNCTION | HASH_COMPARE | HASH_CONTEXT);
	return texts;
}

bool
rqbo_texts_add(RqboTexts *texts, const char *text, int number)
{
	bool		is_known;
	TextEntry  *entry = hash_search(texts->table, &text, HASH_ENTER, &is_known);

	if (!is_known)
		entry->number = number;
	return !is_known;
}

int
rqbo_texts_find(const RqboTexts *texts, const char *text)
{
	const TextEntry *entry = hash_search(texts->table, &text, HASH_FIND, NULL);

	return entry != NULL ? entry->number : -1;
}
