/*-------------------------------------------------------------------------
 *
 * guc.c
 *	  The settings of reefqbo, each with the reason for its context.
 *
 * All are PGC_SUSET: every one of them decides which file is read, which
 * command is run, where requests go, or how long a worker of this server is
 * busy.  None is an ordinary user's to set; key_file, key_command and proxy
 * are not even an ordinary user's to read.
 *
 * A job's worker takes over what a superuser has SET in the session that
 * started it, so that it has the effect one expects.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <limits.h>

#include "utils/guc.h"

#include "compat.h"
#include "guc.h"

char	   *rqbo_key_file = NULL;
char	   *rqbo_key_command = NULL;
char	   *rqbo_ca_file = NULL;
char	   *rqbo_proxy = NULL;
int			rqbo_connect_timeout = 10000;
int			rqbo_request_timeout = 130000;
int			rqbo_retry_budget = 90000;
int			rqbo_throttle_wait = 60000;
int			rqbo_max_response_size = 16 * 1024;

static const char *const names[] = {
	"reefqbo.ca_file",
	"reefqbo.connect_timeout",
	"reefqbo.key_command",
	"reefqbo.key_file",
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
				NULL,
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

/*
 * Define all settings and reserve the prefix, so that a misspelt one is told.
 */
void
rqbo_guc_define(void)
{
	define_files();
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
	MarkGUCPrefixReserved("reefqbo");
}

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
