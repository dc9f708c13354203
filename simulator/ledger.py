"""The books of one company: a double-entry ledger in a SQLite file of its own.

Amounts are integer cents, debit positive and credit negative. No transaction is ever stored that
does not sum to zero. Everything the simulator answers about money is computed from these tables.
"""
import os
import sqlite3
import threading
from collections import namedtuple
from decimal import Decimal

import cash

SCHEMA = """
CREATE TABLE account (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, parent TEXT REFERENCES account, type TEXT NOT NULL,
    subtype TEXT NOT NULL, number TEXT, currency TEXT NOT NULL, rate INTEGER NOT NULL DEFAULT 10000,
    active INTEGER NOT NULL DEFAULT 1, deleted INTEGER NOT NULL DEFAULT 0,
    vanished INTEGER NOT NULL DEFAULT 0, created REAL NOT NULL, updated REAL NOT NULL,
    sync INTEGER NOT NULL DEFAULT 0);
CREATE TABLE txn (
    id INTEGER PRIMARY KEY, type TEXT NOT NULL, date TEXT NOT NULL, doc TEXT, memo TEXT,
    created REAL NOT NULL, updated REAL NOT NULL, sync INTEGER NOT NULL DEFAULT 0,
    deleted INTEGER NOT NULL DEFAULT 0);
CREATE TABLE line (
    txn INTEGER NOT NULL REFERENCES txn, ordinal INTEGER NOT NULL,
    account TEXT NOT NULL REFERENCES account, amount INTEGER NOT NULL, class TEXT, department TEXT,
    PRIMARY KEY (txn, ordinal)) WITHOUT ROWID;
CREATE TABLE link (payment INTEGER NOT NULL REFERENCES txn,
    document INTEGER NOT NULL REFERENCES txn, amount INTEGER NOT NULL);
CREATE TABLE cash_entry (txn INTEGER NOT NULL, date TEXT NOT NULL, account TEXT NOT NULL,
    amount INTEGER NOT NULL, class TEXT, department TEXT);
CREATE TABLE dimension (kind TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL, parent TEXT,
    active INTEGER NOT NULL DEFAULT 1, deleted INTEGER NOT NULL DEFAULT 0,
    vanished INTEGER NOT NULL DEFAULT 0, created REAL NOT NULL, updated REAL NOT NULL,
    sync INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (kind, id));
CREATE TABLE revaluation (account TEXT NOT NULL REFERENCES account, date TEXT NOT NULL,
    amount INTEGER NOT NULL, section TEXT NOT NULL, place INTEGER NOT NULL);
"""

CLASSIFICATION = {
    "Bank": "Asset", "Accounts Receivable": "Asset", "Other Current Asset": "Asset",
    "Fixed Asset": "Asset", "Other Asset": "Asset", "Accounts Payable": "Liability",
    "Credit Card": "Liability", "Other Current Liability": "Liability",
    "Long Term Liability": "Liability", "Equity": "Equity", "Income": "Revenue",
    "Other Income": "Revenue", "Cost of Goods Sold": "Expense", "Expense": "Expense",
    "Other Expense": "Expense"}

TRANSACTION_TYPES = ("JournalEntry", "Invoice", "Payment", "Bill", "BillPayment", "Expense",
                     "Deposit", "Transfer")

Line = namedtuple("Line", "account amount klass department", defaults=(None, None))
Line.__doc__ = "One line of a transaction: account id, cents, class id and department id or None."


class LedgerError(ValueError):
    """A change the books refuse."""


def is_profit_and_loss(account_type):
    return CLASSIFICATION[account_type] in ("Revenue", "Expense")


def cents(text):
    """Integer cents from a decimal text or number; more than two places are refused."""
    value = Decimal(str(text)) * 100
    if value != value.to_integral_value():
        raise LedgerError("amount %s has more than two decimals" % text)
    return int(value)


