/*-------------------------------------------------------------------------
 *
 * base/guc.c
 *	  The settings of reefqbo, each with the reason for its context.
 *
 * Those of a request are PGC_SUSET: every one of them decides which file is
 * read, which command is run, where requests go, or how long a worker of this
 * server is busy.  None is an ordinary user's to set; key_file, key_command and
 * proxy are not even an ordinary user's to read.  Those of the background
 * worker are PGC_SIGHUP: it belongs to the server and not to a session.  So is
 * proof_requests: what every import proves of itself is not a session's to
 * choose, and the worker's imports go by the same.
 *
 * A job's worker takes over what a superuser has SET in the session that
 * started it, so that it has the effect one expects.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <limits.h>

#include "postmaster/interrupt.h"
#include "utils/guc.h"
#include "utils/varlena.h"

#include "base/compat.h"
#include "base/guc.h"

char	   *rqbo_key_file = NULL;
char	   *rqbo_key_command = NULL;
char	   *rqbo_ca_file = NULL;
char	   *rqbo_proxy = NULL;
int			rqbo_connect_timeout = 10000;
int			rqbo_request_timeout = 130000;
int			rqbo_retry_budget = 90000;
int			rqbo_throttle_wait = 60000;
int			rqbo_max_response_size = 16 * 1024;
int			rqbo_max_concurrent_requests = 32;
int			rqbo_max_requests_per_company = 10;
char	   *rqbo_databases = NULL;
int			rqbo_max_workers = 4;
int			rqbo_workers_per_database = 1;
int			rqbo_log_retention = 90 * 24 * 60;
bool		rqbo_proof_requests = true;
char	   *rqbo_current_model = NULL;
char	   *rqbo_reason = NULL;
#ifdef RQBO_TEST_CLOCK
int			rqbo_clock_offset = 0;
int			rqbo_longest_run = 30 * 60;
#endif

static const char *const names[] = {
	"reefqbo.ca_file",
	"reefqbo.connect_timeout",
	"reefqbo.key_command",
	"reefqbo.key_file",
	"reefqbo.max_concurrent_requests",
	"reefqbo.max_requests_per_company",
	"reefqbo.max_response_size",
	"reefqbo.proxy",
	"reefqbo.request_timeout",
	"reefqbo.retry_budget",
	"reefqbo.throttle_wait",
};

static void
define_file(const char *name, const char *description, const char *more, char **variable, int flags)
{
	DefineCustomStringVariable(name, description, more, variable, "", PGC_SUSET, flags, NULL, NULL, NULL);
}

static void
define_time(const char *name, const char *description, const char *more, int *variable, int min)
{
	DefineCustomIntVariable(name, description, more, variable, *variable, min, INT_MAX,
							PGC_SUSET, GUC_UNIT_MS, NULL, NULL, NULL);
}

static void
define_files(void)
{
	define_file("reefqbo.key_file",
				"File with the key ring that tokens are sealed with.",
				"Lines of key_id:base64 of 32 bytes. The last one seals, all unseal. "
				"Must not be readable by group or others.",
				&rqbo_key_file, GUC_SUPERUSER_ONLY);
	define_file("reefqbo.key_command",
				"Command that prints the key ring; used instead of reefqbo.key_file.",
				"It is given 30 seconds.",
				&rqbo_key_command, GUC_SUPERUSER_ONLY);
	define_file("reefqbo.ca_file",
				"File with the certificate authorities that Intuit's servers are verified with.",
				"Empty: those of the operating system.",
				&rqbo_ca_file, 0);
	define_file("reefqbo.proxy",
				"Proxy for requests to Intuit, for example http://proxy.example.com:3128.",
				"Empty: none. The environment's proxy variables are ignored.",
				&rqbo_proxy, GUC_SUPERUSER_ONLY);
}

static void
define_requests(void)
{
	define_time("reefqbo.connect_timeout",
				"How long a connection to Intuit may take to come about.",
				NULL,
				&rqbo_connect_timeout, 100);
	define_time("reefqbo.request_timeout",
				"How long one request to Intuit may take.",
				"Intuit itself gives up after 120 seconds.",
				&rqbo_request_timeout, 100);
	define_time("reefqbo.retry_budget",
				"How long a request that fails is repeated, counted from its first attempt.",
				NULL,
				&rqbo_retry_budget, 0);
	define_time("reefqbo.throttle_wait",
				"How long to wait when QuickBooks throttles and does not say how long.",
				NULL,
				&rqbo_throttle_wait, 0);
	DefineCustomIntVariable("reefqbo.max_response_size",
							"The largest answer accepted, counted after decompression.",
							NULL,
							&rqbo_max_response_size, rqbo_max_response_size, 64, 256 * 1024,
							PGC_SUSET, GUC_UNIT_KB, NULL, NULL, NULL);
	DefineCustomIntVariable("reefqbo.max_concurrent_requests",
							"How many requests to Intuit one worker has under way at the same time.",
							"One that keeps us waiting does not count.",
							&rqbo_max_concurrent_requests, rqbo_max_concurrent_requests, 1, 256,
							PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("reefqbo.max_requests_per_company",
							"How many requests to one company are under way at the same time.",
							"Intuit admits 10; with 1 they are made one after the other.",
							&rqbo_max_requests_per_company, rqbo_max_requests_per_company, 1, 10,
							PGC_SUSET, 0, NULL, NULL, NULL);
}

/* ---- the background worker's ---- */

