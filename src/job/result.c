/*-------------------------------------------------------------------------
 *
 * job/result.c
 *	  What a job's tasks ask of it and leave with it: the key ring, the rows of
 *	  the answer, the failures.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "base/clock.h"
#include "base/show.h"
#include "job/result.h"

#define PUT_OFF_MS 15000
#define PUT_OFF_WITH_CALLER_MS 500
/* What a command has printed is good for so long. */
#define LONGEST_RING_MS 10000

/*
 * While a command prints the key ring, everybody whom this process works for
 * waits; a file is read in no time.
 */
static bool
is_old(const RqboJob *worker)
{
	return !rqbo_keyring_is_by_command() || rqbo_clock_ms() - worker->ring_ms > LONGEST_RING_MS;
}

/*
 * The key ring, loaded once for all companies.  Who asks for something finds the
 * newest key, as in a process of its own.
 */
RqboKeyring *
rqbo_job_keyring(RqboJob *job)
{
	RqboJob    *worker = rqbo_job_of_worker(job);
	MemoryContext saved;

	if (worker->ring != NULL && (worker == job || !is_old(worker)))
		return worker->ring;
	if (worker->ring != NULL)
		rqbo_keyring_renew(worker->ring);
	else
	{
		saved = MemoryContextSwitchTo(worker->context);
		worker->ring = rqbo_keyring_load();
		MemoryContextSwitchTo(saved);
	}
	worker->ring_ms = rqbo_clock_ms();
	return worker->ring;
}

void
rqbo_job_forget_code(RqboJob *job)
{
	explicit_bzero(job->request->code, sizeof(job->request->code));
}

void
rqbo_job_add_row(RqboJob *job, int ncolumns, const char *const *values)
{
	if (job->is_unattended)
		return;
	if (job->rows == NULL)
		job->rows = rqbo_job_rows_make(job->context, ncolumns);
	rqbo_job_rows_add(job->rows, values);
}

/*
 * A failure of one of several companies is told at once; the first one also
 * becomes the job's error when the others are done.
 */
void
rqbo_job_add_failure(RqboJob *job, const ErrorData *failure)
{
	MemoryContext saved;

	if (job->is_unattended)
	{
		rqbo_show_put(job->last_failure, sizeof(job->last_failure), failure->message);
		return;
	}
	saved = MemoryContextSwitchTo(job->context);
	if (job->failures != NIL && linitial(job->failures) != failure)
		ereport(WARNING,
				(errcode(failure->sqlerrcode),
				 errmsg("%s", failure->message),
				 failure->detail != NULL ? errdetail("%s", failure->detail) : 0,
				 failure->hint != NULL ? errhint("%s", failure->hint) : 0));
	job->failures = lappend(job->failures, unconstify(ErrorData *, failure));
	MemoryContextSwitchTo(saved);
}

void
rqbo_job_put_off(RqboJob *job, int64 connection_id)
{
	RqboJob    *worker = rqbo_job_of_worker(job);
	MemoryContext saved = MemoryContextSwitchTo(worker->context);
	RqboPutOff *put_off = palloc(sizeof(RqboPutOff));

	put_off->connection_id = connection_id;
	put_off->until_ms = rqbo_clock_ms() + (job->is_unattended ? PUT_OFF_MS : PUT_OFF_WITH_CALLER_MS);
	worker->put_off = lappend(worker->put_off, put_off);
	MemoryContextSwitchTo(saved);
}
