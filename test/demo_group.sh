# The second half of the demo: four companies in two currencies and with two fiscal years become one model, which is
# mapped, consolidated, proved, and read as it was known before a change. Sourced by demo.sh.

GROUP="Reef group"

# connect_branch COMPANY BRANCH, without a word
connect_branch()
{
	local address

	value "SELECT reefqbo.create_branch('$GROUP', '$2')" >/dev/null
	address=$(value "SELECT reefqbo.connect('$GROUP', 'simulator', '$2')")
	address=$(python3 "$SIMULATOR/browser.py" --ca "$REEFQBO_WORK/intuit/ca.pem" --company "$1" "$address")
	value "SELECT reefqbo.complete_connection('$address')" >/dev/null
}

make_group()
{
	step "10. A group: one model, a branch for each company, another for eliminations"
	sql "SELECT reefqbo.create_model('$GROUP');"
	connect_branch reef Reef
	connect_branch atoll Atoll
	connect_branch lagoon Lagoon
	connect_branch corail Corail
	sql "SELECT reefqbo.create_branch('$GROUP', 'Eliminations');"
	sql "SELECT s.branch, s.company, c.home_currency, to_char(make_date(2000, c.fiscal_year_start_month, 1), 'FMMonth') AS year_begins
  FROM reefqbo.connection_status s JOIN reefqbo.connection c USING (model_id, connection_id) WHERE s.model = '$GROUP' ORDER BY 1;"
	sql "SELECT branch_name AS branch, months, amounts_inserted, requests FROM reefqbo.import_actuals('$GROUP', '$YEAR_AGO', '$END');" |
		grep -v NOTICE
}

map_group()
{
	step "11. Mapping: what each account is in the model. reefqbo proposes, you accept"
	sql "SELECT account_name, variable_type, category, confidence, reason FROM reefqbo.propose_mapping('$GROUP', 'Lagoon')
 WHERE variable_type IN ('Revenue', 'Staff', 'Tax', 'Liability') ORDER BY account_id COLLATE \"C\" LIMIT 6;"
	sql "INSERT INTO reefqbo.mapping SELECT * FROM reefqbo.propose_mapping('$GROUP');"
	sql "SELECT count(*) AS unmapped FROM reefqbo.unmapped_account WHERE model = '$GROUP';"
	sql "SELECT v.period_start AS month, s.variable, s.variable_type AS type, v.amount, v.is_provisional AS provisional
  FROM reefqbo.series s JOIN reefqbo.series_value v USING (model_id, variable_id, accounting_method)
 WHERE s.model = '$GROUP' AND s.branch = 'Lagoon' AND s.variable LIKE '%Rent%' ORDER BY 1 DESC LIMIT 3;"
}

