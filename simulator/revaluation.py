"""What a company with several currencies gains and loses without a posting.

At the date of a report, accounts in another currency are shown at that day's rate: the balance sheet
has them revalued, and the profit and loss has the difference in lines that are in no chart and have
no id. Neither the trial balance nor the general ledger knows of it, and nothing is in the change
feed. Here a revaluation moves one account's home-currency balance from a day on.
"""
from figures import EVERYTHING

SECTIONS = ("OtherIncome", "OtherExpenses", "Income", "COGS", "Expenses")


def add(ledger, account, day, cents, section="OtherExpenses", place=1):
    """Move the account's home balance by cents (debit positive) from the day on."""
    if section not in SECTIONS:
        raise ValueError("no section %r; there are %s" % (section, list(SECTIONS)))
    ledger.db.execute("INSERT INTO revaluation VALUES (?,?,?,?,?)",
                      (account, day.isoformat(), cents, section, place))
    ledger.changed()


class Revaluations:
    """All of one ledger; sums are debit positive, None where there is nothing.

    Only reports of the whole company show them, or the column of what has no tags.
    """

    def __init__(self, ledger, tags=EVERYTHING):
        self.rows = ledger.cached("revaluations", lambda: [
            tuple(row) for row in ledger.db.execute("SELECT * FROM revaluation ORDER BY rowid")])
        if not tags.fit(None, None):
            self.rows = []

    def _sum(self, fits):
        found = [amount for account, date, amount, section, place in self.rows
                 if fits(account, date, section, place)]
        return sum(found) if found else None

    def balance(self, account, end):
        return self._sum(lambda a, date, s, p: a == account and date <= end.isoformat())

    def result(self, start, end):
        """What the lines of the profit and loss come to."""
        gain = self._sum(lambda a, date, s, p: start.isoformat() <= date <= end.isoformat())
        return None if gain is None else -gain

    def places(self, section):
        return sorted({row[4] for row in self.rows if row[3] == section})

    def line(self, section, place, start, end):
        gain = self._sum(lambda a, date, s, p: (s, p) == (section, place)
                         and start.isoformat() <= date <= end.isoformat())
        return None if gain is None else -gain

