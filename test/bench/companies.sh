# Databases full of connected companies, and having the worker do what they wait for.
#
# Connecting takes longer than all that is measured.  So it is done once, in
# the database "seed", which is copied each time a figure needs companies that
# were never imported: seed_10, seed_200 and seed_1000 hold the first so many.

JOBS=4
SECONDS_TO_WAIT=1800

sql()
{
	local database=$1
	shift
	psql -q -X -v ON_ERROR_STOP=1 -d "$database" "$@"
}

value()
{
	sql "$1" -At -c "$2"
}

# Only a session that begins after the postmaster has read its configuration sees it.
reload_with()
{
	sql postgres -c "ALTER SYSTEM SET $1 = '$2'" -c "SELECT pg_reload_conf()" >/dev/null
	for _ in $(seq 600); do
		[ "$(value postgres "SELECT setting FROM pg_settings WHERE name = '$1'")" != "$2" ] || return 0
		sleep 0.02
	done
	die "the server has not read its configuration: $1 = $2"
}

# wait_for DATABASE CONDITION: asked within the server, so that asking costs little.
wait_for()
{
	sql "$1" -c "DO \$\$
		BEGIN
			FOR i IN 1 .. $SECONDS_TO_WAIT * 20 LOOP
				IF $2 THEN
					RETURN;
				END IF;
				COMMIT;
				PERFORM pg_sleep(0.05);
			END LOOP;
			RAISE 'waited in vain';
		END
		\$\$" || die "this did not come about in $SECONDS_TO_WAIT seconds: $2"
}

# ---- making them ----

# The largest number of companies that the chosen figures need.
make_companies()
{
	local counts count from=1

	mapfile -t counts < <(counts_for "$1" | sort -nu)
	set_clock 0
	make_seed
	for count in "${counts[@]}"; do
		connect_companies "$from" "$count"
		sql postgres -c "CREATE DATABASE seed_$count TEMPLATE seed"
		from=$((count + 1))
	done
}

counts_for()
{
	local figure

	for figure in $1; do
		case $figure in
			memory) printf '%s\n' "$FEW" "$MANY" ;;
			idle | statement | report | report_memory) echo "$FEW" ;;
			company) echo 1 ;;
			ledger) echo "$BOOKED_COMPANY" ;;
			*) echo "$COMPANIES" ;;
		esac
	done
}

# The server's time is the simulator's day, moved by so many hours: the answers
# are of that day.
set_clock()
{
	local base

	[ -n "${CLOCK_BASE:-}" ] || CLOCK_BASE=$(($(date -d "$TODAY 12:00 UTC" +%s) - $(date +%s)))
	base=$((CLOCK_BASE + $1 * 3600))
	reload_with reefqbo.clock_offset "$base"
}

make_seed()
{
	sql postgres -c "CREATE DATABASE seed"
	sql seed >/dev/null <<-END
		CREATE EXTENSION reefqbo CASCADE;
		SELECT FROM reefqbo.create_environment('bench', false, '$URL/connect/oauth2',
		    '$URL/oauth2/v1/tokens/bearer', '$URL/v2/oauth2/tokens/revoke', '$URL/production');
		SELECT FROM reefqbo.register_app('bench', 'client', 'secret', 'https://app.example.com/callback');
	END
}

# Companies FROM to TO, each connected to a model of its own, several at the
# same time; nothing is read of them until their schedules are let go.
connect_companies()
{
	local job

	say "    companies $1 to $2"
	for job in $(seq 0 $((JOBS - 1))); do
		connecting_sql $(($1 + job)) "$2" | sql seed -f - >/dev/null &
	done
	wait_for_jobs || die "the companies could not be connected"
	want_imports
}

