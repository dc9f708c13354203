/*-------------------------------------------------------------------------
 *
 * net/json_fault.c
 *	  The Fault in an answer of Intuit's, as it is written.
 *
 * The service answers {"Fault": {"Error": [{"Message", "Detail", "code"}]}},
 * its gateway the same with keys in lower case; some have one error in the
 * place of the list.
 *
 * https://developer.intuit.com/app/developer/qbo/docs/develop/troubleshooting/error-codes
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "net/json_fault.h"

static RqboJson *
either_member(const RqboJson *node, const char *key, const char *other_key)
{
	RqboJson   *member = rqbo_json_member(node, key);

	return member != NULL ? member : rqbo_json_member(node, other_key);
}

static const char *
either_text(const RqboJson *node, const char *key, const char *other_key)
{
	const char *text = rqbo_json_member_text(node, key);

	return text != NULL ? text : rqbo_json_member_text(node, other_key);
}

bool
rqbo_json_read_fault(const RqboJson *document, RqboJsonFault *fault)
{
	RqboJson   *found = either_member(document, "Fault", "fault");
	RqboJson   *errors = either_member(found, "Error", "error");
	RqboJson   *first = rqbo_json_is_array(errors) ? rqbo_json_element(errors, 0) : errors;

	fault->code = either_text(first, "code", "Code");
	fault->message = either_text(first, "Message", "message");
	fault->detail = either_text(first, "Detail", "detail");
	return found != NULL;
}
