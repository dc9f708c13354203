# The figures.  Each function measures one, prints its rounds, and notes them.

# note FIGURE SIDE VALUE: a line of the results, which table.py reads.
note()
{
	printf '%s\t%s\t%s\n' "$1" "$2" "$3" >>"$WORK/results"
}

# seconds_of COMMAND...: what it prints goes to standard error.
seconds_of()
{
	local began=$EPOCHREALTIME

	"$@" >&2
	difference "$EPOCHREALTIME" "$began"
}

difference()
{
	awk -v a="$1" -v b="$2" 'BEGIN { printf "%.3f\n", a - b }'
}

sum()
{
	awk -v a="$1" -v b="$2" 'BEGIN { printf "%.3f\n", a + b }'
}

# ---- first import ----

# What the worker did once is the measure: its addresses are what curl fetches,
# and its rows are what COPY stores.
prepare_floor()
{
	[ ! -f "$WORK/addresses" ] || return 0
	say "    once without a clock, to learn which requests and rows it takes"
	fresh_companies rehearsal "$COMPANIES"
	forget_requests
	timed_import rehearsal >/dev/null
	requests_and_bytes >"$WORK/expected"
	accounting_requests | cut -d ' ' -f 3 >"$WORK/paths"
	write_addresses "$URL" >"$WORK/addresses"
	copy_tables rehearsal TO
	say "    $(cut -d ' ' -f 1 "$WORK/expected") requests, $(cut -d ' ' -f 2 "$WORK/expected") bytes," \
		"$(value rehearsal "SELECT count(*) FROM reefqbo.actual") amounts," \
		"$(value rehearsal "SELECT count(*) FROM reefqbo.account") accounts"
	drop_companies rehearsal
}

# As curl reads them from a configuration file.
write_addresses()
{
	awk -v url="$1" '{ printf "url = \"%s%s\"\noutput = \"/dev/null\"\n", url, $0 }' "$WORK/paths"
}

# Both directions: copy_tables DATABASE TO|FROM
copy_tables()
{
	local table

	{
		echo "BEGIN;"
		for table in account imported_month _actual_year; do
			echo "COPY reefqbo.$table $2 '$WORK/$table.copy';"
		done
		echo "COMMIT;"
	} | sql "$1" -f -
}

# fetch_all FILE: as many at the same time as the worker, and as it does it.
fetch_all()
{
	curl --parallel --parallel-max "$CONCURRENCY" --http1.1 --compressed --globoff --fail --no-progress-meter \
		--cacert "$WORK/service/ca.pem" -H 'Authorization: Bearer access' -H 'Accept: application/json' \
		--config "$1"
}

# The same bytes by curl, then the same rows by COPY into the same tables.
timed_floor()
{
	local fetching storing

	sql postgres -c "CREATE DATABASE floor TEMPLATE seed_$COMPANIES" -c "CHECKPOINT"
	forget_requests
	fetching=$(seconds_of fetch_all "$WORK/addresses")
	[ "$(requests_and_bytes)" = "$(cat "$WORK/expected")" ] ||
		die "curl fetched something else than the worker: $(requests_and_bytes), not $(cat "$WORK/expected")"
	storing=$(seconds_of copy_tables floor FROM)
	sql postgres -c "DROP DATABASE floor"
	note fetch floor "$fetching"
	note store floor "$storing"
	sum "$fetching" "$storing"
}

figure_import()
{
	local round ours floor

	step "First import of $COMPANIES companies, against curl and COPY"
	prepare_floor
	for round in $(seq "$ROUNDS"); do
		fresh_companies "import_$round" "$COMPANIES"
		ours=$(timed_import "import_$round")
		drop_companies "import_$round"
		floor=$(timed_floor)
		note import worker "$ours"
		note import floor "$floor"
		say "    round $round: worker $ours s; curl and COPY $floor s"
	done
}

# ---- a cycle in which nothing has changed ----

# All are due again six hours later.  Their access tokens have run out by then:
# those are refreshed as well, as they would be.
figure_cycle()
{
	local round import cycle before

	step "A refresh of $COMPANIES companies in which nothing has changed, against their first import"
	for round in $(seq "$ROUNDS"); do
		fresh_companies "cycle_$round" "$COMPANIES"
		import=$(timed_import "cycle_$round")
		before=$(requests_made "cycle_$round")
		pause "cycle_$round"
		set_clock 6
		be_quiet "cycle_$round"
		cycle=$(timed_cycle "cycle_$round")
		note cycle cycle "$cycle"
		note cycle import "$import"
		note cycle_requests cycle $(($(requests_made "cycle_$round") - before))
		note cycle_requests import "$before"
		say "    round $round: refresh $cycle s, $(($(requests_made "cycle_$round") - before)) requests;" \
			"first import $import s, $before requests"
		drop_companies "cycle_$round"
		set_clock 0
	done
}

