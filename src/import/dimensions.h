/*-------------------------------------------------------------------------
 *
 * import/dimensions.h
 *	  The profit and loss by class or by department.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_IMPORT_DIMENSIONS_H
#define RQBO_IMPORT_DIMENSIONS_H

#include "import/state.h"

extern const RqboImportKind rqbo_import_dimensions_kind;

#endif							/* RQBO_IMPORT_DIMENSIONS_H */
