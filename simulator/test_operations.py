"""Posting, editing, renaming, merging and switching while the service runs."""
import json
import unittest
from decimal import Decimal

import support
from test_simulator import WithSimulator

SALES, OTHER, BANK = "26", "36", "4"


class Operations(WithSimulator):
    def setUp(self):
        super().setUp()
        self.client = support.Client(self.sim, "reef")

    def amount(self, account=SALES, month="2026-05", statement="ProfitAndLoss"):
        """What a report shows for one account in one month."""
        report = self.client.report(statement, month + "-01", month + "-28", "Month")
        self.assertEqual(support.sums_that_fail(report), [])
        found = [value for (i, _, _), value in support.figures(report).items() if i == account]
        return found[0] if found else Decimal(0)

    def post(self, date="2026-05-03", amount="100.00"):
        return self.sim.tell("post", company="reef", date=date, lines=[
            {"account": SALES, "amount": "-" + amount}, {"account": "Savings", "amount": amount}])

    def cell(self, account, month="2026-05"):
        report = self.client.report("ProfitAndLoss", "2023-08-01", "2026-11-30", "Total")
        for row in support.rows(report):
            cells = row.get("ColData") or row.get("Header", {}).get("ColData") or [{}]
            if cells[0].get("id") == account:
                return cells[0]["value"]
        return None

    def entry(self, account):
        found = self.client.query("select * from Account where Active in (true,false) and Id = '%s'"
                                  % account)[1]["QueryResponse"]
        return found["Account"][0] if found else None

    def test_post_edit_backdate_delete(self):
        before, earlier = self.amount(), self.amount(month="2026-02")
        number = self.post()["txn"]
        self.assertEqual(self.amount(), before + 100)
        self.sim.tell("edit", company="reef", txn=number, lines=[
            {"account": SALES, "amount": "-250.55"}, {"account": BANK, "amount": "250.55"}])
        self.assertEqual(self.amount(), before + Decimal("250.55"))
        self.sim.tell("edit", company="reef", txn=number, date="2026-02-11")
        self.assertEqual(self.amount(), before)
        self.assertEqual(self.amount(month="2026-02"), earlier + Decimal("250.55"))
        self.sim.tell("delete", company="reef", txn=number)
        self.assertEqual(self.amount(month="2026-02"), earlier)
        newest = self.sim.tell("transactions", company="reef", limit=3)["transactions"]
        self.assertEqual(sum(Decimal(line["amount"]) for line in newest[0]["lines"]), 0)

    def test_what_is_refused(self):
        for body in ({"lines": []}, {"lines": [{"account": "26", "amount": "1.00"},
                                               {"account": "4", "amount": "1.00"}]},
                     {"lines": [{"account": "no such", "amount": "1"},
                                {"account": "4", "amount": "-1"}]},
                     {"date": "2026-13-01", "lines": []}):
            with self.assertRaises(AssertionError):
                self.sim.tell("post", **dict({"company": "reef", "date": "2026-05-01"}, **body))
        with self.assertRaises(AssertionError):
            self.sim.tell("post", company="nobody", date="2026-05-01", lines=[])

    def test_a_paid_invoice_counts_when_it_is_paid(self):
        cash = lambda month: support.closing(self.client.report(
            "ProfitAndLoss", month + "-01", month + "-28", "Total", "Cash"), "Income")[0]
        sold, paid = cash("2026-05"), cash("2026-06")
        invoice = self.sim.tell("post", company="reef", date="2026-05-03", type="Invoice", lines=[
            {"account": "6", "amount": "90.01"}, {"account": SALES, "amount": "-90.01"}])["txn"]
        self.sim.tell("post", company="reef", date="2026-06-03", type="Payment", lines=[
            {"account": BANK, "amount": "40.00"}, {"account": "6", "amount": "-40.00"}],
            applies=[{"txn": invoice, "amount": "40.00"}])
        self.assertEqual((cash("2026-05"), cash("2026-06")), (sold, paid + 40))

    def test_rename_and_renumber(self):
        self.sim.tell("rename", company="reef", account=SALES, name="Revenue")
        self.sim.tell("renumber", company="reef", account=SALES, number="4444")
        self.assertEqual(self.cell(SALES), "4444 Revenue")
        entry = self.entry("31")
        self.assertTrue(entry["FullyQualifiedName"].startswith("Revenue:Equipment:"), entry)
        self.assertEqual(self.entry(SALES)["SyncToken"], "2")
        self.sim.tell("set_company", company="reef", show_numbers=False)
        self.assertEqual(self.cell(SALES), "Revenue")

    def test_deactivate_and_remove(self):
        before = self.amount()
        self.sim.tell("deactivate", company="reef", account=SALES)
        self.assertEqual((self.entry(SALES)["Active"], self.entry(SALES)["Name"]),
                         (False, "Sales"))
        self.sim.tell("remove", company="reef", account=SALES)
        self.assertEqual(self.entry(SALES)["Name"], "Sales (deleted)")
        self.assertEqual(self.cell(SALES), "4000 Sales (deleted)")
        self.assertEqual(self.amount(), before)
        self.sim.tell("reactivate", company="reef", account=SALES)
        self.assertTrue(self.entry(SALES)["Active"])

    def test_merge(self):
        before = [self.amount(SALES), self.amount(OTHER)]
        whole = self.amount_of_year()
        self.sim.tell("merge", **{"company": "reef", "from": OTHER, "into": SALES})
        self.assertEqual(self.amount(SALES), sum(before))
        self.assertEqual(self.amount(OTHER), 0)
        self.assertFalse(self.entry(OTHER)["Active"])
        self.assertEqual(self.amount_of_year(), whole)
        with self.assertRaises(AssertionError):
            self.sim.tell("merge", **{"company": "reef", "from": BANK, "into": SALES})

    def amount_of_year(self):
        report = self.client.report("ProfitAndLoss", "2026-01-01", "2026-12-31", "Total")
        return support.closing(report, "NetIncome")

    def test_create_and_vanish(self):
        made = self.sim.tell("create_account", company="reef", name="Snorkels", type="Income",
                             subtype="SalesOfProductIncome", parent=SALES, number="4999")["account"]
        self.assertEqual(self.entry(made)["FullyQualifiedName"], "Sales:Snorkels")
        self.sim.tell("post", company="reef", date="2026-05-03", lines=[
            {"account": "Sales:Snorkels", "amount": "-1.00"}, {"account": BANK, "amount": "1.00"}])
        self.assertEqual(self.amount(made), 1)
        self.sim.tell("vanish", company="reef", account=made)
        self.assertIsNone(self.entry(made))
        self.assertEqual(self.amount(made), 1)

    def test_posting_is_seen_in_the_balance_sheet(self):
        before = self.amount(None, statement="BalanceSheet")
        self.post()
        self.assertEqual(self.amount(None, statement="BalanceSheet"), before + 100)

    def test_reset(self):
        before = self.amount()
        self.post()
        self.sim.tell("config", zero_style="zero")
        self.sim.tell("reset")
        self.client = support.Client(self.sim, "reef")
        self.assertEqual(self.amount(), before)
        self.assertEqual(self.sim.tell("config")["config"]["zero_style"], "mixed")


