"""Classes and departments: their lists, and statements that are split or narrowed by them."""
import json
import unittest
from decimal import Decimal

import support
from test_simulator import WithSimulator

START, END = "2025-01-01", "2026-11-30"
KINDS = {"Classes": "class", "Departments": "department"}
CHARTER = "5000000000000299401"


def own_cells(report):
    """{account id: its own amounts}, in the order of the leaf columns after the first."""
    found = {}
    for row in support.rows(report):
        cells = row.get("ColData") or row.get("Header", {}).get("ColData") or [{}]
        if "id" in cells[0]:
            found[cells[0]["id"]] = [support.amount(cell["value"]) for cell in cells[1:]]
    return found


class Dimensions(WithSimulator):
    def setUp(self):
        super().setUp()
        self.client = support.Client(self.sim, "reef")

    def page(self, entity, where="where Active in (true,false)"):
        return self.client.query("select * from %s %s" % (entity, where))[1]["QueryResponse"]

    def names(self, entity, where="where Active in (true,false)"):
        return [thing["FullyQualifiedName"] for thing in self.page(entity, where)[entity]]

    def truth(self, by, start=START, end=END, method="Accrual"):
        """{(account, value or None): amount} of the whole range, by plain SQL."""
        sums = {}
        for row in self.sim.tell("truth", company="reef", statement="profit_and_loss", by=by,
                                 start=start, end=end, method=method)["rows"]:
            key = row["account_id"], row["value_id"]
            sums[key] = sums.get(key, 0) + Decimal(row["amount"])
        return {key: amount for key, amount in sums.items() if amount}


class Lists(Dimensions):
    def test_classes_are_listed_with_their_tree(self):
        self.assertEqual(self.names("Class"), [
            "Retail", "Retail:Shop", "Retail:Online", "École de plongée", "Charter", "Boat Yard",
            "Wholesale"])
        self.assertNotIn("Boat Yard", self.names("Class", ""))
        self.assertEqual(self.names("Class", "where Active = false"), ["Boat Yard"])
        shop = self.page("Class", "where Name = 'Shop'")["Class"][0]
        self.assertEqual((shop["SubClass"], shop["ParentRef"], shop["Active"], shop["Id"]),
                         (True, {"value": "1"}, True, "2"))

    def test_departments_are_listed_with_their_tree(self):
        self.assertEqual(self.names("Department"), ["North Pier", "North Pier:Kiosk", "South Quay"])
        self.assertEqual([d["SubDepartment"] for d in self.page("Department")["Department"]],
                         [False, True, False])

    def test_counts_pages_and_companies_without(self):
        count = "select count(*) from Class where Active in (true,false)"
        self.assertEqual(self.client.query(count)[1]["QueryResponse"], {"totalCount": 7})
        page = self.page("Class", "where Active in (true,false) startposition 6 maxresults 1")
        self.assertEqual([c["Name"] for c in page["Class"]], ["Boat Yard"])
        other = support.Client(self.sim, "kelp")
        self.assertEqual(other.query("select * from Class")[1]["QueryResponse"], {})
        self.assertEqual(other.query("select count(*) from Department")[1]["QueryResponse"],
                         {"totalCount": 0})

    def test_preferences_tell_who_uses_them(self):
        for company, used in (("reef", True), ("kelp", False)):
            body = support.Client(self.sim, company).get("preferences")[2]
            prefs = json.loads(body)["Preferences"]["AccountingInfoPrefs"]
            self.assertEqual((prefs["ClassTrackingPerTxnLine"], prefs["TrackDepartments"]),
                             (used, used))

    def test_changes_are_fed(self):
        since = "2026-11-19T00:00:00Z"
        feed = lambda: json.loads(self.client.get("cdc", entities="Class,Department",
                                                  changedSince=since)[2])
        self.assertEqual(feed()["CDCResponse"][0]["QueryResponse"], [{}, {}])
        made = self.sim.tell("create_class", company="reef", name="Gift Cards", parent="Retail")
        self.assertEqual(made, {"class": "8"})
        self.sim.tell("create_department", company="reef", name="Lagoon Hut",
                      id="3000000000000299495")
        self.sim.tell("remove", **{"company": "reef", "class": "Charter"})
        self.sim.tell("vanish", **{"company": "reef", "class": "Wholesale"})
        classes, departments = feed()["CDCResponse"][0]["QueryResponse"]
        self.assertEqual([(c["Id"], c.get("Name"), c.get("Active"), c.get("status"))
                          for c in classes["Class"]], [
            (CHARTER, "Charter (Deleted)", False, None), ("8", "Gift Cards", True, None),
            ("7", None, None, "Deleted")])
        self.assertEqual([d["Id"] for d in departments["Department"]], ["3000000000000299495"])
        self.assertNotIn("Wholesale", self.names("Class"))

    def test_what_is_refused(self):
        for verb, body in (("create_class", {"name": "A", "parent": "no such"}),
                           ("create_department", {"name": "A", "id": "1"}),
                           ("tag", {"txn": 5, "line": 99, "class": "1"}),
                           ("tag", {"txn": 5, "line": 0}),
                           ("tag", {"txn": 5, "line": 0, "class": "no such"})):
            with self.assertRaises(AssertionError):
                self.sim.tell(verb, company="reef", **body)


