"""The shape of every answer against recorded answers of the real service.

Set REEFQBO_SAMPLES to the folder with the recordings; without it these tests are skipped. A key
path of ours must occur in some recording of its kind, and a path that every recording of the kind
has must occur in ours.
"""
import json
import os
import unittest
from xml.etree import ElementTree

import support

SAMPLES = os.environ.get("REEFQBO_SAMPLES")
RANGE = ("2026-01-01", "2026-03-31")


def paths(value, at=""):
    """All key paths; lists count as their members, rows inside rows as rows."""
    if isinstance(value, list):
        return set().union(*(paths(item, at) for item in value)) if value else set()
    if not isinstance(value, dict):
        return set()
    found = set()
    for key, item in value.items():
        here = (at + "." + key).replace(".Rows.Row.Rows.Row", ".Rows.Row")
        found |= {here} | paths(item, here)
    return found


def sample(name):
    with open(os.path.join(SAMPLES, name), encoding="utf-8-sig") as recording:
        return json.load(recording)


def samples(*names):
    return [sample(name) for name in names]


@unittest.skipUnless(SAMPLES, "REEFQBO_SAMPLES is not set")
class Shapes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sim = support.shared()
        cls.sim.tell("reset")
        cls.client = support.Client(cls.sim, "reef")

    def compare(self, ours, recorded, optional=()):
        """`ours` are answers of the simulator, `recorded` those of the service."""
        known = [paths(value) for value in recorded]
        made = [paths(value) for value in ours]
        strange = set().union(*made) - set().union(*known)
        missing = set.intersection(*known) - set().union(*made) - set(optional)
        self.assertEqual((sorted(strange), sorted(missing)), ([], []))

    def get(self, path, **parameters):
        return json.loads(self.client.get(path, **parameters)[2])

    def test_profit_and_loss(self):
        ours = [self.client.report("ProfitAndLoss", *RANGE, by=by, method=method)
                for by in ("Month", "Total") for method in ("Accrual", "Cash")]
        ours.append(self.get("reports/ProfitAndLoss"))
        self.compare(ours, samples("report_pl_month_12cols_CUT.json", "report_pl_total_2026.json",
                                   "report_pl_total_cash_2025.json"))

    def test_profit_and_loss_by_month_alone(self):
        ours = self.client.report("ProfitAndLoss", *RANGE)
        recorded = sample("report_pl_month_12cols_CUT.json")
        self.compare([ours], [recorded])
        self.assertEqual([list(row) for row in ours["Rows"]["Row"][:1]],
                         [list(row) for row in recorded["Rows"]["Row"][:1]])
        self.assertEqual([row["group"] for row in ours["Rows"]["Row"]],
                         [row["group"] for row in recorded["Rows"]["Row"]])
        for column in (1, -1):
            self.assertEqual([m["Name"] for m in ours["Columns"]["Column"][column]["MetaData"]],
                             [m["Name"] for m in recorded["Columns"]["Column"][column]["MetaData"]])

    def test_section_without_rows(self):
        self.sim.tell("create_account", company="shell", id="900", name="Pens", type="Expense")
        self.sim.tell("post", company="shell", date="2026-01-05", lines=[
            {"account": "900", "amount": "7.00"}, {"account": "1", "amount": "-7.00"}])
        ours = support.Client(self.sim, "shell").report("ProfitAndLoss", *RANGE, by="Total")
        recorded = sample("report_pl_total_2026.json")
        for mine, theirs in zip(ours["Rows"]["Row"], recorded["Rows"]["Row"]):
            self.assertEqual(list(mine), list(theirs))
        empty = [row["Summary"]["ColData"][1]["value"] for row in ours["Rows"]["Row"][:2]]
        self.assertEqual(empty, ["", "0.00"])

    def test_no_data(self):
        ours = support.Client(self.sim, "pod-2").report("ProfitAndLoss", "2001-01-01",
                                                        "2001-02-28", by="Total")
        recorded = sample("report_pl_customers_nodata.json")
        self.compare([ours], [recorded], (".Header.Customer",))
        self.assertEqual(ours["Rows"], recorded["Rows"])

    def test_balance_sheet(self):
        ours = [self.client.report("BalanceSheet", *RANGE, by="Total"),
                self.get("reports/BalanceSheet")]
        recorded = sample("report_bs_total_2019.json")
        self.compare(ours, [recorded])
        groups = lambda value: {row.get("group") for row in support.rows(value)}
        self.assertEqual(groups(ours[0]) - {"OtherAssets"}, groups(recorded))

    def test_balance_sheet_by_month_adds_only_dates(self):
        ours = self.client.report("BalanceSheet", *RANGE)
        self.compare([ours], samples("report_bs_total_2019.json"), (".Header.DateMacro",))

    def test_trial_balance(self):
        ours = self.client.report("TrialBalance", *RANGE, by="Total")
        recorded = sample("report_trialbalance_2026.json")
        self.compare([ours], [recorded])
        self.assertEqual(list(ours["Rows"]["Row"][0]), list(recorded["Rows"]["Row"][0]))
        self.assertEqual(list(ours["Rows"]["Row"][-1]), list(recorded["Rows"]["Row"][-1]))
        self.assertEqual(ours["Columns"], recorded["Columns"])

    def test_company_info(self):
        ours = self.get("companyinfo/" + self.client.realm)
        recorded = sample("companyinfo_2026.json")
        self.compare([ours], [recorded])
        names = lambda v: {entry["Name"] for entry in v["CompanyInfo"]["NameValue"]}
        self.assertEqual(names(ours), names(recorded))

    def test_preferences_hold_only_known_keys(self):
        ours = self.client.query("select * from Preferences")[1]
        recorded = sample("preferences_query_2026.json")
        self.assertEqual(sorted(paths(ours) - paths(recorded)), [])
        mine, theirs = (v["QueryResponse"]["Preferences"][0] for v in (ours, recorded))
        for part in ("CurrencyPrefs", "ReportPrefs", "AccountingInfoPrefs"):
            self.assertEqual(paths(mine[part]), paths(theirs[part]))

    def test_accounts(self):
        optional = {".ParentRef", ".ParentRef.value", ".AcctNum"}
        with open(os.path.join(SAMPLES, "accounts_airbyte_records_2023.jsonl")) as recording:
            recorded = [json.loads(line)["data"] for line in recording]
        recorded = [{k: v for k, v in r.items() if k != "airbyte_cursor"} for r in recorded]
        ours = self.client.query("select * from Account maxresults 1000")[1]
        made = paths(ours["QueryResponse"]["Account"])
        self.assertEqual(made - optional, paths(recorded))
        changes = sample("cdc_account_2026_CUT.json")["CDCResponse"][0]["QueryResponse"][0]
        self.assertEqual(made - optional, paths(changes["Account"]))
        self.assertEqual(set(ours["QueryResponse"]), {"Account", "startPosition", "maxResults"})

    def test_classes_and_departments(self):
        for entity, name in (("Class", "classes_query.xml"),
                             ("Department", "departments_query.xml")):
            root = ElementTree.parse(os.path.join(SAMPLES, name)).getroot()
            local = lambda element: element.tag.rpartition("}")[2]
            recorded = set().union(*([local(part) for part in thing] for thing in root.iter()
                                     if local(thing) == entity))
            page = self.client.query("select * from " + entity)[1]["QueryResponse"][entity]
            self.assertEqual(set().union(*page) - {"domain", "sparse"}, recorded)

    def test_count_and_change_feed(self):
        ours = self.client.query("select count(*) from Account")[1]
        self.compare([ours], samples("query_count.json", "query_count_2026.json"))
        self.sim.tell("rename", company="reef", account="26", name="Sales now")
        ours = self.get("cdc", entities="Account", changedSince="2026-11-19T00:00:00Z")
        known = paths(sample("cdc_account_2026_CUT.json"))
        extra = {p for p in paths(ours) - known if "AcctNum" not in p and "ParentRef" not in p}
        self.assertEqual((extra, known - paths(ours)), (set(), set()))

    def test_faults(self):
        ours = json.loads(self.client.get("preferences", token="x")[2])
        recorded = sample("fault_401_malformed_token_2026.json")
        self.assertEqual(paths(ours), paths(recorded))
        self.assertEqual(ours["fault"], recorded["fault"])
        _, ours = self.client.query("select * from Custmoer")
        recorded = sample("fault_400_invalid_query_entity.json")
        self.assertEqual(ours["Fault"], recorded["Fault"])

    def test_tokens(self):
        recorded = set(sample("oauth_token_200_hard_expires.json"))
        header = {"x-include-refresh-token-hard-expires-in": "true"}
        body = self.client.refresh(**header)[2]
        self.client.tokens = json.loads(body)
        self.assertEqual(set(self.client.tokens), recorded)
        body = self.client.refresh("no such token")[2]
        self.assertEqual(json.loads(body)["error"], "invalid_grant")


if __name__ == "__main__":
    unittest.main()
