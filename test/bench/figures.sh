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
# and its rows are what COPY stores and what the others are held against.
prepare_floor()
{
	[ ! -f "$WORK/addresses" ] || return 0
	say "    once without a clock, to learn which requests and rows it takes"
	fresh_companies rehearsal "$COMPANIES"
	forget_requests
	timed_import rehearsal >/dev/null
	requests_and_bytes >"$WORK/expected"
	accounting_requests | cut -d ' ' -f 3 >"$WORK/paths"
	write_addresses "$URL" <"$WORK/paths" >"$WORK/addresses"
	write_rows rehearsal "$OUR_ACCOUNTS" "$OUR_AMOUNTS" "$WORK/ours"
	say "    $(cut -d ' ' -f 1 "$WORK/expected") requests, $(cut -d ' ' -f 2 "$WORK/expected") bytes," \
		"$(wc -l <"$WORK/ours.actual") amounts, $(wc -l <"$WORK/ours.account") accounts; every proof has passed"
	drop_companies rehearsal
	sql postgres -c "CREATE DATABASE typed"
	sql typed -f "$HERE/typed.sql"
}

# As curl reads them from a configuration file.
write_addresses()
{
	awk -v url="$1" '{ printf "url = \"%s%s\"\noutput = \"/dev/null\"\n", url, $0 }'
}

# fetch_all FILE: as many at the same time as the worker, and as it does it.
fetch_all()
{
	curl --parallel --parallel-max "$CONCURRENCY" --http1.1 --compressed --globoff --fail --no-progress-meter \
		--cacert "$WORK/service/ca.pem" -H 'Authorization: Bearer access' -H 'Accept: application/json' \
		--config "$1"
}

# with_typed NAME COMMAND...: in a database with the typed tables, the rows of which are compared afterwards.
with_typed()
{
	local name=$1
	shift

	sql postgres -c "CREATE DATABASE $name TEMPLATE typed" -c "CHECKPOINT"
	"$@"
	compare_rows "$name" >&2
	sql postgres -c "DROP DATABASE $name"
}

copy_rows()
{
	sql floor -c "BEGIN" -c "COPY account FROM '$WORK/ours.account'" -c "COPY actual FROM '$WORK/ours.actual'" -c "COMMIT"
}

# The same bytes by curl, then the same rows by COPY.
timed_floor()
{
	local fetching storing

	forget_requests
	fetching=$(seconds_of fetch_all "$WORK/addresses")
	[ "$(requests_and_bytes)" = "$(cat "$WORK/expected")" ] ||
		die "curl fetched something else than the worker: $(requests_and_bytes), not $(cat "$WORK/expected")"
	storing=$(with_typed floor seconds_of copy_rows)
	note fetch floor "$fetching"
	note store floor "$storing"
	sum "$fetching" "$storing"
}

# timed_node URL AT_A_TIME: node-quickbooks and pg, from the first request to the last commit.
timed_node()
{
	with_typed node env NODE_EXTRA_CA_CERTS="$WORK/service/ca.pem" PGDATABASE=node \
		node "$HERE/node/stack.js" "$1/production" "$COMPANIES" "$2" "$START" "$END"
}

# What somebody needs who has PL/pgSQL and COPY: the three answers with figures of each company, as files.
write_downloads()
{
	awk -v url="$URL" -v n="$COMPANIES" -v dir="$WORK/downloads" -v from="$START" -v to="$END" '
		function get(i, path, name) {
			printf "url = \"%s/production/v3/company/%d/%s\"\noutput = \"%s/%d-%s\"\n", url, 9341700000000000 + i, path, dir, i, name
		}
		function report(i, name) {
			get(i, "reports/" name "?start_date=" from "&end_date=" to "&accounting_method=Accrual&summarize_column_by=Month", name)
		}
		BEGIN {
			for (i = 1; i <= n; i++) {
				get(i, "query?query=select%20*%20from%20Account%20where%20Active%20IN%20(true,%20false)", "accounts")
				report(i, "ProfitAndLoss")
				report(i, "BalanceSheet")
			}
		}'
}

fetch_and_take()
{
	fetch_all "$WORK/downloading"
	sql plpgsql -c "CALL take_all('$WORK/downloads', $COMPANIES)"
}

timed_plpgsql()
{
	mkdir -p "$WORK/downloads"
	write_downloads >"$WORK/downloading"
	with_typed plpgsql seconds_of fetch_and_take
}

