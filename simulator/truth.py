"""The figures a statement must show, by plain SQL over the books.

Nothing here is shared with the code that renders reports: tests compare the two. An amount has the
sign the statement prints it with; accounts and months whose amount is zero are left out.
"""
import datetime

import moments
from ledger import money

SOURCE = {
    "Accrual": "(SELECT l.account, t.date, l.amount, l.class, l.department, l.txn,"
               " l.ordinal AS place FROM line l JOIN txn t ON t.id = l.txn)",
    "Cash": "(SELECT account, date, amount, class, department, txn, rowid AS place"
            " FROM cash_entry)"}
EARNING = "('Income', 'Other Income', 'Cost of Goods Sold', 'Expense', 'Other Expense')"
POSITIVE = "('Cost of Goods Sold', 'Expense', 'Other Expense', 'Bank', 'Accounts Receivable'," \
           " 'Other Current Asset', 'Fixed Asset', 'Other Asset')"
SIGN = "CASE WHEN a.type IN %s THEN 1 ELSE -1 END" % POSITIVE


def _row(account, name, start, end, amount):
    return {"account_id": account, "name": name, "period_start": start.isoformat(),
            "period_end": end.isoformat(), "amount": money(amount)}


def profit_and_loss(ledger, start, end, method, fiscal_month, by=None):
    """Movements by account and calendar month within start..end; each class's or department's
    own (`value_id`, None for the untagged) when `by` names one of them."""
    if by not in (None, "class", "department"):
        raise ValueError("no profit and loss by %r" % by)
    query = ("SELECT a.id, a.name, substr(e.date, 1, 7) AS month, %s * sum(e.amount) AS amount,"
             " %s AS value FROM %s e JOIN account a ON a.id = e.account WHERE a.type IN %s"
             " AND e.date BETWEEN ? AND ? GROUP BY a.id, month, value HAVING sum(e.amount) <> 0"
             " ORDER BY month, a.rowid, value"
             % (SIGN, "e." + by if by else "NULL", SOURCE[method], EARNING))
    rows = []
    for account, name, month, amount, value in ledger.db.execute(
            query, (start.isoformat(), end.isoformat())):
        first = datetime.date.fromisoformat(month + "-01")
        row = _row(account, name, max(first, start), min(moments.month_end(first), end), amount)
        rows.append(dict(row, value_id=value) if by else row)
    return rows if by else rows + _revaluations(ledger, start, end)


def _revaluations(ledger, start, end):
    """The lines that are in no chart, by section, place and calendar month."""
    query = ("SELECT section, place, substr(date, 1, 7) AS month,"
             " CASE WHEN section IN ('Income', 'OtherIncome') THEN 1 ELSE -1 END * sum(amount)"
             " FROM revaluation WHERE date BETWEEN ? AND ? GROUP BY section, place, month"
             " HAVING sum(amount) <> 0 ORDER BY month, section, place")
    rows = []
    for section, place, month, amount in ledger.db.execute(
            query, (start.isoformat(), end.isoformat())):
        first = datetime.date.fromisoformat(month + "-01")
        rows.append(dict(_row(None, "Unrealized", max(first, start),
                              min(moments.month_end(first), end), amount),
                         section=section, place=place))
    return rows


def _scalar(ledger, method, condition, *values):
    query = ("SELECT coalesce(sum(e.amount), 0) FROM %s e JOIN account a ON a.id = e.account"
             " WHERE %s" % (SOURCE[method], condition))
    return ledger.db.execute(query, values).fetchone()[0]


def _balances(ledger, method, end):
    """(id, name, subtype, debit-positive cents, sign) of every balance sheet account."""
    query = ("SELECT a.id, a.name, CASE a.rowid WHEN (SELECT min(r.rowid) FROM account r WHERE r.subtype"
             " = 'RetainedEarnings') THEN a.subtype END, coalesce(sum(e.amount), 0), %s FROM account a"
             " LEFT JOIN %s e ON e.account = a.id AND e.date <= ? WHERE a.type NOT IN %s"
             " GROUP BY a.id ORDER BY a.rowid" % (SIGN, SOURCE[method], EARNING))
    return ledger.db.execute(query, (end.isoformat(),)).fetchall()


