# "make fuzz": libFuzzer feeds each reader of what comes from outside, in a PostgreSQL process, under two sanitizers.
# "make test" does the same with the seeds alone.

FUZZ_DIRECTORY=
FUZZ_OPTIONS="-rss_limit_mb=0 -detect_leaks=0 -timeout=25 -max_len=65536 -print_final_stats=1"

run_fuzz()
{
	local began=$SECONDS

	ONLY=fuzz
	check build "build with gcc, warnings as errors" check_build
	[ $FAILED -eq 0 ] || finish_test "$began"
	check fuzz "libFuzzer, ${FUZZ_SECONDS:-60} seconds for each reader" check_fuzz_for_long
	finish_test "$began"
}

# No clang, or one without libFuzzer.
has_fuzzer()
{
	FUZZ_CLANG=$(newest_clang) && FUZZER=$("$FUZZ_CLANG" -print-file-name="libclang_rt.fuzzer_no_main-$(uname -m).a") &&
		ASAN=$("$FUZZ_CLANG" -print-file-name="libclang_rt.asan-$(uname -m).so") && [ -f "$FUZZER" ] && [ -f "$ASAN" ] && return 0
	result fuzz "there is no clang with libFuzzer"
	return 77
}

check_fuzz_seeds()
{
	has_fuzzer || return
	compiled build-fuzz build_fuzz || return 1
	fuzz_all "-runs=0"
}

check_fuzz_for_long()
{
	has_fuzzer || return
	compiled build-fuzz build_fuzz || return 1
	fuzz_all "-max_total_time=${FUZZ_SECONDS:-60}"
}

# The readers, and what they call, are built for the fuzzer, with a palloc that marks where each piece ends; the rest
# of the library is taken as check_build has left it. Three files are a part of the harness, for what is static in them.
FUZZED="src/base/*.c src/net/json.c src/net/json_fault.c src/net/retry.c src/qbo/fault.c src/qbo/oauth_answer.c
	src/report/*.c src/secret/redact.c test/fuzz/*.c"
IN_HARNESS=(src/import/changes.o src/import/values.o src/net/transfer.o)

build_fuzz()
{
	local file fuzzed=() others=() flags

	FUZZ_DIRECTORY=$WORK/tmp/fuzz
	rm -rf "$FUZZ_DIRECTORY"
	cp -R "$WORK/source" "$FUZZ_DIRECTORY" || return 1
	flags="-O1 -g -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all"
	flags="$flags -Itest/fuzz -include $FUZZ_DIRECTORY/test/fuzz/redzone.h"
	for file in $FUZZED; do
		fuzzed+=("${file%.c}.o")
	done
	(
		cd "$FUZZ_DIRECTORY" || exit 1
		rm -f "${IN_HARNESS[@]}" "${fuzzed[@]}"
		mapfile -t others < <(find src -name '*.o')
		make -s -j "$(nproc)" PG_CONFIG="$PG_CONFIG" CC="$FUZZ_CLANG" \
			COPT="$flags -Wno-unknown-warning-option -Wno-ignored-optimization-argument" "${fuzzed[@]}" &&
			"$FUZZ_CLANG" -shared -fsanitize=address,undefined -shared-libasan -o fuzz.so "${fuzzed[@]}" "${others[@]}" \
				"$FUZZER" -lstdc++ -lcurl -lm -lpthread
	) && build_without_gettext "$FUZZ_DIRECTORY/no_gettext.so" && make_fuzz_cluster
}

make_fuzz_cluster()
{
	initdb -D "$FUZZ_DIRECTORY/cluster" -U postgres -A trust --encoding=UTF8 --no-locale --no-sync &&
		fuzz_sql "CREATE FUNCTION fuzz(text) RETURNS integer LANGUAGE c AS '$FUZZ_DIRECTORY/fuzz.so'" "-help=1"
}

# A server of one process; its own messages are no news.
fuzz_sql()
{
	echo "$1" | env LD_PRELOAD="$ASAN $FUZZ_DIRECTORY/no_gettext.so" FUZZ_ARGUMENTS="$2" \
		ASAN_OPTIONS=detect_leaks=0:abort_on_error=1:disable_coredump=1:detect_odr_violation=0 \
		UBSAN_OPTIONS=print_stacktrace=1 \
		postgres --single -D "$FUZZ_DIRECTORY/cluster" postgres
}

# fuzz_all OPTION: each reader, as long as the option says.
fuzz_all()
{
	local seeds reader failed=() total=0

	for seeds in test/fuzz/seeds/*/; do
		reader=$(basename "$seeds")
		mkdir -p "$FUZZ_DIRECTORY/found/$reader"
		if fuzz_sql "SELECT fuzz('$reader')" "$FUZZ_OPTIONS -artifact_prefix=$FUZZ_DIRECTORY/found/$reader- $1 $FUZZ_DIRECTORY/found/$reader $PWD/$seeds" \
			>"$LOGS/fuzz-$reader.log" 2>&1 && grep -q '^Done \|INITED\|stat::number_of_executed_units' "$LOGS/fuzz-$reader.log"; then
			say "    $reader: $(sed -n 's/^stat::number_of_executed_units: *//p' "$LOGS/fuzz-$reader.log") inputs$(grep -o ' cov: [0-9]*' "$LOGS/fuzz-$reader.log" | tail -n 1)"
			total=$((total + 1))
		else
			failed+=("$reader")
			show_fuzz_find "$reader"
		fi
	done
	result fuzz "$total readers${failed:+; failed: ${failed[*]}}"
	[ ${#failed[@]} -eq 0 ]
}

# What it was, as text that can be made a seed of.
show_fuzz_find()
{
	local file

	show_tail "$LOGS/fuzz-$1.log" 60
	for file in "$FUZZ_DIRECTORY/found/$1"-*; do
		[ ! -f "$file" ] || say "    base64 of the input: $(base64 -w 0 "$file" | head -c 20000)"
	done
}
