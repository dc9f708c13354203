/*-------------------------------------------------------------------------
 *
 * import/refresh.h
 *	  What has to be read for the tables to hold what QuickBooks holds.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_IMPORT_REFRESH_H
#define RQBO_IMPORT_REFRESH_H

#include "import/state.h"

extern const RqboImportKind rqbo_import_refresh_kind;

#endif							/* RQBO_IMPORT_REFRESH_H */
