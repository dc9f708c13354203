#!/usr/bin/python3
"""Makes what nginx serves: certificates, and ten companies' answers as the simulator gives them.

    answers.py DIR

DIR/answers/0 to 9 hold the sets, each answer plain and compressed; a report is named by what it is of, its dates
and its columns, so that nothing is answered by another. Half of them are small companies and half have charts of 28
to 200 accounts. All are of the simulator's usual day, and for the twelve months that end with it, of the company that
is imported alone for thirty-six; they are printed as "TODAY START END LONG_START", for the caller's clock and imports
to agree with them. Of one company there is a general ledger of BENCH_LEDGER_LINES lines, too.
"""
import datetime
import gzip
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "simulator"))
import certs
import support

COMPANIES = ("pod-1", "reef", "pod-2", "atoll", "pod-3", "lagoon", "pod-4", "corail", "pod-5", "kelp")
ALONE = 1  # the number of the company that is imported alone
LONG_YEARS = 3
BOOKED = 0  # the number of the company with the general ledger; of its account, in the last month that is over
BOOKED_ACCOUNT = "6"
LEDGER_COLUMNS = "tx_date,txn_type,doc_num,name,memo,split_acc,subt_nat_amount,rbal_nat_amount"
LEDGER_LINES = int(os.environ.get("BENCH_LEDGER_LINES", "55000"))
ALL = "Active IN (true, false)"
COUNT = "select count(*) from Account where " + ALL
ACCOUNTS = "select * from Account where " + ALL + " orderby Id startposition 1 maxresults 1000"
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
          "November", "December")
# What changed in a company where nothing ever does.
NO_CHANGES = b'{"CDCResponse":[{"QueryResponse":[{}]}],"time":"%sT12:00:00.000Z"}'


def years(count):
    """First and last day of so many times twelve months, the latest of which ends with the simulator's own month."""
    first = support.TODAY.replace(day=1)
    following = (first + datetime.timedelta(days=31)).replace(day=1)
    for year in range(count):
        yield (following.replace(year=following.year - year - 1),
               following.replace(year=following.year - year) - datetime.timedelta(days=1))


def year_start(end, preferences):
    """Of the fiscal year in which a day is."""
    month = 1 + MONTHS.index(json.loads(preferences)["Preferences"]["AccountingInfoPrefs"]["FirstMonthOfFiscalYear"])
    return end.replace(year=end.year - (month > end.month), month=month, day=1)


def reports(count, preferences):
    """(report, start, end, columns) of what an import of so many years asks for."""
    for start, end in years(count):
        yield "ProfitAndLoss", start, end, "Month"
        yield "BalanceSheet", start, end, "Month"
    end = next(years(1))[1]
    yield "ProfitAndLoss", year_start(end, preferences), end, "Total"
    yield "TrialBalance", year_start(end, preferences), end, "Total"


def ask(client, path, **parameters):
    status, headers, body = client.get(path, timeout=60, **parameters)
    if status != 200:
        raise SystemExit("the simulator answered %d for %s" % (status, path))
    return support.unpack(headers, body)


def answers(client, count):
    """Each answer's name with its bytes."""
    preferences = ask(client, "preferences")
    yield "preferences", preferences
    yield "companyinfo", ask(client, "companyinfo/" + client.realm)
    yield "count", ask(client, "query", query=COUNT)
    yield "accounts", ask(client, "query", query=ACCOUNTS)
    yield "cdc", NO_CHANGES % support.TODAY.isoformat().encode("ascii")
    for name, start, end, columns in reports(count, preferences):
        yield "%s,%s,%s,%s" % (name, start, end, columns), ask(
            client, "reports/" + name, start_date=start, end_date=end, accounting_method="Accrual",
            summarize_column_by=columns)


def ledger(client):
    """The general ledger of an account, with so many more lines, which come to nothing in pairs."""
    end = support.TODAY.replace(day=1) - datetime.timedelta(days=1)
    report = json.loads(ask(client, "reports/GeneralLedger", start_date=end.replace(day=1), end_date=end,
                            accounting_method="Accrual", account=BOOKED_ACCOUNT, columns=LEDGER_COLUMNS))
    lines = report["Rows"]["Row"][0]["Rows"]["Row"]
    first, balance = lines[1]["ColData"], lines[0]["ColData"][-1]["value"]
    more = [{"type": "Data", "ColData": [
        first[0], {"value": "Journal Entry", "id": str(1000000 + i)}, {"value": "J%d" % i}, *first[3:6],
        {"value": "-1.00" if i % 2 else "1.00"},
        {"value": balance if i % 2 else "%.2f" % (float(balance) + 1)}]} for i in range(LEDGER_LINES // 2 * 2)]
    lines[1:1] = more
    return json.dumps(report, separators=(",", ":")).encode()


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
            for name, body in answers(support.Client(simulator, company), LONG_YEARS if digit == ALONE else 1):
                write(there, name, body)
            if digit == BOOKED:
                write(there, "GeneralLedger", ledger(support.Client(simulator, company)))
    finally:
        simulator.stop()
    print(support.TODAY, *next(years(1)), list(years(LONG_YEARS))[-1][0])


if __name__ == "__main__":
    main()
