#!/usr/bin/python3
"""Makes what nginx serves: certificates, and ten companies' answers as the simulator gives them.

    answers.py DIR

DIR/answers/0 to 9 hold the sets, each answer plain and compressed. Half of them are small companies and half
have charts of 28 to 200 accounts. All are of the simulator's usual day, and for the twelve months that end
with it; they are printed as "TODAY START END", for the caller's clock and imports to agree with them.
"""
import datetime
import gzip
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "intuit"))
import certs
import support

COMPANIES = ("pod-1", "reef", "pod-2", "atoll", "pod-3", "lagoon", "pod-4", "corail", "pod-5", "kelp")
ALL = "Active IN (true, false)"
COUNT = "select count(*) from Account where " + ALL
ACCOUNTS = "select * from Account where " + ALL + " orderby Id startposition 1 maxresults 1000"
# What changed in a company where nothing ever does.
NO_CHANGES = b'{"CDCResponse":[{"QueryResponse":[{}]}],"time":"%sT12:00:00.000Z"}'


def months():
    """First and last day of the twelve months that end with the simulator's own."""
    first = support.TODAY.replace(day=1)
    following = (first + datetime.timedelta(days=31)).replace(day=1)
    return following.replace(year=following.year - 1), following - datetime.timedelta(days=1)


def answers(client):
    """Each answer's name with its bytes."""
    start, end = (day.isoformat() for day in months())
    asked = {"companyinfo": ("companyinfo/" + client.realm, {}),
             "preferences": ("preferences", {}),
             "count": ("query", {"query": COUNT}),
             "accounts": ("query", {"query": ACCOUNTS})}
    for report in ("ProfitAndLoss", "BalanceSheet"):
        asked[report] = ("reports/" + report,
                         {"start_date": start, "end_date": end, "accounting_method": "Accrual",
                          "summarize_column_by": "Month"})
    for name, (path, parameters) in asked.items():
        status, headers, body = client.get(path, timeout=60, **parameters)
        if status != 200:
            raise SystemExit("the simulator answered %d for %s" % (status, name))
        yield name, support.unpack(headers, body)
    yield "cdc", NO_CHANGES % support.TODAY.isoformat().encode("ascii")


def write(directory, name, body):
    path = os.path.join(directory, name + ".json")
    with open(path, "wb") as out:
        out.write(body)
    with open(path + ".gz", "wb") as out:
        out.write(gzip.compress(body, 6, mtime=0))


def main():
    directory = sys.argv[1]
    certs.make(directory)
    simulator = support.Simulator("--no-throttle")
    try:
        for digit, company in enumerate(COMPANIES):
            there = os.path.join(directory, "answers", str(digit))
            os.makedirs(there)
            for name, body in answers(support.Client(simulator, company)):
                write(there, name, body)
    finally:
        simulator.stop()
    print(support.TODAY, *months())


if __name__ == "__main__":
    main()