connecting_sql()
{
	local number

	for number in $(seq "$1" $JOBS "$2"); do
		cat <<-END
			SELECT FROM reefqbo.create_model('Company $number');
			SELECT FROM reefqbo.set_schedule('Company $number', paused => true);
			SELECT substring(reefqbo.connect('Company $number', 'bench') FROM 'state=([0-9a-f]+)') AS state \\gset
			SELECT FROM reefqbo.complete_connection(:'state', 'code', '$((9341700000000000 + number))');
		END
	done
}

# Not those that run the service.
wait_for_jobs()
{
	local job status=0

	for job in $(jobs -p); do
		case " ${SERVICE_PIDS[*]} " in *" $job "*) continue ;; esac
		wait "$job" || status=1
	done
	return $status
}

# An import that was cut off before its first chunk is what the worker goes on
# with by itself: so each company wants its twelve months.
want_imports()
{
	sql seed <<-END
		WITH cut_off AS (
		    INSERT INTO reefqbo.import_log (model_id, connection_id, kind, accounting_method, start_date, end_date,
		        status, finished_at, started_by, chunks_total, pending)
		    SELECT model_id, connection_id, 'actuals', 'Accrual', '$START', '$END',
		        'interrupted', reefqbo._now(), 'bench', 1, ARRAY[daterange('$START', '$END', '[]')]
		    FROM reefqbo.upkeep WHERE backfill_import_id IS NULL
		    RETURNING model_id, connection_id, import_id
		)
		UPDATE reefqbo.upkeep u
		SET backfill_import_id = c.import_id, backfill_is_wanted = true, refresh_due_at = reefqbo._now() + interval '3 hours'
		FROM cut_off c WHERE c.model_id = u.model_id AND c.connection_id = u.connection_id;
	END
}

# ---- using them ----

