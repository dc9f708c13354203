/*-------------------------------------------------------------------------
 *
 * import/ledger.h
 *	  The postings behind one account's figure.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_IMPORT_LEDGER_H
#define RQBO_IMPORT_LEDGER_H

#include "import/state.h"

extern const RqboImportKind rqbo_import_ledger_kind;

#endif							/* RQBO_IMPORT_LEDGER_H */
