"""The companies of the simulator: who they are, their settings, and how their books are made."""
import os
import threading

import charts
import dimensions
from history import History
from ledger import Ledger, LedgerError

POD_PREFIX = "93417"
DEFAULTS = {
    "zero_style": "mixed", "shuffle": False, "title_case": False, "bs_total_column": False,
    "nodata_form": "skeleton", "dimension_subcolumns": False, "unspecified_key": "NotSpecified",
    "gl_form": "new", "bs_layout": "usual", "locale": None, "suspended_status": 400, "slow_seconds": 3,
    "throttle_form": "gateway", "card_positive": False, "retry_after": None,
    "throttle": True, "limit_minute": 500, "limit_second": 10, "rotate": "always", "grace": 0,
    "race_revokes": False, "code_seconds": 600, "hears_end": False,
    "wrong_time": 0, "wrong_date": 0}
CURRENCY_NAMES = {"USD": "United States Dollar", "EUR": "Euro", "GBP": "British Pound Sterling"}


class Plan:
    """What a company is at the start. `chart` makes its accounts; `books` tune its history."""

    def __init__(self, key, realm, name, chart, environment="production", fiscal_month=1,
                 numbers=False, currency="USD", language="en", magic=None, books=None,
                 multicurrency=False, country="US"):
        self.key, self.realm, self.name, self.environment = key, realm, name, environment
        self.chart, self.books, self.magic = chart, books, magic
        self.settings = {
            "name": name, "fiscal_month": fiscal_month, "currency": currency,
            "language": language, "show_numbers": numbers, "multicurrency": multicurrency,
            "book_close_date": None, "report_basis": "Accrual",
            "subscription": "SUSPENDED" if magic == "suspended" else "SUBSCRIBED",
            "reports_forbidden": False, "country": country}


    def post(self, ledger, moment):
        """What else is in its books: nothing."""


def _plain():
    return charts.parse(charts.PLAIN)


def _pod_chart():
    return charts.parse(charts.POD)


QUIET = {"months": 12, "activity": 0.5, "chunk": 2}


def _catalogue():
    parse = charts.parse
    plans = [
        Plan("reef", "9341452837465101", "Reef Trading Ltd", lambda: parse(charts.REEF),
             numbers=True, books={"activity": 0.7}),
        Plan("atoll", "4620816365291734002", "Atoll Holdings Inc.", _plain, fiscal_month=7,
             books={"activity": 0.8}),
        Plan("lagoon", "123146096291789003", "Lagoon Resorts LLC", lambda: parse(charts.LAGOON),
             multicurrency=True, books={"activity": 0.8, "cost_factor": 2.1}),
        Plan("shell", "9130357292811004", "Shell Company LLC", lambda: parse(charts.SHELL)),
        Plan("atlas", "4620816365291734005", "Atlas Group Inc.", charts.atlas,
             books={"activity": 0.3, "chunk": 12}),
        Plan("kelp", "9341452837465106", "Kelp Farms Inc.", charts.kelp,
             books={"activity": 0.5, "chunk": 8}),
        Plan("corail", "9341452837465107", "Corail et Fils SARL", lambda: parse(charts.CORAIL),
             currency="EUR", language="fr", books={"activity": 0.8}),
        Plan("islet", "9341452837465110", "Islet Supplies Ltd", lambda: parse(charts.ISLET),
             fiscal_month=4, numbers=True, currency="GBP", country="GB", multicurrency=True,
             books={"activity": 0.7}),
        Plan("sandy", "4620816365291734108", "Sandy Test Company", lambda: parse(charts.SANDY),
             environment="sandbox", numbers=True, books={"activity": 0.4}),
        Plan("shoal", "4620816365291734109", "Shoal Test Company", _plain,
             environment="sandbox", books={"activity": 0.5})]
    for position, magic in enumerate(("mute", "slow", "throttled", "broken", "suspended",
                                      "forbidden")):
        plans.append(Plan(magic, "93414528374652%02d" % position, magic.capitalize() + " Company",
                          _pod_chart, magic=magic, books=QUIET))
    return plans


def pod(number):
    """Plan of the small company pod-N."""
    return Plan("pod-%d" % number, POD_PREFIX + "%011d" % number, "Pod %d Ltd" % number,
                _pod_chart, books={"activity": 0.7, "chunk": 4})


class Company:
    """One company: its plan, its present settings, and its books (made when first needed)."""

    def __init__(self, plan, directory, clock, shared_config):
        self.plan, self.directory, self.clock = plan, directory, clock
        self.key, self.realm, self.environment = plan.key, plan.realm, plan.environment
        self.settings = dict(plan.settings)
        self.own_config, self.shared_config = {}, shared_config
        self.in_flight = self.max_in_flight = 0
        self._ledger, self._making = None, threading.Lock()

    def config(self, name):
        """A switch: the company's own value when it has one, else everybody's."""
        return self.own_config.get(name, self.shared_config[name])

    def language(self):
        return self.config("locale") or self.settings["language"]

    @property
    def ledger(self):
        """The books; the first who asks has them made, all others wait for that."""
        if self._ledger is None:
            with self._making:
                if self._ledger is None:
                    self._ledger = self._make_ledger()
        return self._ledger

    def account_count(self):
        return len(self._ledger.accounts() if self._ledger else self.plan.chart())

    def _make_ledger(self):
        ledger = Ledger(os.path.join(self.directory, self.key + ".sqlite"), self.clock.now,
                        self.settings["currency"])
        chart = self.plan.chart()
        born = self.clock.now() - 41 * 31 * 86400
        ledger.db.execute("BEGIN")
        for account in chart:
            euro = {"currency": "EUR", "rate": 9100} if "e" in account.marks else {}
            ledger.add_account(account.id, account.name, account.type, account.subtype,
                               account.parent, account.number, moment=born, **euro)
        ledger.db.execute("COMMIT")
        if self.plan.books is not None:
            History(self.key, chart, self.clock.first_day, **self.plan.books).write(ledger)
        dimensions.write_history(ledger, self.key, born)
        self.plan.post(ledger, born)
        for account in chart:
            if "x" in account.marks or "d" in account.marks:
                ledger.db.execute("UPDATE account SET active = 0, deleted = ? WHERE id = ?",
                                  (int("d" in account.marks), account.id))
        ledger.changed()
        return ledger

    def close(self):
        if self._ledger is not None:
            self._ledger.close()


class Directory:
    """All companies by key and by realm id; pods come into being when they are named."""

    def __init__(self, path, clock, config, lock, plans=None):
        self.path, self.clock, self.config, self.lock = path, clock, config, lock
        self.by_key, self.by_realm = {}, {}
        for plan in plans or _catalogue():
            self._add(plan)

    def _add(self, plan):
        company = Company(plan, self.path, self.clock, self.config)
        self.by_key[company.key] = self.by_realm[company.realm] = company
        return company

    def find(self, name):
        """The company of a key or realm id; LedgerError when there is none."""
        name = str(name)
        with self.lock:
            company = self.by_key.get(name) or self.by_realm.get(name)
            number = _pod_number(name)
            if company is None and number:
                company = self._add(pod(number))
        if company is None:
            raise LedgerError("there is no company %r" % name)
        return company

    def all(self):
        with self.lock:
            return list(self.by_key.values())

    def close(self):
        for company in self.all():
            company.close()


def _pod_number(name):
    """N of pod-N or of a pod's realm id, else None."""
    if name.startswith("pod-") and name[4:].isdigit():
        return int(name[4:])
    if name.startswith(POD_PREFIX) and len(name) == 16 and name.isdigit():
        return int(name[len(POD_PREFIX):])
    return None
