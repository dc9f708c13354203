/*-------------------------------------------------------------------------
 *
 * import/chunks.h
 *	  Both statements by month, chunk by chunk.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_IMPORT_CHUNKS_H
#define RQBO_IMPORT_CHUNKS_H

#include "import/state.h"

/*
 * Read and store both statements over ranges (an array ended by one without a
 * method).  done_before is how many chunks the import that this one continues
 * has read.
 */
extern void rqbo_import_chunks_begin(RqboImport *import, const RqboRange *ranges, int done_before, RqboStep then);

/* That it will be read, with what proves it: what that asks may be sent before. */
extern void rqbo_import_chunks_plan(RqboImport *import, const RqboRange *ranges);

/* Months that do not tie out were left as they were: the error of an import, and the warning of a refresh. */
pg_noreturn extern void rqbo_import_raise_untied(RqboImport *import);
extern void rqbo_import_warn_untied(const RqboImport *import);

/* How many requests that takes, unless something is too much at once. */
extern int	rqbo_import_chunks_cost(const RqboRange *ranges);

#endif							/* RQBO_IMPORT_CHUNKS_H */
