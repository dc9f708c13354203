# Statements of groups that are made up, beside a plain sum of the same amounts. Companies and clocks are others' (companies.sh).

# So many months of so many accounts: what the ratios of a group are about.
GROUP_ACCOUNTS=200
GROUP_MONTHS=36
# How its cost grows with its companies is seen in one month.
GROUP_LAST_MONTH="'2026-12-01', '2026-12-31'"
GROUP_EVERY_MONTH="'2024-01-01', '2026-12-31'"

make_group()
{
	sql groups -v model="Group $1" -v companies="$1" -v accounts=$GROUP_ACCOUNTS -v months=$GROUP_MONTHS -f "$HERE/groups.sql" >/dev/null
}

# A question by its name, of a model and two dates.
group_question()
{
	local from

	case $1 in
		sum)
			echo "SELECT count(*) FROM (SELECT account_id, statement, period_start, sum(amount) FROM reefqbo.actual
			      WHERE model_id = (SELECT model_id FROM reefqbo.model WHERE name = '$2') GROUP BY 1, 2, 3) s"
			return
			;;
		profit_and_loss | balance_sheet | cash_flow) from="reefqbo.statement('$2', '$1', $3)" ;;
		profit_by_category) from="reefqbo.statement('$2', 'profit_and_loss', $3, lines => 'category')" ;;
		balance_by_category) from="reefqbo.statement('$2', 'balance_sheet', $3, lines => 'category')" ;;
		trial_balance) from="reefqbo.trial_balance('$2', ${3%,*}, until => ${3#*,})" ;;
		reconcile) from="reefqbo.reconcile('$2', 'profit_and_loss', $3)" ;;
	esac
	echo "SELECT count(*) FROM $from"
}

ask_group()
{
	sql groups -At -c "$(group_question "$1" "Group $2" "$3")"
}

figure_groups()
{
	local round question count sum seconds

	step "Making up groups of 8, 50 and 200 companies, $GROUP_MONTHS months, $GROUP_ACCOUNTS accounts each"
	sql postgres -c "CREATE DATABASE groups"
	sql groups -c "CREATE EXTENSION reefqbo CASCADE"
	for count in 8 50 200; do
		make_group $count
	done
	sql groups -c "VACUUM ANALYZE"
	step "Reading every month of 8 companies, beside a sum of the same amounts"
	for round in $(seq "$ROUNDS"); do
		for question in profit_and_loss balance_sheet cash_flow profit_by_category balance_by_category trial_balance reconcile; do
			sum=$(seconds_of ask_group sum 8 "" 2>/dev/null)
			seconds=$(seconds_of ask_group $question 8 "$GROUP_EVERY_MONTH" 2>/dev/null)
			note "group_$question" read "$seconds"
			note "group_$question" sum "$sum"
			say "    round $round, $question: $seconds s; the sum $sum s"
		done
	done
	step "Reading one month of 8, 50 and 200 companies"
	for round in $(seq "$ROUNDS"); do
		for question in balance_sheet trial_balance reconcile; do
			for count in 8 50 200; do
				seconds=$(seconds_of ask_group $question $count "$GROUP_LAST_MONTH" 2>/dev/null)
				note "grown_$question" "of_$count" "$(awk -v s="$seconds" -v n=$count 'BEGIN { printf "%.5f\n", 1000 * s / n }')"
				say "    round $round, $question of $count companies: $seconds s"
			done
		done
	done
	sql postgres -c "DROP DATABASE groups"
}
