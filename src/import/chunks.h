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

/* How many requests that takes, unless something is too much at once. */
extern int	rqbo_import_chunks_cost(const RqboRange *ranges);

#endif							/* RQBO_IMPORT_CHUNKS_H */
