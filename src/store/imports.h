/*-------------------------------------------------------------------------
 *
 * store/imports.h
 *	  Accounts, actuals and the log of imports in tables.
 *
 * As store/connection.h: inside a transaction with SPI connected.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_STORE_IMPORTS_H
#define RQBO_STORE_IMPORTS_H

#include "nodes/pg_list.h"
#include "utils/date.h"

#include "base/db.h"
#include "report/lines.h"

typedef struct RqboCounts
{
	int			accounts_seen;
	int			accounts_new;
	int			accounts_changed;
	int			accounts_noticed;	/* changes of accounts that were noticed */
	int			accounts_reclassified;	/* of those, to another type */
	int			months;
	int			amounts_inserted;
	int			amounts_changed;
	int			amounts_unchanged;
	int			amounts_restated;	/* among the first two: in months imported before */
} RqboCounts;

/* How many months are read at once: Intuit asks for small reports. */
#define RQBO_CHUNK_MONTHS 12

/* A stretch of whole months to import by one accounting method. */
typedef struct RqboRange
{
	const char *method;
	DateADT		start;
	DateADT		end;
} RqboRange;

/* Its three as the next arguments of a statement. */
extern void rqbo_store_arg_range(RqboArgs *args, const RqboRange *range);

/* One account of the chart, as QuickBooks tells it, in the database encoding. */
typedef struct RqboAccount
{
	char	   *id;
	char	   *name;
	char	   *fully_qualified_name;
	char	   *number;
	char	   *classification;
	char	   *type;
	char	   *subtype;
	char	   *parent_id;
	char	   *active;			/* "true" or "false" */
	char	   *currency;
	char	   *balance;
	char	   *description;
} RqboAccount;

/* A condition in SQL: nobody holds the import lock, whose class is $1, of connection c. */
#define RQBO_NOBODY_IMPORTS_FROM_C \
	"NOT EXISTS (SELECT 1 FROM pg_locks k WHERE k.locktype = 'advisory' AND k.granted" \
	" AND k.database = (SELECT oid FROM pg_database WHERE datname = current_database())" \
	" AND k.objsubid = $1 AND (k.classid::bigint << 32 | k.objid::bigint) = c.branch_id)"

extern int64 rqbo_store_begin_import(int64 model_id, int64 connection_id, const char *kind, const RqboRange *range,
									 const char *started_by);
extern void rqbo_store_import_progress(int64 model_id, int64 import_id, const RqboCounts *counts, int requests);
extern void rqbo_store_import_succeeded(int64 model_id, int64 import_id, int requests_saved);

/*
 * The line of a refresh on schedule that has failed before anything was read:
 * the last one, if that failed in just the same way, or else a new one.
 */
extern int64 rqbo_store_repeated_failure(int64 model_id, int64 connection_id, const ErrorData *failure,
										 const char *started_by);
extern void rqbo_store_import_failed(int64 model_id, int64 import_id, const ErrorData *failure,
									 const char *intuit_tid);

/* accounts: a List of RqboAccount */
extern void rqbo_store_accounts(int64 model_id, int64 connection_id, int64 import_id, List *accounts,
								RqboCounts *counts);

/* How many accounts QuickBooks has named in the chart, and not taken out since. */
extern int64 rqbo_store_count_accounts(int64 model_id, int64 connection_id);
extern void rqbo_store_accounts_read(int64 model_id, int64 connection_id);
extern void rqbo_store_actuals_read(int64 model_id, int64 connection_id);

/* Accounts, and lines QuickBooks computes, that a report names and the chart does not. */
extern void rqbo_store_report_accounts(int64 model_id, int64 connection_id, const RqboReport *report,
									   RqboCounts *counts);

/* Store a report's amounts of a range, and that the range was fetched. */
extern void rqbo_store_report(int64 model_id, int64 connection_id, int64 import_id, const RqboReport *report,
							  const RqboRange *range, RqboCounts *counts);

/* How many amounts that are not 0 are stored of this report's statement in the range. */
extern int64 rqbo_store_count_amounts(int64 model_id, int64 connection_id, const RqboReport *report,
									  const RqboRange *range);

/* Of the section that a line stands in, "Asset" or the like; NULL if its group is not known. */
extern const char *rqbo_store_section_classification(const RqboReportLine *line);

/*
 * What was imported, from the month of since on, extended to the end of the
 * month that has begun; nothing after last, unless that is earlier.  An array ended by one without a method.
 */
extern RqboRange *rqbo_store_imported_ranges(int64 model_id, int64 connection_id, DateADT since, DateADT begun, DateADT last);

/* What a refresh that finds no change vouches for: accounts, months and amounts as they stand. */
extern void rqbo_store_count_standing(int64 model_id, int64 connection_id, RqboCounts *counts);

/*
 * What an import has restated: whether those months are closed, by the closing
 * date as it is known now, and how many figures of closed ones there are; and
 * which accounts were merged into others.
 */
extern int64 rqbo_store_review_restatements(int64 model_id, int64 import_id);
extern void rqbo_store_notice_merges(int64 model_id, int64 connection_id, int64 import_id, RqboCounts *counts);

#endif							/* RQBO_STORE_IMPORTS_H */
