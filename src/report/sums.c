/*-------------------------------------------------------------------------
 *
 * report/sums.c
 *	  Amounts added and held against each other, exactly.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "report/reader.h"
#include "report/sums.h"

Numeric
rqbo_report_add(Numeric a, Numeric b)
{
	return DatumGetNumeric(DirectFunctionCall2(numeric_add, NumericGetDatum(a), NumericGetDatum(b)));
}

Numeric
rqbo_report_subtract(Numeric a, Numeric b)
{
	return DatumGetNumeric(DirectFunctionCall2(numeric_sub, NumericGetDatum(a), NumericGetDatum(b)));
}

bool
rqbo_report_equal(Numeric a, Numeric b)
{
	return a == b ||
		DatumGetBool(DirectFunctionCall2(numeric_eq, NumericGetDatum(a), NumericGetDatum(b)));
}

void
rqbo_report_accumulate(const RqboReader *reader, Numeric *sum, Numeric amount)
{
	if (amount != reader->zero)
		*sum = rqbo_report_add(*sum, amount);
}

bool
rqbo_report_is_zero(const RqboReader *reader, Numeric amount)
{
	if (amount == reader->zero)
		return true;
	return DatumGetBool(DirectFunctionCall2(numeric_eq, NumericGetDatum(amount),
											NumericGetDatum(reader->zero)));
}
