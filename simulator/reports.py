"""The three statements, computed from the books and shaped as the service shapes them."""
import datetime

import layout
import moments
from figures import EVERYTHING, Figures
from ledger import is_profit_and_loss
from outline import COST_TYPES, DEBIT_TYPES, Outline
from revaluation import Revaluations
from slots import Slots

ASSETS = ("TotalAssets", [
    ("CurrentAssets", [("BankAccounts", "Bank"), ("AR", "Accounts Receivable"),
                       ("OtherCurrentAssets", "Other Current Asset")]),
    ("FixedAssets", "Fixed Asset"), ("OtherAssets", "Other Asset")])
FUNDING = ("TotalLiabilitiesAndEquity", [
    ("Liabilities", [
        ("CurrentLiabilities", [("AP", "Accounts Payable"), ("CreditCards", "Credit Card"),
                                ("OtherCurrentLiabilities", "Other Current Liability")]),
        ("LongTermLiabilities", "Long Term Liability")]),
    ("Equity", "Equity")])
SKELETON = {"ProfitAndLoss": ("Income", "GrossProfit", "Expenses", "NetOperatingIncome",
                              "NetIncome"),
            "BalanceSheet": ("TotalAssets", "TotalLiabilitiesAndEquity")}
COMPUTED = ("GrossProfit", "NetOperatingIncome", "NetOtherIncome", "NetIncome")


def name_at(company, name):
    """What a report is called at a company."""
    french = company.settings["country"] == "FR" and name in ("TrialBalance", "GeneralLedger")
    return name + "FR" * french


class Request:
    """What one report is asked for, every default filled in.

    `tags` are the filters on class and department, `echo` what the Header repeats of them;
    `accounts` is that of the general ledger (None for all), `columns` the keys of its columns (None
    for the usual ones).
    """

    def __init__(self, name, start, end, basis, by="Total", macro=None, tags=EVERYTHING):
        self.name, self.start, self.end, self.basis = name, start, end, basis
        self.by, self.macro, self.tags = by, macro, tags
        self.echo, self.accounts, self.columns = {}, None, None


