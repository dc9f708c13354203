# "make bench": build, start a cluster, and let test/bench/bench.sh measure.

run_bench()
{
	local settings

	say "Building reefqbo and starting a throw-away cluster."
	export REEFQBO_WORK=$WORK/bench
	mkdir "$REEFQBO_WORK"
	attend compiled build build_with_test_clock || exit 1
	attend compiled delay gcc -O2 -Wall -Wextra -Werror -o "$REEFQBO_WORK/delay" test/bench/delay.c || exit 1
	(umask 077 && echo "k1:$(openssl rand -base64 32)" >"$REEFQBO_WORK/reefqbo.key")
	mapfile -t settings < <(bench_settings)
	start_cluster "${settings[@]}" || exit 1
	export CLUSTER SERVER_LOG=$LOGS/server.log
	attend bash test/bench/bench.sh
	finish_demo $?
}

# What is measured against from npm, in the private copy of the checkout; none of its packages runs anything there.
install_node_stack()
{
	say "Installing from npm what is measured against: node-quickbooks and pg, in the versions of the lock file."
	(cd "$WORK/source/test/bench/node" && npm ci --ignore-scripts --no-audit --no-fund) >"$WORK/log/npm.log" 2>&1 || {
		show_tail "$WORK/log/npm.log"
		die "npm ci failed"
	}
}

# As on a server that is in use, what is committed is on disk; BENCH_FSYNC=off
# shows how much of the time that takes.
bench_settings()
{
	cat <<-END
		fsync = ${BENCH_FSYNC:-on}
		shared_preload_libraries = 'reefqbo'
		max_worker_processes = 16
		reefqbo.key_file = '$REEFQBO_WORK/reefqbo.key'
		reefqbo.ca_file = '$REEFQBO_WORK/service/ca.pem'
		reefqbo.max_concurrent_requests = ${BENCH_CONCURRENCY:-32}
		reefqbo.max_response_size = '64MB'
	END
}