class Columns(Dimensions):
    def test_columns_are_the_truth_and_sum_to_the_total(self):
        for by, kind in KINDS.items():
            for method in ("Accrual", "Cash"):
                report = self.client.report("ProfitAndLoss", START, END, by, method)
                self.assertEqual(report["Header"]["SummarizeColumnsBy"], by)
                self.assertEqual(support.sums_that_fail(report), [])
                keys = support.column_keys(report)[1:]
                self.assertEqual(keys[-2:], ["NotSpecified", "total"])
                values = [None if key == "NotSpecified" else key for key in keys[:-1]]
                found = {}
                for account, amounts in own_cells(report).items():
                    self.assertEqual(sum(amounts[:-1]), amounts[-1])
                    found.update({(account, value): amount
                                  for value, amount in zip(values, amounts) if amount})
                self.assertEqual(found, self.truth(kind, method=method))
                for row in report["Rows"]["Row"]:
                    amounts = [support.amount(c["value"]) for c in row["Summary"]["ColData"][1:]]
                    self.assertEqual(sum(amounts[:-1]), amounts[-1])

    def test_the_total_is_that_of_the_plain_report(self):
        for name in ("ProfitAndLoss", "BalanceSheet"):
            plain = own_cells(self.client.report(name, START, END, "Total"))
            split = own_cells(self.client.report(name, START, END, "Classes"))
            self.assertEqual({i: a[-1] for i, a in split.items()},
                             {i: a[0] for i, a in plain.items()})

    def test_each_row_of_a_balance_sheet_sums_to_its_total(self):
        for by in KINDS:
            for method in ("Accrual", "Cash"):
                report = self.client.report("BalanceSheet", START, END, by, method)
                self.assertEqual(support.sums_that_fail(report), [])
                parts = [row.get(part, row) for row in support.rows(report)
                         for part in ("Header", "Summary", "")]
                for amounts in ([support.amount(c["value"]) for c in part["ColData"][1:]]
                                for part in parts if "ColData" in part):
                    self.assertEqual(sum(amounts[:-1]), amounts[-1])

    def test_titles_are_full_names_and_only_of_those_with_data(self):
        report = self.client.report("ProfitAndLoss", "2025-01-01", "2025-06-30", "Classes")
        titles = [column["ColTitle"] for column in report["Columns"]["Column"]]
        self.assertEqual(titles, ["", "Boat Yard", "Charter", "Retail", "Retail:Online",
                                  "Retail:Shop", "École de plongée", "Not Specified", "Total"])
        report = self.client.report("ProfitAndLoss", "2026-09-01", "2026-09-30", "Classes")
        self.assertNotIn("Boat Yard", str(report["Columns"]))
        self.assertIn(CHARTER, support.column_keys(report))

    def test_subcolumns(self):
        flat = self.client.report("ProfitAndLoss", START, END, "Classes")
        self.sim.tell("config", company="reef", dimension_subcolumns=True)
        report = self.client.report("ProfitAndLoss", START, END, "Classes")
        retail = next(c for c in report["Columns"]["Column"] if "Columns" in c)
        self.assertEqual([c["ColTitle"] for c in retail["Columns"]["Column"]],
                         ["Retail", "Online", "Shop", "Total Retail"])
        keys = support.column_keys(report)
        self.assertEqual(keys.count(None), 1)
        at = keys.index(None)
        for account, amounts in own_cells(report).items():
            self.assertEqual(sum(amounts[at - 4:at - 1]), amounts[at - 1])
            self.assertEqual(amounts[:at - 1] + amounts[at:], own_cells(flat)[account])
        self.assertEqual(support.sums_that_fail(report), [])

    def test_key_of_the_untagged(self):
        for key in ("", None, "0"):
            self.sim.tell("config", company="reef", unspecified_key=key)
            report = self.client.report("ProfitAndLoss", START, END, "Departments")
            self.assertEqual(support.column_keys(report)[-2], key)

    def test_a_company_without_classes_is_all_untagged(self):
        report = support.Client(self.sim, "kelp").report("ProfitAndLoss", START, END, "Classes")
        self.assertEqual(support.column_keys(report), ["account", "NotSpecified", "total"])
        report = support.Client(self.sim, "shell").report("ProfitAndLoss", START, END, "Classes")
        self.assertEqual(support.column_keys(report), ["account", "total"])

    def test_filters(self):
        wanted = {account: amount for (account, value), amount in self.truth("class").items()
                  if value == "2"}
        report = self.client.report("ProfitAndLoss", START, END, "Total", **{"class": "2"})
        self.assertEqual(report["Header"]["Class"], "2")
        found = {i: a[0] for i, a in own_cells(report).items() if a[0]}
        self.assertEqual(found, wanted)
        report = self.client.report("ProfitAndLoss", START, END, "Classes",
                                    **{"class": "3,2", "department": "1"})
        self.assertEqual(support.column_keys(report)[1:], ["3", "2", "total"])
        self.assertEqual((report["Header"]["Class"], report["Header"]["Department"]), ("3,2", "1"))
        report = self.client.report("ProfitAndLoss", START, END, "Classes", **{"class": "77"})
        self.assertEqual(report["Header"]["Option"][1]["Value"], "true")

    def test_a_class_that_is_no_longer_listed_keeps_its_column(self):
        before = self.client.report("ProfitAndLoss", START, END, "Classes")
        self.sim.tell("vanish", **{"company": "reef", "class": "Charter"})
        self.assertNotIn("Charter", self.names("Class"))
        after = self.client.report("ProfitAndLoss", START, END, "Classes")
        self.assertEqual(after["Columns"], before["Columns"])

    def test_trial_balance_knows_no_tags(self):
        for more in ({"summarize_column_by": "Classes"}, {"class": "1"}):
            status = self.client.get("reports/TrialBalance", start_date=START, end_date=END,
                                     **more)[0]
            self.assertEqual(status, 400)


