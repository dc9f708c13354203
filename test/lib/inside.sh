# The half that runs as an ordinary user, from the copy of the checkout.

LOGS=
CLUSTER=

inside()
{
	local goal=$1

	WORK=$REEFQBO_RUN
	LOGS=$WORK/log
	CLUSTER=$WORK/cluster
	# Settings that "make test" passed on would reach the makes inside.
	unset MAKEFLAGS MAKELEVEL MFLAGS MAKEOVERRIDES GNUMAKEFLAGS
	clean_up_when_over
	trap clean_up_inside EXIT
	run_"$goal"
}

# The directory itself is the outer half's to remove, after it has shown what
# it wants to; but the outer half may be dead.
clean_up_inside()
{
	local status=$?

	if [ $status -gt 128 ]; then
		clean_up
	else
		trap '' HUP INT PIPE TERM
		stop_attended
		stop_servers_under "$WORK"
	fi
	exit $status
}

# No TCP; a locale that every machine has and sorts the same way.
start_cluster()
{
	local log=$LOGS/cluster.log

	initdb -D "$CLUSTER" -U postgres -A trust --encoding=UTF8 --no-locale --no-sync >"$log" 2>&1 &&
		cluster_settings "$@" >>"$CLUSTER/postgresql.conf" &&
		pg_ctl -D "$CLUSTER" -l "$LOGS/server.log" -w start >>"$log" 2>&1 || {
		show_tail "$log"
		show_tail "$LOGS/server.log"
		return 1
	}
	export PGHOST=$WORK/socket PGUSER=postgres PGDATABASE=postgres
}

cluster_settings()
{
	cat <<-END
		listen_addresses = ''
		unix_socket_directories = '$WORK/socket'
		fsync = off
	END
	[ $# -eq 0 ] || printf '%s\n' "$@"
}

stop_cluster()
{
	pg_ctl -D "$CLUSTER" -m fast -w stop >>"$LOGS/cluster.log" 2>&1
	rm -rf "$CLUSTER"
}
