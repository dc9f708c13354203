/*
 * fuzz.c
 *	  libFuzzer in a PostgreSQL process: SELECT fuzz('report') feeds that reader, and does not come back.
 *
 * FUZZ_ARGUMENTS in the environment are libFuzzer's, with blanks between them.  A find is a report of a sanitizer, an
 * error that is none of ours (they begin with RQ), or a reader that takes too long.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "readers.h"

#define MOST_ARGUMENTS 32

extern int	LLVMFuzzerRunDriver(int *argc, char ***argv, int (*callback) (const uint8 *data, size_t size));

PG_FUNCTION_INFO_V1(fuzz);

static const struct
{
	const char *name;
	FuzzReader	read;
}			readers[] = {
	{"report", fuzz_report},
	{"ledger", fuzz_ledger},
	{"token", fuzz_token},
	{"fault", fuzz_fault},
	{"changes", fuzz_changes},
	{"values", fuzz_values},
	{"headers", fuzz_headers},
	{"redirect", fuzz_redirect},
	{"webhook", fuzz_webhook}
};

static FuzzReader reader;
static MemoryContext context;

static void
end_if_not_ours(void)
{
	ErrorData  *error;
	char	   *state;

	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	FlushErrorState();
	state = unpack_sql_state(error->sqlerrcode);
	if (strncmp(state, "RQ", 2) == 0)
		return;
	fprintf(stderr, "an error that is none of ours: %s %s\n", state, error->message);
	abort();
}

static int
feed(const uint8 *data, size_t size)
{
	char	   *text;

	MemoryContextSwitchTo(context);
	text = palloc(size + 1);
	memcpy(text, data, size);
	text[size] = '\0';
	PG_TRY();
	{
		reader(text, size);
	}
	PG_CATCH();
	{
		end_if_not_ours();
	}
	PG_END_TRY();
	MemoryContextReset(context);
	return 0;
}

static int
split_arguments(char **arguments)
{
	char	   *rest = strdup(getenv("FUZZ_ARGUMENTS"));
	int			count = 0;

	arguments[count++] = strdup("fuzz");
	for (char *word = strtok(rest, " "); word != NULL && count < MOST_ARGUMENTS; word = strtok(NULL, " "))
		arguments[count++] = word;
	return count;
}

Datum
fuzz(PG_FUNCTION_ARGS)
{
	const char *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	char	   *arguments[MOST_ARGUMENTS + 1] = {NULL};
	char	  **argv = arguments;
	int			argc = split_arguments(arguments);

	for (int i = 0; i < (int) lengthof(readers); i++)
		if (strcmp(readers[i].name, name) == 0)
			reader = readers[i].read;
	if (reader == NULL)
		elog(ERROR, "there is no reader \"%s\"", name);
	context = AllocSetContextCreate(TopMemoryContext, "fuzz", ALLOCSET_DEFAULT_SIZES);
	PG_RETURN_INT32(LLVMFuzzerRunDriver(&argc, &argv, feed));
}