static bool
check_databases(char **value, void **extra pg_attribute_unused(), GucSource source pg_attribute_unused())
{
	char	   *copy = pstrdup(*value);
	List	   *names = NIL;
	bool		is_good = SplitGUCList(copy, ',', &names) && list_length(names) <= RQBO_MAX_DATABASES;

	if (!is_good)
		GUC_check_errdetail("It must be a list of at most %d database names, separated by commas.",
							RQBO_MAX_DATABASES);
	list_free(names);
	pfree(copy);
	return is_good;
}

static void
define_worker(void)
{
	DefineCustomStringVariable("reefqbo.databases",
							   "Databases whose connections a background worker keeps up to date.",
							   "Names separated by commas. Needs reefqbo in shared_preload_libraries.",
							   &rqbo_databases, "", PGC_SIGHUP, GUC_LIST_INPUT, check_databases, NULL, NULL);
	DefineCustomIntVariable("reefqbo.max_workers",
							"How many background workers are at work at the same time, in all databases.",
							"Each takes one of max_worker_processes while it is.",
							&rqbo_max_workers, rqbo_max_workers, 1, 64,
							PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("reefqbo.workers_per_database",
							"How many background workers share the work of one database, when there is much of it.",
							"As far as reefqbo.max_workers leaves one for each database.",
							&rqbo_workers_per_database, rqbo_workers_per_database, 1, RQBO_MAX_WORKERS_PER_DATABASE,
							PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("reefqbo.log_retention",
							"How long rows of reefqbo.import_log and reefqbo.api_call are kept.",
							"0 keeps them for ever.",
							&rqbo_log_retention, rqbo_log_retention, 0, INT_MAX,
							PGC_SIGHUP, GUC_UNIT_MIN, NULL, NULL, NULL);
	DefineCustomBoolVariable("reefqbo.proof_requests",
							 "Whether an import ends with two requests more that prove it.",
							 "Of each accounting method: the profit and loss in one column, and the trial balance.",
							 &rqbo_proof_requests, rqbo_proof_requests,
							 PGC_SIGHUP, 0, NULL, NULL, NULL);
#ifdef RQBO_TEST_CLOCK
	DefineCustomIntVariable("reefqbo.clock_offset",
							"Moves the clock that schedules and expiries go by; for tests only.",
							NULL,
							&rqbo_clock_offset, 0, INT_MIN, INT_MAX,
							PGC_SIGHUP, GUC_UNIT_S | GUC_NOT_IN_SAMPLE, NULL, NULL, NULL);
	DefineCustomIntVariable("reefqbo.longest_run",
							"How long a background worker is at work before it leaves the rest to the next one; for tests only.",
							NULL,
							&rqbo_longest_run, rqbo_longest_run, 1, INT_MAX,
							PGC_SIGHUP, GUC_UNIT_S | GUC_NOT_IN_SAMPLE, NULL, NULL, NULL);
#endif
}

List *
rqbo_guc_list_databases(void)
{
	List	   *names = NIL;

	(void) SplitGUCList(pstrdup(rqbo_databases != NULL ? rqbo_databases : ""), ',', &names);
	return names;
}

/* ---- the user's own ---- */

static void
define_scope(void)
{
	DefineCustomStringVariable("reefqbo.current_model",
							   "The model that a role with scoped access sees.",
							   "Set by the application in each transaction: SET LOCAL. It gives nothing that reefqbo.grant_access has not.",
							   &rqbo_current_model, "", PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomStringVariable("reefqbo.reason",
							   "Why what this session changes is changed.",
							   "Set before mapping, rates, eliminations or branches are changed: it is kept in their history, which reefqbo.period_change shows.",
							   &rqbo_reason, "", PGC_USERSET, 0, NULL, NULL, NULL);
}

/*
 * Define all settings and reserve the prefix, so that a misspelt one is told.
 */
void
rqbo_guc_define(void)
{
	define_files();
	define_requests();
	define_worker();
	define_scope();
	MarkGUCPrefixReserved("reefqbo");
}

/* ---- a session's settings for its worker ---- */

/*
 * Did a superuser set it for this session or role?  What the configuration
 * file or the database says, the worker reads for itself; what a session has
 * lost, because somebody who may not set it tried to, is not passed on.
 */
static bool
is_set_here(const char *name)
{
	return rqbo_guc_source(name) > PGC_S_DATABASE;
}

bool
rqbo_guc_is_any_set_here(void)
{
	for (int i = 0; i < (int) lengthof(names); i++)
		if (is_set_here(names[i]))
			return true;
	return false;
}

static const char *
value_of(const char *name)
{
	return GetConfigOption(name, false, false);
}

Size
rqbo_guc_estimate(void)
{
	Size		size = 0;

	for (int i = 0; i < (int) lengthof(names); i++)
		size += 1 + strlen(value_of(names[i])) + 1;
	return size;
}

/*
 * For each setting a mark, whether the worker is to take it, and its value.
 */
void
rqbo_guc_serialize(char *space)
{
	for (int i = 0; i < (int) lengthof(names); i++)
	{
		bool		is_passed_on = is_set_here(names[i]);

		*space++ = is_passed_on ? '+' : '-';
		strcpy(space, is_passed_on ? value_of(names[i]) : "");
		space += strlen(space) + 1;
	}
}

void
rqbo_guc_restore(const char *space)
{
	for (int i = 0; i < (int) lengthof(names); i++)
	{
		if (*space++ == '+')
			SetConfigOption(names[i], space, PGC_SUSET, PGC_S_SESSION);
		space += strlen(space) + 1;
	}
}

/* ---- reloading ---- */

void
rqbo_guc_reload_if_asked(void)
{
	if (!ConfigReloadPending)
		return;
	ConfigReloadPending = false;
	ProcessConfigFile(PGC_SIGHUP);
}
