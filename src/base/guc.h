/*-------------------------------------------------------------------------
 *
 * base/guc.h
 *	  The settings of reefqbo.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RQBO_BASE_GUC_H
#define RQBO_BASE_GUC_H

#include "nodes/pg_list.h"

/* How many databases reefqbo.databases may name. */
#define RQBO_MAX_DATABASES 64

/* How many workers of one database there may be. */
#define RQBO_MAX_WORKERS_PER_DATABASE 8

extern char *rqbo_key_file;
extern char *rqbo_key_command;
extern char *rqbo_ca_file;
extern char *rqbo_proxy;
extern int	rqbo_connect_timeout;	/* ms */
extern int	rqbo_request_timeout;	/* ms */
extern int	rqbo_retry_budget;	/* ms */
extern int	rqbo_throttle_wait; /* ms */
extern int	rqbo_max_response_size; /* kB */
extern int	rqbo_max_concurrent_requests;
extern int	rqbo_max_requests_per_company;
extern char *rqbo_databases;
extern int	rqbo_max_workers;
extern int	rqbo_workers_per_database;
extern int	rqbo_log_retention; /* minutes */
extern bool rqbo_proof_requests;
extern char *rqbo_current_model;
extern char *rqbo_reason;

/*
 * By how many seconds the tests move the clock, and after how many a background
 * worker leaves the rest to the next one; there are no such settings in what is
 * installed.
 */
#ifdef RQBO_TEST_CLOCK
extern int	rqbo_clock_offset;
extern int	rqbo_longest_run;
#else
#define rqbo_clock_offset 0
#define rqbo_longest_run (30 * 60)
#endif

extern void rqbo_guc_define(void);

/* The configuration files are read again, if they were to be.  Outside of a transaction. */
extern void rqbo_guc_reload_if_asked(void);

/* The names in reefqbo.databases, as a List of char * in CurrentMemoryContext. */
extern List *rqbo_guc_list_databases(void);

/* What was set in this session, if anything was, in at most so many bytes, and the same applied in a worker. */
extern bool rqbo_guc_is_any_set_here(void);
extern Size rqbo_guc_estimate(void);
extern void rqbo_guc_serialize(char *space);
extern void rqbo_guc_restore(const char *space);

#endif							/* RQBO_BASE_GUC_H */
