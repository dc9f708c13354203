# Which PostgreSQL to use, and a private copy of it.
#
# PostgreSQL finds its libraries and its share directory from where its
# programs are.  So a copy that keeps the directories' relative positions is a
# complete server, and "make install" into it touches nothing of the system's.

SERVER_PG_CONFIG=
SERVER_BINDIR=

find_server()
{
	if [ -n "${PG_CONFIG:-}" ]; then
		SERVER_PG_CONFIG=$(command -v "$PG_CONFIG") || die "PG_CONFIG is not a program: $PG_CONFIG"
		can_build_against "$SERVER_PG_CONFIG" ||
			die "PG_CONFIG has no server, no server headers or no PGXS beside it: $PG_CONFIG"
	else
		SERVER_PG_CONFIG=$(newest_usable_server) || die "no PostgreSQL with server headers was found"
	fi
	SERVER_BINDIR=$("$SERVER_PG_CONFIG" --bindir)
	say "Using $("$SERVER_PG_CONFIG" --version), in a private copy."
}

# Debian's pg_config on the PATH is a wrapper; the one of each version counts.
newest_usable_server()
{
	local candidate

	for candidate in $(printf '%s\n' /usr/lib/postgresql/*/bin/pg_config | sort -rV) \
		$(command -v pg_config) /usr/local/pgsql/bin/pg_config; do
		if can_build_against "$candidate"; then
			echo "$candidate"
			return 0
		fi
	done
	return 1
}

can_build_against()
{
	[ -x "$1" ] &&
		[ -f "$("$1" --pgxs 2>/dev/null)" ] &&
		[ -f "$("$1" --includedir-server)/postgres.h" ] &&
		[ -x "$("$1" --bindir)/postgres" ]
}

copy_server()
{
	local question copied

	for question in --bindir --pkglibdir --sharedir; do
		copy_tree "$("$SERVER_PG_CONFIG" "$question")"
	done
	# Only read when building, so a link is enough.
	for question in --includedir --includedir-server --libdir --pgxs; do
		link_tree "$("$SERVER_PG_CONFIG" "$question")"
	done

	copied=$WORK/server$SERVER_BINDIR/pg_config
	for question in --bindir --pkglibdir --sharedir --pgxs; do
		[ "$("$copied" "$question")" = "$WORK/server$("$SERVER_PG_CONFIG" "$question")" ] ||
			die "the copied pg_config does not see the copy: $question is $("$copied" "$question")"
	done
}

# Links are followed: programs must be real files, or they find the original.
# The bitcode of the server's functions is most of the size and is not needed.
copy_tree()
{
	mkdir -p "$WORK/server$1"
	tar -C "$1" --dereference --exclude=./bitcode --exclude=./man -cf - . |
		tar -C "$WORK/server$1" -xf - || die "could not copy $1"
}

link_tree()
{
	[ ! -e "$WORK/server$1" ] && [ -e "$1" ] || return 0
	mkdir -p "$(dirname "$WORK/server$1")"
	ln -s "$1" "$WORK/server$1"
}