def _revalued(ledger, condition, *values):
    return ledger.db.execute("SELECT coalesce(sum(amount), 0) FROM revaluation WHERE " + condition,
                             values).fetchone()[0]


def balance_sheet(ledger, start, end, method, fiscal_month):
    """Balances at the end of each calendar month of start..end (at `end` for the last)."""
    rows = []
    for first, last in moments.split(start, end, 1):
        year = moments.fiscal_start(last, fiscal_month).isoformat()
        before = _scalar(ledger, method, "a.type IN %s AND e.date < ?" % EARNING, year)
        income = -_scalar(ledger, method, "a.type IN %s AND e.date >= ? AND e.date <= ?" % EARNING,
                          year, last.isoformat())
        before -= _revalued(ledger, "date < ?", year)
        income += _revalued(ledger, "date BETWEEN ? AND ?", year, last.isoformat())
        for account, name, subtype, amount, sign in _balances(ledger, method, last):
            amount += _revalued(ledger, "account = ? AND date <= ?", account, last.isoformat())
            amount += before if subtype == "RetainedEarnings" else 0
            if amount:
                rows.append(_row(account, name, first, last, sign * amount))
        if income:
            rows.append(_row(None, "Net Income", first, last, income))
    return rows


def trial_balance(ledger, start, end, method, fiscal_month):
    """Debit-positive balances at each month's end; income and costs for the fiscal year to date."""
    rows = []
    query = ("SELECT a.id, a.name, sum(e.amount) FROM %s e JOIN account a ON a.id = e.account"
             " WHERE a.type IN %s AND e.date BETWEEN ? AND ? GROUP BY a.id"
             " HAVING sum(e.amount) <> 0 ORDER BY a.rowid" % (SOURCE[method], EARNING))
    for first, last in moments.split(start, end, 1):
        year = moments.fiscal_start(last, fiscal_month).isoformat()
        before = _scalar(ledger, method, "a.type IN %s AND e.date < ?" % EARNING, year)
        for account, name, subtype, amount, _ in _balances(ledger, method, last):
            amount += before if subtype == "RetainedEarnings" else 0
            if amount:
                rows.append(_row(account, name, first, last, amount))
        rows += [_row(account, name, first, last, amount) for account, name, amount
                 in ledger.db.execute(query, (year, last.isoformat()))]
    return [_with_sides(row) for row in rows]


def _with_sides(row):
    """The same row with its amount in the column where a trial balance prints it."""
    negative = row["amount"].startswith("-")
    return dict(row, debit=None if negative else row["amount"],
                credit=row["amount"][1:] if negative else None)


def ledger_lines(ledger, start, end, method, fiscal_month, account=None):
    """Every posting of one account (of all when none is named) within start..end."""
    query = ("SELECT e.account, e.date, CASE t.type WHEN 'JournalEntry' THEN 'Journal Entry'"
             " WHEN 'BillPayment' THEN 'Bill Payment (Check)' ELSE t.type END, e.txn, t.memo,"
             " e.class, e.department, %s * e.amount FROM %s e JOIN txn t ON t.id = e.txn"
             " JOIN account a ON a.id = e.account WHERE e.date BETWEEN ? AND ?"
             " AND coalesce(e.account = ?, TRUE) ORDER BY a.rowid, e.date, e.txn, e.place"
             % (SIGN, SOURCE[method]))
    names = ("account_id", "date", "type", "txn", "memo", "class", "department", "amount")
    rows = [dict(zip(names, row)) for row in ledger.db.execute(
        query, (start.isoformat(), end.isoformat(), account))]
    return [dict(row, amount=money(row["amount"])) for row in rows]


STATEMENTS = {"profit_and_loss": profit_and_loss, "balance_sheet": balance_sheet,
              "trial_balance": trial_balance, "ledger_lines": ledger_lines}


def statement(ledger, name, start, end, method, fiscal_month, **narrowed):
    """Rows of one statement; ValueError for a statement or method that does not exist."""
    if name not in STATEMENTS or method not in SOURCE:
        raise ValueError("no statement %r on basis %r" % (name, method))
    with ledger.lock:
        if method == "Cash":
            ledger.derive_cash()
        return STATEMENTS[name](ledger, start, end, method, fiscal_month, **narrowed)
