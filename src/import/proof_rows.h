/*-------------------------------------------------------------------------
 *
 * import/proof_rows.h
 *	  What a report says about itself, as rows of reefqbo.tie_out_check.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_IMPORT_PROOF_ROWS_H
#define RQBO_IMPORT_PROOF_ROWS_H

#include "store/proof.h"

/* "profit_and_loss", "balance_sheet" or "trial_balance". */
extern const char *rqbo_proof_statement(RqboReportName name);

/* A check that was not, or not fully, made; NULL figures. */
extern RqboProofRow *rqbo_proof_row(const char *kind, const char *statement, const RqboRange *range,
									RqboVerdict verdict, const char *detail);

/* In CurrentMemoryContext, with all that it points to. */
extern RqboProofRow *rqbo_proof_row_copy(const RqboProofRow *row);

/* Of a statement by month: its sums, its Total column, and its two sides where the report shows them. */
extern List *rqbo_proof_rows_by_month(const RqboReport *report, const RqboRange *range);

/* Of one in a single column: its sums, if they differ. */
extern List *rqbo_proof_rows_of_total(const RqboReport *report, const RqboRange *range);

/* Of a trial balance: debits and credits. */
extern List *rqbo_proof_rows_of_trial_balance(const RqboReport *report, const RqboRange *range);

#endif							/* RQBO_IMPORT_PROOF_ROWS_H */
