/*-------------------------------------------------------------------------
 *
 * import/ahead.c
 *	  At the end of an import: what a clock that was ahead has left is put right.
 *
 * While our clock is wrong, none of it is: that takes the agreement of all
 * clocks there are.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/month.h"
#include "import/ahead.h"
#include "qbo/present.h"
#include "store/ahead.h"

static void
take_back(RqboImport *import, DateADT first, int months)
{
	if (import->import_id == 0)
		import->import_id = rqbo_store_begin_import(import->model_id, import->connection_id, import->kind->name, NULL,
													import->ask.started_by);
	rqbo_store_take_back(import->model_id, import->connection_id, import->import_id, first, &import->counts);
	ereport(WARNING,
			(errcode(ERRCODE_WARNING),
			 errmsg("%s: %d months from %.7s on were taken back, since they have not begun",
					rqbo_session_company(import->session), months, rqbo_month_iso(first)),
			 errdetail("They were imported while a clock was ahead."),
			 errhint("Look at the server's clock. The table reefqbo.withdrawn_month lists them, and reefqbo.restatement has what they held.")));
}

void
rqbo_import_put_right(RqboImport *import)
{
	DateADT		first;
	int			months;
	bool		has_times;

	if (!import->kind->counts_statements || !rqbo_present_is_certain(import->session) ||
		!rqbo_present_first_ahead(import->session, &first))
		return;
	rqbo_store_find_ahead(import->model_id, import->connection_id, first, &months, &has_times);
	if (has_times)
		rqbo_store_set_times_back(import->model_id, import->connection_id);
	if (months > 0)
		take_back(import, first, months);
}
