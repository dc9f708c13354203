"""Sums over the books, fast enough for a report of a thousand accounts.

The postings of each account are kept as sorted dates with running sums; they are read from the
ledger again as soon as the books change.
"""
from bisect import bisect_left, bisect_right
from collections import defaultdict, namedtuple

import moments
from ledger import is_profit_and_loss


class Tags(namedtuple("Tags", "klass department", defaults=(None, None))):
    """Which postings count: sets of class and department ids, None in a set for the untagged.

    None in place of a set means all.
    """

    def fit(self, klass, department):
        return ((self.klass is None or klass in self.klass)
                and (self.department is None or department in self.department))


EVERYTHING = Tags()

class Figures:
    """Movements and balances of every account on one basis, debit positive, in cents.

    With `revalued`, those of statements, which show accounts in other currencies at today's rates.
    """

    def __init__(self, ledger, basis, fiscal_month, tags=EVERYTHING, revalued=None):
        self.revalued = revalued
        self.ledger, self.fiscal_month = ledger, fiscal_month
        self.accounts = ledger.accounts()
        self.days, self.sums = ledger.cached(
            ("running sums", basis, tags),
            lambda: running_sums(e for e in ledger.entries(basis) if tags.fit(e[3], e[4])))
        self.retained = ledger.by_subtype("RetainedEarnings")
        self.earning = [i for i, a in self.accounts.items()
                        if is_profit_and_loss(a["type"]) and i in self.days]

    def movement(self, account, start, end):
        """Cents posted to the account in start..end, or None when nothing was posted."""
        days = self.days.get(account)
        if not days:
            return None
        first, last = bisect_left(days, start.isoformat()), bisect_right(days, end.isoformat())
        if first == last:
            return None
        sums = self.sums[account]
        return sums[last - 1] - (sums[first - 1] if first else 0)

    def balance(self, account, end):
        """Balance at the end of a day, or None when nothing was posted until then."""
        days = self.days.get(account)
        count = bisect_right(days, end.isoformat()) if days else 0
        own = self.sums[account][count - 1] if count else None
        if self.revalued:
            own = _both(own, self.revalued.balance(account, end))
        if account != self.retained:
            return own
        earned = self.earned_before(moments.fiscal_start(end, self.fiscal_month))
        return own if earned is None else (own or 0) + earned

    def earned_before(self, day):
        """Debit-positive result of all earlier fiscal years, or None when there was no business."""
        eve = day.fromordinal(day.toordinal() - 1)
        found = [self.movement(i, day.min, eve) for i in self.earning]
        return self._result(found, day.min, eve)

    def net_income(self, end):
        """Debit-positive result of the fiscal year up to the day, or None without business."""
        start = moments.fiscal_start(end, self.fiscal_month)
        found = [self.movement(i, start, end) for i in self.earning]
        return self._result(found, start, end)

    def _result(self, movements, start, end):
        found = [amount for amount in movements if amount is not None]
        result = sum(found) if found else None
        return _both(result, self.revalued.result(start, end)) if self.revalued else result


def _both(first, second):
    """The sum of two amounts of which either may be None."""
    return second if first is None else first if second is None else first + second


def running_sums(entries):
    """Dates and running sums by account, both in the order of time."""
    by_day = defaultdict(lambda: defaultdict(int))
    for date, account, amount, *_ in entries:
        by_day[account][date] += amount
    days, sums = {}, {}
    for account, amounts in by_day.items():
        days[account] = sorted(amounts)
        total, sums[account] = 0, []
        for day in days[account]:
            total += amounts[day]
            sums[account].append(total)
    return days, sums