# Both sides of a sale from Reef to Atoll that Atoll has not paid yet.
trade_within_group()
{
	local income expense receivable payable day=$1

	income=$(account_of Reef Income) expense=$(account_of Atoll Expense)
	receivable=$(account_of Reef "Accounts Receivable") payable=$(account_of Atoll "Accounts Payable")
	simulator_admin post "{\"company\":\"reef\",\"date\":\"$day\",\"lines\":
		[{\"account\":\"$receivable\",\"amount\":\"5000.00\"},{\"account\":\"$income\",\"amount\":\"-5000.00\"}]}" >/dev/null
	simulator_admin post "{\"company\":\"atoll\",\"date\":\"$day\",\"lines\":
		[{\"account\":\"$expense\",\"amount\":\"5000.00\"},{\"account\":\"$payable\",\"amount\":\"-5000.00\"}]}" >/dev/null
}

account_of()
{
	value "SELECT a.account_id FROM reefqbo.account a JOIN reefqbo.connection_status s USING (model_id, connection_id)
	       WHERE s.model = '$GROUP' AND s.branch = '$1' AND a.account_type = '$2' AND a.is_active
	       ORDER BY a.account_number, a.account_id COLLATE \"C\" LIMIT 1"
}

consolidate()
{
	step "12. Consolidation: rates, an elimination, one profit and loss in dollars"
	trade_within_group "$BACK_DATED"
	tell "   (in QuickBooks: Reef sells services for 5,000.00 to Atoll on $BACK_DATED, on account)"
	value "SELECT reefqbo.refresh('$GROUP')" 2>/dev/null >/dev/null
	tell
	sql "SELECT reefqbo.set_currency('$GROUP', 'USD');"
	tell "=> SELECT count(*) FROM reefqbo.statement('$GROUP', 'profit_and_loss', '$LAST_MONTH', '$END');"
	tell "$(psql -q -At -c "SELECT count(*) FROM reefqbo.statement('$GROUP', 'profit_and_loss', '$LAST_MONTH', '$END')" 2>&1 | grep -A1 -e ERROR -e HINT | grep -v CONTEXT)"
	sql "INSERT INTO reefqbo.exchange_rate (model_id, from_currency, to_currency, month, closing, average, historical)
SELECT m.model_id, 'EUR', 'USD', g, 1.08 + 0.005 * n, 1.0775 + 0.005 * n, CASE n WHEN 1 THEN 1.05 END
  FROM reefqbo.model m, generate_series('$YEAR_AGO'::timestamp, '$END', '1 month') WITH ORDINALITY AS t(g, n)
 WHERE m.name = '$GROUP';"
	sql "INSERT INTO reefqbo.elimination (model_id, branch_id, month, amount, debit_type, debit_category, credit_type, credit_category, memo)
SELECT model_id, branch_id, '$BACK_MONTH', 5000, e.* FROM reefqbo.branch JOIN reefqbo.model m USING (model_id),
       (VALUES ('Revenue', 'Income', 'Opex', 'Expenses', 'Reef sells to Atoll'),
               ('Liability', 'Accounts Payable', 'Asset', 'Accounts Receivable', 'Atoll owes Reef')) e
 WHERE m.name = '$GROUP' AND branch.name = 'Eliminations';"
	sql "SELECT label AS profit_and_loss, period, amount
  FROM reefqbo.statement('$GROUP', 'profit_and_loss', '$BACK_MONTH', '$END', lines => 'category')
 WHERE depth = 0 AND kind <> 'section' \\crosstabview"
	tell
	sql "SELECT label AS balance_sheet, amount, previous_period AS month_before, share
  FROM reefqbo.statement('$GROUP', 'balance_sheet', '$LAST_MONTH', '$END', lines => 'category')
 WHERE label ~ '^ ? ?Total' AND kind = 'total';"
	sql "SELECT label AS cash_flow, amount
  FROM reefqbo.statement('$GROUP', 'cash_flow', '$BACK_MONTH', '$END', 'year', lines => 'category') WHERE kind <> 'account';"
}

# Prove that the whole is the sum of the parts; fails the demo when it is not.
reconcile_group()
{
	step "13. The whole is the sum of its parts, to the cent"
	sql "SELECT part, home_currency AS cur, home_amount, currency, amount
  FROM reefqbo.reconcile('$GROUP', 'profit_and_loss', '$BACK_MONTH', '$BACK_END') WHERE label = 'Net Income';"
	[ "$(value "SELECT count(*) > 0 AND bool_and(amount = 0) FROM reefqbo.reconcile('$GROUP', 'balance_sheet', '$YEAR_AGO', '$END')
	            WHERE part = 'Difference'" 2>/dev/null)" = t ]
}

travel_in_time()
{
	local then

	step "14. A figure is restated; what did the board pack say?"
	then=$(value "SELECT clock_timestamp() + current_setting('reefqbo.clock_offset')::interval")
	post_expense 3300.00
	tell "   (in QuickBooks: another 3,300.00 of \"$EXPENSE\" on $BACK_DATED, after the board has met)"
	value "SELECT reefqbo.refresh('$GROUP', 'Reef')" 2>/dev/null >/dev/null
	tell
	sql "SELECT a.name, to_char(r.period_start, 'YYYY-MM') AS month, r.old_amount, r.new_amount, r.in_closed_period AS closed
  FROM reefqbo.restatement r JOIN reefqbo.account a USING (model_id, connection_id, account_id) JOIN reefqbo.model m USING (model_id)
 WHERE m.name = '$GROUP' AND r.statement = 'profit_and_loss' ORDER BY r.restatement_id DESC LIMIT 1;"
	sql "SELECT 'today' AS known, amount AS net_income
  FROM reefqbo.statement('$GROUP', 'profit_and_loss', '$BACK_MONTH', '$BACK_END', branch => 'Reef') WHERE label = 'Net Income'
UNION ALL
SELECT 'by the board', amount
  FROM reefqbo.statement('$GROUP', 'profit_and_loss', '$BACK_MONTH', '$BACK_END', branch => 'Reef', as_of => '$then')
 WHERE label = 'Net Income';"
	[ "$(value "SELECT b.amount - a.amount FROM reefqbo.statement('$GROUP', 'profit_and_loss', '$BACK_MONTH', '$BACK_END', branch => 'Reef') a
	            JOIN reefqbo.statement('$GROUP', 'profit_and_loss', '$BACK_MONTH', '$BACK_END', branch => 'Reef', as_of => '$then') b
	            ON a.label = 'Net Income' AND b.label = 'Net Income'")" = 3300.00 ]
}

show_group()
{
	YEAR_AGO=$(value "SELECT (date_trunc('month', current_date) - interval '12 months')::date")
	LAST_MONTH=$(value "SELECT date_trunc('month', current_date)::date")
	BACK_MONTH=$(value "SELECT date_trunc('month', date '$BACK_DATED')::date")
	BACK_END=$(value "SELECT (date '$BACK_MONTH' + interval '1 month')::date - 1")
	export PGOPTIONS="-c client_min_messages=warning"
	make_group
	map_group
	consolidate
	reconcile_group
	travel_in_time
}
