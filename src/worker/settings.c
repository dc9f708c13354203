/*-------------------------------------------------------------------------
 *
 * worker/settings.c
 *	  The settings of PostgreSQL's that a worker must have, whatever the
 *	  configuration file, ALTER DATABASE or ALTER ROLE say.
 *	  Those of reefqbo itself are in base/guc.c.
 *
 * Here is what changes the meaning of a statement, or whether it ends.  What
 * changes how fast it is, how much memory it takes, or what is logged of it, is
 * the administrator's to say for workers as well.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/guc.h"

#include "worker/settings.h"

static const struct
{
	const char *name;
	const char *value;
}			settings[] = {
	/* as whom, and with which rules */
	{"role", "none"},
	{"row_security", "on"},
	{"session_replication_role", "origin"},
	{"restrict_nonsystem_relation_kind", ""},
	{"search_path", "pg_catalog, pg_temp"},

	/* what a statement may do, and how long */
	{"default_transaction_isolation", "read committed"},
	{"default_transaction_read_only", "off"},
	{"default_transaction_deferrable", "off"},
	{"statement_timeout", "0"},
	{"transaction_timeout", "0"},
	{"idle_in_transaction_session_timeout", "0"},
	{"idle_session_timeout", "0"},
	/* who asked may hold a lock we need and wait for us: that ends in an error, not in a deadlock */
	{"lock_timeout", "20s"},
	{"exit_on_error", "off"},

	/* what its text means */
	{"standard_conforming_strings", "on"},
	{"backslash_quote", "safe_encoding"},
	{"transform_null_equals", "off"},
	{"array_nulls", "on"},
	{"plpgsql.variable_conflict", "error"},

	/* how values are read and written */
	{"datestyle", "ISO, MDY"},
	{"intervalstyle", "postgres"},
	{"timezone", "UTC"},
	{"extra_float_digits", "1"},
	{"bytea_output", "hex"},
	{"xmlbinary", "base64"},
	{"xmloption", "content"},
	{"quote_all_identifiers", "off"},
	{"lc_monetary", "C"},
	{"lc_numeric", "C"},
	{"lc_time", "C"},

	/* which notices are sent: whoever asked leaves out what it does not want */
	{"client_min_messages", "notice"},
};

/*
 * Not every version has every one.
 */
void
rqbo_worker_take_settings(void)
{
	for (int i = 0; i < (int) lengthof(settings); i++)
		if (GetConfigOption(settings[i].name, true, false) != NULL)
			SetConfigOption(settings[i].name, settings[i].value, PGC_SUSET, PGC_S_OVERRIDE);
}
