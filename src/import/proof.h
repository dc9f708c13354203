/*-------------------------------------------------------------------------
 *
 * import/proof.h
 *	  What an import proves of itself, and what reefqbo.tie_out proves.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_IMPORT_PROOF_H
#define RQBO_IMPORT_PROOF_H

#include "import/run.h"
#include "store/proof.h"

/* Keep what tied out of a chunk, in the transaction that stores it, and remember its months for the end. */
extern void rqbo_proof_keep_chunk(RqboImport *import, const RqboReport *balance_sheet);
extern void rqbo_proof_note_chunk(RqboImport *import);

/* The end of an import: ask for what proves the months it has stored.  Nothing that goes wrong is the import's failure. */
extern void rqbo_proof_end_import(RqboImport *import, RqboStep then);

/* All checks of all that was imported, as import->ask says. */
extern void rqbo_proof_tie_out(RqboImport *import, RqboStep then);

/* Inside a transaction: the checks of this import become the rows of its job's answer. */
extern void rqbo_proof_add_rows(RqboImport *import);

#endif							/* RQBO_IMPORT_PROOF_H */
