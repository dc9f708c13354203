# "make storm": the storm that is a short one in "make test", for as long as one likes.

run_storm()
{
	local began=$SECONDS

	export STORM_ROUNDS=${STORM_ROUNDS:-400}
	ONLY=t/068_storm_without_grace
	check build "build with gcc, warnings as errors" check_build
	[ $FAILED -eq 0 ] || finish_test "$began"
	check tap "a storm of $STORM_ROUNDS rounds" check_tap
	finish_test "$began"
}
