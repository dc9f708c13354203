/*
 * reader_values.c
 *	  A page of classes.
 */
#include "import/values.c"

#include "net/json.h"
#include "readers.h"

/* qbo/accounting.c's, of which an error's message has the first member. */
struct RqboCall
{
	const char *doing;
	char		rest[256];
};

void
fuzz_values(const char *text, size_t length)
{
	RqboHttpResult result = {.outcome = RQBO_NET_ANSWERED,.status = 200,.retry_after_ms = -1};
	RqboTask	task = {.result = &result};
	struct RqboCall call = {.doing = "could not read"};
	RqboSession session = {.task = &task,.call = &call};
	RqboJson   *page;

	result.body = unconstify(char *, text);
	result.length = length;
	page = rqbo_json_member(rqbo_qbo_read_body(&session, "QueryResponse"), "Class");
	for (int i = 0; i < rqbo_json_length(page); i++)
	{
		const char *id;

		(void) read_value(&session, rqbo_json_element(page, i), &id);
	}
}
