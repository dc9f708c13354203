/*-------------------------------------------------------------------------
 *
 * import/values.h
 *	  The whole list of classes or of departments.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_IMPORT_VALUES_H
#define RQBO_IMPORT_VALUES_H

#include "import/state.h"

/* Read and store the list that import->ask.dimension names; it stays in the import's pages. */
extern void rqbo_import_values_begin(RqboImport *import, RqboStep then);

#endif							/* RQBO_IMPORT_VALUES_H */
