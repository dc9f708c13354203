/*-------------------------------------------------------------------------
 *
 * job/rows.h
 *	  The rows of a job's answer, however many.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_JOB_ROWS_H
#define RQBO_JOB_ROWS_H

#include "executor/tuptable.h"
#include "miscadmin.h"

/* Of rows that are read once, in their order, a session and its worker have so much in memory at most: a file does as well. */
#define RQBO_JOB_ROWS_KB Min(work_mem, 1024)

/* They begin as none, and go with the context they are made in. */
typedef struct RqboJobRows RqboJobRows;

extern RqboJobRows *rqbo_job_rows_make(MemoryContext context, int ncolumns);

/* Texts; NULL where nothing stands. */
extern void rqbo_job_rows_add(RqboJobRows *rows, const char *const *values);

/* The next row in the order they were added, as it stands until another is asked for; NULL at the end. */
extern TupleTableSlot *rqbo_job_rows_next(RqboJobRows *rows);
extern void rqbo_job_rows_rewind(RqboJobRows *rows);

#endif							/* RQBO_JOB_ROWS_H */