# ---- latency ----

# Requests, multiplied with the latency, over how many may be under way.
ideal()
{
	awk -v n="$1" -v ms="$LATENCY_MS" -v c="$CONCURRENCY" 'BEGIN { printf "%.3f\n", n * ms / 1000 / c }'
}

# What nobody can beat who has to ask so many things of each company one after
# the other: companies come in whole turns, and the first have to set up their
# connections, a round trip for TCP and one for TLS.
least()
{
	awk -v n="$1" -v m="$COMPANIES" -v ms="$LATENCY_MS" -v c="$CONCURRENCY" \
		'BEGIN { printf "%.3f\n", (int((m + c - 1) / c) * n / m + 2) * ms / 1000 }'
}

# note_far FIGURE SECONDS REQUESTS
note_far()
{
	note "$1" worker "$2"
	note "$1" ideal "$(ideal "$3")"
	note "$1_least" worker "$2"
	note "$1_least" least "$(least "$3")"
}

# The refresh is made due by hand, so that tokens are fresh and it is one request.
make_due()
{
	sql "$1" -c "UPDATE reefqbo.upkeep SET refresh_due_at = reefqbo._now()"
	be_quiet "$1"
}

figure_latency()
{
	local round import cycle requests before

	step "$COMPANIES companies at $LATENCY_MS ms, against requests x latency / concurrency"
	prepare_floor
	write_addresses "$FAR_URL" >"$WORK/far_addresses"
	for round in $(seq "$ROUNDS"); do
		fresh_companies "far_$round" "$COMPANIES" "$FAR_URL"
		import=$(timed_import "far_$round")
		before=$(requests_made "far_$round")
		note_far far_import "$import" "$before"
		pause "far_$round"
		make_due "far_$round"
		cycle=$(timed_cycle "far_$round")
		requests=$(($(requests_made "far_$round") - before))
		note_far far_cycle "$cycle" "$requests"
		drop_companies "far_$round"
		note far_curl curl "$(seconds_of fetch_all "$WORK/far_addresses")"
		note far_curl ideal "$(ideal "$before")"
		say "    round $round: first import $import s for $before requests; refresh $cycle s for $requests"
	done
}

# ---- memory ----

# peak_during COMMAND...: the worker's memory meanwhile, as peak.py prints it.
peak_during()
{
	local watcher

	python3 "$HERE/peak.py" "$(postmaster)" >"$WORK/peak" &
	watcher=$!
	"$@" >/dev/null
	kill -TERM "$watcher"
	wait "$watcher"
	cat "$WORK/peak"
}

# memory_of DATABASE COUNT: of the worker that does their first import.
memory_of()
{
	fresh_companies "$1" "$2"
	peak_during timed_import "$1"
	drop_companies "$1"
}

# A worker that has nothing yet but requests to a server that says nothing.
bare_memory()
{
	fresh_companies bare "$FEW" "$MUTE_URL"
	peak_during wait_for_nobody bare
	drop_companies bare
}

wait_for_nobody()
{
	let_go "$1"
	wait_for "$1" "(SELECT count(*) FROM reefqbo.import_log WHERE status = 'running') > 0"
	sleep 1
}

figure_memory()
{
	local round few few_mapped many many_mapped bare mapped

	step "Memory of the worker: first import of $MANY companies, against $FEW"
	read -r bare mapped < <(bare_memory)
	say "    a worker that waits for its first answer: $bare kB of its own, $mapped kB mapped"
	for round in $(seq "$ROUNDS"); do
		read -r few few_mapped < <(memory_of "few_$round" "$FEW")
		read -r many many_mapped < <(memory_of "many_$round" "$MANY")
		note memory many "$(megabytes "$many")"
		note memory few "$(megabytes "$few")"
		note memory_limit many "$(megabytes "$many")"
		note memory_limit limit 64
		note memory_bare many "$(megabytes "$many")"
		note memory_bare bare "$(megabytes "$bare")"
		note memory_mapped many "$(megabytes "$many_mapped")"
		note memory_mapped few "$(megabytes "$few_mapped")"
		say "    round $round: $FEW companies $few kB ($few_mapped mapped); $MANY companies $many kB ($many_mapped mapped)"
	done
}

