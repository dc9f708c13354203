/*-------------------------------------------------------------------------
 *
 * import/accounts.h
 *	  The whole chart of accounts.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_IMPORT_ACCOUNTS_H
#define RQBO_IMPORT_ACCOUNTS_H

#include "import/state.h"

extern const RqboImportKind rqbo_import_accounts_kind;

/* Read and store the whole chart of accounts. */
extern void rqbo_import_accounts_begin(RqboImport *import, RqboStep then);

/* That this is going to be done: what it asks may be sent before. */
extern void rqbo_import_accounts_plan(RqboImport *import);

/* How many requests that takes. */
extern int	rqbo_import_accounts_cost(int naccounts);

#endif							/* RQBO_IMPORT_ACCOUNTS_H */
