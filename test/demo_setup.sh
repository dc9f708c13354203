# What the demo and its cluster begin with: a simulated QuickBooks, the extension, and a model linked to a company
# with three years of actuals. Sourced by demo.sh and demo_cluster.sh.

set -eu
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
SIMULATOR=$(cd "$HERE/../simulator" && pwd)
SIMULATOR_PID=
COMPANY=reef
REDIRECT=https://app.example.com/quickbooks/callback
export PSQLRC=/dev/null PGOPTIONS='-c client_min_messages=notice'

step()
{
	printf '\n\n== %s\n\n' "$*"
}

tell()
{
	printf '%s\n' "$*"
}

# Show a statement and run it.
sql()
{
	printf '=> %s\n' "$1"
	printf '%s\n' "$1" | psql -q -v ON_ERROR_STOP=1 -P footer=off -f - 2>&1 | sed 's/^psql:[^ ]* //'
}

# Run a statement unseen and return its one value.
value()
{
	psql -q -At -v ON_ERROR_STOP=1 -c "$1"
}

simulator_admin()
{
	python3 "$SIMULATOR/admin.py" --ca "$REEFQBO_WORK/intuit/ca.pem" --url "$URL" "$@"
}

# start_simulator [OPTION...]: of server.py.
start_simulator()
{
	mkdir "$REEFQBO_WORK/intuit"
	python3 "$SIMULATOR/server.py" --dir "$REEFQBO_WORK/intuit" "$@" >"$REEFQBO_WORK/simulator.json" \
		2>"$REEFQBO_WORK/simulator.err" &
	SIMULATOR_PID=$!
	trap 'kill "$SIMULATOR_PID" 2>/dev/null || true' EXIT
	for _ in $(seq 100); do
		[ ! -s "$REEFQBO_WORK/simulator.json" ] || break
		sleep 0.1
	done
	URL=$(sed -n 's/.*"url": *"\([^"]*\)".*/\1/p' "$REEFQBO_WORK/simulator.json")
	[ -n "$URL" ] || { cat "$REEFQBO_WORK/simulator.err"; exit 1; }
}

install_extension()
{
	step "1. The DBA installs the extension, makes a key and names the files"
	(umask 077 && echo "k1:$(openssl rand -base64 32)" >"$REEFQBO_WORK/reefqbo.key")
	tell "\$ (umask 077; echo \"k1:\$(openssl rand -base64 32)\" > reefqbo.key)"
	sql "CREATE EXTENSION reefqbo CASCADE;"
	# in postgresql.conf for good; here for the demo's cluster
	psql -q -v ON_ERROR_STOP=1 <<-END
		ALTER SYSTEM SET reefqbo.key_file = '$REEFQBO_WORK/reefqbo.key';
		ALTER SYSTEM SET reefqbo.ca_file = '$REEFQBO_WORK/intuit/ca.pem';
		SELECT pg_reload_conf() \g /dev/null
	END
	tell "postgresql.conf: reefqbo.key_file = '…/reefqbo.key', reefqbo.ca_file = '…/ca.pem'"
	tell "                 shared_preload_libraries = 'reefqbo', reefqbo.databases = 'postgres'"
}

set_up()
{
	step "2. Endpoints and app: the built-in QuickBooks simulator stands in for Intuit"
	sql "SELECT reefqbo.create_environment('simulator', false, '$URL/connect/oauth2',
       '$URL/oauth2/v1/tokens/bearer', '$URL/v2/oauth2/tokens/revoke', '$URL/production');"
	sql "SELECT reefqbo.register_app('simulator', 'prod-client', 'prod-secret', '$REDIRECT');"
	sql "SELECT reefqbo.create_model('Reef forecast');"
}

connect_company()
{
	local address back

	step "3. Connect: the application shows an address, the user signs in at Intuit"
	address=$(value "SELECT reefqbo.connect('Reef forecast', 'simulator')")
	tell "=> SELECT reefqbo.connect('Reef forecast', 'simulator');"
	tell "$address"
	tell
	tell "   (a browser opens it; the user signs in, chooses Reef Trading Ltd and allows)"
	back=$(python3 "$SIMULATOR/browser.py" --ca "$REEFQBO_WORK/intuit/ca.pem" --company "$COMPANY" "$address")
	tell "   the browser comes back to ${back%%\?*}?code=…&state=…&realmId=…"
	tell
	tell "=> SELECT * FROM reefqbo.complete_connection('…the address it came back to…');"
	psql -q -P footer=off -v ON_ERROR_STOP=1 -c "SELECT * FROM reefqbo.complete_connection('$back')"
	# the books were made a moment ago; what QuickBooks calls a change is not to be that
	simulator_admin clock advance_seconds=600 >/dev/null
}

import_everything()
{
	step "4. Import: the chart of accounts, then three years of monthly actuals"
	sql "SELECT accounts_seen, accounts_new, requests, seconds FROM reefqbo.import_accounts('Reef forecast');"
	sql "SELECT months, amounts_inserted, requests, seconds
  FROM reefqbo.import_actuals('Reef forecast', '$START', '$END');"
	sql "SELECT account_number AS number, name, account_type, is_active AS active, parent_account_id AS parent
  FROM reefqbo.account ORDER BY account_number NULLS LAST LIMIT 8;"
}

choose_dates()
{
	START=$(value "SELECT (date_trunc('month', current_date) - interval '35 months')::date")
	END=$(value "SELECT (date_trunc('month', current_date) + interval '1 month')::date - 1")
	HALF_YEAR=$(value "SELECT (date_trunc('month', current_date) - interval '5 months')::date")
	BACK_DATED=$(value "SELECT (date_trunc('month', current_date) - interval '2 months')::date + 14")
}
