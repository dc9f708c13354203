"""The general ledger: every posting of every account in a range, shaped as the service shapes it.

An account is a section; its first row is the balance it begins with, when anything was posted
before. Income and costs begin with what the fiscal year holds so far. Accounts below an account
are sections inside its section. All amounts have the account's natural sign.
"""
from collections import defaultdict

import dimensions
import layout
import moments
import reports
from figures import Figures
from ledger import is_profit_and_loss, money
from outline import DEBIT_TYPES, Outline

COLUMNS = {
    "tx_date": ("Date", "Date"), "txn_type": ("Transaction Type", "String"),
    "doc_num": ("Num", "String"), "name": ("Name", "String"),
    "memo": ("Memo/Description", "String"), "split_acc": ("Split", "String"),
    "klass_name": ("Class", "String"), "dept_name": ("Location", "String"),
    "subt_nat_amount": ("Amount", "Money"), "rbal_nat_amount": ("Balance", "Money"),
    "subt_nat_home_amount": ("Home Amount", "Money"),
    "rbal_nat_home_amount": ("Home Balance", "Money")}
USUAL = ("tx_date", "txn_type", "doc_num", "name", "memo", "split_acc", "subt_nat_amount",
         "rbal_nat_amount")
TYPE_NAMES = {"JournalEntry": "Journal Entry", "BillPayment": "Bill Payment (Check)"}
CUSTOMERS = ("Amberjack Dive Club", "Café du Port", "Harbour Hotel")
VENDORS = ("Bluefin Supplies", "Marina & Sons", "Municipal Works")
PARTIES = {"Invoice": CUSTOMERS, "Payment": CUSTOMERS, "Bill": VENDORS, "BillPayment": VENDORS,
           "Expense": VENDORS}


def party(txn):
    """(id, name) of whom a transaction was made with, or None."""
    names = PARTIES.get(txn["type"])
    at = txn["id"] % 4
    if not names or at == len(names):
        return None
    return str((50 if names is VENDORS else 10) + at), names[at]


def document_number(txn):
    made = str(1000 + txn["id"]) if txn["type"] in ("Invoice", "Bill") else ""
    return txn["doc"] or made