class Report:
    """Computes one report of one company; `company` gives ledger, settings and configuration."""

    def __init__(self, company, request, now):
        self.company, self.request, self.now = company, request, now
        self.ledger = company.ledger
        self.style = layout.Style(company.config, company.language(), repr((now, request.name)))
        self.outline = Outline(company)
        plan = Slots(company, request, self.style)
        self.slots, self.columns, self.total_at = plan.slots, plan.columns, plan.total_at
        self.width = len(self.slots)

    def build(self):
        """The whole answer as JSON."""
        rows, empty = self._rows()
        answer = {"Header": self._header(empty), "Columns": {"Column": self._columns()},
                  "Rows": {"Row": rows}}
        if empty:
            _no_data(answer, self.company.config("nodata_form"))
        return self.style.keys(answer)

    def _rows(self):
        """The rows and whether the report has nothing to show."""
        if self.request.name == "TrialBalance":
            return self._trial_balance()
        nodes = (self._profit_and_loss() if self.request.name == "ProfitAndLoss"
                 else self._balance_sheet())
        if not nodes:
            nodes = [layout.Node(self.width, group) for group in SKELETON[self.request.name]]
            for node in nodes:
                node.computed = node.group in COMPUTED
            return self._render(nodes), True
        return self._render(nodes), False

    def _render(self, nodes):
        total = self.total_at if self.request.by != "Total" else None
        return [layout.render(node, self.style, total) for node in nodes]

    # ---- head and columns -------------------------------------------------------------------

    def _header(self, empty):
        request = self.request
        header = {"Time": moments.stamp(self.now), "ReportName": name_at(self.company, request.name),
                  "ReportBasis": request.basis, "StartPeriod": request.start.isoformat(),
                  "EndPeriod": request.end.isoformat(), "SummarizeColumnsBy": request.by,
                  "Currency": self.company.settings["currency"], **request.echo}
        if request.macro:
            header["DateMacro"] = request.macro
        options = [{"Name": "NoReportData", "Value": "true" if empty else "false"}]
        if request.name != "TrialBalance":
            options.insert(0, {"Name": "AccountingStandard", "Value": "GAAP"})
        header["Option"] = options
        return header

    def _columns(self):
        words = self.style.words
        if self.request.name == "TrialBalance":
            return [layout.column("", "Account"), layout.column(words["Debit"], "Money"),
                    layout.column(words["Credit"], "Money")]
        return [layout.column("", "Account", "account")] + self.columns

    # ---- accounts ---------------------------------------------------------------------------

    def _account_nodes(self, account_type, parent, cells):
        """Nodes of the accounts below `parent` that show something or have such a child."""
        nodes = []
        for identifier in self.outline.children.get((account_type, parent), ()):
            below = self._account_nodes(account_type, identifier, cells)
            own = cells(identifier)
            if below or any(value is not None for value in own):
                nodes.append(layout.Node(self.width, None, self.outline.title(identifier),
                                         identifier, own, below))
        return nodes

    # ---- profit and loss --------------------------------------------------------------------

    def _movements(self, identifier):
        sign = 1 if self.ledger.accounts()[identifier]["type"] in COST_TYPES else -1
        found = [slot.movement(identifier) for slot in self.slots]
        return [None if value is None else sign * value for value in found]

    def _profit_and_loss(self):
        section = lambda group, kind: layout.Node(
            self.width, group, children=self._account_nodes(kind, None, self._movements)
            + self._revaluations(group, 1 if kind in COST_TYPES else -1))
        income, costs = section("Income", "Income"), section("COGS", "Cost of Goods Sold")
        spent = section("Expenses", "Expense")
        other, lost = section("OtherIncome", "Other Income"), section("OtherExpenses",
                                                                      "Other Expense")
        sections = (income, costs, spent, other, lost)
        if not any(node.children for node in sections):
            return []
        sums = [[value or 0 for value in node.total()] for node in sections]
        gross = [a - b for a, b in zip(sums[0], sums[1])]
        operating = [a - b for a, b in zip(gross, sums[2])]
        beside = [a - b for a, b in zip(sums[3], sums[4])]
        nodes = [income] + [costs] * bool(costs.children)
        nodes += [self._computed("GrossProfit", gross), spent,
                  self._computed("NetOperatingIncome", operating)]
        used = [node for node in (other, lost) if node.children]
        if used:
            nodes += used + [self._computed("NetOtherIncome", beside)]
        return nodes + [self._computed("NetIncome", [a + b for a, b in zip(operating, beside)])]

    def _revaluations(self, group, sign):
        """Lines that are in no chart: each has a title, which may be that of another, and no id."""
        found = []
        for place in Revaluations(self.ledger).places(group):
            values = [slot.revaluation(group, place) for slot in self.slots]
            if any(value is not None for value in values):
                found.append(layout.Node(self.width, None, self.style.words["Unrealized"], own=[
                    None if value is None else sign * value for value in values]))
        return found

    def _computed(self, group, values):
        node = layout.Node(self.width, group)
        node.computed, node.forced = True, values
        return node

    # ---- balance sheet ----------------------------------------------------------------------

    def _balances(self, identifier):
        sign = 1 if self.ledger.accounts()[identifier]["type"] in DEBIT_TYPES else -1
        found = [slot.balance(identifier) for slot in self.slots]
        return [None if value is None else sign * value for value in found]

    def _section(self, plan):
        """A section of the balance sheet; sub-sections without rows are left out."""
        group, content = plan
        if isinstance(content, str):
            children = self._account_nodes(content, None, self._balances)
        else:
            children = [node for node in map(self._section, content) if node.children]
        if group == "Equity":
            net = [slot.net_income() for slot in self.slots]
            if any(value is not None for value in net):
                children.append(layout.Node(self.width, "NetIncome", self._net_income_title(),
                                            own=[-(value or 0) for value in net]))
        return layout.Node(self.width, group, children=children)

    def _net_income_title(self):
        return self.style.closing("NetIncome")

    def _statutory(self, nested):
        """Net current assets and total assets less current liabilities, side by side or nested.

        Sections that are taken from others, whose groups are in no other layout.
        """
        make = lambda group, *children: layout.Node(self.width, group, children=[
            child for child in children if child.children])
        kinds = lambda group, *types: layout.Node(self.width, group, children=[
            node for kind in types for node in self._account_nodes(kind, None, self._balances)])
        fixed = kinds("StatutoryFixedAssets", "Fixed Asset", "Other Asset")
        current = kinds("StatutoryCurrentAssets", "Bank", "Accounts Receivable",
                        "Other Current Asset")
        owed = kinds("CreditorsWithinOneYear", "Accounts Payable", "Credit Card",
                     "Other Current Liability")
        later = kinds("CreditorsAfterOneYear", "Long Term Liability")
        capital = kinds("CapitalAndReserves", "Equity")
        net = [slot.net_income() for slot in self.slots]
        if any(value is not None for value in net):
            capital.children.append(layout.Node(self.width, "ProfitForTheYear", "Profit for the year",
                                                own=[-(value or 0) for value in net]))
        owed.taken = later.taken = True
        net_current = make("NetCurrentAssets", current, owed)
        less = make("TotalAssetsLessCurrentLiabilities", fixed, net_current)
        assets = make("NetAssets", less, later)
        if nested:
            return [assets, capital]
        return [node for node in (
            fixed, current, owed, self._computed("NetCurrentAssets", net_current.total()),
            self._computed("TotalAssetsLessCurrentLiabilities", less.total()), later,
            self._computed("NetAssets", assets.total()), capital)
            if node.computed or node.children]

    def _balance_sheet(self):
        if self.company.config("bs_layout") != "usual":
            return self._statutory(self.company.config("bs_layout") == "nested")
        nodes = [self._section(ASSETS), self._section(FUNDING)]
        return nodes if any(node.children for node in nodes) else []

    # ---- trial balance ----------------------------------------------------------------------

    def _trial_amount(self, figures, identifier):
        end = self.request.end
        if not is_profit_and_loss(self.ledger.accounts()[identifier]["type"]):
            return figures.balance(identifier, end)
        start = moments.fiscal_start(end, self.company.settings["fiscal_month"])
        return figures.movement(identifier, start, end)

    def _trial_balance(self):
        accounts, rows, sums = self.ledger.accounts(), [], [0, 0]
        figures = Figures(self.ledger, self.request.basis, self.company.settings["fiscal_month"])
        for identifier in self.outline.by_type():
            amount = self._trial_amount(figures, identifier)
            if amount is None:
                continue
            debit = amount > 0 or amount == 0 and accounts[identifier]["type"] in DEBIT_TYPES
            values = [amount, None] if debit else [None, -amount]
            sums[0 if debit else 1] += abs(amount)
            rows.append(layout.cells(self.style, self.outline.title(identifier, True), values,
                                     identifier))
        empty = not rows
        rows = self.style.mixed(rows)
        rows.append({"Summary": layout.cells(self.style, self.style.closing("GrandTotal"),
                                             [None, None] if empty else sums),
                     "type": "Section", "group": "GrandTotal"})
        return rows, empty


def _no_data(answer, form):
    """Turn the skeleton of an empty report into another form the service is known to send."""
    if form == "empty_rows":
        answer["Rows"] = {}
    elif form == "null_row":
        answer["Rows"] = {"Row": None}
    elif form == "account_only":
        answer["Columns"]["Column"] = answer["Columns"]["Column"][:1]
        answer["Rows"]["Row"] = [_title_only(row) for row in answer["Rows"]["Row"]]


def _title_only(row):
    """A row with one cell: totals become data rows, sections keep a header and lose their type."""
    closing = row["Summary"]["ColData"][:1]
    if "Header" not in row:
        return {"ColData": closing, "type": "Data", "group": row["group"]}
    return {"Header": {"ColData": row["Header"]["ColData"][:1]}, "Summary": {"ColData": closing},
            "group": row["group"]}


def dates_by_default(name, today):
    """The range and macro of a report that was asked for without both dates."""
    if name in ("TrialBalance", "GeneralLedger"):
        return today.replace(day=1), today, "this month-to-date"
    return datetime.date(today.year, 1, 1), today, "this calendar year-to-date"