figure_import()
{
	local round ours floor node plpgsql

	step "First import of $COMPANIES companies, against node-quickbooks, curl and COPY, and PL/pgSQL"
	prepare_floor
	for round in $(seq "$ROUNDS"); do
		fresh_companies "import_$round" "$COMPANIES"
		ours=$(timed_import "import_$round")
		write_rows "import_$round" "$OUR_ACCOUNTS" "$OUR_AMOUNTS" "$WORK/again"
		cmp -s "$WORK/again.actual" "$WORK/ours.actual" || die "the worker has stored other rows than before"
		drop_companies "import_$round"
		floor=$(timed_floor)
		node=$(timed_node "$URL" 10)
		plpgsql=$(timed_plpgsql)
		note import_node worker "$ours"
		note import_node node "$node"
		note import worker "$ours"
		note import floor "$floor"
		note import_plpgsql worker "$ours"
		note import_plpgsql plpgsql "$plpgsql"
		say "    round $round: worker $ours s; node $node s; curl and COPY $floor s; curl and PL/pgSQL $plpgsql s"
	done
}

# ---- what it takes on disk ----

# Tables that hold amounts, with their indexes.
SIZE_OF_AMOUNTS="SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c
	WHERE c.relnamespace = 'reefqbo'::regnamespace AND c.relkind = 'r' AND c.relname ~ '^_?actual'"

figure_size()
{
	local round before bytes wal amounts

	step "What an amount takes: on disk with its indexes, and in the log, at the first import of $COMPANIES companies"
	for round in $(seq "$ROUNDS"); do
		fresh_companies "size_$round" "$COMPANIES"
		before=$(value postgres "SELECT pg_current_wal_insert_lsn()")
		timed_import "size_$round" >/dev/null
		wal=$(value postgres "SELECT pg_current_wal_insert_lsn() - '$before'::pg_lsn")
		amounts=$(value "size_$round" "SELECT count(*) FROM reefqbo.actual")
		bytes=$(value "size_$round" "$SIZE_OF_AMOUNTS")
		drop_companies "size_$round"
		note disk bytes "$bytes"
		note disk amounts "$amounts"
		note wal bytes "$wal"
		note wal amounts "$amounts"
		say "    round $round: $amounts amounts, $bytes bytes on disk, $wal bytes of WAL"
	done
}

# ---- a cycle in which nothing has changed ----

# What the worker asks then, of Intuit's token endpoint too.
cycle_addresses()
{
	cut -d ' ' -f 3 "$WORK/service/access.log" | write_addresses "$URL"
}

# All are due again six hours later.  Their access tokens have run out by then:
# those are refreshed as well, as they would be.
figure_cycle()
{
	local round import cycle before floor

	step "A refresh of $COMPANIES companies in which nothing has changed, against curl of the same requests"
	for round in $(seq "$ROUNDS"); do
		fresh_companies "cycle_$round" "$COMPANIES"
		import=$(timed_import "cycle_$round")
		before=$(requests_made "cycle_$round")
		pause "cycle_$round"
		set_clock 6
		be_quiet "cycle_$round"
		forget_requests
		cycle=$(timed_cycle "cycle_$round")
		cycle_addresses >"$WORK/cycle_addresses"
		floor=$(seconds_of fetch_all "$WORK/cycle_addresses")
		note cycle_curl cycle "$cycle"
		note cycle_curl curl "$floor"
		note cycle cycle "$cycle"
		note cycle import "$import"
		note cycle_requests cycle $(($(requests_made "cycle_$round") - before))
		note cycle_requests import "$before"
		say "    round $round: refresh $cycle s, $(($(requests_made "cycle_$round") - before)) requests; curl $floor s;" \
			"first import $import s, $before requests"
		drop_companies "cycle_$round"
		set_clock 0
	done
}

# ---- several workers ----

figure_workers()
{
	local round one two

	step "First import of $COMPANIES companies by two workers of one database, against one"
	[ "$(value postgres "SELECT count(*) FROM pg_settings WHERE name = 'reefqbo.workers_per_database'")" = 1 ] || {
		say "    a database has one worker"
		return 0
	}
	for round in $(seq "$ROUNDS"); do
		fresh_companies "one_$round" "$COMPANIES"
		one=$(timed_import "one_$round")
		drop_companies "one_$round"
		reload_with reefqbo.workers_per_database 2
		fresh_companies "two_$round" "$COMPANIES"
		two=$(timed_import "two_$round")
		drop_companies "two_$round"
		reload_with reefqbo.workers_per_database 1
		note workers two "$two"
		note workers one "$one"
		say "    round $round: two workers $two s; one $one s"
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
	local round import cycle requests before node few

	step "$COMPANIES companies at $LATENCY_MS ms, against requests x latency / concurrency, and node-quickbooks"
	prepare_floor
	write_addresses "$FAR_URL" <"$WORK/paths" >"$WORK/far_addresses"
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
		node=$(timed_node "$FAR_URL" "$CONCURRENCY")
		few=$(timed_node "$FAR_URL" 10)
		note far_node worker "$import"
		note far_node node "$node"
		note far_node_few worker "$import"
		note far_node_few node "$few"
		note far_curl curl "$(seconds_of fetch_all "$WORK/far_addresses")"
		note far_curl ideal "$(ideal "$before")"
		say "    round $round: first import $import s for $before requests; refresh $cycle s for $requests;" \
			"node $node s, 10 at a time $few s"
	done
}

