/*
 * readers.c
 *	  Those readers that can be called from outside their file.
 */
#include "postgres.h"

#include "base/month.h"
#include "base/url.h"
#include "qbo/fault.h"
#include "qbo/oauth_answer.h"
#include "qbo/webhook.h"
#include "readers.h"
#include "report/ledger.h"

/* What the first byte of an answer stands for. */
static const int statuses[] = {200, 400, 401, 503};

void
fuzz_report(const char *text, size_t length)
{
	(void) rqbo_report_read(text, length, NULL);
}

static void
forget_line(const RqboLedgerLine *line pg_attribute_unused(), void *arg pg_attribute_unused())
{
}

/* The seeds are of this account and range. */
void
fuzz_ledger(const char *text, size_t length)
{
	RqboReportAsk ask = {.name = RQBO_GENERAL_LEDGER,.basis = "Accrual"};

	if (!rqbo_month_parse_date("2026-09-01", &ask.start) || !rqbo_month_parse_date("2026-09-30", &ask.end))
		elog(ERROR, "no range");
	rqbo_ledger_each_line(rqbo_ledger_read(text, length, &ask, "1"), forget_line, NULL);
}

static bool
make_result(RqboHttpResult *result, const char *text, size_t length)
{
	if (length == 0)
		return false;
	*result = (RqboHttpResult) {
		.outcome = RQBO_NET_ANSWERED,
		.status = statuses[text[0] & 3],
		.retry_after_ms = -1,
		.date = -1,
		.body = palloc(length),
		.length = length - 1,
		.bytes = length - 1
	};
	memcpy(result->body, text + 1, length - 1);
	result->body[length - 1] = '\0';
	return true;
}

void
fuzz_token(const char *text, size_t length)
{
	RqboHttpResult result;
	RqboTokens	tokens;

	if (make_result(&result, text, length))
	{
		(void) rqbo_oauth_read_answer(&result, CurrentMemoryContext, &tokens);
		(void) rqbo_oauth_answer_words(&result);
	}
}

void
fuzz_fault(const char *text, size_t length)
{
	RqboHttpResult result;
	RqboFault	fault;

	if (make_result(&result, text, length))
	{
		RqboAttempt attempt = {.outcome = RQBO_NET_ANSWERED,.status = result.status,.attempt = 1};

		rqbo_fault_read(&result, &fault);
		attempt.fault_code = fault.code;
		(void) rqbo_fault_words(&fault, &result);
		(void) rqbo_fault_describe(&attempt, &fault, &result);
		(void) rqbo_fault_verdict(&attempt);
		rqbo_fault_raise("could not do it", &attempt, &fault, &result);
	}
}

void
fuzz_redirect(const char *text, size_t length)
{
	static const char *const fields[] = {"state", "code", "realmId", "error"};

	(void) length;
	for (int i = 0; i < (int) lengthof(fields); i++)
	{
		const char *value = rqbo_url_field(text, fields[i]);

		if (value != NULL)
			(void) rqbo_fault_text(value);
	}
}

void
fuzz_webhook(const char *text, size_t length)
{
	int			count;

	(void) rqbo_webhook_read(text, length, &count);
}
