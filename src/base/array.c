/*-------------------------------------------------------------------------
 *
 * base/array.c
 *	  Whole columns as parameters of a set-based statement.
 *	  The statements are those of store.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "base/array.h"

void
rqbo_column_begin(RqboColumn *column, Size size)
{
	column->values = palloc_extended(Max(size, 1) * sizeof(Datum), MCXT_ALLOC_HUGE);
	column->nulls = palloc_extended(Max(size, 1) * sizeof(bool), MCXT_ALLOC_HUGE);
	column->count = 0;
}

void
rqbo_column_add(RqboColumn *column, Datum value, bool is_null)
{
	column->values[column->count] = value;
	column->nulls[column->count] = is_null;
	column->count++;
}

void
rqbo_column_add_text(RqboColumn *column, const char *value)
{
	rqbo_column_add(column, value != NULL ? CStringGetTextDatum(value) : (Datum) 0, value == NULL);
}

void
rqbo_arg_column(RqboArgs *args, const RqboColumn *column, Oid type, int length, bool by_value, char align)
{
	int			dims[] = {column->count};
	int			bounds[] = {1};

	if (column->count == 0)
		rqbo_arg_datum(args, PointerGetDatum(construct_empty_array(type)));
	else
		rqbo_arg_datum(args, PointerGetDatum(construct_md_array(column->values, column->nulls, 1, dims, bounds,
																type, length, by_value, align)));
}

void
rqbo_arg_text_column(RqboArgs *args, const RqboColumn *column)
{
	rqbo_arg_column(args, column, TEXTOID, -1, false, TYPALIGN_INT);
}
