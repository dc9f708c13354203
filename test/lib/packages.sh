# What the machine lacks, and getting it from Debian.
#
# Each need is tested by what it does (a program runs, a header compiles), not
# by a package's name, so that a server built from source will do as well.

MISSING=()
CLUSTER_SETTINGS=/etc/postgresql-common/createcluster.d
NO_MAIN_CLUSTER=$CLUSTER_SETTINGS/reefqbo-test.conf
FORBADE_MAIN_CLUSTER=
NO_SERVICES=/usr/sbin/policy-rc.d
FORBADE_SERVICES=
FORBADE_NGINX=

# install_missing_packages GOAL
install_missing_packages()
{
	local goal=$1

	find_missing_packages "$goal"
	[ ${#MISSING[@]} -gt 0 ] || return 0
	can_install || explain_missing "cannot install packages here (no apt-get, or neither root nor sudo)"

	say "Installing from Debian's packages, which this needs and the machine lacks:"
	apt_get update || say "apt-get update failed; going on with the lists that are there."
	find_missing_packages "$goal"
	printf '    %s\n' "${MISSING[@]}"
	forbid_main_cluster
	forbid_nginx_service
	# shellcheck disable=SC2046
	apt_get install --no-install-recommends -y $(missing_names) || explain_missing "apt-get install failed"
	allow_main_cluster
	allow_services

	find_missing_packages "$goal"
	[ ${#MISSING[@]} -eq 0 ] || explain_missing "still missing after the installation"
}

# What tests do without, where Debian has it and it can be had without asking for a password: what pgaudit logs is
# searched for secrets as well, pgbouncer stands between an application and the server, and sql_exporter is run with
# the configuration in contrib.
install_wanted_packages()
{
	[ "$1" = test ] && command -v apt-get >/dev/null || return 0
	[ "$(id -u)" -eq 0 ] || sudo -n true 2>/dev/null || return 0
	! panel_is_wanted || want_panel
	! examples_are_wanted || want_examples
	want_pgaudit
	[ -x /usr/sbin/pgbouncer ] || want_package pgbouncer "through which the tests call as applications do"
	[ -x /usr/bin/prometheus-sql-exporter ] || want_package prometheus-sql-exporter "which is run as a monitoring system would"
}

# Whether this run has the test of the examples in other languages.
examples_are_wanted()
{
	case " ${ONLY:-tap} " in *" tap "* | *103*) return 0 ;; esac
	return 1
}

want_examples()
{
	/usr/bin/python3 -c 'import flask, psycopg' 2>/dev/null ||
		want_package "python3-flask python3-psycopg" "which run the example in Python"
	php -r 'exit(function_exists("pg_connect") ? 0 : 1);' 2>/dev/null ||
		want_package "php-cli php-pgsql" "which run the example in PHP"
	ruby -e 'require "sinatra/base"; require "pg"; require "webrick"' 2>/dev/null ||
		want_package "ruby-sinatra ruby-pg ruby-webrick" "which run the example in Ruby"
}

# Chromium's sandbox is a package of its own.
want_panel()
{
	command -v node >/dev/null || want_package nodejs "which runs the panel"
	command -v npm >/dev/null || want_package npm "which installs what the panel is made of"
	command -v chromium >/dev/null || want_package "chromium chromium-sandbox" "which looks at the panel as its users do"
}

want_pgaudit()
{
	local server version

	[ -z "${PG_CONFIG:-}" ] || return 0
	server=$(newest_usable_server) && [ ! -e "$("$server" --pkglibdir)/pgaudit.so" ] || return 0
	version=$("$server" --version | sed 's/^PostgreSQL \([0-9]*\).*/\1/')
	want_package "postgresql-$version-pgaudit" "whose log the tests search for secrets too"
}

# want_package NAMES PURPOSE: its service, if it has one, is not started.
want_package()
{
	# shellcheck disable=SC2086
	apt-cache show $1 >/dev/null 2>&1 || return 0
	say "Installing $1 from Debian, $2."
	forbid_services
	# shellcheck disable=SC2086
	apt_get install --no-install-recommends -y $1 || say "It could not be installed; the tests do without."
	allow_services
}

# One entry for each package: its name, and in brackets what it is for.
find_missing_packages()
{
	MISSING=()
	case $1 in package | versions) need_for_chroots && return ;; esac
	need gcc "compiles the extension" command -v gcc
	need libc6-dev "compiles the extension" has_header stdio.h
	need make "builds it" command -v make
	need_server
	need libcurl4-openssl-dev "talks to QuickBooks" has_header curl/curl.h
	need perl "runs the TAP tests" perl -MTest::More -MJSON::PP -MIPC::Open2 -e 'exit !grep { -x "$_/prove" } split /:/, $ENV{PATH}'
	need libipc-run-perl "PostgreSQL's test modules use it" perl -MIPC::Run -e 1
	need python3 "runs the simulated QuickBooks" python3 -c 'import ssl, http.server, unittest, json'
	need openssl "makes the simulator's certificates" command -v openssl
	[ "$1" != bench ] || need_for_bench
	case $1 in panel | screenshots) need_for_panel "$1" ;; esac
}

need_for_panel()
{
	need nodejs "runs the panel" command -v node
	need npm "installs what the panel is made of" command -v npm
	[ "$1" = panel ] || need chromium "looks at it" command -v chromium
}

# An ordinary user's PATH may not reach nginx.
need_for_bench()
{
	need nginx-light "is the server that is measured against" env "PATH=$PATH:/usr/sbin" nginx -v
	need curl "is the client that is measured against" command -v curl
	need nodejs "runs the stack that is measured against" command -v node
	need npm "installs that stack" command -v npm
}

need()
{
	local package=$1 purpose=$2
	shift 2
	"$@" >/dev/null 2>&1 || MISSING+=("$package ($purpose)")
}

need_server()
{
	local version

	[ -z "${PG_CONFIG:-}" ] || return 0
	newest_usable_server >/dev/null && return 0
	version=$(server_version_to_install)
	MISSING+=("postgresql-$version (the server)"
		"postgresql-server-dev-$version (its headers)")
}

# A server that only lacks its headers gets those of its own version.
server_version_to_install()
{
	local version

	version=$(find /usr/lib/postgresql -path '*/bin/postgres' 2>/dev/null | sort -V | tail -n 1)
	version=${version#/usr/lib/postgresql/}
	version=${version%%/*}
	[ -n "$version" ] || version=$(apt-cache depends postgresql 2>/dev/null |
		sed -n 's/^ *Depends: postgresql-\([0-9][0-9]*\)$/\1/p' | head -n 1)
	echo "${version:-15}"
}

has_header()
{
	echo "#include <$1>" | gcc -E - -o /dev/null
}

missing_names()
{
	printf '%s\n' "${MISSING[@]}" | cut -d ' ' -f 1
}

can_install()
{
	command -v apt-get >/dev/null || return 1
	[ "$(id -u)" -ne 0 ] || return 0
	command -v sudo >/dev/null || return 1
	sudo -n true 2>/dev/null || [ -t 0 ]
}

as_root()
{
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	else
		sudo "$@"
	fi
}

# Quiet unless it fails.  A new machine may still be busy updating itself.
apt_get()
{
	local output status

	output=$(as_root env DEBIAN_FRONTEND=noninteractive apt-get -q \
		-o DPkg::Lock::Timeout=300 "$@" 2>&1 </dev/null)
	status=$?
	[ $status -eq 0 ] || printf '%s\n' "$output" | tail -n 20 | indent >&2
	return $status
}

explain_missing()
{
	die "$1" "install these packages and start again:" "  $(missing_names | tr '\n' ' ')"
}

# Debian's package starts a server of its own, and again with each boot.  Whoever
# only wants to measure has not asked for one: as Debian's policy has it, no
# service is started while this file is there, and nginx's is switched off.
forbid_nginx_service()
{
	case "${MISSING[*]}" in *nginx-light*) ;; *) return 0 ;; esac
	FORBADE_NGINX=yes
	forbid_services
}

forbid_services()
{
	[ ! -e "$NO_SERVICES" ] || return 0
	FORBADE_SERVICES=yes
	printf '#!/bin/sh\nexit 101\n' | as_root tee "$NO_SERVICES" >/dev/null && as_root chmod 755 "$NO_SERVICES" ||
		die "could not write $NO_SERVICES"
}

allow_services()
{
	[ -z "$FORBADE_SERVICES" ] || as_root rm -f "$NO_SERVICES"
	FORBADE_SERVICES=
	[ -n "$FORBADE_NGINX" ] || return 0
	FORBADE_NGINX=
	as_root update-rc.d nginx disable >/dev/null 2>&1
	say "    nginx's own service is switched off; if you want it: update-rc.d nginx enable"
}

# Debian's package makes and starts a cluster of its own, "main", when a server
# is installed.  Whoever only wants to run our tests has not asked for one.
forbid_main_cluster()
{
	case "${MISSING[*]}" in *"(the server)"*) ;; *) return 0 ;; esac
	FORBADE_MAIN_CLUSTER=yes
	as_root mkdir -p "$CLUSTER_SETTINGS"
	echo "create_main_cluster = false" | as_root tee "$NO_MAIN_CLUSTER" >/dev/null ||
		die "could not write $NO_MAIN_CLUSTER"
}

# The directory is no package's: it goes too, unless somebody uses it.
allow_main_cluster()
{
	[ -n "$FORBADE_MAIN_CLUSTER" ] || return 0
	FORBADE_MAIN_CLUSTER=
	as_root rm -f "$NO_MAIN_CLUSTER"
	as_root rmdir "$CLUSTER_SETTINGS" 2>/dev/null
	return 0
}
