# Clean Debian systems below the temporary directory, for what has to be installed to be tested: packages, and other
# major versions of PostgreSQL.
#
# They are debootstrap's. What runs in one has its processes, its /proc and its mounts to itself: when its first
# process ends, whatever it has started ends too, and nothing is left mounted.

CHROOT_PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

# A chroot takes root, an ordinary user's sudo will do.
need_for_chroots()
{
	can_install || die "this needs root, or sudo, and Debian: it makes chroots"
	need debootstrap "makes clean systems" has_program debootstrap
	need util-linux "keeps their processes and mounts apart" has_program unshare
}

# An ordinary user's PATH may not reach it.
has_program()
{
	PATH=$PATH:/usr/sbin:/sbin command -v "$1"
}

# make_chroot SUITE DIRECTORY: a copy of the first of that suite, if there is one already.
make_chroot()
{
	local base=$WORK/chroot-$1

	if [ ! -d "$base" ]; then
		say "    a clean system of Debian's $1"
		quietly "debootstrap-$1" as_root debootstrap --variant=minbase "$1" "$base" "$(debian_mirror)" || return 1
		share_apt_settings "$base"
	fi
	as_root cp -a "$base" "$2"
}

# The mirror that this machine's own packages come from, if it is a Debian.
debian_mirror()
{
	local mirror

	mirror=$(apt-get indextargets --format '$(ORIGIN) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
		sed -n 's,^Debian \(.*/debian/*\)$,\1,p' | head -n 1)
	echo "${mirror:-http://deb.debian.org/debian}"
}

# How this machine reaches its mirror, a proxy say; and no service is started by its installation, but for what asks for it.
share_apt_settings()
{
	local file

	for file in $(grep -ls '^Acquire' /etc/apt/apt.conf.d/* /etc/apt/apt.conf); do
		as_root cp "$file" "$1/etc/apt/apt.conf.d/"
	done
	echo 'APT::Install-Recommends "false";' | as_root tee "$1/etc/apt/apt.conf.d/90minimal" >/dev/null
	[ ! -e /etc/resolv.conf ] || as_root cp -L /etc/resolv.conf "$1/etc/resolv.conf"
}

# in_chroot DIRECTORY COMMAND...
in_chroot()
{
	local root=$1
	shift
	# shellcheck disable=SC2016
	as_root unshare --mount --pid --fork --kill-child sh -c '
		root=$1
		shift
		mount -t proc proc "$root/proc" && mount --rbind /dev "$root/dev" || exit 1
		exec chroot "$root" "$@"' sh "$root" \
		/usr/bin/env -i "PATH=$CHROOT_PATH" HOME=/root LC_ALL=C.UTF-8 TERM=dumb DEBIAN_FRONTEND=noninteractive \
		"REEFQBO_RUN=$WORK" "$@"
}

# install_in_chroot DIRECTORY PACKAGE...
install_in_chroot()
{
	local root=$1
	shift
	in_chroot "$root" apt-get -q update && in_chroot "$root" apt-get -q -y install "$@"
}

# The checkout, as copy_checkout has made it, belongs to root there.
copy_source_to()
{
	as_root mkdir -p "$1/root/source"
	tar -C "$WORK/source" -cf - . | as_root tar --no-same-owner -C "$1/root/source" -xf -
}
