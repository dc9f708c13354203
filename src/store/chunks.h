/*-------------------------------------------------------------------------
 *
 * store/chunks.h
 *	  What an import of a range has yet to read, in tables.
 *
 * As store/connection.h: inside a transaction with SPI connected.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_STORE_CHUNKS_H
#define RQBO_STORE_CHUNKS_H

#include "store/imports.h"

/*
 * Plan the chunks of an import, or take over those that an interrupted import
 * of the same range has left, and keep the import wanted until it has ended.
 * Returns them, the oldest first, as an array ended by one without a method.
 */
extern RqboRange *rqbo_store_plan_chunks(int64 model_id, int64 connection_id, int64 import_id, const RqboRange *range,
										 int chunk_months);
/* The same for an import that plans in memory: only how many there are. */
extern void rqbo_store_expect_chunks(int64 model_id, int64 import_id, int chunks);

/* How many of them, and how many months, the import before has done. */
extern int	rqbo_store_chunks_before(int64 model_id, int64 import_id, int *months);
extern void rqbo_store_chunk_done(int64 model_id, int64 import_id, DateADT start, DateADT end);

/* A chunk was too much at once: its two halves take its place. */
extern void rqbo_store_halve_chunk(int64 model_id, int64 import_id, const RqboRange *chunk, DateADT middle);
/* Of a chunk, months after that of last are not to be read. */
extern void rqbo_store_cut_chunk(int64 model_id, int64 import_id, const RqboRange *chunk, DateADT last);
extern void rqbo_store_backfill_done(int64 model_id, int64 connection_id, int64 import_id);
extern void rqbo_store_backfill_unwanted(int64 model_id, int64 connection_id, int64 import_id);

/* The range of an import that was interrupted; false if there is no such import. */
extern bool rqbo_store_read_backfill(int64 model_id, int64 import_id, RqboRange *range);

#endif							/* RQBO_STORE_CHUNKS_H */
