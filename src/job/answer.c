/*-------------------------------------------------------------------------
 *
 * job/answer.c
 *	  What a job comes to, as messages to the session that asked for it.
 *	  Which way they go is the worker's.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "miscadmin.h"

#include "base/compat.h"
#include "job/result.h"

static void
send_row(const TupleTableSlot *row)
{
	int			ncolumns = row->tts_tupleDescriptor->natts;
	StringInfoData message;

	pq_beginmessage(&message, 'D');
	pq_sendint16(&message, ncolumns);
	for (int i = 0; i < ncolumns; i++)
	{
		const text *value = row->tts_isnull[i] ? NULL : DatumGetTextPP(row->tts_values[i]);

		pq_sendint32(&message, value != NULL ? (int) VARSIZE_ANY_EXHDR(value) : -1);
		if (value != NULL)
			pq_sendbytes(&message, VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
	}
	pq_endmessage(&message);
}

bool
rqbo_job_send_next(RqboJob *job)
{
	TupleTableSlot *row = job->rows != NULL ? rqbo_job_rows_next(job->rows) : NULL;

	if (row != NULL)
		send_row(row);
	else
		pq_putemptymessage('C');
	return row != NULL;
}

void
rqbo_job_send_rows(RqboJob *job)
{
	while (rqbo_job_send_next(job))
		CHECK_FOR_INTERRUPTS();
}

/*
 * Send an error to the caller, who logs it with the statement it belongs to.
 * If the caller has gone, the server log is the only place left.
 */
void
rqbo_job_send_error(ErrorData *failure, bool caller_has_gone)
{
	/* the caller's session writes it to the log, but for what only the log is told */
	if (!caller_has_gone && failure->detail_log != NULL)
		ereport(LOG_SERVER_ONLY,
				(errmsg("%s", failure->message),
				 errdetail("%s", failure->detail_log)));
	failure->output_to_server = caller_has_gone;
	failure->output_to_client = !caller_has_gone;
	PG_TRY();
	{
		ReThrowError(failure);
	}
	PG_CATCH();
	{
		EmitErrorReport();
		FlushErrorState();
	}
	PG_END_TRY();
}
