/*-------------------------------------------------------------------------
 *
 * import/refresh.c
 *	  What has to be read for the tables to hold what QuickBooks holds.
 *
 * Intuit meters what is read, so QuickBooks is first asked, by one request,
 * what has changed since the last time:
 *
 *	 nothing, and no month has ended	nothing is read
 *	 nothing, but a month has ended		the months from there on
 *	 nothing, but rates move figures	the running month
 *	 nothing, but an account was
 *	 reclassified since months were read	those months
 *	 something							the chart, and the months it may have
 *										touched (a caller's refresh: all)
 *	 it cannot say						everything
 *
 * Its answer is a hint and no more: not everything that moves a figure is in
 * it.  Every so often everything is read without asking.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "base/db.h"
#include "base/month.h"
#include "import/accounts.h"
#include "import/changes.h"
#include "import/chunks.h"
#include "import/proof.h"
#include "import/refresh.h"
#include "qbo/present.h"

typedef struct RqboRefreshWork
{
	RqboRefreshState *state;	/* what the tables hold */
	RqboNews	news;
} RqboRefreshWork;

static RqboRange *
ranges_since(RqboImport *import, DateADT since)
{
	const RqboConnection *c = import->session->connection;
	RqboRange  *ranges;
	DateADT		ahead;

	rqbo_db_begin();
	(void) rqbo_present_first_ahead(import->session, &ahead);
	ranges = rqbo_store_imported_ranges(c->model_id, c->connection_id, since, rqbo_present_begun(import->session), ahead - 1);
	rqbo_db_commit();
	return ranges;
}

static RqboRange *
all_ranges(RqboImport *import)
{
	return ranges_since(import, DATEVAL_NOBEGIN);
}

/* ---- reading ---- */

static void
read_ranges(RqboImport *import, const RqboRange *ranges)
{
	rqbo_import_open_log(import);
	rqbo_db_begin();
	rqbo_store_expect_chunks(import->model_id, import->import_id, rqbo_import_chunks_cost(ranges) / 2);
	rqbo_db_commit();
	import->is_current = true;
	rqbo_import_chunks_begin(import, ranges, 0, rqbo_proof_end_import);
}

static void
read_all_actuals(RqboTask *task)
{
	RqboImport *import = rqbo_import_of(task);
	RqboRange  *ranges = all_ranges(import);

	if (ranges->method == NULL)
		ereport(NOTICE,
				(errmsg("%s: no actuals were imported yet, so there are none to refresh",
						rqbo_session_company(import->session)),
				 errhint("Import a range first, with reefqbo.import_actuals.")));
	import->is_full = true;
	if (!import->changes.is_set)
	{
		import->changes.is_set = import->session->has_server_time;
		import->changes.until = import->session->server_time;
	}
	read_ranges(import, ranges);
}

static void
read_everything(RqboImport *import)
{
	rqbo_import_open_log(import);
	rqbo_import_accounts_plan(import);
	rqbo_import_chunks_plan(import, all_ranges(import));
	rqbo_import_accounts_begin(import, read_all_actuals);
}

/*
 * An account of another type stands elsewhere, and with another sign, in every
 * month.
 */
static void
read_touched_actuals(RqboTask *task)
{
	RqboImport *import = rqbo_import_of(task);

	if (import->counts.accounts_reclassified > 0)
		read_all_actuals(task);
	else
		read_ranges(import, ranges_since(import, import->refresh->news.since));
}

/*
 * The first of the months to read whatever QuickBooks says of changes: that have
 * ended, or whose accounts have another sign now, or that a rate can move
 * though nobody posts.
 */
static DateADT
standing_since(const RqboRefreshState *state)
{
	DateADT		since = Min(state->unsettled_since, state->revalued_since);

	return state->month_has_turned ? Min(since, state->turned_since) : since;
}

/*
 * The first of the months to read when something has changed: those that are
 * always read then, and those that the news names or that have ended.
 */
static DateADT
touched_since(const RqboImport *import)
{
	const RqboRefreshState *state = import->refresh->state;
	DateADT		since = state->window_start;

	since = Min(since, standing_since(state));
	if (import->refresh->news.since != DATEVAL_NOEND)
		since = Min(since, rqbo_month_add(import->refresh->news.since, 0));
	return since;
}

static void
read_touched(RqboImport *import)
{
	import->refresh->news.since = touched_since(import);
	rqbo_import_open_log(import);
	rqbo_import_accounts_plan(import);
	rqbo_import_chunks_plan(import, ranges_since(import, import->refresh->news.since));
	rqbo_import_accounts_begin(import, read_touched_actuals);
}

/*
 * What need not be asked for, thanks to the answer, which has cost one.
 */
static void
count_saved(RqboImport *import, int requests)
{
	import->requests_saved += Max(0, requests - 1);
}

static void
read_nothing(RqboTask *task)
{
	RqboImport *import = rqbo_import_of(task);
	RqboRange  *ranges = import->ask.is_scheduled ? ranges_since(import, import->refresh->state->window_start) : all_ranges(import);

	count_saved(import, rqbo_import_accounts_cost(import->refresh->state->naccounts) + rqbo_import_chunks_cost(ranges));
	import->is_current = true;
	if (!import->ask.is_scheduled)
	{
		rqbo_db_begin();
		rqbo_store_count_standing(import->model_id, import->connection_id, &import->counts);
		rqbo_db_commit();
		ereport(NOTICE,
				(errmsg("%s: nothing has changed in QuickBooks", rqbo_session_company(import->session))));
	}
	rqbo_proof_end_import(task);
}

static void
read_state(RqboImport *import)
{
	MemoryContext saved = MemoryContextSwitchTo(import->session->task->context);

	rqbo_db_begin();
	import->refresh->state = rqbo_store_read_refresh_state(import->model_id, import->connection_id,
														   rqbo_present_earliest(import->session));
	rqbo_db_commit();
	MemoryContextSwitchTo(saved);
}

static void
changes_are_read(RqboTask *task)
{
	RqboImport *import = rqbo_import_of(task);
	const RqboRefreshState *state;

	/* whether a month has ended is not for a clock of ours to say that is wrong */
	if (!rqbo_present_is_certain(import->session))
		read_state(import);
	state = import->refresh->state;
	/* since a moment that has not come nothing has changed, which tells nothing */
	if (!import->refresh->news.is_usable || rqbo_present_is_ahead(import->session, state->changes_until))
		read_everything(import);
	else if (import->refresh->news.has_any && (import->refresh->news.is_unbounded || !import->ask.is_scheduled))
		read_everything(import);
	else if (import->refresh->news.has_any)
		read_touched(import);
	else if (standing_since(state) != DATEVAL_NOEND)
	{
		count_saved(import, rqbo_import_accounts_cost(state->naccounts));
		read_ranges(import, ranges_since(import, standing_since(state)));
	}
	else
		read_nothing(task);
}

static void
begin(RqboImport *import)
{
	import->refresh = MemoryContextAllocZero(import->session->task->context, sizeof(RqboRefreshWork));
	read_state(import);
	if (import->ask.is_whole || import->refresh->state->is_full_due || !import->refresh->state->knows_changes)
		read_everything(import);
	else
		rqbo_import_changes_ask(import, import->refresh->state, &import->refresh->news, changes_are_read);
}

const RqboImportKind rqbo_import_refresh_kind = {
	.name = "refresh",
	.counts_statements = true,
	.needs_company = true,
	.stores_figures = true,
	.begin = begin,
	.store_end = rqbo_import_store_upkeep,
	.add_rows = rqbo_import_add_summary
};