megabytes()
{
	awk -v kb="$1" 'BEGIN { printf "%.1f\n", kb / 1024 }'
}

# ---- stopping ----

postmaster()
{
	head -n 1 "$CLUSTER/postmaster.pid"
}

# What "pg_ctl stop -m fast" does, which looks only every tenth of a second
# whether the server has gone.
stop_server()
{
	local pid

	pid=$(postmaster)
	kill -INT "$pid"
	while process_runs "$pid"; do
		sleep 0.002
	done
}

start_server()
{
	pg_ctl -D "$CLUSTER" -l "$SERVER_LOG" -w start >/dev/null
}

figure_stop()
{
	local round idle waiting

	step "A fast shutdown while the worker waits for a server that is mute, against one of the idle server"
	for round in $(seq "$ROUNDS"); do
		sql postgres -c "CHECKPOINT"
		sleep 1
		idle=$(seconds_of stop_server)
		start_server
		fresh_companies "mute_$round" "$COMPANIES" "$MUTE_URL"
		let_go "mute_$round" >/dev/null
		wait_for "mute_$round" "(SELECT count(*) FROM reefqbo.import_log WHERE status = 'running') >= LEAST($COMPANIES, $CONCURRENCY)"
		sql postgres -c "CHECKPOINT"
		sleep 1
		waiting=$(seconds_of stop_server)
		start_server
		drop_companies "mute_$round"
		note stop waiting "$waiting"
		note stop idle "$idle"
		say "    round $round: $waiting s with $COMPANIES companies waiting; idle $idle s"
	done
}

# ---- idling ----

# Voluntary and involuntary.
switches()
{
	awk '/ctxt_switches/ { n += $2 } END { print n }' "/proc/$1/status"
}

figure_idle()
{
	local ours theirs ours_before theirs_before

	step "Context switches in $IDLE_SECONDS s with nothing due: the launcher, against PostgreSQL's autovacuum launcher"
	fresh_companies idle "$FEW"
	pause idle
	ours=$(value idle "SELECT pid FROM reefqbo.worker_status() WHERE state = 'launcher'")
	theirs=$(value postgres "SELECT pid FROM pg_stat_activity WHERE backend_type = 'autovacuum launcher'")
	sleep 2
	ours_before=$(switches "$ours")
	theirs_before=$(switches "$theirs")
	sleep "$IDLE_SECONDS"
	note idle launcher $(($(switches "$ours") - ours_before))
	note idle autovacuum $(($(switches "$theirs") - theirs_before))
	say "    launcher $(($(switches "$ours") - ours_before)), autovacuum launcher $(($(switches "$theirs") - theirs_before))"
	drop_companies idle
}

# ---- reading ----

# The first company again and again, as so many models; what they refer to is there as it is for the first.
crowd_sql()
{
	cat <<-END
		SET session_replication_role = replica;
		SELECT model_id AS model, connection_id AS connection, branch_id AS branch FROM reefqbo.connection ORDER BY 1 LIMIT 1 \gset
		INSERT INTO reefqbo.model (model_id, name) OVERRIDING SYSTEM VALUE
		SELECT 1000000 + g, 'crowd ' || g FROM generate_series(1, $CROWD) g;
		INSERT INTO reefqbo.branch (model_id, branch_id, name) OVERRIDING SYSTEM VALUE
		SELECT 1000000 + g, 1000000 + g, 'crowd ' || g FROM generate_series(1, $CROWD) g;
		INSERT INTO reefqbo.connection (model_id, connection_id, branch_id, environment_id, status, realm_id_sealed, realm_digest,
		    company_name, home_currency, fiscal_year_start_month) OVERRIDING SYSTEM VALUE
		SELECT 1000000 + g, 1000000 + g, 1000000 + g, environment_id, status, realm_id_sealed, realm_digest, company_name,
		    home_currency, fiscal_year_start_month
		FROM reefqbo.connection, generate_series(1, $CROWD) g WHERE connection_id = :connection;
		INSERT INTO reefqbo.account (model_id, connection_id, account_id, name, fully_qualified_name, account_number, classification,
		    account_type, account_subtype, parent_account_id, is_computed)
		SELECT 1000000 + g, 1000000 + g, account_id, name, fully_qualified_name, account_number, classification, account_type,
		    account_subtype, parent_account_id, is_computed
		FROM reefqbo.account, generate_series(1, $CROWD) g WHERE connection_id = :connection;
		INSERT INTO reefqbo.imported_month (model_id, connection_id, statement, accounting_method, period_start, period_end,
		    is_provisional, import_id)
		SELECT 1000000 + g, 1000000 + g, statement, accounting_method, period_start, period_end, is_provisional, import_id
		FROM reefqbo.imported_month, generate_series(1, $CROWD) g WHERE connection_id = :connection;
		INSERT INTO reefqbo._actual_year (model_id, connection_id, account_id, statement, accounting_method, year, amounts, import_id)
		SELECT 1000000 + g, 1000000 + g, account_id, statement, accounting_method, year, amounts, import_id
		FROM reefqbo._actual_year, generate_series(1, $CROWD) g WHERE connection_id = :connection;
	END
}

