# The temporary directory: made, filled, and taken away whatever happens.
#
#   server/    private copy of PostgreSQL
#   source/    copy of the checkout, where everything is built and run
#   tmp/       TMPDIR of everything inside
#   socket/    the socket of the cluster
#   log/       output of every step

WORK=
RUN_AS=

# A Unix socket's path may not be longer than 107 bytes.  PostgreSQL::Test puts
# its sockets into a directory of its own below tmp/.
LONGEST_SOCKET_PATH=100
SOCKET_BELOW_WORK=/tmp/0123456789/.s.PGSQL.12345.lock

clean_up_when_over()
{
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 141' PIPE
	trap 'exit 143' TERM
	trap clean_up EXIT
}

# Both halves call it; the outer one also covers an inner one that died.
clean_up()
{
	trap '' HUP INT PIPE TERM
	stop_attended
	allow_main_cluster
	allow_services
	[ -n "$WORK" ] || return
	stop_everything_of "$WORK"
	remove_workspace
}

remove_workspace()
{
	if [ -z "${KEEP:-}" ]; then
		rm -rf "$WORK" 2>/dev/null || as_root rm -rf "$WORK"
	elif [ -d "$WORK" ]; then
		say "Kept: $WORK"
	fi
	WORK=
}

# initdb refuses root, so root hands the run to somebody else.
choose_user()
{
	RUN_AS=
	[ "$(id -u)" -eq 0 ] || return 0
	for RUN_AS in postgres nobody; do
		id -u "$RUN_AS" >/dev/null 2>&1 && return 0
	done
	die "initdb refuses to run as root, and there is no user postgres or nobody to run it as"
}

make_workspace()
{
	local base=${TMPDIR:-/tmp} below=/reefqbo.XXXXXX$SOCKET_BELOW_WORK

	if [ $((${#base} + ${#below})) -gt $LONGEST_SOCKET_PATH ]; then
		say "TMPDIR is too long a name for a socket to live below it: using /tmp"
		base=/tmp
	fi
	WORK=$(mktemp -d "$base/reefqbo.XXXXXX") || die "could not make a directory in $base"
	mkdir "$WORK/server" "$WORK/source" "$WORK/tmp" "$WORK/socket" "$WORK/log" "$WORK/home"
}

# What git knows and what is new, but not what is ignored; without git (a
# tarball, or a machine that has none) everything.
copy_checkout()
{
	local list=$WORK/files

	if checkout_files >"$list" 2>/dev/null && [ -s "$list" ]; then
		tar -C "$CHECKOUT" --null -T "$list" --ignore-failed-read -cf - 2>/dev/null |
			tar -C "$WORK/source" -xf - || die "could not copy the checkout to $WORK"
	else
		tar -C "$CHECKOUT" --exclude=./.git -cf - . | tar -C "$WORK/source" -xf - ||
			die "could not copy the checkout to $WORK"
	fi
	rm -f "$list"
}

# safe.directory: root may well run this in somebody else's checkout, and git
# would refuse to read it.  Files deleted but not committed are left out.
checkout_files()
{
	command -v git >/dev/null || return 1
	git -c safe.directory="$CHECKOUT" -C "$CHECKOUT" rev-parse --show-toplevel >/dev/null || return 1
	git -c safe.directory="$CHECKOUT" -C "$CHECKOUT" ls-files -z --cached --others --exclude-standard |
		(cd "$CHECKOUT" && while IFS= read -r -d '' file; do
			[ ! -e "$file" ] || printf '%s\0' "$file"
		done)
}

# Recorded answers that optional tests read; copied, because the user we run
# as may not be able to read them where they are.
copy_samples()
{
	[ -n "${REEFQBO_SAMPLES:-}" ] || return 0
	[ -d "$REEFQBO_SAMPLES" ] || die "REEFQBO_SAMPLES is not a directory: $REEFQBO_SAMPLES"
	cp -R "$REEFQBO_SAMPLES" "$WORK/samples" || die "could not copy $REEFQBO_SAMPLES"
	chmod -R u+rwX "$WORK/samples"
}

hand_over()
{
	[ -n "$RUN_AS" ] || return 0
	chown -R "$(id -u "$RUN_AS"):$(id -g "$RUN_AS")" "$WORK" || die "could not give $WORK to $RUN_AS"
}

# The environment starts empty: PGHOST, a proxy or a CA bundle of the caller's
# must not reach the tests.  REEFQBO_RUN marks every process as ours.
run_as_chosen_user()
{
	local name goal=$1 user=() inside=(
		"PATH=$WORK/server$SERVER_BINDIR:$PATH"
		"HOME=$WORK/home" "TMPDIR=$WORK/tmp" LC_ALL=C "TERM=${TERM:-dumb}"
		"REEFQBO_RUN=$WORK" "ONLY=${ONLY:-}" "KEEP=${KEEP:-}" "SANITIZE=${SANITIZE:-}"
		"PG_CONFIG=$WORK/server$SERVER_BINDIR/pg_config"
	)

	[ ! -d "$WORK/samples" ] || inside+=("REEFQBO_SAMPLES=$WORK/samples")
	[ -z "${ROUNDS:-}" ] || inside+=("STORM_ROUNDS=$ROUNDS")
	[ -z "${FUZZ_SECONDS:-}" ] || inside+=("FUZZ_SECONDS=$FUZZ_SECONDS")
	[ -z "${SEED:-}" ] || inside+=("STORM_SEED=$SEED")
	for name in "${!BENCH_@}" "${!MADE_GROUPS@}"; do
		inside+=("$name=${!name}")
	done
	# The death signal covers the case that this shell is killed outright.
	! command -v setpriv >/dev/null || user=(setpriv --pdeathsig TERM)
	[ -z "$RUN_AS" ] || user+=("--reuid=$(id -u "$RUN_AS")" "--regid=$(id -g "$RUN_AS")" --init-groups)
	cd "$WORK/source" || die "could not enter $WORK/source"
	attend "${user[@]}" env -i "${inside[@]}" bash "$WORK/source/test/run" inside "$goal"
}
