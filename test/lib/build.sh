# Building, as PGXS does it, with warnings as errors.

# with_llvm=no: bitcode is only for servers that inline C functions into their
# plans, and needs a compiler that building the extension does not.
build_and_install()
{
	make -s -j "$(nproc)" COPT="$(compiler_options)" with_llvm=no PG_CONFIG="$PG_CONFIG" "$@" &&
		make -s install with_llvm=no PG_CONFIG="$PG_CONFIG" "$@"
}

# SANITIZE=undefined: what the sanitizer finds ends the process, so that the test that met it fails.
compiler_options()
{
	echo "-Werror${SANITIZE:+ -g -fsanitize=$SANITIZE -fno-sanitize-recover=all}"
}

# The same, and its clock can be moved, so that a test or a demo can let days pass.
build_with_test_clock()
{
	make -s clean with_llvm=no PG_CONFIG="$PG_CONFIG" && build_and_install TEST_CLOCK=yes
}

# A second compiler sees other mistakes.  PostgreSQL's makefiles hand it the
# options of the compiler they were made with; those it does not know are not
# our mistakes.
build_with_clang()
{
	local directory=$WORK/tmp/clang status

	cp -R "$WORK/source" "$directory"
	make -s -C "$directory" clean with_llvm=no PG_CONFIG="$PG_CONFIG" >/dev/null
	make -s -C "$directory" -j "$(nproc)" with_llvm=no PG_CONFIG="$PG_CONFIG" CC="$1" \
		COPT="-Werror -Wno-unknown-warning-option -Wno-ignored-optimization-argument"
	status=$?
	rm -rf "$directory"
	return $status
}

# Debian names a clang by its version when only the server's headers need it.
newest_clang()
{
	local candidate

	for candidate in clang $(compgen -c clang- | grep -x 'clang-[0-9]*' | sort -rV); do
		command -v "$candidate" && return 0
	done
	return 1
}

# compiled NAME COMMAND...: quiet, unless it fails.
compiled()
{
	local log=$LOGS/$1.log
	shift
	"$@" >"$log" 2>&1 && return 0
	show_head "$log" 60
	return 1
}
