/*-------------------------------------------------------------------------
 *
 * store/maintenance.h
 *	  What the background worker does besides companies, in tables.
 *
 * As store/connection.h: inside a transaction with SPI connected.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_STORE_MAINTENANCE_H
#define RQBO_STORE_MAINTENANCE_H

#include "datatype/timestamp.h"

/* When there is maintenance to do next; DT_NOEND for never. */
extern TimestampTz rqbo_store_next_maintenance(void);

/* Imports that were cut off, and still count as running. */
extern void rqbo_store_mark_interrupted(void);

/* Keys that others refer to, which somebody's lock has kept out. */
extern void rqbo_store_write_late_keys(void);

/* Remove at most so many rows that are older than reefqbo.log_retention; returns how many.  Proof goes first. */
extern int	rqbo_store_prune_proof(int limit);
extern int	rqbo_store_prune(int limit);

/* A grant that has come nearer to its end than the next of the marks. */
typedef struct RqboEnding
{
	int64		model_id;
	int64		connection_id;
	char	   *model;
	char	   *branch;
	char	   *company;
	int64		days;
	bool		is_final;		/* the five years are over, rather than that it could not be refreshed */
} RqboEnding;

/* Those not told yet, of one connection or of all (0 and 0), marked as told; *count says how many. */
extern RqboEnding *rqbo_store_list_endings(int64 model_id, int64 connection_id, int *count);

#endif							/* RQBO_STORE_MAINTENANCE_H */
