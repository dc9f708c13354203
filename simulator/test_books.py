"""The books and the statements: double entry, both bases, and reports against plain sums."""
import datetime
import os
import tempfile
import unittest
from decimal import Decimal

import cash
import support
import truth
from ledger import Ledger, LedgerError, cents, money

COMPANIES = ("reef", "atoll", "lagoon", "shell", "atlas", "kelp", "corail", "islet", "pod-7")
START, END = "2025-09-01", "2026-11-30"


class CashBasis(unittest.TestCase):
    """Worked by hand: what counts when an invoice is paid in parts, early, or not at all."""

    def setUp(self):
        self.file = tempfile.mkstemp(suffix=".sqlite")[1]
        self.ledger = Ledger(self.file, lambda: 0)
        for identifier, kind, subtype in (
                ("1", "Bank", "Checking"), ("2", "Accounts Receivable", "AccountsReceivable"),
                ("3", "Income", "SalesOfProductIncome"), ("4", "Income", "ServiceFeeIncome"),
                ("5", "Income", "UnappliedCashPaymentIncome"), ("6", "Expense", "Travel"),
                ("7", "Accounts Payable", "AccountsPayable"),
                ("8", "Expense", "UnappliedCashBillPaymentExpense")):
            self.ledger.add_account(identifier, "account " + identifier, kind, subtype)

    def tearDown(self):
        self.ledger.close()
        os.unlink(self.file)

    def entries(self):
        return sorted(tuple(entry)[:3] for entry in self.ledger.entries("Cash"))

    def test_unpaid_invoice_does_not_count(self):
        self.ledger.post("Invoice", "2026-01-05", [("2", 10000), ("3", -10000)])
        self.assertEqual(self.entries(), [])

    def test_part_payments_are_exact_in_their_sum(self):
        sale = self.ledger.post("Invoice", "2026-01-05", [("2", 10001), ("3", -3334), ("4", -6667)])
        self.ledger.post("Payment", "2026-02-01", [("2", -5000), ("1", 5000)], [(sale, 5000)])
        self.assertEqual(self.entries(), [("2026-02-01", "1", 5000), ("2026-02-01", "3", -1667),
                                          ("2026-02-01", "4", -3333)])
        self.ledger.post("Payment", "2026-03-01", [("2", -5001), ("1", 5001)], [(sale, 5001)])
        sums = {}
        for _, account, value in self.entries():
            sums[account] = sums.get(account, 0) + value
        self.assertEqual(sums, {"1": 10001, "3": -3334, "4": -6667})

    def test_payment_without_invoice_is_unapplied(self):
        self.ledger.post("Payment", "2026-02-01", [("2", -700), ("1", 700)])
        self.assertEqual(self.entries(), [("2026-02-01", "1", 700), ("2026-02-01", "5", -700)])

    def test_payment_before_invoice_is_unapplied_until_then(self):
        sale = self.ledger.post("Invoice", "2026-03-05", [("2", 700), ("3", -700)])
        self.ledger.post("Payment", "2026-02-01", [("2", -700), ("1", 700)], [(sale, 700)])
        self.assertEqual(self.entries(), [
            ("2026-02-01", "1", 700), ("2026-02-01", "5", -700),
            ("2026-03-05", "3", -700), ("2026-03-05", "5", 700)])

    def test_overpayment_stays_unapplied(self):
        bill = self.ledger.post("Bill", "2026-01-05", [("7", -400), ("6", 400)])
        self.ledger.post("BillPayment", "2026-02-01", [("7", 500), ("1", -500)], [(bill, 500)])
        self.assertEqual(self.entries(), [("2026-02-01", "1", -500), ("2026-02-01", "6", 400),
                                          ("2026-02-01", "8", 100)])

    def test_deleting_the_invoice_frees_the_payment(self):
        sale = self.ledger.post("Invoice", "2026-01-05", [("2", 700), ("3", -700)])
        self.ledger.post("Payment", "2026-02-01", [("2", -700), ("1", 700)], [(sale, 700)])
        self.ledger.delete(sale)
        self.assertEqual(self.entries(), [("2026-02-01", "1", 700), ("2026-02-01", "5", -700)])

    def test_shares_with_a_discount_line(self):
        lines = [-9000, 1000, -2000]
        self.assertEqual(cash.allocate(lines, 10000, 10000), lines)
        self.assertEqual(sum(cash.allocate(lines, 10000, 3333)), -3333)

    def test_what_does_not_balance_is_refused(self):
        with self.assertRaises(LedgerError):
            self.ledger.post("JournalEntry", "2026-01-01", [("1", 100), ("3", -99)])
        with self.assertRaises(LedgerError):
            cents("1.005")
        self.assertEqual([money(v) for v in (0, -5, 123456)], ["0.00", "-0.05", "1234.56"])


