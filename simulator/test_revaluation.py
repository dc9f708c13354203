"""What is revalued without a posting: in the statements, and nowhere else."""
import unittest
from decimal import Decimal

import support

RANGE = ("2026-01-01", "2026-11-30")


class Revaluation(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sim = support.shared()

    def setUp(self):
        self.sim.tell("reset")
        self.client = support.Client(self.sim, "lagoon")
        self.euro = next(a["id"] for a in self.sim.tell("accounts", company="lagoon")["accounts"]
                         if a["currency"] == "EUR")

    def revalue(self, date, amount, **more):
        self.sim.tell("revalue", company="lagoon", account=self.euro, date=date, amount=amount,
                      **more)

    def report(self, name, by="Month"):
        return self.client.report(name, *RANGE, by=by)

    def lines(self, report):
        """(section, title, amounts) of the lines that are in no chart."""
        found = []
        for section in report["Rows"]["Row"]:
            for row in (section.get("Rows") or {}).get("Row", []):
                cells = row.get("ColData")
                if cells and "id" not in cells[0]:
                    found.append((section["group"], cells[0]["value"],
                                  [support.amount(c["value"]) for c in cells[1:]]))
        return found

    def test_a_loss_is_a_cost_of_its_month(self):
        before = support.closing(self.report("ProfitAndLoss"), "NetIncome")
        self.revalue("2026-02-10", "-3.00")
        after = self.report("ProfitAndLoss")
        expected = [Decimal(0), Decimal(3)] + [Decimal(0)] * 9 + [Decimal(3)]
        self.assertEqual(self.lines(after), [("OtherExpenses", "Unrealized Gain or Loss", expected)])
        self.assertEqual(support.sums_that_fail(after), [])
        self.assertEqual(support.closing(after, "NetIncome"),
                         [a - b for a, b in zip(before, expected)])

    def test_two_of_one_title_are_two_lines(self):
        self.revalue("2026-02-10", "3.00", section="OtherIncome")
        self.revalue("2026-02-10", "-3.00")
        self.revalue("2026-02-10", "-4.00", place=2)
        self.assertEqual([(group, amounts[1]) for group, title, amounts
                          in self.lines(self.report("ProfitAndLoss"))],
                         [("OtherIncome", 3), ("OtherExpenses", 3), ("OtherExpenses", 4)])

    def test_the_balance_sheet_has_it_from_then_on(self):
        before = support.figures(self.report("BalanceSheet"))
        self.revalue("2026-02-10", "-3.00")
        after = self.report("BalanceSheet")
        self.assertEqual(support.closing(after, "TotalAssets"),
                         support.closing(after, "TotalLiabilitiesAndEquity"))
        changed = {key: value - before.get(key, 0) for key, value in support.figures(after).items()
                   if value != before.get(key, 0)}
        self.assertEqual({key[0] for key in changed}, {self.euro, None})
        self.assertEqual(set(changed.values()), {Decimal(-3)})
        self.assertEqual(min(key[1] for key in changed), "2026-02-01")
        self.assertEqual(support.figures(after), support.truth(self.sim, "lagoon", "balance_sheet", *RANGE))

    def test_the_next_year_has_it_in_retained_earnings(self):
        self.revalue("2025-12-31", "-3.00")
        made = support.figures(self.report("BalanceSheet"))
        self.assertEqual(made, support.truth(self.sim, "lagoon", "balance_sheet", *RANGE))
        self.assertEqual(self.lines(self.report("ProfitAndLoss")), [])

    def test_nobody_else_knows(self):
        names = ("TrialBalance", "GeneralLedger")
        before = [self.report(name, "Total")["Rows"] for name in names]
        self.revalue("2026-02-10", "-3.00")
        self.assertEqual([self.report(name, "Total")["Rows"] for name in names], before)

    def test_its_title_is_in_the_language(self):
        self.revalue("2026-02-10", "-3.00")
        self.sim.tell("set_company", company="lagoon", language="fr")
        self.assertEqual(self.lines(self.report("ProfitAndLoss"))[0][1], "Gain ou perte latent")

    def test_the_truth_has_its_section_and_place(self):
        self.revalue("2026-02-10", "-3.00", place=2)
        rows = self.sim.tell("truth", company="lagoon", statement="profit_and_loss", start=RANGE[0],
                             end=RANGE[1])["rows"]
        self.assertEqual([(r["section"], r["place"], r["period_start"], r["amount"]) for r in rows
                          if r["account_id"] is None], [("OtherExpenses", 2, "2026-02-01", "3.00")])


class StatutoryLayouts(unittest.TestCase):
    """Net assets are capital and reserves, and every account stands where its type belongs."""

    def test_nested_and_flat(self):
        sim = support.shared()
        sim.tell("reset")
        client = support.Client(sim, "lagoon")
        usual = support.figures(client.report("BalanceSheet", *RANGE))
        for form in ("nested", "flat"):
            sim.tell("config", company="lagoon", bs_layout=form)
            made = client.report("BalanceSheet", *RANGE)
            self.assertEqual({k: v for k, v in support.figures(made).items() if k[0]},
                             {k: v for k, v in usual.items() if k[0]})
            self.assertEqual(support.closing(made, "NetAssets"),
                             support.closing(made, "CapitalAndReserves"))
            self.assertEqual(sum(1 for row in made["Rows"]["Row"] if "Header" in row), 2 if form ==
                             "nested" else len(made["Rows"]["Row"]) - 3)


class OneMonth(unittest.TestCase):
    """A balance sheet that is out of balance in one month alone, in whatever report has it."""

    def test_unbalance_of_a_month(self):
        sim = support.shared()
        sim.tell("reset")
        client = support.Client(sim, "lagoon")
        sim.tell("fault", kind="unbalance", company="lagoon", endpoint="BalanceSheet",
                 month="2026-03", by="1.00", times=-1)
        differences = lambda start, end: [a - b for a, b in zip(
            *(support.closing(client.report("BalanceSheet", start, end), group)
              for group in ("TotalAssets", "TotalLiabilitiesAndEquity")))]
        self.assertEqual(differences("2026-02-01", "2026-04-30"), [0, 1, 0])
        self.assertEqual(differences("2026-03-01", "2026-03-31"), [1])
        self.assertEqual(differences("2026-04-01", "2026-05-31"), [0, 0])


if __name__ == "__main__":
    unittest.main()