class GeneralLedger:
    """Computes one general ledger of one company."""

    def __init__(self, company, request, now):
        self.company, self.request, self.now = company, request, now
        self.ledger = company.ledger
        self.outline = Outline(company)
        self.style = layout.Style(company.config, company.language(), repr((now, request.name)))
        self.old_form = company.config("gl_form") == "old"
        self.nested = company.config("gl_form") == "nested"
        self.columns = [key for key in request.columns or USUAL if key in COLUMNS] or list(USUAL)
        self.figures = Figures(self.ledger, request.basis, company.settings["fiscal_month"],
                               request.tags)
        self.postings, self.others = self._read()

    def _read(self):
        """Postings in range by account in the order of time, and each one's transaction's lines."""
        request, postings, others = self.request, defaultdict(list), defaultdict(list)
        self.txns = {row["id"]: row for row in self.ledger.db.execute("SELECT * FROM txn")}
        first, last = request.start.isoformat(), request.end.isoformat()
        for entry in self.ledger.entries(request.basis):
            if first <= entry["date"] <= last:
                others[entry["txn"], entry["date"]].append(entry["account"])
                if request.tags.fit(entry["class"], entry["department"]):
                    postings[entry["account"]].append(entry)
        for found in postings.values():
            found.sort(key=lambda entry: (entry["date"], entry["txn"]))
        return postings, others

    def build(self):
        """The whole answer as JSON."""
        rows = [self._section(i) for i in self.outline.by_type() if self._stands_at_top(i)]
        rows = [row for row, _ in filter(None, rows)]
        nothing = {"Row": None} if self.company.config("nodata_form") == "null_row" else {}
        return self.style.keys({
            "Header": self._header(not rows),
            "Columns": {"Column": [self._column(key) for key in self.columns]},
            "Rows": {"Row": self.style.mixed(rows)} if rows else nothing})

    def _header(self, empty):
        request = self.request
        header = {"Time": moments.stamp(self.now), "ReportName": reports.name_at(self.company, request.name),
                  "ReportBasis": request.basis, "StartPeriod": request.start.isoformat(),
                  "EndPeriod": request.end.isoformat(),
                  "Currency": self.company.settings["currency"], **request.echo}
        if request.macro:
            header["DateMacro"] = request.macro
        header["Option"] = [{"Name": "NoReportData", "Value": "true" if empty else "false"}]
        return header

    def _column(self, key):
        title, kind = COLUMNS[key]
        if self.old_form:
            return {"ColTitle": title, "ColType": key}
        return layout.column(title, kind, key)

    # ---- sections ---------------------------------------------------------------------------

    def _stands_at_top(self, identifier):
        kind = self.ledger.accounts()[identifier]["type"]
        return identifier in self.outline.children.get((kind, None), ())

    def _sign(self, identifier):
        return 1 if self.ledger.accounts()[identifier]["type"] in DEBIT_TYPES else -1

    def _beginning(self, identifier):
        """Debit-positive balance on the eve of the range, None when nothing was posted."""
        start = self.request.start
        if start == start.min:
            return None
        eve = start.fromordinal(start.toordinal() - 1)
        year = moments.fiscal_start(start, self.company.settings["fiscal_month"])
        if is_profit_and_loss(self.ledger.accounts()[identifier]["type"]):
            return self.figures.movement(identifier, year, eve) if year <= eve else None
        own = self.figures.movement(identifier, start.min, eve)
        earned = self.figures.earned_before(year) if identifier == self.figures.retained else None
        return own if earned is None else (own or 0) + earned

    def _section(self, identifier):
        """An account's section and the sum of its amounts, None when there is nothing to show."""
        kind = self.ledger.accounts()[identifier]["type"]
        children = self.outline.children.get((kind, identifier), ())
        below = {i: found for i, found in ((i, self._section(i)) for i in children) if found}
        wanted = self._is_wanted(identifier)
        own, amount = self._own_rows(identifier) if wanted else ([], None)
        if not own and not below:
            return None
        title = self.outline.title(identifier)
        own_money = lambda cents: self._money(self._in_own_currency(identifier, cents))
        amounts = [a for a in [amount] + [a for _, a in below.values()] if a is not None]
        whole = sum(amounts) if amounts else None
        head = {"value": title, "id": identifier}
        if self.old_form and not own:
            head["id"] = _take_id(below)
        inner = self.style.mixed([row for row, _ in below.values()])
        if self.nested and own and inner:
            own = [{"Rows": {"Row": own}, "Summary": self._cells(
                {"value": "Total for " + title},
                {"subt_nat_amount": own_money(amount), "subt_nat_home_amount": self._money(amount)}),
                "type": "Section"}]
        title += " with sub-accounts" * bool(self.nested and inner)
        return {"Header": self._cells(head, {}), "Rows": {"Row": own + inner},
                "Summary": self._cells({"value": "Total for " + title},
                                       {"subt_nat_amount": own_money(whole),
                                        "subt_nat_home_amount": self._money(whole)}),
                "type": "Section"}, whole

    def _is_wanted(self, identifier):
        """Whether the account is asked for; the nested form gives all below it as well."""
        asked = self.request.accounts
        while asked is not None and identifier is not None and identifier not in asked:
            identifier = self.ledger.accounts()[identifier]["parent"] if self.nested else None
        return asked is None or identifier is not None

    def _own_rows(self, identifier):
        """The rows of the account itself and the sum of its amounts."""
        sign, rows, balance = self._sign(identifier), [], self._beginning(identifier)
        if balance is not None:
            rows.append(dict(self._cells({"value": "Beginning Balance"},
                                         self._balances(identifier, sign * balance)), type="Data"))
        balance, amount = balance or 0, None
        for entry in self.postings.get(identifier, ()):
            balance += entry["amount"]
            amount = (amount or 0) + sign * entry["amount"]
            rows.append({"ColData": self._posting(entry, sign, balance), "type": "Data"})
        return rows, amount

    def _balances(self, identifier, cents):
        """A balance in the account's own currency and in the company's."""
        return {"rbal_nat_amount": self._money(self._in_own_currency(identifier, cents)),
                "rbal_nat_home_amount": self._money(cents)}

    def _in_own_currency(self, identifier, cents):
        """What an amount is in the currency that the account holds."""
        rate = self.ledger.accounts()[identifier]["rate"]
        return cents if cents is None or rate == 10000 else (cents * rate * 2 + 10000) // 20000

    def _cells(self, first, values):
        """One ColData list: the first cell, then the values of the columns that have one."""
        return {"ColData": [first] + [{"value": values.get(key, "")} for key in self.columns[1:]]}

    def _money(self, amount):
        """Text of an amount; the service leaves out the zero before the point here."""
        if amount is None:
            return ""
        text = money(amount)
        plain = self.style.zero == "zero" or abs(amount) >= 100
        return text if plain else text.replace("0.", ".", 1)

    # ---- postings ---------------------------------------------------------------------------

    def _posting(self, entry, sign, balance):
        txn = self.txns[entry["txn"]]
        cells = {
            "tx_date": lambda: {"value": entry["date"]},
            "txn_type": lambda: {"value": TYPE_NAMES.get(txn["type"], txn["type"]),
                                 "id": str(txn["id"])},
            "doc_num": lambda: {"value": document_number(txn)},
            "name": lambda: self._named(party(txn)),
            "memo": lambda: {"value": txn["memo"] or ""},
            "split_acc": lambda: self._split(entry),
            "klass_name": lambda: self._tag("class", entry["class"]),
            "dept_name": lambda: self._tag("department", entry["department"]),
            "subt_nat_amount": lambda: {"value": self._money(
                self._in_own_currency(entry["account"], sign * entry["amount"]))},
            "subt_nat_home_amount": lambda: {"value": self._money(sign * entry["amount"])}}
        for key, text in self._balances(entry["account"], sign * balance).items():
            cells[key] = lambda text=text: {"value": text}
        return [cells[key]() for key in self.columns]

    def _named(self, known):
        return {"value": known[1], "id": known[0]} if known else {"value": "", "id": ""}

    def _split(self, entry):
        """The one other account of the transaction; several have no name of their own."""
        others = set(self.others[entry["txn"], entry["date"]]) - {entry["account"]}
        if len(others) != 1:
            return {"value": "-Split-" if self.old_form else "", "id": ""}
        identifier = others.pop()
        return {"value": self.outline.title(identifier, True), "id": identifier}

    def _tag(self, kind, identifier):
        if identifier is None:
            return {"value": "", "id": ""}
        return {"value": dimensions.full_name(self.ledger, kind, identifier), "id": identifier}


def _take_id(below):
    """In its old form the service gave the id of an account's first child to the account itself."""
    first = next(iter(below))
    below[first][0]["Header"]["ColData"][0].pop("id", None)
    return first
