"""The general ledger against the ledger's own lines, and its shape against recorded answers."""
import json
import os
import unittest
from decimal import Decimal

import support
from test_shapes import SAMPLES, paths, sample
from test_simulator import WithSimulator

START, END = "2026-08-01", "2026-10-31"
ALL_COLUMNS = "tx_date,txn_type,doc_num,memo,split_acc,klass_name,dept_name,subt_nat_amount," \
              "rbal_nat_amount"
EARNING = ("Income", "Other Income", "Cost of Goods Sold", "Expense", "Other Expense")


def sections(rows, above=None):
    """(account id, id of the section around it, section) of all sections."""
    for row in rows:
        if "Header" in row:
            identifier = row["Header"]["ColData"][0].get("id")
            yield identifier, above, row
            yield from sections(row["Rows"]["Row"], identifier)


def keys_of(report):
    return [{m["Name"]: m["Value"] for m in column["MetaData"]}["ColKey"]
            for column in report["Columns"]["Column"]]


def lines(report, section):
    """(beginning balance or None, [{column key: cell}]) of an account's own rows."""
    keys, beginning, found = keys_of(report), None, []
    for row in section["Rows"]["Row"]:
        if "ColData" in row and row["ColData"][0]["value"] == "Beginning Balance":
            beginning = support.amount(dict(zip(keys, row["ColData"]))["rbal_nat_amount"]["value"])
        elif "ColData" in row:
            found.append(dict(zip(keys, row["ColData"])))
    return beginning, found


