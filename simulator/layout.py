"""How a report is put into JSON: columns, sections, rows and the text of amounts.

A report is first a tree of nodes holding cents (None = nothing to print), then JSON in the shape
and wording the company asks for.
"""
import random

import wording


class Node:
    """A section or an account. `own` are its own cells; a section's total is own plus children,
    less those that are `taken` from it."""

    def __init__(self, width, group=None, title=None, account=None, own=None, children=None):
        self.group, self.title, self.account = group, title, account
        self.own = own or [None] * width
        self.children = children or []
        self.computed = False
        self.forced = None
        self.taken = False

    def total(self):
        """The Summary's cells. A section without rows has nothing to print."""
        if self.forced is not None:
            return self.forced
        if not self.children:
            return list(self.own)
        columns = zip(self.own, *(child.counted() for child in self.children))
        return [sum(cell or 0 for cell in column) for column in columns]

    def counted(self):
        """The total as it counts in the section around."""
        return [-(cell or 0) for cell in self.total()] if self.taken else self.total()


class Style:
    """How one company's answers look at the moment."""

    def __init__(self, config, language, seed):
        self.zero = config("zero_style")
        self.shuffle = config("shuffle")
        self.case = wording.title_case if config("title_case") else str
        self.words = wording.words(language)
        self.language = language
        self.random = random.Random(seed)

    def amount(self, cents):
        """Text of an amount: "" for None, otherwise two decimals without separators."""
        if cents is None:
            return "0.00" if self.zero == "zero" else ""
        if not cents and self.zero == "empty":
            return ""
        text = "%s%d.%02d" % ("-" if cents < 0 else "", abs(cents) // 100, abs(cents) % 100)
        if self.zero == "dot" and abs(cents) < 100:
            return text.replace("0.", ".", 1)
        return text

    def heading(self, group):
        return self.case(self._words(group)[0])

    def closing(self, group):
        return self.case(self._words(group)[1])

    def _words(self, group):
        """Groups of statutory layouts are their own titles."""
        return self.words.get(group, (group, "Total " + group))

    def mixed(self, items):
        """The items in an order of their own when order is not to be relied on."""
        items = list(items)
        if self.shuffle:
            self.random.shuffle(items)
        return items

    def keys(self, value):
        """The same JSON with the keys of every object in another order, when so switched."""
        if not self.shuffle:
            return value
        if isinstance(value, dict):
            return {key: self.keys(value[key]) for key in self.mixed(value)}
        if isinstance(value, list):
            return [self.keys(item) for item in value]
        return value


def cells(style, title, values, account=None):
    """One ColData list: the title with the account's id, then the amounts."""
    first = {"value": title}
    if account is not None:
        first["id"] = account
    return {"ColData": [first] + [{"value": style.amount(value)} for value in values]}


def render(node, style, total_column, forced_rows=True):
    """JSON of a node and all below it; `total_column` is the index of the Total column or None."""
    if node.title:
        return _render_account(node, style, total_column)
    row = {}
    if not node.computed:
        row["Header"] = cells(style, style.heading(node.group), [None] * len(node.own))
    if node.children:
        ordered = style.mixed(node.children) if node.children[0].title else node.children
        row["Rows"] = {"Row": [render(child, style, total_column) for child in ordered]}
    row["Summary"] = cells(style, style.closing(node.group), node.total())
    row.update(type="Section", group=node.group)
    return row


def _render_account(node, style, total_column):
    if not node.children:
        row = dict(cells(style, node.title, node.own, node.account), type="Data")
        if node.group:
            row["group"] = node.group
        return row
    own = list(node.own)
    if total_column is not None and own[total_column] is None:
        own[total_column] = 0
    return {"Header": cells(style, node.title, own, node.account),
            "Rows": {"Row": [render(child, style, total_column)
                             for child in style.mixed(node.children)]},
            "Summary": cells(style, style.words["total of"] % node.title, node.total()),
            "type": "Section"}


def column(title, kind, key=None, start=None, end=None):
    """One entry of Columns; MetaData holds what is given."""
    values = (("StartDate", start), ("EndDate", end), ("ColKey", key))
    meta = [{"Name": name, "Value": str(value)} for name, value in values if value is not None]
    made = {"ColTitle": title, "ColType": kind}
    if meta:
        made["MetaData"] = meta
    return made
