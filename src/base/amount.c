/*-------------------------------------------------------------------------
 *
 * base/amount.c
 *	  Amounts added and held against each other, exactly.
 *	  Reading them from text, and what they mean, is not done here.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "base/amount.h"

Numeric
rqbo_amount_zero(void)
{
	return DatumGetNumeric(DirectFunctionCall1(int4_numeric, Int32GetDatum(0)));
}

Numeric
rqbo_amount_add(Numeric a, Numeric b)
{
	return DatumGetNumeric(DirectFunctionCall2(numeric_add, NumericGetDatum(a), NumericGetDatum(b)));
}

Numeric
rqbo_amount_subtract(Numeric a, Numeric b)
{
	return DatumGetNumeric(DirectFunctionCall2(numeric_sub, NumericGetDatum(a), NumericGetDatum(b)));
}

bool
rqbo_amount_equal(Numeric a, Numeric b)
{
	return a == b ||
		DatumGetBool(DirectFunctionCall2(numeric_eq, NumericGetDatum(a), NumericGetDatum(b)));
}

bool
rqbo_amount_is_zero(Numeric amount)
{
	return rqbo_amount_equal(amount, rqbo_amount_zero());
}

Numeric
rqbo_amount_parse(const char *text)
{
	return DatumGetNumeric(DirectFunctionCall3(numeric_in, CStringGetDatum(text),
											   ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
}

char *
rqbo_amount_show(Numeric amount)
{
	return DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(amount)));
}
