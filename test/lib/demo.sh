# "make demo": build, start a cluster, and let test/demo.sh show the main job.

run_demo()
{
	[ -f test/demo.sh ] || die "there is no demo yet: test/demo.sh is missing"
	say "Building reefqbo and starting a throw-away cluster."
	attend compiled build build_with_test_clock || exit 1
	start_cluster "shared_preload_libraries = 'reefqbo'" "reefqbo.databases = 'postgres'" || exit 1
	say
	export REEFQBO_WORK=$WORK/demo
	mkdir "$REEFQBO_WORK"
	attend bash test/demo.sh
	finish_demo $?
}

# "make demo-cluster": the same cluster, for somebody to work on.
run_cluster()
{
	say "Building reefqbo and starting a throw-away cluster."
	attend compiled build build_with_test_clock || exit 1
	start_cluster "shared_preload_libraries = 'reefqbo'" "reefqbo.databases = 'postgres'" || exit 1
	export REEFQBO_WORK=$WORK/demo
	mkdir "$REEFQBO_WORK"
	attend bash test/demo_cluster.sh
	finish_demo $?
}

finish_demo()
{
	[ "$1" -eq 0 ] || show_tail "$LOGS/server.log"
	say
	exit "$1"
}
