#!/bin/bash
#
# The main job from end to end, on the throw-away cluster that "make demo" has
# started: a model is linked to a QuickBooks company, its chart of accounts and
# three years of monthly actuals arrive in tables, the background worker keeps
# them up to date, and statements printed from them are compared with the ledger
# behind the simulated QuickBooks.  Then four companies are consolidated.

. "$(dirname "${BASH_SOURCE[0]}")/demo_setup.sh"
. "$(dirname "${BASH_SOURCE[0]}")/demo_group.sh"

post_expense()
{
	simulator_admin post "{\"company\":\"$COMPANY\",\"date\":\"$BACK_DATED\",\"memo\":\"late invoice\",\"lines\":
		[{\"account\":\"$EXPENSE_ID\",\"amount\":\"$1\"},{\"account\":\"$BANK_ID\",\"amount\":\"-$1\"}]}" >/dev/null
}

refresh_twice()
{
	step "5. Refresh: QuickBooks says that nothing has changed, which costs one request, and nothing is written"
	sql "SELECT amounts_inserted AS inserted, amounts_changed AS changed, amounts_unchanged AS unchanged, requests
  FROM reefqbo.refresh('Reef forecast');"

	step "6. A bookkeeper back-dates an entry; the next refresh finds it and keeps what was known before"
	post_expense 1250.00
	tell "   (in QuickBooks: 1,250.00 from \"$BANK\" to \"$EXPENSE\" on $BACK_DATED)"
	tell
	sql "SELECT amounts_inserted AS inserted, amounts_changed AS changed, amounts_unchanged AS unchanged, requests
  FROM reefqbo.refresh('Reef forecast');"
	sql "SELECT a.name, r.statement, to_char(r.period_start, 'YYYY-MM') AS month, r.old_amount, r.new_amount
  FROM reefqbo.restatement r JOIN reefqbo.account a USING (model_id, connection_id, account_id)
 WHERE r.statement = 'profit_and_loss' OR r.period_end < date '$BACK_DATED' + 40
 ORDER BY r.statement DESC, r.period_start, a.name;"
}

wait_for()
{
	for _ in $(seq 300); do
		[ "$(value "$1")" != t ] || return 0
		sleep 0.1
	done
	tell "the background worker did not do it in time"
	return 1
}

# Seven hours pass on the clock that the schedule goes by.
watch_worker()
{
	step "7. With nobody calling: the background worker refreshes every six hours, and keeps the grant alive"
	sql "SELECT refresh_every, reread_months, full_every FROM reefqbo.set_schedule('Reef forecast', refresh_every => '6 hours');"
	post_expense 480.00
	tell "   (in QuickBooks: another 480.00 on $BACK_DATED; seven hours pass)"
	tell
	value "ALTER SYSTEM SET reefqbo.clock_offset = '7h'"
	value "SELECT pg_reload_conf()" >/dev/null
	wait_for "SELECT count(*) > 0 FROM reefqbo.restatement WHERE abs(new_amount - old_amount) = 480.00"
	wait_for "SELECT state = 'idle' FROM reefqbo.worker_status() WHERE database = 'postgres'"
	sql "SELECT kind, started_by, status, months, amounts_changed AS changed, requests
  FROM reefqbo.import_log ORDER BY import_id DESC LIMIT 1;"
	sql "SELECT model, status, lag::interval(0), failures_in_a_row AS failures, requests_today AS requests,
       requests_saved_today AS saved, next_due::timestamp(0), grant_refreshed_by::date
  FROM reefqbo.upkeep_status;"
	sql "SELECT database, state, next_due::timestamp(0), problem FROM reefqbo.worker_status();"
}

print_statements()
{
	step "8. The statements, from the tables alone"
	sql "SELECT label AS profit_and_loss, period, amount
  FROM reefqbo.profit_and_loss('Reef forecast', '$HALF_YEAR', '$END') \\crosstabview"
	tell
	sql "SELECT label AS balance_sheet, period, amount
  FROM reefqbo.balance_sheet('Reef forecast', '$HALF_YEAR', '$END') \\crosstabview"
}

# Every amount of the ledger beside every amount of the table, by both keys.
compare()
{
	local statement=$1

	simulator_admin truth "{\"company\":\"$COMPANY\",\"statement\":\"$statement\",\"start\":\"$START\",\"end\":\"$END\"}" |
		tr -d '\n' >"$REEFQBO_WORK/truth.json"
	psql -q -At -v ON_ERROR_STOP=1 -v statement="$statement" <<-END
		\set truth \`cat '$REEFQBO_WORK/truth.json'\`
		WITH ledger AS (
		    SELECT COALESCE(account_id, 'computed:NetIncome') AS account_id, period_start, amount
		    FROM jsonb_to_recordset(:'truth'::jsonb -> 'rows') AS t(account_id text, period_start date, amount numeric)
		), ours AS (
		    SELECT account_id, period_start, amount FROM reefqbo.actual WHERE statement = :'statement'
		)
		SELECT format('%s: %s months, %s amounts, difference to the ledger %s%s',
		              :'statement', count(DISTINCT period_start), count(*),
		              to_char(sum(abs(COALESCE(l.amount, 0) - COALESCE(o.amount, 0))), 'FM999999990.00'),
		              CASE WHEN sum(abs(COALESCE(l.amount, 0) - COALESCE(o.amount, 0))) = 0 THEN ', it ties'
		                   ELSE ', IT DOES NOT TIE' END)
		FROM ledger l FULL JOIN ours o USING (account_id, period_start);
	END
}

tie_out()
{
	local statement line status=0

	step "9. Does it tie? Every amount beside the ledger behind the simulator, computed there by other code"
	for statement in profit_and_loss balance_sheet; do
		line=$(compare "$statement")
		tell "$line"
		case "$line" in *"difference to the ledger 0.00, it ties") ;; *) status=1 ;; esac
	done
	tell
	tell "   What every import was held against, QuickBooks' own trial balance among it:"
	tell
	sql "SELECT kind, statement, sum(compared) AS compared, bool_and(passed) AS passed
  FROM reefqbo.tie_out_check GROUP BY kind, statement ORDER BY min(check_id);"
	sql "SELECT model, company, status, days_until_grant_ends AS days_left, data_as_of::timestamp(0), what_to_do
  FROM reefqbo.connection_status;"
	return $status
}

choose_accounts()
{
	local query="FROM reefqbo.account WHERE is_active AND account_type"

	EXPENSE_ID=$(value "SELECT account_id $query = 'Expense' AND name = 'Rent'")
	EXPENSE=$(value "SELECT name FROM reefqbo.account WHERE account_id = '$EXPENSE_ID'")
	BANK_ID=$(value "SELECT account_id $query = 'Bank' ORDER BY account_number LIMIT 1")
	BANK=$(value "SELECT name FROM reefqbo.account WHERE account_id = '$BANK_ID'")
}

main()
{
	tell "reefqbo: a financial model, linked to a QuickBooks Online company"
	start_simulator
	choose_dates
	install_extension
	set_up
	connect_company
	import_everything
	choose_accounts
	refresh_twice
	watch_worker
	print_statements
	tie_out
	show_group
}

main
