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

/* How many requests that takes. */
extern int	rqbo_import_accounts_cost(int naccounts);

#endif							/* RQBO_IMPORT_ACCOUNTS_H */
