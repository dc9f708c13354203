/*-------------------------------------------------------------------------
 *
 * base/db.h
 *	  Short transactions and kept plans.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_BASE_DB_H
#define RQBO_BASE_DB_H

#include "executor/spi.h"

#define RQBO_DB_MAX_ARGS 20

/* A statement with its plan, which is made on first use and kept. */
typedef struct RqboStatement
{
	const char *text;
	int			nargs;
	Oid			types[RQBO_DB_MAX_ARGS];
	SPIPlanPtr	plan;
} RqboStatement;

/* RQBO_STATEMENT("SELECT $1", INT8OID): the text and the types of its parameters. */
#define RQBO_STATEMENT(sql, ...) \
	{.text = (sql), .nargs = lengthof(((Oid[]) {__VA_ARGS__})), .types = {__VA_ARGS__}}

/* The arguments of one execution, in order. */
typedef struct RqboArgs
{
	int			count;
	Datum		values[RQBO_DB_MAX_ARGS];
	char		nulls[RQBO_DB_MAX_ARGS];
} RqboArgs;

/*
 * A short transaction of a worker.  Between the two, the extension cannot be
 * dropped or altered, and SPI is connected.
 */
extern void rqbo_db_begin(void);
extern void rqbo_db_begin_nowait(void);
extern void rqbo_db_commit(void);

/*
 * Hooks of this process's transactions: before, unless NULL, is called at the
 * end of each, after when it has been committed.  Not of one that may not wait.
 */
extern void rqbo_db_add_hooks(void (*before) (void), void (*after) (void));

/* Change a setting until the end of the transaction. */
extern void rqbo_db_set_local(const char *name, const char *value);

/*
 * What the present transaction writes is on disk, and on a synchronous standby,
 * when its commit returns, whatever synchronous_commit says.
 */
extern void rqbo_db_make_durable(void);

/* The same on this server's disk, and no standby is waited for. */
extern void rqbo_db_flush(void);

/*
 * The version of the extension in this database, in a transaction of its own;
 * NULL if there is none.  *order says whether it is older (-1) or newer (1)
 * than the library, which the Makefile calls RQBO_VERSION.
 */
extern char *rqbo_db_extension_version(int *order);

extern uint64 rqbo_db_run(RqboStatement *statement, RqboArgs *args);

/* The same, seeing all that is committed by now, whatever the transaction's isolation level. */
extern uint64 rqbo_db_run_latest(RqboStatement *statement, RqboArgs *args);

/* The same for a statement whose two parameters are ids. */
extern uint64 rqbo_db_run_ids(RqboStatement *statement, int64 id1, int64 id2);

/* Arguments; a NULL pointer is SQL's NULL. */
extern void rqbo_arg_int8(RqboArgs *args, int64 value);
extern void rqbo_arg_ids(RqboArgs *args, int64 id1, int64 id2);
extern void rqbo_arg_int4(RqboArgs *args, int32 value);
extern void rqbo_arg_text(RqboArgs *args, const char *value);
extern void rqbo_arg_datum(RqboArgs *args, Datum value);
extern void rqbo_arg_null(RqboArgs *args);
extern void rqbo_arg_bytea(RqboArgs *args, const bytea *value);
extern void rqbo_arg_timestamp_ms(RqboArgs *args, int64 ms_from_now, bool is_known);

/* Columns of the first row of the last result, copied out of SPI's memory; column 1 is the first. */
extern int64 rqbo_column_int8(int column);
extern char *rqbo_column_text(int column);
extern bytea *rqbo_column_bytea(int column);
extern double rqbo_column_float8(int column);
extern bool rqbo_column_bool(int column);
extern bool rqbo_column_is_null(int column);

/* The same of another row. */
extern char *rqbo_cell_text(uint64 row, int column);
extern int64 rqbo_cell_int8(uint64 row, int column);
extern bool rqbo_cell_bool(uint64 row, int column);
extern bytea *rqbo_cell_bytea(uint64 row, int column);

#endif							/* RQBO_BASE_DB_H */
