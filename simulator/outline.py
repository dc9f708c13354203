"""How accounts stand in reports: their titles, their order, who stands below whom."""
from ledger import shown_name

COST_TYPES = ("Cost of Goods Sold", "Expense", "Other Expense")
DEBIT_TYPES = COST_TYPES + ("Bank", "Accounts Receivable", "Other Current Asset", "Fixed Asset",
                            "Other Asset")
TYPE_ORDER = ("Bank", "Accounts Receivable", "Other Current Asset", "Fixed Asset", "Other Asset",
              "Accounts Payable", "Credit Card", "Other Current Liability", "Long Term Liability",
              "Equity", "Income", "Cost of Goods Sold", "Expense", "Other Income", "Other Expense")


class Outline:
    """`children` gives sorted account ids by type and parent (None at the top)."""

    def __init__(self, company):
        self.company, self.ledger = company, company.ledger
        self.children = self.ledger.cached("children", self._children)

    def title(self, identifier, full=False):
        account = self.ledger.accounts()[identifier]
        name = self.ledger.full_names()[identifier] if full else shown_name(account)
        if self.company.settings["show_numbers"] and account["number"]:
            return account["number"] + " " + name
        return name

    def ordered(self, identifiers):
        accounts = self.ledger.accounts()
        return sorted(identifiers, key=lambda i: (accounts[i]["number"] or "~",
                                                  accounts[i]["name"].casefold(), i))

    def by_type(self):
        """All accounts, type after type."""
        accounts = self.ledger.accounts()
        return sorted(self.ordered(accounts), key=lambda i: TYPE_ORDER.index(accounts[i]["type"]))

    def _children(self):
        """One below an account of another type stands at the top."""
        accounts, children = self.ledger.accounts(), {}
        for identifier, account in accounts.items():
            above = account["parent"]
            if above is not None and accounts[above]["type"] != account["type"]:
                above = None
            children.setdefault((account["type"], above), []).append(identifier)
        return {key: self.ordered(below) for key, below in children.items()}