class Appearance(WithSimulator):
    """Switches that change how an answer looks, never what it says."""

    def setUp(self):
        super().setUp()
        self.client = support.Client(self.sim, "reef")

    def report(self, name="ProfitAndLoss"):
        return self.client.report(name, "2026-01-01", "2026-03-31")

    def texts(self, report):
        return {cell["value"] for row in support.rows(report)
                for part in (row, row.get("Header", {}), row.get("Summary", {}))
                for cell in part.get("ColData", [])[1:]}

    def test_zero_styles(self):
        plain = support.figures(self.report())
        self.assertTrue({"", "0.00"} <= self.texts(self.report()))
        for style, absent, present in (("zero", "", "0.00"), ("empty", "0.00", ""),
                                       ("dot", "0.00", ".00")):
            self.sim.tell("config", company="reef", zero_style=style)
            report = self.report()
            self.assertNotIn(absent, self.texts(report), style)
            self.assertIn(present, self.texts(report), style)
            self.assertEqual(support.figures(report), plain)

    def test_shuffled(self):
        plain = self.report()
        self.sim.tell("config", shuffle=True)
        mixed = self.report()
        self.assertNotEqual(json.dumps(plain), json.dumps(mixed))
        self.assertEqual(support.figures(plain), support.figures(mixed))
        self.assertEqual(support.sums_that_fail(mixed), [])

    def test_title_case(self):
        self.assertIn("TOTAL ASSETS", json.dumps(self.report("BalanceSheet")))
        self.sim.tell("config", title_case=True)
        text = json.dumps(self.report("BalanceSheet"))
        self.assertIn("Total Liabilities and Equity", text)
        self.assertNotIn("TOTAL ASSETS", text)

    def test_total_column_of_the_balance_sheet(self):
        self.assertEqual(len(self.report("BalanceSheet")["Columns"]["Column"]), 4)
        self.sim.tell("config", bs_total_column=True)
        columns = self.report("BalanceSheet")["Columns"]["Column"]
        self.assertEqual(columns[-1]["MetaData"], [{"Name": "ColKey", "Value": "total"}])

    def test_languages(self):
        plain = self.report()
        for language, words in (("fr", ("Bénéfice brut", "janv. 2026")),
                                ("de", ("Rohertrag", "Jan. 2026"))):
            self.sim.tell("config", company="reef", locale=language)
            report = self.report()
            for word in words:
                self.assertIn(word, json.dumps(report, ensure_ascii=False))
            self.assertEqual(support.figures(report), support.figures(plain))
            self.assertEqual([row["group"] for row in report["Rows"]["Row"]],
                             [row["group"] for row in plain["Rows"]["Row"]])
        corail = support.Client(self.sim, "corail").report("BalanceSheet", "2026-01-01",
                                                           "2026-01-31")
        self.assertEqual(corail["Header"]["Currency"], "EUR")
        self.assertIn("ACTIF", json.dumps(corail))

    def test_forms_of_no_data(self):
        client = support.Client(self.sim, "shell")
        ask = lambda: client.report("ProfitAndLoss", "2026-01-01", "2026-03-31")
        report = ask()
        self.assertEqual(report["Header"]["Option"][-1], {"Name": "NoReportData", "Value": "true"})
        self.assertEqual(self.texts(report), {""})
        self.assertEqual([row["group"] for row in report["Rows"]["Row"]],
                         ["Income", "GrossProfit", "Expenses", "NetOperatingIncome", "NetIncome"])
        forms = {}
        for form in ("account_only", "empty_rows", "null_row"):
            self.sim.tell("config", company="shell", nodata_form=form)
            forms[form] = ask()
        self.assertEqual(forms["empty_rows"]["Rows"], {})
        self.assertEqual(forms["null_row"]["Rows"], {"Row": None})
        self.assertEqual(len(forms["account_only"]["Columns"]["Column"]), 1)
        kinds = {row.get("type") for row in forms["account_only"]["Rows"]["Row"]}
        self.assertEqual(kinds, {"Data", None})

    def test_foreign_currency_account(self):
        self.sim.tell("config", card_positive=True)
        accounts = self.sim.tell("accounts", company="lagoon")["accounts"]
        euro = next(a for a in accounts if a["currency"] == "EUR")
        self.assertNotEqual(euro["balance"], euro["ledger_balance"])
        card = next(a for a in accounts if a["type"] == "Credit Card")
        self.assertEqual(Decimal(card["balance"]), -Decimal(card["ledger_balance"]))


if __name__ == "__main__":
    unittest.main()
