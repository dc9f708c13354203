#!/bin/bash
#
# The panel of examples/panel on the throw-away cluster that "make panel" has started, with a simulated QuickBooks: left
# running until Ctrl-C. With "test" its browser test is run on it instead, and screenshots are kept.

. "$(dirname "${BASH_SOURCE[0]}")/demo_setup.sh"

PANEL=$(cd "$HERE/../examples/panel" && pwd)
PANEL_PID=
# The day that it is there: the figures are those of the manual's pages.
TODAY=2026-11-20

free_port()
{
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

align_clock()
{
	local epoch

	epoch=$(simulator_admin clock | sed -n 's/.*"epoch": *\([0-9]*\).*/\1/p')
	value "ALTER SYSTEM SET reefqbo.clock_offset = '$((epoch - $(date +%s)))s'"
	value "SELECT pg_reload_conf()" >/dev/null
}

# What a DBA does once for an application: extension, endpoints, app, webhook token, roles.
prepare()
{
	install_extension
	align_clock
	REDIRECT=$ADDRESS/quickbooks/callback
	value "SELECT reefqbo.create_environment('simulator', false, '$URL/connect/oauth2',
	    '$URL/oauth2/v1/tokens/bearer', '$URL/v2/oauth2/tokens/revoke', '$URL/production')"
	value "SELECT reefqbo.register_app('simulator', 'prod-client', 'prod-secret', '$REDIRECT')"
	value "SELECT reefqbo.register_webhook('simulator', 'simulated-verifier-token')"
	psql -q -v ON_ERROR_STOP=1 -f "$PANEL/setup.sql"
}

start_panel()
{
	PGUSER=panel PORT=$PORT PANEL_URL=$ADDRESS PANEL_ENVIRONMENT=simulator \
		node "$PANEL/server.js" >"$REEFQBO_WORK/panel.log" 2>&1 &
	PANEL_PID=$!
	trap 'kill "$PANEL_PID" "$SIMULATOR_PID" 2>/dev/null || true' EXIT
	for _ in $(seq 100); do
		! grep -q 'The panel is at' "$REEFQBO_WORK/panel.log" || return 0
		kill -0 "$PANEL_PID" 2>/dev/null || break
		sleep 0.1
	done
	cat "$REEFQBO_WORK/panel.log"
	exit 1
}

explain()
{
	cat <<-END

		The panel is at

		    $ADDRESS

		and it is $TODAY there. Make a model, and press Connect QuickBooks. The sign-in page is the simulated QuickBooks',
		whose certificate your browser does not know: let it pass, or trust $REEFQBO_WORK/intuit/ca.pem for the while.

		Things to do in that QuickBooks, from the checkout, in another terminal:

		    simulator/admin.py --ca $REEFQBO_WORK/intuit/ca.pem --url $URL revoke_grant company=reef

		simulator/README.md lists what else. Ctrl-C here ends it all.
	END
}

main()
{
	PORT=${PANEL_PORT:-$(free_port)}
	ADDRESS=http://localhost:$PORT
	start_simulator --today "$TODAY" --redirect "$ADDRESS/quickbooks/callback"
	prepare >"$REEFQBO_WORK/setup.log" 2>&1 &
	wait $! || { cat "$REEFQBO_WORK/setup.log"; exit 1; }
	start_panel
	if [ "${1:-}" = test ]; then
		run_browser_test
	else
		chmod 711 "$REEFQBO_WORK" "$(dirname "$REEFQBO_WORK")"
		explain
		wait "$PANEL_PID"
	fi
}

run_browser_test()
{
	local status=0

	mkdir -p "$REEFQBO_WORK/screens"
	export PANEL_ADDRESS=$ADDRESS PANEL_SCREENS=$REEFQBO_WORK/screens SIMULATOR_URL=$URL SIMULATOR_CA=$REEFQBO_WORK/intuit/ca.pem
	(cd "$PANEL" && node --test --test-reporter=spec test/) || status=$?
	[ $status -eq 0 ] || { tail -n 30 "$REEFQBO_WORK/panel.log"; echo "screenshots: $REEFQBO_WORK/screens"; }
	return $status
}

main "$@"
