# What the user sees.

say()
{
	printf '%s\n' "$*"
}

# The reason goes to standard error; the EXIT trap cleans up.
die()
{
	printf 'reefqbo: %s\n' "$@" >&2
	exit 1
}

indent()
{
	sed -u 's/^/    /'
}

# The end of a log, for a step that failed.
show_tail()
{
	local file=$1 lines=${2:-40}

	[ -s "$file" ] || return 0
	say "--- last lines of $(basename "$file"):"
	tail -n "$lines" "$file" | indent
}

# The beginning of one, where the first message is the one that matters.
show_head()
{
	local file=$1 lines=${2:-40}

	[ -s "$file" ] || return 0
	say "--- first lines of $(basename "$file"):"
	head -n "$lines" "$file" | indent
}

# quietly NAME COMMAND...: what it printed is shown only when it fails.
quietly()
{
	local log=$LOGS/$1.log
	shift
	"$@" >"$log" 2>&1 && return 0
	show_tail "$log" 60
	return 1
}
