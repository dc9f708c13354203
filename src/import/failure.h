/*-------------------------------------------------------------------------
 *
 * import/failure.h
 *	  What is left behind when an import fails.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_IMPORT_FAILURE_H
#define RQBO_IMPORT_FAILURE_H

#include "import/state.h"

/* After the abort; the import is closed. */
extern void rqbo_import_fail(RqboTask *task);

#endif							/* RQBO_IMPORT_FAILURE_H */
