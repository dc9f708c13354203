# Running something so that it can be stopped, and stopping everything.
#
# A shell waiting for a command in the foreground runs no trap until the
# command has ended.  So long commands run in the background, each in a
# process group of its own, and the shell waits: a signal is then acted on at
# once, and the whole group can be stopped.

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

# Stop the command being attended with all of its group, and give it time: a
# server killed outright leaves its shared memory behind.
stop_attended()
{
	local tenths=200

	[ -n "$ATTENDED" ] || return 0
	kill -TERM -- "-$ATTENDED" 2>/dev/null
	while group_runs "$ATTENDED" && [ $tenths -gt 0 ]; do
		sleep 0.1
		tenths=$((tenths - 1))
	done
	kill -KILL -- "-$ATTENDED" 2>/dev/null
	ATTENDED=
}

# In a stat file the command's name, in brackets, is followed by the state, the
# parent and the group.
group_runs()
{
	local file stat state parent group

	for file in /proc/[0-9]*/stat; do
		{ IFS= read -r stat <"$file"; } 2>/dev/null || continue
		read -r state parent group _ <<<"${stat##*) }"
		case $state in Z | X) continue ;; esac
		[ "$group" != "$1" ] || return 0
	done
	return 1
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

# Servers detach themselves from their group, so they are found by the
# postmaster.pid in their data directory.  SIGQUIT rather than SIGKILL, since a
# postmaster that is killed cannot give back its shared memory.
stop_servers_under()
{
	local file pid pids=()

	while IFS= read -r file; do
		pid=$(head -n 1 "$file" 2>/dev/null)
		case $pid in '' | *[!0-9]*) continue ;; esac
		is_postmaster_under "$1" "$pid" || continue
		kill -QUIT "$pid" 2>/dev/null && pids+=("$pid")
	done < <(find "$1" -name postmaster.pid -type f 2>/dev/null)
	wait_until_gone 20 "${pids[@]}"
}

# The process runs a server's binary from under the directory: a pid file left
# by a crash may name a process that has nothing to do with us.
is_postmaster_under()
{
	case $(readlink "/proc/$2/exe" 2>/dev/null) in
		"$1"/*) return 0 ;;
	esac
	return 1
}

# Everything else that was started inside carries REEFQBO_RUN in its
# environment, whatever group it belongs to.
stop_others_of()
{
	local pids=()

	mapfile -t pids < <(processes_of "$1")
	[ ${#pids[@]} -gt 0 ] || return 0
	kill -TERM "${pids[@]}" 2>/dev/null
	wait_until_gone 5 "${pids[@]}"
	kill -KILL "${pids[@]}" 2>/dev/null
	wait_until_gone 5 "${pids[@]}"
}

processes_of()
{
	local file pid

	for file in $(grep -lzxF "REEFQBO_RUN=$1" /proc/[0-9]*/environ 2>/dev/null); do
		pid=${file#/proc/}
		pid=${pid%/environ}
		[ "$pid" = "$$" ] || [ "$pid" = "$BASHPID" ] || ! process_runs "$pid" || echo "$pid"
	done
}
