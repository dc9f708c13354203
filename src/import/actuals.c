/*-------------------------------------------------------------------------
 *
 * import/actuals.c
 *	  A range of months of both statements, as reefqbo.import_actuals asks for it:
 *	  planned in chunks, after the chart if that was never read.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/clock.h"
#include "base/db.h"
#include "import/accounts.h"
#include "import/actuals.h"
#include "import/chunks.h"
#include "import/proof.h"
#include "import/reading.h"
#include "qbo/accounting.h"
#include "qbo/company.h"
#include "qbo/present.h"

/*
 * The first import of all: from QuickBooks' clock at its beginning on, a
 * refresh can ask for changes; or from when the chart was read, if that was an
 * import of its own.
 */
static void
first_actuals_are_read(RqboTask *task)
{
	RqboImport *import = rqbo_import_of(task);

	import->changes.is_set = import->session->has_server_time;
	import->changes.until = import->session->server_time;
	if (import->counts.accounts_seen == 0)
		import->changes.until -= Max(0, rqbo_now() - import->session->connection->accounts_as_of);
	import->is_full = true;
	rqbo_proof_end_import(task);
}

/*
 * Months that have not begun are not read, nor remembered as asked for.
 */
static void
cut_range(RqboImport *import)
{
	RqboRange	asked = import->ask.range;
	DateADT		last = rqbo_present_last_day(import->session);

	if (asked.start > last)
		rqbo_import_raise_not_begun(import->session, asked.start, last);
	if (asked.end <= last)
		return;
	rqbo_import_tell_not_begun(import->session, last);
	import->ask.range.end = last;
	rqbo_db_begin();
	rqbo_store_cut_chunk(import->model_id, import->import_id, &asked, last);
	rqbo_db_commit();
}

static void
plan_range(RqboTask *task)
{
	RqboImport *import = rqbo_import_of(task);
	const RqboConnection *c = import->session->connection;
	RqboRange  *chunks;
	int			done_before;

	cut_range(import);
	rqbo_db_begin();
	chunks = rqbo_store_plan_chunks(c->model_id, c->connection_id, import->import_id, &import->ask.range,
									RQBO_CHUNK_MONTHS);
	done_before = rqbo_store_chunks_before(c->model_id, import->import_id, &import->counts.months);
	rqbo_db_commit();
	rqbo_import_chunks_begin(import, chunks, done_before, c->has_actuals ? rqbo_proof_end_import : first_actuals_are_read);
}

static void
time_answered(RqboTask *task)
{
	(void) rqbo_qbo_read_body(rqbo_session_of(task), "CompanyInfo");
	plan_range(task);
}

/*
 * Whether a month has begun is not for our clock to say; so if it says that
 * one has not, QuickBooks is asked what time it is.
 */
static void
read_range(RqboTask *task)
{
	RqboImport *import = rqbo_import_of(task);

	if (import->ask.range.end > rqbo_present_last_day(import->session) && !rqbo_present_is_told(import->session))
		rqbo_company_ask(import->session, time_answered);
	else
		plan_range(task);
}

/*
 * The first import of a company: what is going to be asked after the chart is
 * known by now, unless a month of it may not have begun.
 */
static void
plan_ahead(RqboImport *import)
{
	RqboRange	ranges[] = {import->ask.range, {NULL, 0, 0}};

	rqbo_import_accounts_plan(import);
	if (import->ask.range.end <= rqbo_present_last_day(import->session))
		rqbo_import_chunks_plan(import, ranges);
}

static void
begin(RqboImport *import)
{
	if (import->session->connection->has_accounts)
		read_range(import->session->task);
	else
	{
		plan_ahead(import);
		rqbo_import_accounts_begin(import, read_range);
	}
}

static void
store_end(RqboImport *import)
{
	if (import->ask.is_scheduled)
		(void) rqbo_store_want_failed_import(import->model_id, import->connection_id);
	rqbo_import_store_upkeep(import);
}

const RqboImportKind rqbo_import_actuals_kind = {
	.name = "actuals",
	.has_range = true,
	.has_plan = true,
	.counts_statements = true,
	.needs_company = true,
	.stores_figures = true,
	.begin = begin,
	.store_end = store_end,
	.add_rows = rqbo_import_add_summary
};
