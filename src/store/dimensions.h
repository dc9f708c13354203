/*-------------------------------------------------------------------------
 *
 * store/dimensions.h
 *	  Classes, departments and what they are parts of, in tables.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_STORE_DIMENSIONS_H
#define RQBO_STORE_DIMENSIONS_H

#include "store/imports.h"

/* The value of what has no tag. */
#define RQBO_UNSPECIFIED "unspecified"

/* A class or a department, as QuickBooks tells it, in the database encoding. */
typedef struct RqboDimensionValue
{
	char	   *id;
	char	   *name;
	char	   *fully_qualified_name;
	char	   *parent_id;
	char	   *active;			/* "true" or "false" */
} RqboDimensionValue;

/* One month of one company by one dimension. */
typedef struct RqboDimensionMonth
{
	int64		model_id;
	int64		connection_id;
	int64		import_id;
	const char *dimension;
	const char *method;
	DateADT		start;
} RqboDimensionMonth;

/* An account whose parts are not its figure. */
typedef struct RqboDimensionDifference
{
	char	   *account;
	char	   *parts;
	char	   *figure;
} RqboDimensionDifference;

/* How many requests an import over the range makes. */
extern int	rqbo_store_dimension_requests(int64 model_id, int64 connection_id, const char *dimension,
										  const RqboRange *range);

/* Months of the range whose profit and loss was not imported, as text for an errdetail; NULL if none. */
extern char *rqbo_store_missing_months(int64 model_id, int64 connection_id, const RqboRange *range);

/* Store the whole list; a value that is not in it any more is marked gone. */
extern void rqbo_store_dimension_values(int64 model_id, int64 connection_id, const char *dimension, List *values);

/* values: the value of each of the report's columns, NULL for one that is for checking only. */
extern void rqbo_store_report_values(const RqboDimensionMonth *month, const RqboReport *report,
									 const char *const *values);

/* The first account whose parts in the report do not sum to reefqbo.actual; NULL if there is none. */
extern RqboDimensionDifference *rqbo_store_find_difference(const RqboDimensionMonth *month, const RqboReport *report,
														   const char *const *values);

/* Store the parts, and that the month was fetched. */
extern void rqbo_store_parts(const RqboDimensionMonth *month, const RqboReport *report, const char *const *values,
							 RqboCounts *counts);

#endif							/* RQBO_STORE_DIMENSIONS_H */
