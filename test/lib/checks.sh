# "make test": every check, in order, and a summary of what ran.

SUMMARY=()
FAILED=0

run_test()
{
	local began=$SECONDS

	refuse_unknown_words
	check build "build with gcc, warnings as errors" check_build
	[ $FAILED -eq 0 ] || finish_test "$began"
	check layers "folders: no include or call runs up, no circle of files" check_layers
	check promises "SECURITY.md: each promise has a test" check_promises
	check clang "build out of the tree with clang, warnings as errors; it installs the same" check_clang
	check simulator "the QuickBooks simulator's own tests" check_simulator
	check regress "regression tests on a fresh cluster (UTF8, C locale)" check_regress
	check fuzz "the readers of what comes from outside, with the seeds of libFuzzer" check_fuzz_seeds
	check reference "docs/reference.md is what an installed extension says of itself" check_reference
	check tap "TAP tests" check_tap
	check panel "the panel of examples/panel, in a browser" check_panel
	check sanitizers "regression and network tests under AddressSanitizer and UndefinedBehaviorSanitizer" check_sanitizers
	finish_test "$began"
}

# check NAME TITLE FUNCTION: run it if it is wanted.  The function prints what
# is worth watching, and leaves one line for the summary in $LOGS/NAME.result;
# a status of 77 means skipped, as for automake.
check()
{
	! wanted "$1" || run_check "$@"
}

run_check()
{
	local name=$1 title=$2 began=$SECONDS status line

	say "== $title"
	attend "$3"
	status=$?
	line=$(cat "$LOGS/$name.result" 2>/dev/null)
	case $status in
		0) line="passed   $title${line:+: $line} ($((SECONDS - began)) s)" ;;
		77) line="skipped  $title: $line" ;;
		*)
			line="FAILED   $title${line:+: $line}"
			FAILED=$((FAILED + 1))
			;;
	esac
	[ $status -ne 77 ] || say "    skipped: $(cat "$LOGS/$name.result")"
	SUMMARY+=("$line")
}

# Everything but what takes too long for every day, unless ONLY names what to run.
# The extension is always built.
wanted()
{
	local word

	[ -n "$ONLY" ] || [ "$1" != sanitizers ] || return 1
	[ -n "$ONLY" ] && [ "$1" != build ] || return 0
	for word in $ONLY; do
		[ "$(check_of "$word")" != "$1" ] || return 0
	done
	return 1
}

# Which check a word of ONLY belongs to: it is its name, or the name of one
# regression test (sql/report_cells.sql), or else of a TAP test.
check_of()
{
	case $1 in
		build | layers | promises | clang | simulator | regress | fuzz | reference | tap | panel | sanitizers) echo "$1" ;;
		sql/* | expected/*) echo regress ;;
		*) echo tap ;;
	esac
}

# A slip of the pen in ONLY must not pass for a test that ran.
refuse_unknown_words()
{
	local word

	for word in $(words_for regress); do
		[ -f "sql/$(basename "${word%.*}").sql" ] || die "there is no regression test called $word"
	done
	for word in $(words_for tap); do
		[ -n "$(tap_files "$word")" ] || die "there is no test called $word"
	done
}

# words_for CHECK: the words of ONLY that choose single tests of a check.
words_for()
{
	local word

	for word in $ONLY; do
		[ "$(check_of "$word")" != "$1" ] || [ "$word" = "$1" ] || echo "$word"
	done
}

finish_test()
{
	say
	say "== Summary ($((SECONDS - $1)) s)"
	printf '    %s\n' "${SUMMARY[@]}"
	[ $FAILED -eq 0 ] || exit 1
	say "    Everything that ran has passed."
	exit 0
}

result()
{
	printf '%s\n' "$2" | paste -sd ' ' >"$LOGS/$1.result"
}

# watched LOG COMMAND...: shown as it happens, and kept.
watched()
{
	local log=$1
	shift
	"$@" 2>&1 | tee "$log" | indent
	return "${PIPESTATUS[0]}"
}

check_build()
{
	compiled build build_and_install || return 1
	! grep -q clock_offset reefqbo.so && return 0
	result build "the tests' clock is in what is installed"
	return 1
}

check_clang()
{
	local clang

	clang=$(newest_clang) || {
		result clang "there is no clang"
		return 77
	}
	result clang "$(basename "$clang")"
	compiled clang build_with_clang "$clang"
}

# First that it finds what it must, then that there is nothing to find.
check_layers()
{
	quietly layers-tests python3 -m unittest discover -v -s test -t test -p test_layers.py &&
		compiled layers python3 test/layers.py &&
		result layers "$(cat "$LOGS/layers.log")"
}

check_promises()
{
	quietly promises-tests python3 -m unittest discover -v -s test -t test -p test_promises.py &&
		compiled promises python3 test/promises.py &&
		result promises "$(cat "$LOGS/promises.log")"
}

check_simulator()
{
	local status

	ls simulator/test_*.py >/dev/null 2>&1 || {
		result simulator "it has no tests yet"
		return 77
	}
	quietly simulator python3 -m unittest discover -v -s simulator
	status=$?
	result simulator "$(unittest_count "$LOGS/simulator.log")"
	return $status
}

# "Ran 12 tests in 3.4s", "OK (skipped=1)", and each reason why, once.
unittest_count()
{
	sed -n -e 's/^Ran \([0-9]* tests\{0,1\}\) in.*/\1/p' -e 's/^OK (\(.*\))/\1/p' "$1" | paste -sd ' '
	sed -n "s/.* \.\.\. skipped ['\"]\(.*\)['\"]\$/(\1)/p" "$1" | sort -u
}