def money(amount):
    """Decimal text from integer cents, such as -12.30."""
    return "%s%d.%02d" % ("-" if amount < 0 else "", abs(amount) // 100, abs(amount) % 100)


class Ledger:
    """One company's accounts and transactions. `now` is a function giving the simulator's time."""

    def __init__(self, path, now, currency="USD"):
        self.path, self.now, self.currency = path, now, currency
        self.lock = threading.RLock()
        self.revision = 0
        self._cache = {}
        for suffix in ("", "-journal"):
            if os.path.exists(path + suffix):
                os.unlink(path + suffix)
        self.db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self.db.row_factory = sqlite3.Row
        self.db.executescript("PRAGMA synchronous=OFF; PRAGMA journal_mode=MEMORY;" + SCHEMA)

    def close(self):
        self.db.close()

    def changed(self):
        """Every change of the books ends here, so that nothing computed before it is served."""
        with self.lock:
            self.revision += 1
            self._cache = {}

    def cached(self, key, compute):
        """The value of compute(), remembered until the books change."""
        with self.lock:
            if key not in self._cache:
                self._cache[key] = compute()
            return self._cache[key]

    # ---- accounts ---------------------------------------------------------------------------

    def accounts(self):
        """All accounts by id, in the order they were made."""
        return self.cached("accounts", lambda: {
            row["id"]: row for row in self.db.execute("SELECT * FROM account ORDER BY rowid")})

    def full_names(self):
        """Fully qualified name by account id: the names from the root down, joined by colons."""
        return self.cached("names", self._full_names)

    def _full_names(self):
        accounts, names = self.accounts(), {}

        def name(identifier):
            if identifier not in names:
                row = accounts[identifier]
                above = name(row["parent"]) + ":" if row["parent"] else ""
                names[identifier] = above + shown_name(row)
            return names[identifier]

        for identifier in accounts:
            name(identifier)
        return names

    def resolve(self, wanted):
        """Account id from an id or a fully qualified name; LedgerError when there is none."""
        if str(wanted) in self.accounts():
            return str(wanted)
        found = [i for i, name in self.full_names().items() if name == wanted]
        if len(found) != 1:
            raise LedgerError("%d accounts are called %r" % (len(found), wanted))
        return found[0]

    def by_subtype(self, subtype):
        """Id of the first account of a detail type, or None."""
        return next((i for i, a in self.accounts().items() if a["subtype"] == subtype), None)

    def add_account(self, identifier, name, account_type, subtype, parent=None, number=None,
                    currency=None, rate=10000, moment=None):
        if account_type not in CLASSIFICATION:
            raise LedgerError("there is no account type %r" % account_type)
        moment = self.now() if moment is None else moment
        self.db.execute(
            "INSERT INTO account (id, name, type, subtype, parent, number, currency, rate, created,"
            " updated) VALUES (?,?,?,?,?,?,?,?,?,?)",
            (identifier, name, account_type, subtype, parent, number, currency or self.currency,
             rate, moment, moment))
        self.changed()

    def next_account_id(self):
        highest = self.db.execute("SELECT max(CAST(id AS INTEGER)) FROM account"
                                  " WHERE length(id) < 12").fetchone()[0]
        return str((highest or 0) + 1)

    def update_account(self, identifier, **values):
        """Set columns of one account; its time of change and its version move on."""
        if identifier not in self.accounts():
            raise LedgerError("there is no account %r" % identifier)
        columns = "".join(", %s = ?" % column for column in values)
        self.db.execute("UPDATE account SET sync = sync + 1, updated = ?%s WHERE id = ?" % columns,
                        (self.now(), *values.values(), identifier))
        self.changed()

    def merge(self, loser, winner):
        """All postings of `loser` move to `winner`; the loser stays in the list, inactive."""
        types = [self.accounts()[i]["type"] for i in (loser, winner)]
        if loser == winner or types[0] != types[1]:
            raise LedgerError("only two different accounts of one type can be merged")
        self.db.execute("BEGIN")
        self.db.execute("UPDATE txn SET updated = ?, sync = sync + 1 WHERE id IN"
                        " (SELECT txn FROM line WHERE account = ?)", (self.now(), loser))
        self.db.execute("UPDATE line SET account = ? WHERE account = ?", (winner, loser))
        self.db.execute("UPDATE account SET parent = ? WHERE parent = ? AND id <> ?",
                        (winner, loser, winner))
        self.db.execute("COMMIT")
        self.update_account(loser, active=0, deleted=1)

    # ---- transactions -----------------------------------------------------------------------

    def _check(self, kind, lines, links):
        if kind not in TRANSACTION_TYPES:
            raise LedgerError("there is no transaction type %r" % kind)
        if len(lines) < 2 or sum(line[1] for line in lines) != 0:
            raise LedgerError("the lines of a transaction must be two or more and sum to zero")
        if links and kind not in ("Payment", "BillPayment"):
            raise LedgerError("only payments are applied to documents")

    def post(self, kind, date, lines, links=(), doc=None, memo=None, moment=None):
        """Store one transaction; `lines` are Lines or what makes one, `links` (document, cents)."""
        self._check(kind, lines, links)
        moment = self.now() if moment is None else moment
        cursor = self.db.execute(
            "INSERT INTO txn (type, date, doc, memo, created, updated) VALUES (?,?,?,?,?,?)",
            (kind, date, doc, memo, moment, moment))
        number = cursor.lastrowid
        self._write_lines(number, lines)
        self.db.executemany("INSERT INTO link VALUES (?,?,?)",
                            [(number, document, amount) for document, amount in links])
        self.changed()
        return number

    def _write_lines(self, number, lines):
        self.db.execute("DELETE FROM line WHERE txn = ?", (number,))
        self.db.executemany("INSERT INTO line VALUES (?,?,?,?,?,?)",
                            [(number, i, *Line(*line)) for i, line in enumerate(lines)])

    def tag(self, number, ordinal, **tags):
        """Change the class, the department or both of one line; None takes a tag away."""
        self.transaction(number)
        columns = ", ".join("%s = ?" % kind for kind in tags)
        changed = self.db.execute("UPDATE line SET %s WHERE txn = ? AND ordinal = ?" % columns,
                                  (*tags.values(), number, ordinal)).rowcount
        if not changed:
            raise LedgerError("transaction %s has no line %s" % (number, ordinal))
        self.edit(number)

    def transaction(self, number):
        row = self.db.execute("SELECT * FROM txn WHERE id = ? AND NOT deleted",
                              (number,)).fetchone()
        if row is None:
            raise LedgerError("there is no transaction %s" % number)
        return row

    def edit(self, number, lines=None, date=None):
        """Change a stored transaction's lines, its date, or both."""
        row = self.transaction(number)
        if lines is not None:
            self._check(row["type"], lines, ())
            self._write_lines(number, lines)
        self.db.execute("UPDATE txn SET date = ?, updated = ?, sync = sync + 1 WHERE id = ?",
                        (date or row["date"], self.now(), number))
        self.changed()

    def delete(self, number):
        """Take a transaction out of the books; a mark of it stays for the change feed."""
        self.transaction(number)
        self.db.execute("DELETE FROM line WHERE txn = ?", (number,))
        self.db.execute("DELETE FROM link WHERE payment = ? OR document = ?", (number, number))
        self.db.execute("UPDATE txn SET deleted = 1, updated = ?, sync = sync + 1 WHERE id = ?",
                        (self.now(), number))
        self.changed()

    # ---- sums -------------------------------------------------------------------------------

    def entries(self, basis):
        """(date, account, cents, class, department, txn) of every posting on the basis, 'Accrual'
        or 'Cash', in the order of its transaction."""
        if basis == "Cash":
            self.derive_cash()
            return self.db.execute("SELECT date, account, amount, class, department, txn"
                                   " FROM cash_entry ORDER BY txn, rowid").fetchall()
        return self.db.execute("SELECT t.date, l.account, l.amount, l.class, l.department, l.txn"
                               " FROM line l JOIN txn t ON t.id = l.txn"
                               " ORDER BY l.txn, l.ordinal").fetchall()

    def derive_cash(self):
        """Bring the cash-basis entries up to date with the books."""
        self.cached("cash", lambda: cash.derive(self.db, self.by_subtype) or True)


def shown_name(row):
    """An account's name as the service prints it: deleted accounts carry a suffix."""
    return row["name"] + (" (deleted)" if row["deleted"] else "")
