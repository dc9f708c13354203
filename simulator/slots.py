"""The amount columns of a statement: which postings each of them counts, and how it is titled.

A slot holds the figures and the range of one column; the column's JSON is made beside it. Columns
are periods, or classes or departments with the untagged postings and the Total at the end.
"""
import dimensions
import layout
import moments
import wording
from figures import Figures, Tags
from revaluation import Revaluations

PERIOD_MONTHS = {"Month": 1, "Quarter": 3, "Year": 12}
DIMENSIONS = {"Classes": "class", "Departments": "department"}


class Slot:
    """One amount column: `figures` in start..end."""

    def __init__(self, figures, start, end):
        self.figures, self.start, self.end = figures, start, end

    def movement(self, account):
        return self.figures.movement(account, self.start, self.end)

    def balance(self, account):
        return self.figures.balance(account, self.end)

    def revaluation(self, section, place):
        return self.figures.revalued.line(section, place, self.start, self.end)

    def net_income(self):
        return self.figures.net_income(self.end)


class Slots:
    """All slots of a report, their columns, and the position of the Total (None without one)."""

    def __init__(self, company, request, style):
        self.company, self.request, self.style = company, request, style
        self.slots, self.columns, self.total_at = [], [], None
        if request.by in DIMENSIONS:
            self._dimension(DIMENSIONS[request.by])
        else:
            self._periods()

    def _figures(self, **narrowed):
        """Figures of the request's own filter, further narrowed to some tags of one kind."""
        tags = self.request.tags._replace(**{
            kind: ids if getattr(self.request.tags, kind) is None
            else getattr(self.request.tags, kind) & ids for kind, ids in narrowed.items()})
        return Figures(self.company.ledger, self.request.basis,
                       self.company.settings["fiscal_month"], tags,
                       Revaluations(self.company.ledger, tags))

    def _add(self, figures, start, end, column):
        self.slots.append(Slot(figures, start, end))
        return column

    def _total(self):
        self.total_at = len(self.slots)
        self.columns.append(self._add(
            self._figures(), self.request.start, self.request.end,
            layout.column(self.style.case(self.style.words["Total"]), "Money", "total")))

    # ---- periods ----------------------------------------------------------------------------

    def _periods(self):
        request = self.request
        if request.by != "Total":
            for start, end in moments.split(request.start, request.end,
                                            PERIOD_MONTHS[request.by]):
                self.columns.append(self._add(self._figures(), start, end,
                                              self._period_column(start, end)))
            if request.name == "BalanceSheet" and not self.company.config("bs_total_column"):
                return
        self._total()

    def _period_column(self, start, end):
        whole = self._whole(start, end)
        return layout.column(wording.period_title(start, end, whole, self.style.language), "Money",
                             wording.period_title(start, end, whole), start, end)

    def _whole(self, start, end):
        months = PERIOD_MONTHS[self.request.by]
        return (start.day == 1 and (start.month - 1) % months == 0
                and end == moments.month_end(end) and end.month % months == 0)

    # ---- classes and departments ------------------------------------------------------------

    def _dimension(self, kind):
        below = dimensions.below(self.company.ledger, kind)
        for identifier in below.get(None, ()):
            self.columns += self._branch(kind, identifier, below)
        title = self.style.words["Not Specified"]
        self.columns += self._tagged(kind, frozenset([None]), title,
                                     self.company.config("unspecified_key"))
        self._total()

    def _branch(self, kind, identifier, below):
        """Columns of one and all below it: side by side, or as one column that holds them."""
        nested = self.company.config("dimension_subcolumns")
        ledger = self.company.ledger
        name = dimensions.known(ledger, kind)[identifier]["name"]
        title = name if nested else dimensions.full_name(ledger, kind, identifier)
        columns = self._tagged(kind, frozenset([identifier]), title, identifier)
        inner = [c for i in below.get(identifier, ()) for c in self._branch(kind, i, below)]
        if not inner or not nested:
            return columns + inner
        inner += self._tagged(kind, dimensions.branch(ledger, kind, identifier),
                              self.style.words["total of"] % name, None, True)
        return [{"ColTitle": name, "ColType": "Money", "Columns": {"Column": columns + inner}}]

    def _tagged(self, kind, ids, title, key, always=False):
        """The column of some tags, in a list that is empty when they have nothing to show."""
        figures = self._figures(**{"klass" if kind == "class" else kind: ids})
        if not always and not self._has_data(figures):
            return []
        return [self._add(figures, self.request.start, self.request.end,
                          layout.column(title, "Money", key))]

    def _has_data(self, figures):
        if self.request.name == "BalanceSheet":
            return any(days[0] <= self.request.end.isoformat() for days in figures.days.values())
        return any(figures.movement(account, self.request.start, self.request.end) is not None
                   for account in figures.earning)
