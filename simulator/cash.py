"""The cash basis, as a ledger of its own derived from the accrual books.

What an invoice or bill earned or cost counts when and as far as it is paid. A payment that is not
applied to anything (or only to a document dated later) counts as unapplied until then. Each
derived set of entries sums to zero, so the cash balance sheet balances by construction.
"""
from collections import defaultdict

CONTROL = {"Invoice": "Accounts Receivable", "Payment": "Accounts Receivable",
           "Bill": "Accounts Payable", "BillPayment": "Accounts Payable"}
UNAPPLIED = {"Payment": "UnappliedCashPaymentIncome",
             "BillPayment": "UnappliedCashBillPaymentExpense"}


def allocate(lines, total, paid):
    """Each line's share when `paid` of `total` has been paid: whole cents, exact in their sum.

    `lines` are the document's own signed amounts and sum to -total. The last line takes what
    rounding leaves, so that the shares of a fully paid document are its lines.
    """
    shares = []
    for amount in lines[:-1]:
        share = (abs(amount) * paid * 2 + total) // (total * 2)
        shares.append(share if amount >= 0 else -share)
    return shares + [-paid - sum(shares)]


class Document:
    """An invoice or bill while its payments are applied to it."""

    def __init__(self, date, side, other):
        self.date, self.side, self.other = date, side, other
        self.total = abs(side)
        self.paid = 0

    def pay(self, amount):
        """Apply up to `amount` cents: what was used, and the lines recognised by it."""
        before, self.paid = self.paid, min(self.total, self.paid + amount)
        sign = 1 if self.side > 0 else -1
        amounts = [line[1] * sign for line in self.other]
        old, new = (allocate(amounts, self.total, at) for at in (before, self.paid))
        return self.paid - before, [
            (line[0], sign * (b - a), *line[2:])
            for line, a, b in zip(self.other, old, new) if b != a]


def _split(lines, types, kind):
    """A transaction's control amount (receivable or payable) and its other lines."""
    control = [line[1] for line in lines if types[line[0]] == CONTROL[kind]]
    other = [line for line in lines if types[line[0]] != CONTROL[kind]]
    return sum(control), other


def _read(db):
    types = dict(db.execute("SELECT id, type FROM account").fetchall())
    lines = defaultdict(list)
    for txn, *line in db.execute("SELECT txn, account, amount, class, department FROM line"
                                 " ORDER BY txn, ordinal"):
        lines[txn].append(tuple(line))
    txns = db.execute("SELECT id, type, date FROM txn WHERE NOT deleted ORDER BY id").fetchall()
    return types, lines, txns


def derive(db, by_subtype):
    """Fill the table cash_entry anew from txn, line and link."""
    types, lines, txns = _read(db)
    entries, documents, payments = [], {}, {}
    for number, kind, date in txns:
        side, other = _split(lines[number], types, kind) if kind in CONTROL else (0, [])
        if kind in ("Invoice", "Bill") and (side > 0) == (kind == "Invoice") and side and other:
            documents[number] = Document(date, side, other)
        elif kind in UNAPPLIED and side and other:
            payments[number] = (kind, date, side, other)
        else:
            entries += [(number, date, *line) for line in lines[number]]
    entries += _apply(db, by_subtype, documents, payments)
    db.execute("BEGIN")
    db.execute("DELETE FROM cash_entry")
    db.executemany("INSERT INTO cash_entry VALUES (?,?,?,?,?,?)", entries)
    db.execute("COMMIT")


def _apply(db, by_subtype, documents, payments):
    """Entries of all payments: the bank's side, what it recognises, and what stays unapplied."""
    entries, left = [], {}
    for number, (kind, date, side, other) in payments.items():
        pseudo = by_subtype(UNAPPLIED[kind])
        entries += [(number, date, *line) for line in other]
        entries.append((number, date, pseudo, side, None, None))
        left[number] = abs(side)
    applied = []
    for payment, document, amount in db.execute("SELECT payment, document, amount FROM link"):
        if payment in payments and document in documents:
            when = max(payments[payment][1], documents[document].date)
            applied.append((when, payment, document, amount))
    for when, payment, document, amount in sorted(applied):
        used, recognised = documents[document].pay(min(amount, left[payment]))
        left[payment] -= used
        kind, _, side, _ = payments[payment]
        if used:
            pseudo = by_subtype(UNAPPLIED[kind])
            entries.append((payment, when, pseudo, used if side < 0 else -used, None, None))
            entries += [(payment, when, *line) for line in recognised]
    return _without_nothing(entries)


def _without_nothing(entries):
    """Unite a payment's entries of one day, account and tags; what cancels out leaves no trace."""
    sums = defaultdict(int)
    for number, date, account, amount, *tags in entries:
        sums[number, date, account, *tags] += amount
    return [key[:3] + (amount,) + key[3:] for key, amount in sums.items() if amount]
