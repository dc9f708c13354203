"""What applications' tests use: companies of a file, a clock that stands, any redirect address."""
import json
import os
import subprocess
import sys
import unittest

import browser
import support
from urllib.parse import urlencode

FILE = os.path.join(support.HERE, "example_companies.json")
BACK = "http://localhost:4711/back"


class Tool(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sim = support.Simulator("--companies", FILE, "--stopped", "--redirect", BACK)

    @classmethod
    def tearDownClass(cls):
        cls.sim.stop()

    def figures(self, company, statement, start, end):
        report = support.Client(self.sim, company).report(statement, start, end, "Month")
        self.assertEqual(support.sums_that_fail(report), [])
        return {(account, title): str(value) for (account, title, _), value in support.figures(report).items() if value}

    def test_only_those_of_the_file(self):
        listed = self.sim.tell("companies")["companies"]
        self.assertEqual([company["key"] for company in listed], ["acme", "boulangerie"])

    def test_books_are_the_postings(self):
        ids = {a["name"]: a["id"] for a in self.sim.tell("accounts", company="acme")["accounts"]}
        rows = self.sim.tell("truth", company="acme", statement="profit_and_loss", start="2026-01-01", end="2026-02-28")["rows"]
        found = {(row["account_id"], row["period_start"]): row["amount"] for row in rows if float(row["amount"])}
        self.assertEqual(found, {(ids["Cakes"], "2026-01-01"): "2400.50", (ids["Rent"], "2026-01-01"): "750.00",
                                 (ids["Flour"], "2026-02-01"): "610.25"})
        balances = self.figures("acme", "BalanceSheet", "2026-01-01", "2026-01-31")
        self.assertEqual(sorted(balances.values()), sorted(["16650.50", "900.00", "5000.00", "10000.00", "900.00", "1650.50"]))

    def test_the_clock_stands(self):
        first, second = (self.sim.tell("clock")["epoch"] for _ in range(2))
        self.assertEqual(first, second)
        self.assertEqual(first % 86400, 43200)
        self.assertEqual(self.sim.tell("clock", advance_seconds=5)["epoch"], first + 5)
        self.sim.tell("clock", advance_seconds=-5)

    def test_redirect_address(self):
        query = {"client_id": "prod-client", "response_type": "code", "scope": "com.intuit.quickbooks.accounting",
                 "redirect_uri": BACK, "state": "s"}
        back = browser.consent(self.sim.url + "/connect/oauth2?" + urlencode(query), "acme", self.sim.ca)
        self.assertTrue(back.startswith(BACK + "?code="), back)

    def test_a_file_that_cannot_be(self):
        for wrong in ([{"key": "x", "accounts": [{"name": "A", "type": "Bankk"}]}], [{"key": "x", "accountz": []}]):
            path = os.path.join(self.sim.directory, "wrong.json")
            with open(path, "w", encoding="utf-8") as file:
                json.dump(wrong, file)
            ended = subprocess.run([sys.executable, os.path.join(support.HERE, "server.py"), "--dir", self.sim.directory + "/x",
                                    "--companies", path], capture_output=True, text=True, timeout=60)
            self.assertNotEqual(ended.returncode, 0)
            self.assertRegex(ended.stderr, "account type|does not know accountz")


if __name__ == "__main__":
    unittest.main()