class Statements(unittest.TestCase):
    """Every rendered report against the truth and against its own sums, both bases."""

    @classmethod
    def setUpClass(cls):
        cls.sim = support.shared()
        cls.sim.tell("reset")
        cls.clients = {key: support.Client(cls.sim, key) for key in COMPANIES}

    def each(self):
        for key, client in self.clients.items():
            for method in ("Accrual", "Cash"):
                yield key, client, method

    def test_profit_and_loss_is_the_truth_and_adds_up(self):
        for key, client, method in self.each():
            report = client.report("ProfitAndLoss", START, END, method=method)
            self.assertEqual(support.figures(report), support.truth(
                self.sim, key, "profit_and_loss", START, END, method), (key, method))
            self.assertEqual(support.sums_that_fail(report), [], (key, method))
            if key != "shell":
                self._computed_lines(report)

    def _computed_lines(self, report):
        at = lambda group: support.closing(report, group) or [Decimal(0)] * 16
        for i in range(16):
            gross = at("Income")[i] - at("COGS")[i]
            operating = gross - at("Expenses")[i]
            beside = at("OtherIncome")[i] - at("OtherExpenses")[i]
            self.assertEqual(gross, at("GrossProfit")[i])
            self.assertEqual(operating, at("NetOperatingIncome")[i])
            self.assertEqual(operating + beside, at("NetIncome")[i])
        for group in ("Income", "Expenses", "NetIncome"):
            self.assertEqual(sum(at(group)[:15]), at(group)[15])

    def test_balance_sheet_is_the_truth_and_balances_each_month(self):
        for key, client, method in self.each():
            report = client.report("BalanceSheet", START, END, method=method)
            self.assertEqual(support.figures(report), support.truth(
                self.sim, key, "balance_sheet", START, END, method), (key, method))
            self.assertEqual(support.sums_that_fail(report), [], (key, method))
            sides = [support.closing(report, group)
                     for group in ("TotalAssets", "TotalLiabilitiesAndEquity")]
            self.assertEqual(sides[0], sides[1], (key, method))
            self.assertEqual(len(sides[0]), 15)
            self.assertEqual(any(sides[0]), key != "shell")

    def test_trial_balance_is_the_truth_and_balances(self):
        for key, client, method in self.each():
            report = client.report("TrialBalance", "2026-06-01", "2026-06-30", "Total", method)
            found, sums = {}, [Decimal(0), Decimal(0)]
            for row in report["Rows"]["Row"][:-1]:
                debit, credit = (support.amount(c["value"]) for c in row["ColData"][1:])
                sums = [sums[0] + debit, sums[1] + credit]
                if debit or credit:
                    found[row["ColData"][0]["id"], "2026-06-01", "2026-06-30"] = debit - credit
            expected = support.truth(self.sim, key, "trial_balance", "2026-06-01", "2026-06-30",
                                     method)
            self.assertEqual(found, expected, (key, method))
            self.assertEqual(sums, support.closing(report, "GrandTotal"))
            self.assertEqual(sums[0], sums[1])

    def test_cash_and_accrual_differ(self):
        both = [self.clients["reef"].report("ProfitAndLoss", START, END, method=m)
                for m in ("Accrual", "Cash")]
        self.assertNotEqual(*(support.closing(r, "NetIncome") for r in both))
        names = str(both[1])
        self.assertIn("Unapplied Cash Payment Income", names)

    def test_trial_balance_shows_zero_on_the_accounts_own_side(self):
        self.sim.tell("create_account", company="pod-9", id="77", name="In and out", type="Equity")
        for amount in ("5.00", "-5.00"):
            self.sim.tell("post", company="pod-9", date="2026-02-01", lines=[
                {"account": "77", "amount": amount},
                {"account": "1", "amount": str(-Decimal(amount))}])
        report = support.Client(self.sim, "pod-9").report("TrialBalance", "2026-02-01",
                                                          "2026-02-28", "Total")
        row = next(r for r in report["Rows"]["Row"] if r.get("ColData", [{}])[0].get("id") == "77")
        self.assertEqual([c["value"] for c in row["ColData"]], ["In and out", "", "0.00"])

    def test_trial_balance_is_fiscal_year_to_date(self):
        client = self.clients["atoll"]
        trial = client.report("TrialBalance", "2026-09-01", "2026-09-30", "Total")
        income = client.report("ProfitAndLoss", "2026-07-01", "2026-09-30", "Total")
        wanted = {r["ColData"][0]["id"]: support.amount(r["ColData"][1]["value"])
                  for r in support.rows(income) if "id" in r.get("ColData", [{}])[0]}
        amounts = {r["ColData"][0]["id"]: sum(support.amount(c["value"])
                                              for c in r["ColData"][1:])
                   for r in trial["Rows"]["Row"][:-1]}
        for identifier, value in wanted.items():
            self.assertEqual(amounts[identifier], abs(value))

    def test_net_income_starts_again_with_the_fiscal_year(self):
        report = self.clients["atoll"].report("BalanceSheet", "2026-06-01", "2026-07-31")
        july = self.clients["atoll"].report("ProfitAndLoss", "2026-07-01", "2026-07-31", "Total")
        year = self.clients["atoll"].report("ProfitAndLoss", "2025-07-01", "2026-06-30", "Total")
        found = support.figures(report)
        self.assertEqual(found[None, "2026-07-01", "2026-07-31"],
                         support.closing(july, "NetIncome")[0])
        self.assertEqual(found[None, "2026-06-01", "2026-06-30"],
                         support.closing(year, "NetIncome")[0])

    def test_lagoon_makes_a_loss_and_uses_other_sections(self):
        report = self.clients["lagoon"].report("ProfitAndLoss", "2024-01-01", END, "Total")
        self.assertLess(support.closing(report, "NetIncome")[0], 0)
        self.assertTrue(support.closing(report, "OtherIncome")[0])
        self.assertTrue(support.closing(report, "OtherExpenses")[0])

    def test_columns_tile_the_range(self):
        report = self.clients["reef"].report("ProfitAndLoss", "2026-02-10", "2026-05-05")
        columns = list(support.month_columns(report).values())
        self.assertEqual(columns, [("2026-02-10", "2026-02-28"), ("2026-03-01", "2026-03-31"),
                                   ("2026-04-01", "2026-04-30"), ("2026-05-01", "2026-05-05")])
        titles = [c["ColTitle"] for c in report["Columns"]["Column"]]
        self.assertEqual(titles, ["", "Feb 10-28, 2026", "Mar 2026", "Apr 2026", "May 1-5, 2026",
                                  "Total"])
        by_year = self.clients["reef"].report("BalanceSheet", "2024-07-04", "2026-01-31", "Year")
        self.assertEqual([c["ColTitle"] for c in by_year["Columns"]["Column"]][1:],
                         ["Jul 4 - Dec 31, 2024", "Jan - Dec 2025", "Jan 1-31, 2026"])

    def test_quarters_are_sums_of_months(self):
        client = self.clients["kelp"]
        months = client.report("ProfitAndLoss", "2026-01-01", "2026-06-30")
        quarters = client.report("ProfitAndLoss", "2026-01-01", "2026-06-30", "Quarter")
        m, q = (support.closing(r, "NetIncome") for r in (months, quarters))
        self.assertEqual([sum(m[:3]), sum(m[3:6]), m[6]], q)


