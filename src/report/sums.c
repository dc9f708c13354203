/*-------------------------------------------------------------------------
 *
 * report/sums.c
 *	  Sums beside the zero of the reading in hand, which most cells share.
 *	  What is summed and compared is decided by the callers.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/amount.h"
#include "report/reader.h"
#include "report/sums.h"

void
rqbo_report_accumulate(const RqboReader *reader, Numeric *sum, Numeric amount)
{
	if (amount != reader->zero)
		*sum = rqbo_amount_add(*sum, amount);
}

bool
rqbo_report_is_zero(const RqboReader *reader, Numeric amount)
{
	return rqbo_amount_equal(amount, reader->zero);
}
