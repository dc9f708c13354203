# "make docs": docs/reference.md, made from an installed extension.

# Into the copy of the checkout; outside() takes it from there.
run_docs()
{
	attend compiled build build_and_install || exit 1
	attend make_reference docs/reference.md || exit 1
	say "Made docs/reference.md."
}

make_reference()
{
	local status

	start_cluster || return 1
	psql -X -q -c "SET client_min_messages = warning; CREATE EXTENSION reefqbo CASCADE" &&
		python3 test/reference.py >"$1"
	status=$?
	stop_cluster
	return $status
}

take_reference()
{
	cp "$WORK/source/docs/reference.md" "$CHECKOUT/docs/reference.md"
}

# What is in the checkout is what would be made.
check_reference()
{
	compiled reference make_reference "$LOGS/reference.md" || return 1
	diff -u docs/reference.md "$LOGS/reference.md" >"$LOGS/reference.diff" && return 0
	show_head "$LOGS/reference.diff" 40
	result reference 'docs/reference.md is stale: "make docs" makes it anew'
	return 1
}
