#!/bin/bash
#
# The demo's cluster, left running for somebody to work on: the runbook of
# docs/runbook.md can be gone through on it. It ends with this program.

. "$(dirname "${BASH_SOURCE[0]}")/demo_setup.sh"

# The day that it is there, and the months that are imported: the figures are those that the manual's pages show.
TODAY=2026-11-20
START=2023-12-01
END=2026-11-30

# make_command NAME < SCRIPT: a program beside the others.
make_command()
{
	cat >"$REEFQBO_WORK/bin/$1"
	chmod 755 "$REEFQBO_WORK/bin/$1"
}

# Whoever works on the cluster may be another user than the one it runs as.
make_commands()
{
	mkdir "$REEFQBO_WORK/bin"
	make_command sign-in <<-END
		#!/bin/sh
		# Play the user who signs in at QuickBooks: sign-in COMPANY ADDRESS [--deny]
		company=\$1 address=\$2
		shift 2
		exec python3 -B '$SIMULATOR/browser.py' --ca '$REEFQBO_WORK/intuit/ca.pem' --company "\$company" "\$@" "\$address"
	END
	make_command quickbooks <<-END
		#!/bin/sh
		# Do something in the simulated QuickBooks, for example: quickbooks revoke_grant company=reef
		exec python3 -B '$SIMULATOR/admin.py' --ca '$REEFQBO_WORK/intuit/ca.pem' --url '$URL' "\$@"
	END
	make_command open <<-END
		#!/bin/sh
		# psql on the demo's cluster, with the other commands at hand
		PATH='$REEFQBO_WORK/bin':'$(dirname "$(command -v psql)")':\$PATH
		PGHOST='$PGHOST' PGUSER=postgres REEFQBO_KEY='$REEFQBO_WORK/reefqbo.key'
		export PATH PGHOST PGUSER REEFQBO_KEY
		exec psql "\$@" postgres
	END
	chmod 711 "$REEFQBO_WORK" "$(dirname "$REEFQBO_WORK")"
}

# The clock that schedules and expiries go by is QuickBooks'.
align_clock()
{
	local epoch

	epoch=$(simulator_admin clock | sed -n 's/.*"epoch": *\([0-9]*\).*/\1/p')
	psql -q -v ON_ERROR_STOP=1 <<-END
		ALTER SYSTEM SET reefqbo.clock_offset = '$((epoch - $(date +%s)))s';
		SELECT pg_reload_conf() \g /dev/null
	END
}

explain()
{
	cat <<-END

		The cluster is up, and it is $TODAY there. "Reef forecast" is linked to Reef Trading Ltd of the simulated QuickBooks,
		with three years of actuals.

		    $REEFQBO_WORK/bin/open

		opens psql on it, in another terminal. There, \! runs two more commands:

		    \! sign-in reef 'ADDRESS'                  plays the user who signs in; prints the address the browser ends on
		    \! quickbooks revoke_grant company=reef    does something in QuickBooks; simulator/README.md lists what

		The key ring is \$REEFQBO_KEY there. docs/runbook.md and docs/tutorial.md have what to try. Ctrl-C here ends it all.
	END
}

prepare()
{
	install_extension
	align_clock
	set_up
	connect_company
	align_clock
	import_everything
}

main()
{
	start_simulator --today "$TODAY"
	# a process of its own, since "set -e" does nothing on the left of "||"
	prepare >"$REEFQBO_WORK/setup.log" 2>&1 &
	wait $! || { cat "$REEFQBO_WORK/setup.log"; exit 1; }
	make_commands
	explain
	sleep infinity &
	wait $!
}

main