# How many requests there are of which each was sent after the one before was answered.
ROUND_TRIPS="WITH RECURSIVE call AS (
	    SELECT row_number() OVER (ORDER BY called_at) AS n, called_at AS sent,
	        called_at + interval '1 millisecond' * milliseconds AS answered FROM reefqbo.api_call WHERE method = 'GET'
	), chain AS (
	    (SELECT 1 AS length, answered FROM call ORDER BY answered LIMIT 1)
	    UNION ALL
	    SELECT c.length + 1, (SELECT min(answered) FROM call WHERE sent > c.answered) FROM chain c
	    WHERE EXISTS (SELECT FROM call WHERE sent > c.answered)
	) SELECT max(length) FROM chain"

# The connections are new: TCP and TLS take two round trips before the first request.
figure_company()
{
	local round seconds before trips

	step "One company, thirty-six months, at $LATENCY_MS ms"
	for round in $(seq "$ROUNDS"); do
		fresh_companies "company_$round" 1 "$FAR_URL"
		want_years "company_$round"
		sql "company_$round" -c "DELETE FROM reefqbo.api_call"
		seconds=$(timed_import "company_$round")
		trips=$(value "company_$round" "$ROUND_TRIPS")
		before=$(requests_made "company_$round")
		drop_companies "company_$round"
		note company worker "$seconds"
		note company latency "$(awk -v ms="$LATENCY_MS" 'BEGIN { printf "%.3f\n", ms / 1000 }')"
		note company_trips trips "$trips"
		note company_trips one 1
		say "    round $round: $seconds s for $before requests, $trips of them one after the other"
	done
}

# ---- webhooks ----

WEBHOOK_TOKEN=bench-verifier-token

# hand_in DATABASE NAME EVENTS COMPANIES: all of them must call for a refresh.
hand_in()
{
	python3 "$HERE/webhook.py" "$WEBHOOK_TOKEN" "$2" "$3" "$4" >"$WORK/webhook.sql"
	[ "$(sql "$1" -At -f "$WORK/webhook.sql")" = "$3" ] || die "a webhook was not taken in"
}

wait_for_events()
{
	wait_for "$1" "NOT EXISTS (SELECT FROM reefqbo.webhook_event) OR EXISTS (SELECT FROM reefqbo.upkeep WHERE failures > 0)"
	refuse_failures "$1"
}

# A webhook of one company waits for others for five seconds, and then for the worker.
figure_webhook()
{
	local round database=webhook taking until_there

	step "Webhooks: 1,000 events of $COMPANIES companies, and one until its figures are there"
	fresh_companies $database "$COMPANIES"
	timed_import $database >/dev/null
	pause $database
	set_clock 6
	be_quiet $database
	timed_cycle $database >/dev/null
	sql $database -c "SELECT reefqbo.register_webhook('bench', '$WEBHOOK_TOKEN')" >/dev/null
	for round in $(seq "$ROUNDS"); do
		sql $database -c "UPDATE reefqbo.upkeep SET attempted_at = attempted_at - interval '1 hour', refresh_due_at = reefqbo._now() + interval '3 hours'"
		python3 "$HERE/webhook.py" "$WEBHOOK_TOKEN" "many_$round" 1000 "$COMPANIES" >"$WORK/webhook.sql"
		taking=$(seconds_of sql $database -o /dev/null -f "$WORK/webhook.sql")
		wait_for_events $database
		sql $database -c "UPDATE reefqbo.upkeep SET attempted_at = attempted_at - interval '1 hour'"
		hand_in $database "one_$round" 1 1
		until_there=$(seconds_of wait_for_events $database)
		note webhook taking "$taking"
		note webhook goal 0.1
		note webhook_rows rows "$(awk -v s="$taking" 'BEGIN { printf "%.0f\n", 1000 / s }')"
		note webhook_rows one 1
		note webhook_figure until "$until_there"
		note webhook_figure gathering 5
		say "    round $round: 1,000 events in $taking s, psql and the connection counted; figures there after $until_there s"
	done
	drop_companies $database
	set_clock 0
}

# ---- memory ----

WORKER="reefqbo worker for database"
ANY_WORKER="reefqbo worker for"

# peak_during TITLE COMMAND...: the memory of processes of that title meanwhile, as peak.py prints it.
peak_during()
{
	local watcher title=$1
	shift

	rm -f "$WORK/watching"
	python3 "$HERE/peak.py" "$(postmaster)" "$title" "$WORK/watching" >"$WORK/peak" &
	watcher=$!
	until [ -e "$WORK/watching" ]; do sleep 0.1; done
	"$@" >/dev/null
	kill -TERM "$watcher"
	wait "$watcher"
	cat "$WORK/peak"
}

