# Running something so that it can be stopped, and stopping everything.
#
# A shell waiting for a command in the foreground runs no trap until the
# command has ended.  So long commands run in the background and the shell
# waits: a signal is then acted on at once.  Each runs in a process group of its
# own, so that Ctrl-C reaches this shell alone and things end in good order.

ATTENDED=

attend()
{
	local status

	set -m
	"$@" </dev/null &
	ATTENDED=$!
	set +m
	wait "$ATTENDED"
	status=$?
	ATTENDED=
	return $status
}

stop_attended()
{
	[ -n "$ATTENDED" ] || return 0
	kill -TERM "$ATTENDED" 2>/dev/null
	wait_until_gone 60 "$ATTENDED"
	kill -KILL "$ATTENDED" 2>/dev/null
	ATTENDED=
}

# wait_until_gone SECONDS PID...
wait_until_gone()
{
	local tenths=$(($1 * 10)) pid
	shift
	for pid in "$@"; do
		while process_runs "$pid" && [ $tenths -gt 0 ]; do
			sleep 0.1
			tenths=$((tenths - 1))
		done
	done
}

# A zombie no longer runs: only its parent has not asked for it yet.
process_runs()
{
	local stat

	{ IFS= read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
	case "${stat##*) }" in
		Z* | X*) return 1 ;;
	esac
	return 0
}

# Everything that was started inside carries REEFQBO_RUN in its environment.
# First what starts servers is stopped, then the servers.  An initdb under way is
# left to finish, which takes a second: it and its server would not give back
# their shared memory.
stop_everything_of()
{
	local pids

	mapfile -t pids < <(processes_of "$1" others)
	stop_with TERM 10 "${pids[@]}"
	stop_servers_under "$1"
	mapfile -t pids < <(processes_of "$1" all)
	wait_until_gone 10 "${pids[@]}"
	stop_with KILL 5 "${pids[@]}"
}

# stop_with SIGNAL SECONDS PID...
stop_with()
{
	local signal=$1 seconds=$2
	shift 2
	[ $# -gt 0 ] || return 0
	kill "-$signal" "$@" 2>/dev/null
	wait_until_gone "$seconds" "$@"
}

# processes_of DIRECTORY all|others: others are those that are no PostgreSQL.
# This shell and its subshells are left out.
processes_of()
{
	local file pid

	for file in $(grep -lzxF "REEFQBO_RUN=$1" /proc/[0-9]*/environ 2>/dev/null); do
		pid=${file#/proc/}
		pid=${pid%/environ}
		[ "$pid" != "$$" ] && [ "$pid" != "$BASHPID" ] && process_runs "$pid" || continue
		[ "$2" = all ] || ! is_server_or_initdb "$1" "$pid" || continue
		echo "$pid"
	done
}

# initdb runs its server through a shell, which must live as well.
is_server_or_initdb()
{
	runs_program "$2" "$1" postgres || runs_program "$2" "$1" initdb ||
		runs_program "$(parent_of "$2")" "$1" initdb
}

# runs_program PID DIRECTORY NAME: by its file, since a pid may have been given
# to somebody else by now.
runs_program()
{
	case $(readlink "/proc/$1/exe" 2>/dev/null) in
		"$2"/*/"$3") return 0 ;;
	esac
	return 1
}

parent_of()
{
	sed -n 's/^PPid:[[:space:]]*//p' "/proc/$1/status" 2>/dev/null
}

# SIGQUIT rather than SIGKILL, since a server that is killed cannot give back
# its shared memory.
stop_servers_under()
{
	local file pid pids=()

	while IFS= read -r file; do
		pid=$(head -n 1 "$file" 2>/dev/null)
		case $pid in '' | *[!0-9]*) continue ;; esac
		! runs_program "$pid" "$1" postgres || pids+=("$pid")
	done < <(find "$1" -name postmaster.pid -type f 2>/dev/null)
	stop_with QUIT 20 "${pids[@]}"
}
