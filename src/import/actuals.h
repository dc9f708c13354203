/*-------------------------------------------------------------------------
 *
 * import/actuals.h
 *	  A range of months of both statements, as reefqbo.import_actuals asks for it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_IMPORT_ACTUALS_H
#define RQBO_IMPORT_ACTUALS_H

#include "import/state.h"

extern const RqboImportKind rqbo_import_actuals_kind;

#endif							/* RQBO_IMPORT_ACTUALS_H */
