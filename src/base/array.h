/*-------------------------------------------------------------------------
 *
 * base/array.h
 *	  Whole columns as parameters of a set-based statement.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_BASE_ARRAY_H
#define RQBO_BASE_ARRAY_H

#include "base/db.h"

/* One column of rows under way to a statement. */
typedef struct RqboColumn
{
	Datum	   *values;
	bool	   *nulls;
	int			count;
} RqboColumn;

/* In CurrentMemoryContext, with room for so many values. */
extern void rqbo_column_begin(RqboColumn *column, Size size);
extern void rqbo_column_add(RqboColumn *column, Datum value, bool is_null);
extern void rqbo_column_add_text(RqboColumn *column, const char *value);

/* Pass a column as an array; align as in pg_type. */
extern void rqbo_arg_column(RqboArgs *args, const RqboColumn *column, Oid type, int length, bool by_value, char align);
extern void rqbo_arg_text_column(RqboArgs *args, const RqboColumn *column);

#endif							/* RQBO_BASE_ARRAY_H */
