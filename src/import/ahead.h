/*-------------------------------------------------------------------------
 *
 * import/ahead.h
 *	  At the end of an import: what a clock that was ahead has left is put right.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_IMPORT_AHEAD_H
#define RQBO_IMPORT_AHEAD_H

#include "import/state.h"

/* Inside the import's last transaction, before its line in the log is closed. */
extern void rqbo_import_put_right(RqboImport *import);

#endif							/* RQBO_IMPORT_AHEAD_H */
