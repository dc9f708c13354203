# "make test ONLY=sanitizers": the library and the server it is in under two sanitizers, whose first find ends the
# process and so fails the test that met it.
#
# Only the server itself runs under them: its program is one that preloads AddressSanitizer.  What PostgreSQL
# allocates it frees in pieces or not at all, so leaks are none of their business.

# Everything of SQL, and of the network what has the most in hand. Not 075, which looks at how much memory a worker has.
SANITIZED_TESTS="020 030 031 040 041 043 067 082"

check_sanitizers()
{
	local failed=0 SANITIZE=address,undefined tests=() results

	mapfile -t tests < <(for test in $SANITIZED_TESTS; do tap_files "$test"; done)
	compiled build-sanitizers build_with_test_clock || return 1
	sanitize_server || return 1
	run_regress && run_tap || failed=1
	results="$(cat "$LOGS/regress.result" 2>/dev/null); $(cat "$LOGS/tap.result" 2>/dev/null)"
	result sanitizers "$results"
	[ $failed -eq 0 ] || show_sanitizer_reports
	unsanitize_server
	return $failed
}

# A library with nothing in it but a gettext that translates nothing.
build_without_gettext()
{
	gcc -shared -fPIC -O1 -Wall -Wextra -Werror -fno-builtin -o "$1" test/sanitizers/no_gettext.c
}

# The name of its file stays, since who stops servers looks for that.
sanitize_server()
{
	local directory library

	directory=$("$PG_CONFIG" --bindir)
	library=$WORK/tmp/no_gettext.so
	build_without_gettext "$library" || return 1
	mkdir "$directory/sanitized" && mv "$directory/postgres" "$directory/sanitized/postgres" || return 1
	cat >"$directory/postgres" <<-END
		#!/bin/bash
		export LD_PRELOAD="$(gcc -print-file-name=libasan.so) $library"
		export ASAN_OPTIONS=detect_leaks=0:abort_on_error=1:disable_coredump=1
		export UBSAN_OPTIONS=print_stacktrace=1
		exec -a "$directory/postgres" "$directory/sanitized/postgres" "\$@"
	END
	chmod 755 "$directory/postgres"
	postgres -V >"$LOGS/sanitizers.log" 2>&1 </dev/null || {
		show_tail "$LOGS/sanitizers.log"
		return 1
	}
}

unsanitize_server()
{
	local directory

	directory=$("$PG_CONFIG" --bindir)
	mv -f "$directory/sanitized/postgres" "$directory/postgres" && rmdir "$directory/sanitized"
}

show_sanitizer_reports()
{
	local log

	for log in $(grep -lE 'AddressSanitizer|runtime error:' "$LOGS"/*.log "$WORK"/tmp_check/log/* 2>/dev/null | head -n 5); do
		say "--- of $(basename "$log"):"
		grep -E -A 25 'ERROR: AddressSanitizer|runtime error:' "$log" | head -n 60 | indent
	done
}
