/*-------------------------------------------------------------------------
 *
 * base/amount.h
 *	  Amounts added and held against each other, exactly.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_BASE_AMOUNT_H
#define RQBO_BASE_AMOUNT_H

#include "utils/numeric.h"

extern Numeric rqbo_amount_zero(void);
extern Numeric rqbo_amount_add(Numeric a, Numeric b);
extern Numeric rqbo_amount_subtract(Numeric a, Numeric b);
extern bool rqbo_amount_equal(Numeric a, Numeric b);
extern bool rqbo_amount_is_zero(Numeric amount);

/* To and from text, as type numeric reads and writes it. */
extern Numeric rqbo_amount_parse(const char *text);
extern char *rqbo_amount_show(Numeric amount);

#endif							/* RQBO_BASE_AMOUNT_H */