# fresh_companies DATABASE COUNT [URL]: connected, never imported, and the
# worker looks after them but may not do anything yet.
fresh_companies()
{
	sql postgres -c "CREATE DATABASE $1 TEMPLATE seed_$2"
	[ $# -lt 3 ] || sql "$1" -c "UPDATE reefqbo.environment SET api_url = '$3/production' WHERE name = 'bench'"
	reload_with reefqbo.databases "$1"
	be_quiet "$1"
}

# Until the worker has looked and found nothing.
be_quiet()
{
	wait_for "$1" "(SELECT bool_and(state = 'idle') FROM reefqbo.worker_status() WHERE database = '$1')"
	sql "$1" -c "CHECKPOINT"
}

drop_companies()
{
	reload_with reefqbo.databases ""
	sql postgres -c "DROP DATABASE $1 WITH (FORCE)"
}

pause()
{
	sql "$1" -c "UPDATE reefqbo.schedule SET is_paused = true"
	wait_for "$1" "(SELECT bool_and(state = 'idle') FROM reefqbo.worker_status() WHERE database = '$1')"
}

# Lets the schedules go, which wakes the worker; prints when that was.
let_go()
{
	sql "$1" -At <<-END
		SELECT extract(epoch FROM reefqbo._now());
		UPDATE reefqbo.schedule SET is_paused = false;
	END
}

# want_years DATABASE: the import that its companies wait for is of thirty-six months.
want_years()
{
	sql "$1" -c "UPDATE reefqbo.import_log SET start_date = '$LONG_START', chunks_total = 3,
	        pending = ARRAY[daterange('$LONG_START', '$END', '[]')] WHERE status = 'interrupted'"
}

# timed_import DATABASE: seconds from the wake to the end of the last company's import.
timed_import()
{
	local began

	began=$(let_go "$1")
	wait_for "$1" "NOT EXISTS (SELECT FROM reefqbo.upkeep WHERE backfill_is_wanted) OR EXISTS (SELECT FROM reefqbo.import_log WHERE status = 'failed')"
	refuse_failures "$1"
	value "$1" "SELECT round(extract(epoch FROM max(finished_at)) - $began, 3) FROM reefqbo.import_log WHERE status = 'succeeded'"
}

# timed_cycle DATABASE: the same for a refresh of every company.
timed_cycle()
{
	local began

	began=$(let_go "$1")
	wait_for "$1" "NOT EXISTS (SELECT FROM reefqbo.upkeep WHERE succeeded_at IS NULL OR succeeded_at < to_timestamp($began)) OR EXISTS (SELECT FROM reefqbo.upkeep WHERE failures > 0)"
	refuse_failures "$1"
	value "$1" "SELECT round(extract(epoch FROM max(succeeded_at)) - $began, 3) FROM reefqbo.upkeep"
}

# A figure of work that was not done, or that was not proved, is no figure.  Of a fiscal year whose first months are
# not imported, the net income cannot be proved.
refuse_failures()
{
	local failed

	failed=$(value "$1" "SELECT sqlstate || ' ' || message FROM reefqbo.upkeep WHERE failures > 0 LIMIT 1")
	[ -z "$failed" ] || die "a company failed: $failed"
	failed=$(value "$1" "SELECT concat_ws(', ', kind, statement, detail) FROM reefqbo.tie_out_check
	    WHERE NOT COALESCE(passed, kind = 'net_income' AND detail LIKE '%are not imported') LIMIT 1")
	[ -z "$failed" ] || die "a proof failed: $failed"
	failed=$(value "$1" "SELECT count(*) FROM reefqbo.import_log l WHERE l.status = 'succeeded' AND l.kind = 'actuals'
	        AND (SELECT count(DISTINCT k.kind) FROM reefqbo.tie_out_check k WHERE k.model_id = l.model_id AND k.import_id = l.import_id
	            AND k.kind IN ('section_totals', 'balance', 'net_income', 'year_in_one_column', 'trial_balance_statements')) < 5")
	[ "$failed" = 0 ] || die "imports were not proved: $failed"
}

# ---- rows ----

# The rows of both sides in one form. What QuickBooks computes (net income in equity) has no account and is reefqbo's alone.
OUR_ACCOUNTS="SELECT substring(m.name FROM '[0-9]+')::bigint, a.account_id, a.name, a.fully_qualified_name, a.account_number,
	a.classification, a.account_type, a.account_subtype, a.parent_account_id, a.is_active, a.currency, trim_scale(a.current_balance)
	FROM reefqbo.account a JOIN reefqbo.model m USING (model_id) WHERE NOT a.is_computed"
OUR_AMOUNTS="SELECT substring(m.name FROM '[0-9]+')::bigint, a.account_id, a.statement, a.accounting_method, a.period_start,
	a.period_end, a.amount FROM reefqbo.actual a JOIN reefqbo.account c USING (model_id, connection_id, account_id)
	JOIN reefqbo.model m USING (model_id) WHERE NOT c.is_computed AND a.amount <> 0"

# write_rows DATABASE ACCOUNTS AMOUNTS FILE
write_rows()
{
	sql "$1" -c "COPY ($2 ORDER BY 1, 2) TO '$4.account'" -c "COPY ($3 ORDER BY 1, 2, 3, 4, 5) TO '$4.actual'"
}

# A balance is a number in QuickBooks' JSON, of which JavaScript leaves no cents that are 0.
THEIR_ACCOUNTS="SELECT company, account_id, name, fully_qualified_name, account_number, classification, account_type,
	account_subtype, parent_account_id, is_active, currency, trim_scale(current_balance) FROM account"

# Typed rows of DATABASE, against those of reefqbo: both read what the same server serves.
compare_rows()
{
	local table

	write_rows "$1" "$THEIR_ACCOUNTS" "SELECT * FROM actual" "$WORK/theirs"
	for table in account actual; do
		cmp -s "$WORK/ours.$table" "$WORK/theirs.$table" ||
			die "$1 has other rows than reefqbo in $table: $(diff "$WORK/ours.$table" "$WORK/theirs.$table" | head -n 4)"
	done
}

requests_made()
{
	value "$1" "SELECT sum(requests_total) FROM reefqbo.upkeep"
}
