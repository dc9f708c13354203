# "make test-versions": every test on each major version of PostgreSQL, in a clean system of the suite of Debian's
# that has it. VERSIONS names those that are wanted, and ONLY which tests.

# Debian has released no 16.
suite_of()
{
	case $1 in
		15) echo bookworm ;;
		17) echo trixie ;;
		18) echo sid ;;
		19) echo experimental ;;
		*) return 1 ;;
	esac
}

run_versions()
{
	local began=$SECONDS version

	for version in ${VERSIONS:-15 16 17 18 19}; do
		WANTED_VERSION=$version
		run_check "version-$version" "PostgreSQL $version" test_version
	done
	finish_test "$began"
}

# Nothing stays of one but its log: five systems would be 10 GB.
test_version()
{
	local version=$WANTED_VERSION suite root=$WORK/version-$WANTED_VERSION status

	suite=$(suite_of "$version") || {
		result "version-$version" "no suite of Debian's has it"
		return 77
	}
	make_system_of "$suite" "$root" && install_server "$version" "$root" || {
		result "version-$version" "its system could not be made"
		return 77
	}
	copy_source_to "$root"
	watched "$LOGS/version-$version.log" in_chroot "$root" \
		sh -c 'cd source && exec make test ONLY="$1" PG_CONFIG="/usr/lib/postgresql/$2/bin/pg_config"' sh "${ONLY:-}" "$version"
	status=$?
	result "version-$version" "$(tested_server "$LOGS/version-$version.log")"
	as_root rm -rf "$root"
	return $status
}

tested_server()
{
	sed -n -e 's/^Using \(PostgreSQL [^,]*\), .*/\1/p' -e 's/^ *passed  *TAP tests: \([0-9]* tests in [0-9]* files\).*/\1/p' "$1" | paste -sd ' '
}

# experimental is not a system but what sid may get.
make_system_of()
{
	case $1 in
		experimental)
			make_chroot sid "$2" || return 1
			echo "deb $(debian_mirror) experimental main" | as_root tee "$2/etc/apt/sources.list.d/experimental.list" >/dev/null
			;;
		*) make_chroot "$1" "$2" ;;
	esac
}

install_server()
{
	local from=

	[ "$(suite_of "$1")" != experimental ] || from="-t experimental"
	# the tests make clusters of their own
	as_root mkdir -p "$2/etc/postgresql-common/createcluster.d"
	echo "create_main_cluster = false" | as_root tee "$2/etc/postgresql-common/createcluster.d/none.conf" >/dev/null
	# shellcheck disable=SC2086
	quietly "server-$1" install_in_chroot "$2" $from make "postgresql-$1" "postgresql-server-dev-$1"
}
