/*-------------------------------------------------------------------------
 *
 * import/dimensions.h
 *	  What the two files that import dimensions share with each other only.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_IMPORT_DIMENSIONS_H
#define RQBO_IMPORT_DIMENSIONS_H

#include "import/run.h"
#include "store/dimensions.h"

typedef struct RqboDimensionWork
{
	RqboStep	after_values;
	MemoryContext values_context;
	List	   *values;			/* of RqboDimensionValue */
	int			expected;		/* how many there should be */
	int			position;		/* of the next page's first row, from 1 */
	int			sweeps;
	int			values_read;
	MemoryContext month_context;
	DateADT		month;			/* the one in hand */
} RqboDimensionWork;

/* Read and store the whole list of classes or departments. */
extern void rqbo_import_values_begin(RqboImport *import, RqboStep then);

/* Does the list have this id? */
extern bool rqbo_import_value_is_known(const RqboDimensionWork *work, const char *id);

#endif							/* RQBO_IMPORT_DIMENSIONS_H */
