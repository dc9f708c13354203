/*-------------------------------------------------------------------------
 *
 * import/keep_grant.h
 *	  Keeps a grant alive that nobody uses.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_IMPORT_KEEP_GRANT_H
#define RQBO_IMPORT_KEEP_GRANT_H

#include "import/state.h"

extern const RqboImportKind rqbo_import_keep_grant_kind;

#endif							/* RQBO_IMPORT_KEEP_GRANT_H */
