"""Companies of a file: JSON, who they are, their accounts, and what was posted. README.md has the form."""
import json

from charts import COMMON, Account
from companies import CURRENCY_NAMES, Plan
from ledger import CLASSIFICATION, LedgerError, Line, cents

FIRST_REALM = 9341400000000000000
KNOWN = {"key", "name", "realm", "sandbox", "currency", "country", "language", "fiscal_month", "book_close_date",
         "numbers", "accounts", "postings"}
OWN = [dict(zip(("name", "type", "subtype", "number"), line.split("|"))) for line in COMMON.splitlines()]


class FilePlan(Plan):
    """A company that a file describes. Its books are its postings."""

    def __init__(self, given, place):
        unknown = set(given) - KNOWN
        if unknown or not given.get("key") or not given.get("accounts"):
            raise LedgerError("company %d of the file: it needs key and accounts, and does not know %s"
                              % (place, ", ".join(sorted(unknown)) or "more"))
        accounts = accounts_of(given["accounts"])
        super().__init__(
            given["key"], str(given.get("realm", FIRST_REALM + place)), given.get("name", given["key"]), lambda: accounts,
            environment="sandbox" if given.get("sandbox") else "production", fiscal_month=int(given.get("fiscal_month", 1)),
            numbers=given.get("numbers", True), currency=given.get("currency", "USD"), language=given.get("language", "en"),
            country=given.get("country", "US"))
        self.settings["book_close_date"] = given.get("book_close_date")
        self.postings = given.get("postings", [])
        CURRENCY_NAMES.setdefault(self.settings["currency"], self.settings["currency"])

    def post(self, ledger, moment):
        """All of it, in one transaction of the books."""
        ledger.db.execute("BEGIN")
        for posting in self.postings:
            lines = [Line(ledger.resolve(line["account"]), cents(line["amount"])) for line in posting["lines"]]
            ledger.post(posting.get("type", "JournalEntry"), posting["date"], lines, memo=posting.get("memo"), moment=moment)
        ledger.db.execute("COMMIT")


def accounts_of(given):
    """Accounts with ids, by their places where they have none, and those that every company has by itself."""
    subtypes = {account.get("subtype") for account in given}
    whole = given + [account for account in OWN if account["subtype"] not in subtypes]
    ids, found = {}, []
    for place, account in enumerate(whole, 1):
        if account["type"] not in CLASSIFICATION:
            raise LedgerError("account %r: there is no account type %r" % (account["name"], account["type"]))
        parent = account.get("parent")
        name = parent + ":" + account["name"] if parent else account["name"]
        ids[name] = str(account.get("id", place))
        found.append(Account(ids[name], account["name"], ids[parent] if parent else None, account["type"],
                             account.get("subtype") or account["type"].replace(" ", ""), account.get("number"),
                             "" if account.get("active", True) else "x"))
    return found


def plans(path):
    with open(path, encoding="utf-8") as file:
        given = json.load(file)
    return [FilePlan(company, place) for place, company in enumerate(given, 1)]
