/*-------------------------------------------------------------------------
 *
 * qbo/company.c
 *	  Reading what a company says of itself: CompanyInfo and Preferences.
 *
 * https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/companyinfo
 * https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/preferences
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "base/db.h"
#include "base/encoding.h"
#include "base/month.h"
#include "qbo/accounting.h"
#include "qbo/company.h"

static const char *const month_names[] = {
	"January", "February", "March", "April", "May", "June", "July",
	"August", "September", "October", "November", "December"
};

/*
 * 1 to 12, or 0 for a month that is not named as Intuit names them.
 */
static int
month_number(const char *name)
{
	for (int i = 0; name != NULL && i < (int) lengthof(month_names); i++)
		if (pg_strcasecmp(name, month_names[i]) == 0)
			return i + 1;
	return 0;
}

static char *
member_text(const RqboJson *node, const char *key)
{
	return rqbo_encoding_import(rqbo_json_member_text(node, key));
}

/*
 * A date as Intuit writes it, or NULL: an unset closing date is absent.
 */
static char *
member_date(const RqboJson *node, const char *key)
{
	const char *text = rqbo_json_member_text(node, key);
	char	   *date = text != NULL ? pnstrdup(text, 10) : NULL;
	DateADT		value;

	return date != NULL && rqbo_month_parse_date(date, &value) ? date : NULL;
}

/* ---- Preferences ---- */

void
rqbo_company_ask_preferences(RqboSession *session, RqboStep then)
{
	rqbo_qbo_get(session,
				 psprintf("could not read the preferences of \"%s\"", rqbo_session_company(session)),
				 "/preferences", then, NULL);
}

void
rqbo_company_take_preferences(RqboSession *session, RqboCompanyInfo *info)
{
	RqboJson   *preferences = rqbo_qbo_read_body(session, "Preferences");
	RqboJson   *accounting = rqbo_json_member(preferences, "AccountingInfoPrefs");
	RqboJson   *currency = rqbo_json_member(preferences, "CurrencyPrefs");

	rqbo_encoding_begin();
	info->home_currency = member_text(rqbo_json_member(currency, "HomeCurrency"), "value");
	info->multicurrency = rqbo_json_member_bool(currency, "MultiCurrencyEnabled", false);
	info->report_basis = member_text(rqbo_json_member(preferences, "ReportPrefs"), "ReportBasis");
	info->book_close_date = member_date(accounting, "BookCloseDate");
	info->fiscal_month = month_number(rqbo_json_member_text(accounting, "FirstMonthOfFiscalYear"));
	rqbo_encoding_end();
}

static void
preferences_answered(RqboTask *task)
{
	RqboSession *session = rqbo_session_of(task);
	RqboConnection *c = session->connection;
	RqboCompanyInfo info = {0};

	rqbo_company_take_preferences(session, &info);
	rqbo_db_begin();
	rqbo_store_put_preferences(c->model_id, c->connection_id, &info);
	rqbo_db_commit();
	session->after_company(task);
}

void
rqbo_company_read_preferences(RqboSession *session, RqboStep then)
{
	session->after_company = then;
	rqbo_company_ask_preferences(session, preferences_answered);
}

/* ---- CompanyInfo ---- */

void
rqbo_company_ask(RqboSession *session, RqboStep then)
{
	rqbo_qbo_get(session,
				 psprintf("could not read the company connected to branch \"%s\"", session->connection->branch),
				 psprintf("/companyinfo/%s", session->realm_id), then, NULL);
}

void
rqbo_company_take(RqboSession *session, RqboCompanyInfo *info)
{
	RqboJson   *company = rqbo_qbo_read_body(session, "CompanyInfo");

	rqbo_encoding_begin();
	info->company_name = member_text(company, "CompanyName");
	info->legal_name = member_text(company, "LegalName");
	info->country = member_text(company, "Country");
	info->fiscal_month = month_number(rqbo_json_member_text(company, "FiscalYearStartMonth"));
	rqbo_encoding_end();
	if (info->company_name == NULL)
		rqbo_qbo_raise_invalid(session, "It has no CompanyName.");
}

void
rqbo_company_keep(RqboSession *session)
{
	MemoryContext saved = MemoryContextSwitchTo(session->task->context);

	session->company = palloc0(sizeof(RqboCompanyInfo));
	rqbo_company_take(session, session->company);
	MemoryContextSwitchTo(saved);
}

void
rqbo_company_store(RqboSession *session)
{
	RqboConnection *c = session->connection;

	rqbo_store_put_company(c->model_id, c->connection_id, session->company);
	c->company = session->company->company_name;
}

static void
company_answered(RqboTask *task)
{
	RqboSession *session = rqbo_session_of(task);

	rqbo_company_keep(session);
	rqbo_db_begin();
	rqbo_company_store(session);
	rqbo_db_commit();
	rqbo_company_read_preferences(session, session->after_company);
}

void
rqbo_company_read(RqboSession *session, RqboStep then)
{
	session->after_company = then;
	rqbo_company_ask(session, company_answered);
}
