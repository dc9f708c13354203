/*-------------------------------------------------------------------------
 *
 * store/proof.h
 *	  What was held against what at an import, in tables.
 *
 * As store/connection.h: inside a transaction with SPI connected.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_STORE_PROOF_H
#define RQBO_STORE_PROOF_H

#include "store/imports.h"

/* Whose checks, and by which import. */
typedef struct RqboProofOf
{
	int64		model_id;
	int64		connection_id;
	int64		import_id;
} RqboProofOf;

typedef enum RqboVerdict
{
	RQBO_FAILED,
	RQBO_PASSED,
	RQBO_UNKNOWN				/* the check could not be made */
} RqboVerdict;

/* One row of reefqbo.tie_out_check, which many of make a row of reefqbo._proof. */
typedef struct RqboProofRow
{
	const char *kind;
	const char *statement;
	const char *method;
	DateADT		start;
	DateADT		end;
	const char *account_id;		/* NULL: the check as a whole */
	Numeric		figure;			/* NULL if not known; so is the next */
	Numeric		other_figure;
	int			compared;
	RqboVerdict verdict;
	const char *detail;			/* or NULL */
} RqboProofRow;

/* Imported months without a gap, within one fiscal year. */
typedef struct RqboProofPeriod
{
	RqboRange	range;
	DateADT		year_start;		/* of the fiscal year */
	bool		year_is_known;	/* where that begins */
} RqboProofPeriod;

/* What a failed check says. */
typedef struct RqboProofFailure
{
	int			count;			/* of checks that have failed; the rest is about the first */
	char	   *kind;
	char	   *statement;
	char	   *method;
	char	   *period;
	char	   *account_id;		/* or NULL */
	char	   *account;		/* its name, or NULL */
	char	   *figure;			/* or NULL; so are the next two */
	char	   *other_figure;
	char	   *difference;
	char	   *detail;
} RqboProofFailure;

/* Keep a List of RqboProofRow, as one row. */
extern void rqbo_store_proof_rows(RqboProofOf of, List *rows);

/* The rows of the last result as such a List, in SPI's memory: kind, statement, method, and so on in order. */
extern List *rqbo_store_read_proof_rows(uint64 count);

/* The checks of an import, for a caller: called for each, as strings. */
#define RQBO_PROOF_COLUMNS 15
typedef void (*RqboProofSink) (const char *const *values, void *arg);
extern void rqbo_store_read_proof(RqboProofOf of, RqboProofSink sink, void *arg);

/* NULL if none has failed. */
extern RqboProofFailure *rqbo_store_read_proof_failure(RqboProofOf of);

/* The months up to the end of the range that the P&L of its fiscal year can be proved by. */
extern RqboProofPeriod *rqbo_store_proof_period(RqboProofOf of, const RqboRange *range);

/* All that was imported, by one method or by any (NULL); an array ended by one without a method. */
extern RqboProofPeriod *rqbo_store_proof_periods(RqboProofOf of, const char *method);

/* ---- store/proof_compare.c: compare with what is stored: Lists of RqboProofRow, until the next statement ---- */

/* Assets to liabilities and equity by the accounts' classification, for layouts that do not show the sides. */
extern List *rqbo_store_prove_balance(RqboProofOf of, const RqboRange *range);

/* Net income, for the months whose balance sheet this import has read, once it has read all that it will. */
extern List *rqbo_store_prove_net_income(RqboProofOf of);

/* A profit and loss in one column. */
extern List *rqbo_store_prove_year(RqboProofOf of, const RqboRange *range, const RqboReport *report);

/* A trial balance at the end of the period. */
extern List *rqbo_store_prove_trial_balance(RqboProofOf of, const RqboProofPeriod *period, const RqboReport *report);

/* A statement by month. */
extern List *rqbo_store_prove_stored(RqboProofOf of, const RqboRange *range, const RqboReport *report);

#endif							/* RQBO_STORE_PROOF_H */