class Tagging(Dimensions):
    RANGE = "2026-05-01", "2026-05-31"

    def test_post_edit_and_tag(self):
        before = self.truth("class", *self.RANGE)
        line = {"account": "26", "amount": "-10.00", "class": "Retail:Shop", "department": "2"}
        number = self.sim.tell("post", company="reef", date="2026-05-05", lines=[
            {"account": "4", "amount": "10.00"}, line])["txn"]
        added = lambda value: self.truth("class", *self.RANGE).get(("26", value), 0) \
            - before.get(("26", value), 0)
        self.assertEqual([added("2"), added("3"), added(None)], [10, 0, 0])
        self.sim.tell("tag", **{"company": "reef", "txn": number, "line": 1, "class": "3"})
        self.assertEqual([added("2"), added("3"), added(None)], [0, 10, 0])
        self.sim.tell("edit", company="reef", txn=number, lines=[
            {"account": "4", "amount": "7.00"}, dict(line, amount="-7.00")])
        self.assertEqual([added("2"), added("3"), added(None)], [7, 0, 0])
        self.sim.tell("tag", **{"company": "reef", "txn": number, "line": 1, "class": None,
                                "department": None})
        self.assertEqual([added("2"), added("3"), added(None)], [0, 0, 7])
        newest = self.sim.tell("transactions", company="reef", limit=2000)["transactions"]
        lines = next(t for t in newest if t["id"] == number)["lines"]
        self.assertEqual([(l["class"], l["department"]) for l in lines], [(None, None)] * 2)

    def test_a_retagged_transaction_is_fed_as_changed(self):
        newest = self.sim.tell("transactions", company="reef", type="Expense", limit=1)
        number = newest["transactions"][0]["id"]
        self.sim.tell("tag", **{"company": "reef", "txn": number, "line": 1, "class": CHARTER,
                                "department": "3"})
        feed = json.loads(self.client.get("cdc", entities="Purchase",
                                          changedSince="2026-11-19T23:00:00Z")[2])
        things = feed["CDCResponse"][0]["QueryResponse"][0]["Purchase"]
        line = next(t for t in things if t["Id"] == str(number))["Line"][1]
        self.assertEqual((line["ClassRef"], line["DepartmentRef"]),
                         ({"value": CHARTER}, {"value": "3"}))

    def test_a_good_part_is_tagged(self):
        lines = self.sim.tell("truth", company="reef", statement="ledger_lines",
                              start="2023-08-01", end=END)["rows"]
        chart = {a["id"]: a["type"] for a in
                 self.sim.tell("accounts", company="reef")["accounts"]}
        earning = ("Income", "Other Income", "Cost of Goods Sold", "Expense", "Other Expense")
        busy = [line for line in lines if chart[line["account_id"]] in earning]
        for kind in ("class", "department"):
            untagged = sum(line[kind] is None for line in busy) / len(busy)
            self.assertTrue(0.1 < untagged < 0.2, untagged)
        self.assertTrue(all(line["class"] is None for line in lines if line not in busy))


if __name__ == "__main__":
    unittest.main()