class Charts(unittest.TestCase):
    """The companies are what they are said to be, on every start."""

    @classmethod
    def setUpClass(cls):
        cls.sim = support.shared()
        cls.sim.tell("reset")

    def test_sizes_and_realms(self):
        found = {c["key"]: c for c in self.sim.tell("companies")["companies"]}
        self.assertEqual(found["atlas"]["accounts"], 1500)
        self.assertEqual(found["kelp"]["accounts"], 200)
        self.assertEqual(found["atoll"]["fiscal_month"], 7)
        for company in found.values():
            self.assertRegex(company["realm"], r"^\d{16,19}$")
        self.assertEqual({k for k, c in found.items() if c["environment"] == "sandbox"},
                         {"sandy", "shoal"})

    def test_islet_is_the_british_member_of_a_group(self):
        found = {c["key"]: c for c in self.sim.tell("companies")["companies"]}["islet"]
        self.assertEqual((found["currency"], found["fiscal_month"], found["environment"]),
                         ("GBP", 4, "production"))
        chart = {a["name"]: a for a in self.sim.tell("accounts", company="islet")["accounts"]}
        self.assertTrue(35 <= len(chart) <= 45, len(chart))
        rows = self.sim.tell("truth", company="islet", statement="ledger_lines",
                             start="2023-08-01", end="2026-11-30")["rows"]
        posted = {row["account_id"] for row in rows}
        for name in ("Due from Reef Trading", "Due to Reef Trading", "Sales to Group",
                     "Purchases from Group", "Loan from Reef Trading"):
            self.assertIn(chart[name]["id"], posted)
        report = support.Client(self.sim, "islet").report("BalanceSheet", START, END, "Total")
        self.assertEqual(report["Header"]["Currency"], "GBP")

    def test_reef_has_what_makes_charts_hard(self):
        accounts = self.sim.tell("accounts", company="reef")["accounts"]
        names = [a["name"] for a in accounts]
        parents = {a["parent"] for a in accounts}
        rows = self.sim.tell("truth", company="reef", statement="profit_and_loss",
                             start="2023-08-01", end="2026-11-30")["rows"]
        posted = {r["account_id"] for r in rows}
        self.assertGreater(names.count("Materials"), 2)
        self.assertTrue(posted & parents)
        self.assertEqual(max(a["fully_qualified_name"].count(":") for a in accounts), 4)
        for mark in ("deleted", "inactive"):
            deleted = mark == "deleted"
            chosen = [a for a in accounts if not a["active"] and a["deleted"] == deleted]
            self.assertTrue({a["id"] for a in chosen} & posted, mark)
        self.assertTrue(any(r["amount"].startswith("-") for r in rows))
        self.assertIn("Café de l'Océan Hospitality", names)

    def test_same_day_same_books(self):
        before = self.sim.tell("truth", company="pod-3", statement="balance_sheet",
                               start="2026-01-01", end="2026-11-30")
        self.sim.tell("reset")
        self.assertEqual(before, self.sim.tell("truth", company="pod-3", statement="balance_sheet",
                                               start="2026-01-01", end="2026-11-30"))

    def test_truth_refuses_what_does_not_exist(self):
        with self.assertRaises(ValueError):
            truth.statement(None, "cash_flow", datetime.date.min, datetime.date.max, "Cash", 1)


if __name__ == "__main__":
    unittest.main()
