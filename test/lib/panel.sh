# The panel of examples/panel: "make panel", its browser test, and the screenshots of the manual.

# npm's packages, in the versions of the lock file, into the private copy of the checkout; none of them runs anything there.
install_panel_packages()
{
	(cd "$WORK/source/examples/panel" && npm ci --ignore-scripts --no-audit --no-fund) >"$WORK/log/npm.log" 2>&1
}

# The panel's own goals cannot do without; its test among others is skipped.
install_node_of_panel()
{
	case $1 in
		panel | screenshots) ;;
		test) panel_is_wanted && command -v npm >/dev/null || return 0 ;;
		*) return 0 ;;
	esac
	say "Installing from npm what the panel is made of, in the versions of the lock file."
	install_panel_packages && return 0
	show_tail "$WORK/log/npm.log"
	[ "$1" = test ] || die "npm ci failed"
	rm -rf "$WORK/source/examples/panel/node_modules"
}

# Whether this run of the tests has the panel's among them.
panel_is_wanted()
{
	case " ${ONLY:-panel} " in *" panel "*) return 0 ;; esac
	return 1
}

# "make panel": on a cluster that is left running until Ctrl-C.
run_panel()
{
	say "Building reefqbo and starting a throw-away cluster."
	attend compiled build build_with_test_clock || exit 1
	start_panel_cluster || exit 1
	attend bash test/panel.sh
	finish_demo $?
}

# "make screenshots": those that the manual shows, from a run of the browser test.
run_screenshots()
{
	local picture

	attend compiled build build_with_test_clock || exit 1
	start_panel_cluster || exit 1
	attend bash test/panel.sh test || exit 1
	for picture in $(grep -o 'panel/[0-9a-z-]*\.png' docs/panel.md); do
		cp "$REEFQBO_WORK/screens/$(basename "$picture")" docs/panel/ || exit 1
	done
	stop_cluster
}

take_screenshots()
{
	mkdir -p "$CHECKOUT/docs/panel" && cp "$WORK"/source/docs/panel/*.png "$CHECKOUT/docs/panel/"
}

start_panel_cluster()
{
	export REEFQBO_WORK=$WORK/demo
	mkdir -p "$REEFQBO_WORK"
	start_cluster "shared_preload_libraries = 'reefqbo'" "reefqbo.databases = 'postgres'"
}

# Without a browser or npm's packages there is nothing to look at.
check_panel()
{
	local status

	[ -d examples/panel/node_modules/playwright-core ] || {
		result panel "npm's packages are not there"
		return 77
	}
	command -v chromium >/dev/null || {
		result panel "there is no Chromium"
		return 77
	}
	compiled build-panel build_with_test_clock && start_panel_cluster || return 1
	watched "$LOGS/panel.log" bash test/panel.sh test
	status=$?
	stop_cluster
	result panel "$(sed -n 's/^ℹ \(pass\|fail\) \([0-9]*\)$/\2 \1/p' "$LOGS/panel.log")"
	return $status
}
