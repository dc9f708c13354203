/*-------------------------------------------------------------------------
 *
 * import/pages.c
 *	  The whole of a list that QuickBooks gives in pages, inactive rows too.
 *
 * The count comes first, then pages in the order of the ids until that many
 * different rows have come or a page is empty.  While somebody adds or
 * removes rows, pages shift and a living row may be skipped: count and rows
 * then differ, and the whole sweep is made again.
 *
 * https://developer.intuit.com/app/developer/qbo/docs/learn/explore-the-quickbooks-online-api/data-queries
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "base/encoding.h"
#include "import/pages.h"
#include "import/reading.h"
#include "qbo/accounting.h"
#include "qbo/sending.h"

typedef struct RqboPages
{
	const RqboPagesOf *of;
	RqboStep	then;
	MemoryContext context;		/* of one sweep */
	List	   *rows;
	HTAB	   *ids;
	int			expected;		/* how many rows there should be */
	int			position;		/* of the next page's first row, from 1 */
	int			sweeps;
} RqboPages;

static void begin_sweep(RqboTask *task);
static void ask_page(RqboTask *task);

List *
rqbo_import_pages_rows(const RqboImport *import)
{
	return import->pages->rows;
}

bool
rqbo_import_pages_have(const RqboImport *import, const char *id)
{
	return strlen(id) < RQBO_PAGE_MAX_ID && hash_search(import->pages->ids, id, HASH_FIND, NULL) != NULL;
}

void
rqbo_import_pages_free(RqboImport *import)
{
	MemoryContextDelete(import->pages->context);
	pfree(import->pages);
	import->pages = NULL;
}

static void
ask(RqboImport *import, const char *path, RqboStep then)
{
	rqbo_qbo_get(import->session,
				 psprintf("could not read %s of \"%s\"", import->pages->of->what, rqbo_session_company(import->session)),
				 path, then, NULL);
}

/*
 * All pages are here: is it all of the list?
 */
static void
end_sweep(RqboTask *task)
{
	RqboImport *import = rqbo_import_of(task);
	RqboPages  *pages = import->pages;

	if (list_length(pages->rows) == pages->expected)
		pages->then(task);
	else if (pages->sweeps < RQBO_PAGE_SWEEPS)
		begin_sweep(task);
	else
		pages->of->raise_not_whole(import, pages->expected, list_length(pages->rows));
}

/*
 * Add a page's rows that are new to this sweep.
 */
static void
add_page(RqboImport *import, const RqboJson *nodes)
{
	RqboPages  *pages = import->pages;
	MemoryContext saved = MemoryContextSwitchTo(pages->context);
	int			count = rqbo_json_length(nodes);

	for (int i = 0; i < count; i++)
	{
		const char *id;
		void	   *row = pages->of->read_row(import->session, rqbo_json_element(nodes, i), &id);
		bool		is_known;

		CHECK_FOR_INTERRUPTS();
		(void) hash_search(pages->ids, id, HASH_ENTER, &is_known);
		if (!is_known)
			pages->rows = lappend(pages->rows, row);
	}
	pages->position += count;
	MemoryContextSwitchTo(saved);
}

static void
page_answered(RqboTask *task)
{
	RqboImport *import = rqbo_import_of(task);
	RqboPages  *pages = import->pages;
	RqboJson   *response = rqbo_qbo_read_body(import->session, "QueryResponse");
	int			before = list_length(pages->rows);

	rqbo_encoding_begin();
	add_page(import, rqbo_json_member(response, pages->of->entity));
	rqbo_encoding_end();
	/* a page that brings nothing new is the end, whatever the count says */
	if (list_length(pages->rows) > before && list_length(pages->rows) < pages->expected)
		ask_page(task);
	else
		end_sweep(task);
}

static char *
page_path(const RqboPagesOf *of, int position)
{
	return rqbo_qbo_query_path(psprintf("select * from %s where Active IN (true, false) orderby Id startposition %d maxresults %d",
										of->entity, position, RQBO_PAGE_ROWS));
}

static void
ask_page(RqboTask *task)
{
	RqboImport *import = rqbo_import_of(task);
	RqboPages  *pages = import->pages;

	ask(import, page_path(pages->of, pages->position), page_answered);
}

static void
count_answered(RqboTask *task)
{
	RqboImport *import = rqbo_import_of(task);
	RqboPages  *pages = import->pages;

	pages->expected = rqbo_import_take_count(import->session);
	if (pages->expected > 0 || pages->of->asks_when_empty)
		ask_page(task);
	else
		end_sweep(task);
}

static void
begin_sweep(RqboTask *task)
{
	RqboImport *import = rqbo_import_of(task);
	RqboPages  *pages = import->pages;
	HASHCTL		ctl = {.keysize = RQBO_PAGE_MAX_ID,.entrysize = RQBO_PAGE_MAX_ID,.hcxt = pages->context};

	/* the table's own context goes with the reset */
	MemoryContextReset(pages->context);
	pages->ids = hash_create("reefqbo ids", 256, &ctl, HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	pages->rows = NIL;
	pages->position = 1;
	pages->sweeps++;
	ask(import, rqbo_import_count_path(pages->of->entity), count_answered);
}

void
rqbo_import_pages_plan(RqboImport *import, const RqboPagesOf *of)
{
	rqbo_sending_plan(import->session, rqbo_import_count_path(of->entity), false);
	rqbo_sending_plan(import->session, page_path(of, 1), false);
}

void
rqbo_import_pages_begin(RqboImport *import, const RqboPagesOf *of, RqboStep then)
{
	MemoryContext context = import->session->task->context;
	RqboPages  *pages = MemoryContextAllocZero(context, sizeof(RqboPages));

	Assert(import->pages == NULL);
	pages->of = of;
	pages->then = then;
	pages->context = AllocSetContextCreate(context, "reefqbo pages", ALLOCSET_DEFAULT_SIZES);
	import->pages = pages;
	rqbo_import_pages_plan(import, of);
	begin_sweep(import->session->task);
}
