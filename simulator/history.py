"""Some forty months of business for a company, drawn from a generator seeded by its key.

Sales are invoiced and paid late, in part or never; costs are billed or paid at once; money moves
between banks, cards, loans and assets. The same key and day always give the same books.
"""
import datetime
import random

import moments
from ledger import is_profit_and_loss

SPECIAL = ("RetainedEarnings", "UnappliedCashPaymentIncome", "UnappliedCashBillPaymentExpense",
           "AccumulatedDepreciation", "GlobalTaxPayable", "OpeningBalanceEquity")


class Draft:
    """A transaction before it is stored; `links` are (draft of a document, cents)."""

    def __init__(self, kind, date, lines, links=()):
        self.kind, self.date, self.lines, self.links = kind, date, lines, list(links)
        self.number = None


class History:
    """Writes one company's past. `months` long, `activity` is the chance that an account moves."""

    def __init__(self, seed, chart, today, months=40, activity=0.6, cost_factor=0.75, chunk=3):
        self.random = random.Random("books of " + seed)
        self.chart, self.today, self.months = chart, today, months
        self.activity, self.cost_factor, self.chunk = activity, cost_factor, chunk
        self.first = moments.add_months(today, 1 - months)
        self.drafts = []
        busy = [a for a in chart if "-" not in a.marks and a.subtype not in SPECIAL]
        self.earning = [a for a in busy if is_profit_and_loss(a.type)]
        self.holding = [a for a in busy if a.type in ("Other Current Asset", "Other Asset",
                        "Fixed Asset", "Other Current Liability", "Long Term Liability", "Equity")]
        self.banks = [a.id for a in busy if a.type == "Bank"]
        self.cards = [a.id for a in busy if a.type == "Credit Card"]
        self.base = {a.id: self.random.randint(8000, 250000) for a in self.earning}

    def _the(self, subtype):
        return next((a.id for a in self.chart if a.subtype == subtype), None)

    def _of_type(self, kind):
        return next(a.id for a in self.chart if a.type == kind)

    def _day(self, month):
        return month.replace(day=self.random.randint(1, 28))

    def _add(self, kind, date, lines, links=()):
        draft = Draft(kind, date, [line for line in lines if line[1]], links)
        self.drafts.append(draft)
        return draft

    def write(self, ledger):
        """Draw the whole history and store what lies on or before today."""
        self._opening()
        for count in range(self.months):
            month = moments.add_months(self.first, count)
            self._trade(month, count)
            self._balances(month)
            self._depreciation(month)
        self._odd_ones()
        self._store(ledger)

    def _opening(self):
        bank, equity = self.banks[0], self._the("OpeningBalanceEquity")
        self._add("JournalEntry", self.first, [(bank, 9000000), (equity, -9000000)])

    def _amounts(self, month, count):
        """(account, cents in natural sign) of the accounts that move this month."""
        season = 1 + 0.25 * ((month.month % 6) - 2) / 3
        for account in self.earning:
            ended = ("x" in account.marks or "d" in account.marks) and count >= self.months * 2 // 3
            if ended or self.random.random() > self.activity:
                continue
            amount = self.base[account.id] * season * self.random.uniform(0.6, 1.4)
            if account.type not in ("Income", "Other Income"):
                amount *= self.cost_factor
            negative = self.random.random() < 0.04 or account.subtype == "DiscountsRefundsGiven"
            yield account, int(-amount if negative else amount)

    def _trade(self, month, count):
        sales, costs = [], []
        for account, amount in self._amounts(month, count):
            if account.type in ("Income", "Other Income"):
                sales.append((account.id, -amount))
            else:
                costs.append((account.id, amount))
        for group in self._groups(sales):
            self._sale(self._day(month), group)
        for group in self._groups(costs):
            self._cost(self._day(month), group)

    def _groups(self, lines):
        self.random.shuffle(lines)
        while lines:
            size = self.random.randint(1, self.chunk)
            yield lines[:size]
            lines = lines[size:]

    def _sale(self, day, lines):
        total = -sum(amount for _, amount in lines)
        tax = self._the("GlobalTaxPayable")
        if total <= 0 or self.random.random() < 0.3:
            self._add("Deposit", day, [(self.random.choice(self.banks), total)] + lines)
            return
        if tax and self.random.random() < 0.3:
            lines = lines + [(tax, -(total * 7 // 100))]
            total += total * 7 // 100
        side = self._of_type("Accounts Receivable")
        document = self._add("Invoice", day, [(side, total)] + lines)
        self._settle(document, "Payment", side, total)

    def _cost(self, day, lines):
        total = sum(amount for _, amount in lines)
        way = self.random.random()
        if total > 0 and way < 0.5:
            side = self._of_type("Accounts Payable")
            document = self._add("Bill", day, [(side, -total)] + lines)
            self._settle(document, "BillPayment", side, -total)
            return
        source = self.random.choice(self.cards if self.cards and way > 0.8 else self.banks)
        self._add("Expense", day, [(source, -total)] + lines)

    def _settle(self, document, kind, side, total):
        """Pay a document: mostly late, sometimes in two parts, now and then early or never."""
        way = self.random.random()
        if way < 0.08:
            return
        parts = [total] if way < 0.8 else [total * 37 // 100, total - total * 37 // 100]
        if way > 0.96:
            parts = parts[:1]
        day = document.date
        for part in parts:
            wait = -9 if 0.08 < way < 0.1 else self.random.randint(3, 50)
            day = max(self.first, day + datetime.timedelta(days=wait))
            if part:
                self._add(kind, day, [(side, -part), (self.random.choice(self.banks), part)],
                          [(document, abs(part))])

    def _balances(self, month):
        """Moves between the bank and accounts of the balance sheet."""
        for account in self.holding:
            if self.random.random() < 0.18:
                amount = self.random.randint(5000, 400000)
                if account.type in ("Fixed Asset", "Other Asset"):
                    amount = abs(amount)
                elif self.random.random() < 0.7:
                    amount = -amount
                self._add("JournalEntry", self._day(month),
                          [(account.id, amount), (self.banks[0], -amount)])
        for other in self.banks[1:] + self.cards:
            if self.random.random() < 0.5:
                amount = self.random.randint(1000, 90000)
                self._add("Transfer", self._day(month), [(other, amount), (self.banks[0], -amount)])

    def _depreciation(self, month):
        cost = self._the("Depreciation")
        for account in self.chart:
            if cost and account.subtype == "AccumulatedDepreciation":
                amount = self.random.randint(900, 30000)
                self._add("JournalEntry", moments.month_end(month),
                          [(cost, amount), (account.id, -amount)])

    def _odd_ones(self):
        """A dividend straight out of retained earnings, and payments that belong to nothing."""
        middle = moments.add_months(self.first, self.months // 2)
        bank = self.banks[0]
        self._add("JournalEntry", middle, [(self._the("RetainedEarnings"), 12345), (bank, -12345)])
        for back in (3, 17):
            day = moments.add_months(self.first, max(0, self.months - back)).replace(day=7)
            self._add("Payment", day, [(self._of_type("Accounts Receivable"), -4321), (bank, 4321)])
        self._add("BillPayment", middle, [(self._of_type("Accounts Payable"), 777), (bank, -777)])

    def _store(self, ledger):
        today = self.today
        kept = [d for d in self.drafts if d.date <= today and len(d.lines) > 1]
        ledger.db.execute("BEGIN")
        linked = []
        for draft in sorted(kept, key=lambda d: d.date):
            noon = datetime.datetime(draft.date.year, draft.date.month, draft.date.day, 20,
                                     tzinfo=datetime.timezone.utc).timestamp()
            draft.number = ledger.post(draft.kind, draft.date.isoformat(), draft.lines,
                                       moment=min(noon, ledger.now()))
            linked += [(draft, document, amount) for document, amount in draft.links]
        ledger.db.executemany("INSERT INTO link VALUES (?,?,?)", [
            (draft.number, document.number, amount)
            for draft, document, amount in linked if document.number])
        ledger.db.execute("COMMIT")
        ledger.changed()
