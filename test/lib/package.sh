# "make test-package": what is shipped is built as packagers build it, and tried as those do who install it, each in a
# clean system of Debian's. SUITE says of which suite.

SUITE=${SUITE:-bookworm}
BUILDER=
INSTALLED=

run_package()
{
	local began=$SECONDS

	BUILDER=$WORK/builder INSTALLED=$WORK/installed
	run_check deb "Debian's packages: built out of the tree, lintian clean" build_deb
	[ $FAILED -eq 0 ] || finish_test "$began"
	run_check installed "installed from them: autopkgtest links a company, and runs the regression tests on the server" test_installed
	run_check removed "removed, as the manual says: nothing of theirs is left, and the server starts" test_removed
	run_check rpm "an RPM in the form of PGDG's: built, rpmlint clean" build_rpm
	run_check dist "the archive for PGXN: complete, and what is built from it installs" test_dist
	finish_test "$began"
}

# in_source NAME SYSTEM SCRIPT: in its copy of the checkout, quiet unless it fails.
in_source()
{
	quietly "$1" in_chroot "$2" sh -ec "cd /root/source; $3"
}

# A compiler, all of PostgreSQL, and the tools of Debian and of Red Hat.
make_builder()
{
	make_chroot "$SUITE" "$BUILDER" &&
		quietly builder install_in_chroot "$BUILDER" build-essential debhelper lintian postgresql-all libcurl4-openssl-dev \
			pkg-config rpm rpmlint git zip unzip &&
		copy_source_to "$BUILDER"
}

# Its own tests come later, on what is installed.
build_deb()
{
	make_builder &&
		in_source deb "$BUILDER" "pg_buildext updatecontrol; DEB_BUILD_OPTIONS=nocheck dpkg-buildpackage -us -uc -b" &&
		in_source lintian "$BUILDER" "lintian --allow-root --fail-on error,warning ../reefqbo_*.changes" &&
		result deb "$(cd "$BUILDER/root" && echo ./*reefqbo_*.deb ./*simulator_*.deb | sed 's,\./,,g')"
}

# Whoever has the packages and nothing else. Debian's test runner brings what debian/tests/control asks for.
test_installed()
{
	make_chroot "$SUITE" "$INSTALLED" && copy_source_to "$INSTALLED" || return 1
	as_root cp "$BUILDER"/root/*reefqbo_*.deb "$BUILDER"/root/*simulator_*.deb "$INSTALLED/root/"
	# which packages are meant by "@" in debian/tests/control
	as_root cp "$BUILDER/root/source/debian/control" "$INSTALLED/root/source/debian/"
	quietly installed install_in_chroot "$INSTALLED" autopkgtest &&
		in_source autopkgtest "$INSTALLED" "autopkgtest -B . ../*.deb -- null" &&
		result installed "$(sed -n 's/^\(linked\|installcheck\) *PASS.*/\1 passed/p' "$LOGS/autopkgtest.log" | sort -u | paste -sd ,)"
}

test_removed()
{
	in_source removed "$INSTALLED" "sh debian/tests/removed"
}

# Where the server lives, PGDG's macros say; here they say Debian's place.
build_rpm()
{
	local version

	version=$(in_chroot "$BUILDER" sh -c 'ls /usr/lib/postgresql' | sort -n | tail -n 1)
	in_source rpm "$BUILDER" "git init -q .
		git add --all
		git -c user.name=test -c user.email=test@localhost commit -q -m test
		make dist
		printf '%%pgmajorversion $version\n%%pginstdir /usr/lib/postgresql/$version\n' >~/.rpmmacros
		mkdir -p ~/rpmbuild/SOURCES
		cp reefqbo-*.zip ~/rpmbuild/SOURCES/
		rpmlint -c rpm/rpmlint.toml rpm/reefqbo.spec
		rpmbuild -bb --nodeps rpm/reefqbo.spec
		rpmlint -c rpm/rpmlint.toml ~/rpmbuild/RPMS/*/*.rpm" &&
		result rpm "$(tail -n 1 "$LOGS/rpm.log")"
}

test_dist()
{
	in_source dist "$BUILDER" "rm -rf ../dist; mkdir ../dist; cd ../dist
		unzip -q ../source/reefqbo-*.zip
		cd reefqbo-*
		test -s META.json -a -s README.md -a -s docs/reference.md
		make -s
		make -s install DESTDIR=/root/dist/out
		find /root/dist/out -name 'reefqbo--*.sql' -size +100k | grep -q ."
}