check_regress()
{
	local tests=()

	ls sql/*.sql >/dev/null 2>&1 || {
		result regress "there are none yet"
		return 77
	}
	regress_tests
	run_regress
}

# On a server that is set up as the manual says.
run_regress()
{
	local status

	(umask 077 && echo "k1:$(openssl rand -base64 32)" >"$WORK/regress.key")
	start_cluster "shared_preload_libraries = 'reefqbo'" "reefqbo.databases = 'app'" "reefqbo.key_file = '$WORK/regress.key'" ||
		return 1
	regress_watched make -s installcheck PG_CONFIG="$PG_CONFIG" "${tests[@]}"
	status=$?
	stop_cluster
	result regress "$(grep -E '[0-9]+ tests? (passed|failed)|of [0-9]+ tests' "$LOGS/regress.log" |
		tr -d '#=' | xargs)"
	[ $status -eq 0 ] || show_regression_diffs
	return $status
}

# Sets "tests": nothing for all of them, or REGRESS=... for those of ONLY.
regress_tests()
{
	local word names=()

	for word in $(words_for regress); do
		names+=("$(basename "${word%.*}")")
	done
	[ ${#names[@]} -eq 0 ] || tests=("REGRESS=${names[*]}")
}

# Only the lines of the tests are worth watching.
regress_watched()
{
	"$@" 2>&1 </dev/null | tee "$LOGS/regress.log" |
		sed -un -e 's/^test /    /p' -e 's/^\(not \)\{0,1\}ok /    &/p'
	return "${PIPESTATUS[0]}"
}

show_regression_diffs()
{
	[ -s regression.diffs ] || {
		show_tail "$LOGS/regress.log"
		show_tail "$LOGS/server.log"
		return 0
	}
	say "--- regression.diffs:"
	head -n 300 regression.diffs | indent
}

check_tap()
{
	local tests

	mapfile -t tests < <(tap_tests)
	[ ${#tests[@]} -gt 0 ] || {
		result tap "there are none yet"
		return 77
	}
	compiled build-tap build_with_test_clock || return 1
	run_tap
}

run_tap()
{
	local status

	tap_environment
	watched "$LOGS/tap.log" prove -j 3 "${tests[@]}"
	status=$?
	result tap "$(tap_count "$LOGS/tap.log")"
	[ $status -eq 0 ] || show_failing_tap "$LOGS/tap.log"
	return $status
}

# As PGXS's own prove_installcheck does it, and with our modules as well.
tap_environment()
{
	local pgxs

	pgxs=$(dirname "$(dirname "$(dirname "$("$PG_CONFIG" --pgxs)")")")
	export PERL5LIB=$pgxs/src/test/perl:$PWD/test/perl
	export PG_REGRESS=$pgxs/src/test/regress/pg_regress
	export TESTDIR=$WORK TESTDATADIR=$WORK/tmp_check TESTLOGDIR=$WORK/tmp_check/log
	export PG_TEST_PORT_DIR=$WORK/tmp
	mkdir -p "$TESTLOGDIR"
}

# All of them, or those that ONLY names.
tap_tests()
{
	local word words

	words=$(words_for tap)
	[ -n "$words" ] || tap_files ""
	for word in $words; do
		tap_files "$word"
	done
}

# A test's name may be cut short: t/001_install.pl, 001_install, 001.
tap_files()
{
	compgen -G "test/t/$(basename "$1" .pl)*.pl"
}

# "Files=2, Tests=31, ..." and how many were skipped, with prove's own words.
tap_count()
{
	sed -n 's/^Files=\([0-9]*\), Tests=\([0-9]*\),.*/\2 tests in \1 files/p' "$1" | tr '\n' ' '
	grep -E '\.\. skipped: ' "$1" | sed 's/^/; /' | tr -d '\n'
}

# prove lists what failed as "test/t/001_install.pl (Wstat: ...)".
show_failing_tap()
{
	local name log

	for name in $(sed -n 's,^test/t/\([^ ]*\)\.pl *(Wstat:.*,\1,p' "$1"); do
		for log in "$TESTLOGDIR/regress_log_$name" "$TESTLOGDIR/${name}"_*.log; do
			show_tail "$log" 40
		done
	done
}
