# Building, as PGXS does it, with warnings as errors.

build_and_install()
{
	make -s -j "$(nproc)" COPT="$(compiler_options)" PG_CONFIG="$PG_CONFIG" "$@" &&
		make -s install PG_CONFIG="$PG_CONFIG" "$@"
}

# SANITIZE=undefined: what the sanitizer finds ends the process, so that the test that met it fails.
compiler_options()
{
	echo "-Werror${SANITIZE:+ -g -fsanitize=$SANITIZE -fno-sanitize-recover=all}"
}

# The same, and its clock can be moved, so that a test or a demo can let days pass.
build_with_test_clock()
{
	make -s clean PG_CONFIG="$PG_CONFIG" && build_and_install TEST_CLOCK=yes
}

# A second compiler sees other mistakes.  PostgreSQL's makefiles hand it the
# options of the compiler they were made with; those it does not know are not
# our mistakes.  It builds out of the tree, as packages do, and must install
# what the tree installs.
build_with_clang()
{
	local directory=$WORK/tmp/clang status

	mkdir "$directory" "$directory/build"
	cp -R "$WORK/source" "$directory/source"
	make -s -C "$directory/source" clean PG_CONFIG="$PG_CONFIG" >/dev/null
	out_of_tree -j "$(nproc)" CC="$1" \
		COPT="-Werror -Wno-unknown-warning-option -Wno-ignored-optimization-argument" &&
		out_of_tree install DESTDIR="$directory/out" &&
		make -s install PG_CONFIG="$PG_CONFIG" DESTDIR="$directory/in" &&
		installs_the_same "$directory/in" "$directory/out" &&
		out_of_tree uninstall DESTDIR="$directory/out" && uninstalled "$directory/out"
	status=$?
	rm -rf "$directory"
	return $status
}

out_of_tree()
{
	make -s -C "$directory/build" -f "$directory/source/Makefile" PG_CONFIG="$PG_CONFIG" "$@"
}

# The library comes from another compiler, so that there its being there counts.
installs_the_same()
{
	diff -rq --exclude=reefqbo.so "$1" "$2" &&
		diff <(cd "$1" && find . -type f | sort) <(cd "$2" && find . -type f | sort)
}

uninstalled()
{
	local left

	left=$(find "$1" -type f)
	[ -z "$left" ] || echo "make uninstall leaves: $left"
	[ -z "$left" ]
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
