"""Classes and departments (locations): two trees of tags that the lines of a transaction may carry.

Everything here takes a ledger and a kind, "class" or "department".
"""
import random
from collections import defaultdict

from ledger import LedgerError, is_profit_and_loss

KINDS = ("class", "department")
UNTAGGED = 0.15

# id, name, parent's id, marks: `x` was made inactive and has only old postings, `-` has none.
# The same id in both kinds is no mistake: each kind counts for itself.
TREES = {"reef": {
    "class": (("1", "Retail", None, ""), ("2", "Shop", "1", ""), ("3", "Online", "1", ""),
              ("4", "École de plongée", None, ""), ("5000000000000299401", "Charter", None, ""),
              ("6", "Boat Yard", None, "x"), ("7", "Wholesale", None, "-")),
    "department": (("1", "North Pier", None, ""), ("2", "Kiosk", "1", ""),
                   ("3", "South Quay", None, ""))}}


def known(ledger, kind):
    """All of a kind by id, in the order they were made."""
    return ledger.cached(("dimension", kind), lambda: {
        row["id"]: row for row in ledger.db.execute(
            "SELECT * FROM dimension WHERE kind = ? ORDER BY rowid", (kind,))})


def full_name(ledger, kind, identifier):
    """The names from the root down, joined by colons."""
    row = known(ledger, kind)[identifier]
    above = full_name(ledger, kind, row["parent"]) + ":" if row["parent"] else ""
    return above + row["name"]


def resolve(ledger, kind, wanted):
    """The id from an id or a fully qualified name; None stays None."""
    if wanted is None or str(wanted) in known(ledger, kind):
        return wanted if wanted is None else str(wanted)
    found = [i for i in known(ledger, kind) if full_name(ledger, kind, i) == wanted]
    if len(found) != 1:
        raise LedgerError("%d of kind %s are called %r" % (len(found), kind, wanted))
    return found[0]


def add(ledger, kind, identifier, name, parent=None, moment=None):
    if identifier in known(ledger, kind):
        raise LedgerError("%s %s exists" % (kind, identifier))
    moment = ledger.now() if moment is None else moment
    ledger.db.execute("INSERT INTO dimension (kind, id, name, parent, created, updated)"
                      " VALUES (?,?,?,?,?,?)", (kind, identifier, name, parent, moment, moment))
    ledger.changed()


def next_id(ledger, kind):
    return str(max([int(i) for i in known(ledger, kind) if len(i) < 12], default=0) + 1)


def update(ledger, kind, identifier, **values):
    """Set columns of one; its time of change and its version move on."""
    if identifier not in known(ledger, kind):
        raise LedgerError("there is no %s %r" % (kind, identifier))
    columns = "".join(", %s = ?" % column for column in values)
    ledger.db.execute("UPDATE dimension SET sync = sync + 1, updated = ?%s"
                      " WHERE kind = ? AND id = ?" % columns,
                      (ledger.now(), *values.values(), kind, identifier))
    ledger.changed()


def below(ledger, kind):
    """Ids by parent (None at the top), each list ordered by name."""
    found = defaultdict(list)
    for identifier, row in known(ledger, kind).items():
        found[row["parent"]].append(identifier)
    order = lambda i: (known(ledger, kind)[i]["name"].casefold(), i)
    return {parent: sorted(ids, key=order) for parent, ids in found.items()}


def branch(ledger, kind, identifier):
    """The ids of one and of all below it."""
    ids = {identifier}
    for child in below(ledger, kind).get(identifier, ()):
        ids |= branch(ledger, kind, child)
    return frozenset(ids)


# ---- the past -------------------------------------------------------------------------------

def write_history(ledger, company, born):
    """Give a new company its trees and tag most lines of income and costs, always the same way."""
    for kind, tree in TREES.get(company, {}).items():
        for identifier, name, parent, _ in tree:
            add(ledger, kind, identifier, name, parent, born)
        _tag_lines(ledger, kind, tree, random.Random("%s of %s" % (kind, company)))
        for identifier, _, _, marks in tree:
            if "x" in marks:
                ledger.db.execute("UPDATE dimension SET active = 0 WHERE kind = ? AND id = ?",
                                  (kind, identifier))
    ledger.changed()


def _tag_lines(ledger, kind, tree, chance):
    accounts = ledger.accounts()
    rows = ledger.db.execute("SELECT l.txn, l.ordinal, l.account, t.date FROM line l"
                             " JOIN txn t ON t.id = l.txn ORDER BY t.date, l.txn, l.ordinal")
    lines = [row for row in rows.fetchall() if is_profit_and_loss(accounts[row["account"]]["type"])]
    young = [identifier for identifier, _, _, marks in tree if not marks]
    old = [identifier for identifier, _, _, marks in tree if marks != "-"]
    tags = []
    for position, line in enumerate(lines):
        ids = old if position < len(lines) * 2 // 3 else young
        if chance.random() >= UNTAGGED:
            tags.append((chance.choice(ids), line["txn"], line["ordinal"]))
    ledger.db.execute("BEGIN")
    ledger.db.executemany("UPDATE line SET %s = ? WHERE txn = ? AND ordinal = ?" % kind, tags)
    ledger.db.execute("COMMIT")
