#!/usr/bin/python3
"""Prints the results as one table: the median of the rounds' ratios, and what they are ratios of.

    table.py RESULTS

A line of RESULTS is a figure, a side of it and a value, separated by tabs; the rounds follow each other.
"""
import statistics
import sys

# Memory is flat when it goes with the requests under way and not with the companies; few companies are
# not even as many as those, hence the goal above 1.
#
# figure: (title, unit, one side, the other, goal of the ratio or None)
FIGURES = {
    "import_node": ("first import : node-quickbooks and pg, 10 at a time", "s", "worker", "node", 0.8),
    "import": ("first import : curl, then COPY", "s", "worker", "floor", 1.1),
    "import_plpgsql": ("first import : curl, then PL/pgSQL", "s", "worker", "plpgsql", None),
    "far_import": ("first import, far : requests x latency / concurrency", "s", "worker", "ideal", 1.15),
    "far_import_least": ("  the same : least possible", "s", "worker", "least", None),
    "far_node": ("  the same : node-quickbooks and pg, as many at a time", "s", "worker", "node", 0.8),
    "far_node_few": ("  the same : node-quickbooks and pg, 10 at a time", "s", "worker", "node", None),
    "far_curl": ("  curl of the same : requests x latency / concurrency", "s", "curl", "ideal", None),
    "company": ("one company, 36 months, far : latency", "s", "worker", "latency", 4),
    "company_trips": ("  requests one after the other", "", "trips", "one", 4),
    "cycle_curl": ("refresh without a change : curl of the same requests", "s", "cycle", "curl", 1.3),
    "cycle": ("  the same : first import", "s", "cycle", "import", None),
    "cycle_requests": ("  the same in requests", "", "cycle", "import", None),
    "far_cycle": ("refresh, far : requests x latency / concurrency", "s", "worker", "ideal", 1.2),
    "far_cycle_least": ("  the same : least possible", "s", "worker", "least", None),
    "webhook": ("webhook of 1,000 events : 100 ms", "s", "taking", "goal", 1),
    "webhook_rows": ("  events received in a second", "", "rows", "one", None),
    "webhook_figure": ("webhook to figures : the 5 s they are gathered for", "s", "until", "gathering", 1.5),
    "workers": ("first import, two workers : one (1.6 times the throughput)", "s", "two", "one", 0.625),
    "disk": ("bytes on disk : amounts", "", "bytes", "amounts", 60),
    "wal": ("bytes of WAL, first import : amounts", "", "bytes", "amounts", 120),
    "report_memory": ("memory for a report : its bytes", "MB", "session", "bytes", 10),
    "ledger_worker": ("ledger_lines, the worker : 60 MB", "MB", "worker", "goal", 1),
    "ledger_session": ("ledger_lines, the session : 20 MB", "MB", "session", "goal", 1),
    "memory": ("memory, many companies : few", "MB", "many", "few", 1.25),
    "memory_limit": ("  many companies : 64 MB", "MB", "many", "limit", 1.0),
    "memory_bare": ("  many companies : bare worker", "MB", "many", "bare", None),
    "memory_mapped": ("  the same with shared_buffers, many : few", "MB", "many", "few", None),
    "stop": ("stop, worker waiting : server idle", "s", "waiting", "idle", None),
    "statement": ("reading statements, in a crowd : alone", "s", "crowd", "alone", 1.5),
    "group_profit_and_loss": ("profit and loss, 8 x 36 months : a plain sum", "s", "read", "sum", 20),
    "group_balance_sheet": ("  balance sheet", "s", "read", "sum", 20),
    "group_cash_flow": ("  cash flow", "s", "read", "sum", 20),
    "group_profit_by_category": ("  profit and loss by category", "s", "read", "sum", 20),
    "group_balance_by_category": ("  balance sheet by category", "s", "read", "sum", 20),
    "group_trial_balance": ("  trial balance", "s", "read", "sum", 20),
    "group_reconcile": ("  reconcile", "s", "read", "sum", 20),
    "grown_balance_sheet": ("a month of 200 companies : of 8, for each company", "ms", "of_200", "of_8", 1.5),
    "grown_trial_balance": ("  trial balance", "ms", "of_200", "of_8", 1.5),
    "grown_reconcile": ("  reconcile", "ms", "of_200", "of_8", 1.5),
    "report": ("reading a report by class, four times as long : as it is", "s", "long", "short", 4.5),
    "idle": ("idle switches, launcher : autovacuum's", "", "launcher", "autovacuum", 0),
}
HEAD = ("figure", "ratio", "min", "max", "goal", "", "raw (medians)")


def read(path):
    """{figure: {side: [values]}}"""
    found = {}
    with open(path, encoding="ascii") as lines:
        for line in lines:
            figure, side, value = line.rstrip("\n").split("\t")
            found.setdefault(figure, {}).setdefault(side, []).append(float(value))
    return found


def ratio(one, other):
    if other == 0:
        return 0.0 if one == 0 else float("inf")
    return one / other


def plain(value, unit):
    text = "%.2f" % value if unit == "s" else "%.1f" % value if unit else "%g" % value
    return text + (" " + unit if unit else "")


def row(figure, sides):
    title, unit, one, other, goal = FIGURES[figure]
    ratios = [ratio(a, b) for a, b in zip(sides[one], sides[other])]
    median = statistics.median(ratios)
    verdict = "" if goal is None else "met" if median <= goal else "missed"
    raw = " : ".join(plain(statistics.median(sides[side]), unit) for side in (one, other))
    return (title, "%.3g" % median, "%.3g" % min(ratios), "%.3g" % max(ratios),
            "" if goal is None else "%g" % goal, verdict, raw)


def main():
    found = read(sys.argv[1])
    rows = [HEAD] + [row(figure, found[figure]) for figure in FIGURES if figure in found]
    widths = [max(len(r[i]) for r in rows) for i in range(len(HEAD))]
    for line in rows:
        cells = [line[0].ljust(widths[0])] + [line[i].rjust(widths[i]) for i in range(1, 5)]
        print("    " + "  ".join(cells + [line[5].ljust(widths[5]), line[6]]).rstrip())
    parts = {figure: statistics.median(next(iter(found[figure].values())))
             for figure in ("fetch", "store") if figure in found}
    if parts:
        print("    Of the floor, curl took %.2f s and COPY %.2f s." % (parts["fetch"], parts["store"]))


if __name__ == "__main__":
    main()