class Ledger(WithSimulator):
    def setUp(self):
        super().setUp()
        self.client = support.Client(self.sim, "reef")

    def ledger(self, start=START, end=END, method="Accrual", client=None, **more):
        status, _, body = (client or self.client).get(
            "reports/GeneralLedger", start_date=start, end_date=end, accounting_method=method,
            **more)
        self.assertEqual(status, 200, body)
        return json.loads(body)

    def by_account(self, report):
        return {i: section for i, _, section in sections(report["Rows"]["Row"])}

    def truth(self, company="reef", start=START, end=END, method="Accrual", **more):
        return self.sim.tell("truth", company=company, statement="ledger_lines", start=start,
                             end=end, method=method, **more)["rows"]

    def test_lines_are_the_truth(self):
        for company in ("reef", "atoll", "corail"):
            client = support.Client(self.sim, company)
            for method in ("Accrual", "Cash"):
                report = self.ledger(method=method, columns=ALL_COLUMNS, client=client)
                found = []
                for identifier, section in self.by_account(report).items():
                    found += [(identifier, cell["tx_date"]["value"], cell["txn_type"]["value"],
                               cell["txn_type"]["id"], cell["klass_name"]["id"],
                               cell["dept_name"]["id"],
                               Decimal(cell["subt_nat_amount"]["value"]))
                              for cell in lines(report, section)[1]]
                wanted = [(r["account_id"], r["date"], r["type"], str(r["txn"]), r["class"] or "",
                           r["department"] or "", Decimal(r["amount"]))
                          for r in self.truth(company, method=method)]
                self.assertTrue(wanted)
                self.assertEqual(sorted(found), sorted(wanted), (company, method))

    def balances(self, company, day, method):
        """Natural balances at the end of a day by the truth of balance sheet and trial balance."""
        chart = {a["id"]: a["type"]
                 for a in self.sim.tell("accounts", company=company)["accounts"]}
        rows = self.sim.tell("truth", company=company, statement="trial_balance", end=day,
                             method=method)["rows"]
        debit = EARNING[2:] + ("Bank", "Accounts Receivable", "Other Current Asset",
                               "Fixed Asset", "Other Asset")
        return {r["account_id"]: Decimal(r["amount"]) * (1 if chart[r["account_id"]] in debit
                                                         else -1) for r in rows}

    def test_balances_run_from_the_eve_to_the_end(self):
        for company in ("reef", "atoll"):
            client = support.Client(self.sim, company)
            for method in ("Accrual", "Cash"):
                report = self.ledger(client=client, method=method)
                eve = self.balances(company, "2026-07-31", method)
                last = self.balances(company, END, method)
                for identifier, section in self.by_account(report).items():
                    beginning, found = lines(report, section)
                    running = beginning or 0
                    self.assertEqual(running, eve.pop(identifier, 0), identifier)
                    for cell in found:
                        running += Decimal(cell["subt_nat_amount"]["value"])
                        self.assertEqual(Decimal(cell["rbal_nat_amount"]["value"]), running)
                    self.assertEqual(running, last.pop(identifier, 0), identifier)
                self.assertEqual((eve, last), ({}, {}))

    def test_income_begins_anew_with_the_fiscal_year(self):
        client = support.Client(self.sim, "atoll")
        report = self.ledger("2026-07-01", "2026-07-31", client=client)
        chart = {a["id"]: a for a in self.sim.tell("accounts", company="atoll")["accounts"]}
        sums = Decimal(0)
        for identifier, section in self.by_account(report).items():
            account, (beginning, _) = chart[identifier], lines(report, section)
            self.assertTrue(account["type"] not in EARNING or beginning is None, identifier)
            credit = account["type"] in ("Accounts Payable", "Credit Card", "Equity",
                                         "Other Current Liability", "Long Term Liability")
            sums += (beginning or 0) * (-1 if credit else 1)
        self.assertEqual(sums, 0)

    def test_sections_nest_and_sum(self):
        report = self.ledger()
        chart = {a["id"]: a["parent"] for a in
                 self.sim.tell("accounts", company="reef")["accounts"]}
        at = keys_of(report).index("subt_nat_amount")

        def total(section):
            return sum((total(row) if "Header" in row else support.amount(
                row["ColData"][at]["value"])) for row in section["Rows"]["Row"])

        deepest = 0
        for identifier, above, section in sections(report["Rows"]["Row"]):
            self.assertEqual(chart[identifier], above)
            deepest += above is not None
            closing = section["Summary"]["ColData"]
            self.assertEqual(support.amount(closing[at]["value"]), total(section))
            self.assertEqual(closing[0]["value"],
                             "Total for " + section["Header"]["ColData"][0]["value"])
        self.assertGreater(deepest, 3)

    def test_chosen_accounts_and_columns(self):
        report = self.ledger(account="26,46", columns="memo,rbal_nat_amount,subt_nat_amount,x")
        self.assertEqual(keys_of(report), ["memo", "rbal_nat_amount", "subt_nat_amount"])
        own = {i for i, section in self.by_account(report).items()
               if any("ColData" in row for row in section["Rows"]["Row"])}
        self.assertEqual(own, {"26", "46"})
        self.assertEqual(len(self.truth(account="Sales")),
                         len(lines(report, self.by_account(report)["26"])[1]))
        for row in support.rows(report):
            for part in (row, row.get("Header", {}), row.get("Summary", {})):
                self.assertIn(len(part.get("ColData", "abc")), (3,))

    def test_filter_on_a_class(self):
        report = self.ledger(**{"class": "2", "columns": ALL_COLUMNS})
        found = [cell["klass_name"] for section in self.by_account(report).values()
                 for cell in lines(report, section)[1]]
        self.assertEqual(len(found), sum(r["class"] == "2" for r in self.truth()))
        self.assertEqual({cell["value"] for cell in found}, {"Retail:Shop"})

    def test_the_other_account_is_named_when_there_is_one(self):
        lines_ = [{"account": "4", "amount": "10.00"}, {"account": "26", "amount": "-9.50"},
                  {"account": "36", "amount": "-.50"}]
        self.sim.tell("post", company="reef", date="2026-09-09", lines=lines_, memo="in parts")
        report = self.ledger(account="4,36")
        cell = [c for c in lines(report, self.by_account(report)["36"])[1]
                if c["memo"]["value"] == "in parts"][0]
        self.assertEqual(cell["split_acc"]["id"], "")
        self.assertEqual(cell["subt_nat_amount"]["value"], ".50")
        named = {c["split_acc"]["id"] for c in lines(report, self.by_account(report)["4"])[1]}
        self.assertIn("6", named)

    def test_empty_and_refused(self):
        client = support.Client(self.sim, "shell")
        report = self.ledger(client=client)
        self.assertEqual(report["Header"]["Option"], [{"Name": "NoReportData", "Value": "true"}])
        self.assertEqual(report["Rows"], {})
        self.sim.tell("config", company="shell", nodata_form="null_row")
        self.assertEqual(self.ledger(client=client)["Rows"], {"Row": None})
        self.sim.tell("fault", kind="cut_report", company="shell")
        self.assertIn("Unable to display more data.", json.dumps(self.ledger(client=client)))
        status = self.client.get("reports/GeneralLedger", start_date=START, end_date=END,
                                 summarize_column_by="Month")[0]
        self.assertEqual(status, 400)

    def test_old_form(self):
        new = self.ledger()
        self.sim.tell("config", company="reef", gl_form="old")
        old = self.ledger()
        self.assertEqual([c["ColType"] for c in old["Columns"]["Column"]], keys_of(new))
        self.assertNotIn("MetaData", str(old["Columns"]))
        ids = lambda report, title: next(
            section["Header"]["ColData"][0].get("id")
            for _, _, section in sections(report["Rows"]["Row"])
            if section["Header"]["ColData"][0]["value"] == title)
        self.assertEqual((ids(old, "1510 Boats"), ids(old, "1511 Original Cost")), (None, None))
        self.assertEqual(ids(old, "1500 Vehicles"), ids(new, "1510 Boats"))

    def test_nested_form(self):
        """Own rows of an account with others below it: a section without a Header; and the subtree."""
        new = self.by_account(self.ledger())
        self.sim.tell("config", company="reef", gl_form="nested")
        nested = self.by_account(self.ledger())
        self.assertEqual(set(nested), set(new))
        wrapped = 0
        for identifier, section in nested.items():
            rows = section["Rows"]["Row"]
            nameless = [row for row in rows if "ColData" not in row and "Header" not in row]
            own = [row for row in new[identifier]["Rows"]["Row"] if "ColData" in row]
            if nameless:
                wrapped += 1
                self.assertEqual(nameless[0]["Rows"]["Row"], own)
                self.assertIn("Summary", nameless[0])
            else:
                self.assertEqual([row for row in rows if "ColData" in row], own)
        self.assertGreater(wrapped, 0)
        parent = next(i for i, above, _ in sections(self.ledger()["Rows"]["Row"]) if above is None
                      and any(a == i for _, a, _ in sections(self.ledger()["Rows"]["Row"])))
        self.assertGreater(len(self.by_account(self.ledger(account=parent))), 1)

    def test_names_in_france(self):
        self.sim.tell("set_company", company="corail", country="FR")
        client = support.Client(self.sim, "corail")
        for name in ("GeneralLedger", "TrialBalance"):
            ask = {"start_date": START, "end_date": END}
            self.assertEqual(client.get("reports/" + name, **ask)[0], 400)
            status, _, body = client.get("reports/%sFR" % name, **ask)
            self.assertEqual((status, json.loads(body)["Header"]["ReportName"]), (200, name + "FR"))
            self.assertEqual(self.client.get("reports/%sFR" % name, **ask)[0], 400)

    @unittest.skipUnless(SAMPLES, "REEFQBO_SAMPLES is not set")
    def test_shape(self):
        for name, form in (("report_generalledger_2026_CUT.json", "new"),
                           ("report_generalledger_monthtodate.json", "old")):
            self.sim.tell("config", company="reef", gl_form=form)
            ours, recorded = self.ledger(), sample(name)
            known = paths(recorded)
            self.assertEqual(paths(ours) - known, set())
            self.assertEqual(known - paths(ours) - {".Header.DateMacro"}, set())
            self.assertEqual(ours["Columns"], recorded["Columns"])
            self.assertEqual([k for k in ours["Header"] if k != "DateMacro"],
                             [k for k in recorded["Header"] if k != "DateMacro"])
            with_id = lambda report: {tuple(i for i, c in enumerate(row["ColData"]) if "id" in c)
                                      for row in support.rows(report) if "ColData" in row}
            self.assertEqual(with_id(ours), with_id(recorded))


if __name__ == "__main__":
    unittest.main()