# memory_of DATABASE COUNT: of the worker that does their first import.
memory_of()
{
	fresh_companies "$1" "$2"
	peak_during "$WORKER" timed_import "$1"
	drop_companies "$1"
}

# A worker that has nothing yet but requests to a server that says nothing.
bare_memory()
{
	fresh_companies bare "$FEW" "$MUTE_URL"
	peak_during "$WORKER" wait_for_nobody bare
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

# ---- memory of long answers ----

# A profit and loss by month of so many accounts.
wide_report_sql()
{
	cat <<-END
		INSERT INTO report
		SELECT $1, format('{"Header": {"ReportName": "ProfitAndLoss", "SummarizeColumnsBy": "Month", "ReportBasis": "Accrual", '
		    '"StartPeriod": "2025-01-01", "EndPeriod": "2025-12-31"}, "Columns": {"Column": [{"ColTitle": "", "ColType": "Account"}%s, '
		    '{"ColTitle": "Total", "ColType": "Money", "MetaData": [{"Name": "ColKey", "Value": "total"}]}]}, "Rows": {"Row": [{"Header": '
		    '{"ColData": [{"value": "Income"}]}, "Rows": {"Row": [%s]}, "Summary": {"ColData": [{"value": "Total Income"}%s]}, '
		    '"group": "Income", "type": "Section"}, {"Summary": {"ColData": [{"value": "Net Income"}%s]}, "group": "NetIncome", "type": "Section"}]}}',
		    c.columns, r.rows, s.sums, s.sums)
		FROM (SELECT string_agg(format(', {"ColTitle": "%s", "ColType": "Money", "MetaData": [{"Name": "StartDate", "Value": "%s"}, '
		        '{"Name": "EndDate", "Value": "%s"}]}', to_char(m, 'Mon YYYY'), m::date, (m + interval '1 month')::date - 1), '' ORDER BY m) AS columns
		    FROM generate_series(timestamp '2025-01-01', '2025-12-01', '1 month') m) c,
		    (SELECT string_agg(format('{"ColData": [{"value": "Account %s", "id": "%s"}%s, {"value": "12.00"}], "type": "Data"}', g, g,
		        repeat(', {"value": "1.00"}', 12)), ', ') AS rows FROM generate_series(1, $1) g) r,
		    (SELECT repeat(format(', {"value": "%s.00"}', $1), 12) || format(', {"value": "%s.00"}', 12 * $1) AS sums) s;
	END
}

read_wide_report()
{
	sql wide -At -c "SELECT count(*) FROM (SELECT report FROM report WHERE columns = $1) r, LATERAL reefqbo.report_cells(r.report)"
}

figure_report_memory()
{
	local round lines=24000 bytes peak none _

	step "Memory of a session that reads a report by month, against the report's bytes"
	sql postgres -c "CREATE DATABASE wide TEMPLATE seed_$FEW"
	sql wide -c "CREATE TABLE report (columns integer, report text)"
	{ wide_report_sql 1 && wide_report_sql "$lines"; } | sql wide -f -
	bytes=$(value wide "SELECT octet_length(report) FROM report WHERE columns = $lines")
	for round in $(seq "$ROUNDS"); do
		read -r none _ < <(peak_during "$PGUSER wide" read_wide_report 1)
		read -r peak _ < <(peak_during "$PGUSER wide" read_wide_report "$lines")
		note report_memory session "$(megabytes $((peak - none)))"
		note report_memory bytes "$(megabytes $((bytes / 1024)))"
		say "    round $round: $peak kB for $bytes bytes; $none kB for a report of one line"
	done
	sql postgres -c "DROP DATABASE wide"
}

read_ledger()
{
	sql ledger -At -c "SELECT count(*) FROM reefqbo.ledger_lines('Company $BOOKED_COMPANY', '6', (date '$TODAY' - interval '1 month')::date)"
}

figure_ledger()
{
	local round worker session _

	step "Memory of reefqbo.ledger_lines of $LEDGER_LINES lines: the worker's and the session's"
	fresh_companies ledger "$BOOKED_COMPANY"
	timed_import ledger >/dev/null
	pause ledger
	for round in $(seq "$ROUNDS"); do
		read -r worker _ < <(peak_during "$ANY_WORKER" read_ledger)
		read -r session _ < <(peak_during "$PGUSER ledger" read_ledger)
		note ledger_worker worker "$(megabytes "$worker")"
		note ledger_worker goal 60
		note ledger_session session "$(megabytes "$session")"
		note ledger_session goal 20
		say "    round $round: worker $worker kB, session $session kB"
	done
	drop_companies ledger
}
