#!/bin/bash
#
# Measures reefqbo's background worker on the throw-away cluster that "make
# bench" has started, against a static server instead of QuickBooks.  Every
# figure is a ratio of two things measured in the same run: seconds are those
# of this machine and stand beside them for information.
#
# The two sides of a figure take turns, BENCH_ROUNDS times; of the rounds'
# ratios the median counts.

set -eu
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
WORK=$REEFQBO_WORK

# How many companies a figure is about, and how many few and many are.
COMPANIES=${BENCH_COMPANIES:-200}
FEW=${BENCH_FEW:-10}
MANY=${BENCH_MANY:-1000}
ROUNDS=${BENCH_ROUNDS:-3}
CONCURRENCY=${BENCH_CONCURRENCY:-32}
LATENCY_MS=${BENCH_LATENCY_MS:-200}
IDLE_SECONDS=${BENCH_IDLE_SECONDS:-60}
# In how large a crowd a statement is read.
CROWD=${BENCH_CROWD:-10000}
# How many lines an account's ledger has, which this company's answers have.
export BENCH_LEDGER_LINES=${BENCH_LEDGER_LINES:-55000}
LEDGER_LINES=$BENCH_LEDGER_LINES
BOOKED_COMPANY=10

export PSQLRC=/dev/null PGOPTIONS='-c client_min_messages=warning'

# shellcheck source=/dev/null
. "$HERE/../lib/say.sh"
# shellcheck source=/dev/null
. "$HERE/../lib/process.sh"
for part in service companies figures groups; do
	# shellcheck source=/dev/null
	. "$HERE/$part.sh"
done

ALL_FIGURES="import size workers cycle latency company webhook memory report_memory ledger stop idle statement report"

# Those that ONLY names, or all.
chosen_figures()
{
	local figure

	for figure in ${ONLY:-$ALL_FIGURES}; do
		case " $ALL_FIGURES " in
			*" $figure "*) echo "$figure" ;;
			*) die "there is no figure called $figure; there are: $ALL_FIGURES" ;;
		esac
	done
}

step()
{
	printf '\n== %s\n' "$*"
}

describe_machine()
{
	say "    $(nproc) processors; $(postgres --version); fsync is $(value postgres 'SHOW fsync')"
	say "    $COMPANIES companies, $ROUNDS rounds, at most $CONCURRENCY requests at the same time"
}

main()
{
	local figure figures

	figures=$(chosen_figures)
	trap stop_service EXIT
	step "Making the answers, and a server that serves them"
	start_service
	describe_machine
	step "Connecting the companies"
	make_companies "$figures"
	for figure in $figures; do
		figure_"$figure"
		[ "$figure" != statement ] || figure_groups
	done
	step "Results"
	python3 "$HERE/table.py" "$WORK/results"
}

main