# Both statements of the first company, twelve months, twenty times.
read_statements()
{
	local model

	model=$(value "$1" "SELECT m.name FROM reefqbo.model m JOIN reefqbo.connection c USING (model_id) ORDER BY m.model_id LIMIT 1")
	sql "$1" -At -c "SELECT count(s) FROM generate_series(1, 20), unnest(ARRAY['profit_and_loss', 'balance_sheet']) n,
	        LATERAL reefqbo.statement('$model', n, '-infinity', 'infinity') s"
}

figure_statement()
{
	local round crowd alone

	step "Reading twenty times both statements of a company, among the actuals of $CROWD companies and of $FEW"
	fresh_companies alone "$FEW"
	timed_import alone >/dev/null
	pause alone
	reload_with reefqbo.databases ""
	sql postgres -c "CREATE DATABASE crowd TEMPLATE alone"
	crowd_sql | sql crowd -f -
	for database in alone crowd; do
		sql "$database" -c "VACUUM ANALYZE"
		read_statements "$database" >/dev/null
	done
	for round in $(seq "$ROUNDS"); do
		crowd=$(seconds_of read_statements crowd)
		alone=$(seconds_of read_statements alone)
		note statement crowd "$crowd"
		note statement alone "$alone"
		say "    round $round: $crowd s among $(value crowd "SELECT count(*) FROM reefqbo.actual") amounts; $alone s alone"
	done
	drop_companies crowd
	drop_companies alone
}

# ---- a large report ----

# A report by class of so many columns, every other of which is a sum of all classes, and of one account.
report_sql()
{
	cat <<-END
		INSERT INTO report
		SELECT $1, format('{"Header": {"ReportName": "ProfitAndLoss", "SummarizeColumnsBy": "Classes"}, "Columns": {"Column": '
		    '[{"ColTitle": "", "ColType": "Account"}%1\$s]}, "Rows": {"Row": [{"Rows": {"Row": [{"ColData": [{"value": "Dives", '
		    '"id": "1"}%2\$s]}]}, "Summary": {"ColData": [{"value": "Total Income"}%2\$s]}, "group": "Income"}, {"Summary": '
		    '{"ColData": [{"value": "Net Income"}%2\$s]}, "group": "NetIncome"}]}}',
		    string_agg(format(', {"ColTitle": "Class %1\$s", "ColType": "Money", "MetaData": [{"Name": "ColKey", "Value": "%1\$s"}]}'
		        ', {"ColTitle": "Sum %1\$s", "ColType": "Money", "MetaData": [{"Name": "ColKey", "Value": "total"}]}', g), ''),
		    string_agg(format(', {"value": "1.00"}, {"value": "%s.00"}', $1 / 2), ''))
		FROM generate_series(1, $1 / 2) g;
	END
}

read_report()
{
	sql reports -At -c "SELECT count(*) FROM generate_series(1, 5), LATERAL (SELECT report FROM report WHERE columns = $1) r,
	        LATERAL reefqbo.report_cells(r.report)"
}

figure_report()
{
	local round few=3000 many=12000 long short

	step "Reading five times a report by class of $many columns, against one of $few"
	sql postgres -c "CREATE DATABASE reports TEMPLATE seed_$FEW"
	sql reports -c "CREATE TABLE report (columns integer, report text)"
	{ report_sql $few && report_sql $many; } | sql reports -f -
	say "    they have $(value reports "SELECT string_agg(octet_length(report)::text, ' and ' ORDER BY columns) FROM report") bytes"
	for round in $(seq "$ROUNDS"); do
		long=$(seconds_of read_report $many)
		short=$(seconds_of read_report $few)
		note report long "$long"
		note report short "$short"
		say "    round $round: $long s and $short s"
	done
	sql postgres -c "DROP DATABASE reports"
}
