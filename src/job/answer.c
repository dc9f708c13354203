/*-------------------------------------------------------------------------
 *
 * job/answer.c
 *	  What a job comes to, as messages to the session that asked for it.
 *	  Which way they go is the worker's.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "libpq/pqformat.h"

#include "job/result.h"

void
rqbo_job_send_rows(const RqboJob *job)
{
	ListCell   *cell;

	foreach(cell, job->rows)
	{
		char	  **row = lfirst(cell);
		StringInfoData message;

		pq_beginmessage(&message, 'D');
		pq_sendint16(&message, job->ncolumns);
		for (int i = 0; i < job->ncolumns; i++)
		{
			int			length = row[i] != NULL ? (int) strlen(row[i]) : -1;

			pq_sendint32(&message, length);
			if (length > 0)
				pq_sendbytes(&message, row[i], length);
		}
		pq_endmessage(&message);
	}
	pq_putemptymessage('C');
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
