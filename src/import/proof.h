/*-------------------------------------------------------------------------
 *
 * import/proof.h
 *	  What an import proves of itself, and what reefqbo.tie_out proves.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_IMPORT_PROOF_H
#define RQBO_IMPORT_PROOF_H

#include "import/state.h"
#include "store/proof.h"

extern const RqboImportKind rqbo_import_tie_out_kind;

/* Keep what tied out of a chunk, in the transaction that stores it, and remember its months for the end. */
extern void rqbo_proof_keep_chunk(RqboImport *import, const RqboRange *chunk, const RqboReport *profit_and_loss,
								  const RqboReport *balance_sheet);
extern void rqbo_proof_note_chunk(RqboImport *import, const RqboRange *chunk);

/* That these ranges are going to be stored and proved: what that asks may be sent before. */
extern void rqbo_proof_plan(RqboImport *import, const RqboRange *ranges);

/* The step after the last chunk: prove what was stored, and go on with import->then. */
extern void rqbo_proof_end_import(RqboTask *task);

#endif							/* RQBO_IMPORT_PROOF_H */
