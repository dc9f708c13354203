"""The service from outside: start, sign-in, tokens, the accounting API's rules, limits, log."""
import json
import os
import subprocess
import sys
import time
import unittest
from urllib.parse import parse_qs, urlsplit

import browser
import support


class WithSimulator(unittest.TestCase):
    """A freshly reset simulator for every test."""

    @classmethod
    def setUpClass(cls):
        cls.sim = support.shared()

    def setUp(self):
        self.sim.tell("reset")

    def code_of(self, answer):
        """(status, first code) of a fault answer in any JSON form."""
        status, _, body = answer
        value = json.loads(body)
        fault = value.get("fault") or value["Fault"]
        return status, (fault.get("error") or fault["Error"])[0]["code"]


class Start(WithSimulator):
    def test_one_line_and_certificates(self):
        self.assertEqual(len(self.sim.lines), 1)
        self.assertEqual(sorted(self.sim.ready), ["admin", "ca_file", "port", "url"])
        for name in os.listdir(self.sim.directory):
            if name.endswith(".key"):
                mode = os.stat(os.path.join(self.sim.directory, name)).st_mode
                self.assertEqual(mode & 0o077, 0, name)

    def test_a_stranger_to_the_authority_is_refused(self):
        with self.assertRaises(OSError):
            browser.consent(support.authorize_url(self.sim), "reef", None)

    def test_ends_on_sigterm_and_when_its_input_closes(self):
        for end in ("terminate", "close"):
            simulator = support.Simulator()
            simulator.process.terminate() if end == "terminate" else None
            simulator.stop()
            self.assertEqual(simulator.process.returncode, 0, end)

    def test_command_lines(self):
        run = lambda *words: subprocess.run((sys.executable,) + words, capture_output=True,
                                            text=True, cwd=support.HERE)
        done = run("admin.py", "--ca", self.sim.ca, "--url", self.sim.url, "truth", "company=reef",
                   "statement=profit_and_loss", "start=2026-01-01", "end=2026-01-31")
        self.assertTrue(json.loads(done.stdout)["rows"], done.stderr)
        done = run("admin.py", "--ca", self.sim.ca, "--url", self.sim.url, "nonsense")
        self.assertEqual(done.returncode, 1)
        self.assertFalse(json.loads(done.stdout)["ok"])
        done = run("browser.py", "--ca", self.sim.ca, "--company", "reef",
                   support.authorize_url(self.sim))
        self.assertIn("realmId=", done.stdout)
        done = run("browser.py", "--ca", self.sim.ca, "--company", "sandy",
                   support.authorize_url(self.sim))
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("cannot be connected", done.stderr)


class SignIn(WithSimulator):
    def test_only_companies_of_the_right_kind_are_offered(self):
        for client, wanted in (("prod", "Reef Trading"), ("dev", "Sandy Test")):
            parts = urlsplit(support.authorize_url(self.sim, client))
            _, _, body = self.sim.send("GET", parts.path + "?" + parts.query)
            self.assertIn(wanted, body.decode())
            self.assertEqual(body.decode().count("Sandy"), int(client == "dev"))

    def test_refusals_are_pages_and_never_redirects(self):
        for changed in ({"redirect_uri": "https://evil.example.com/"}, {"state": ""},
                        {"response_type": "token"}, {"scope": "openid"}, {"client_id": "nobody"},
                        {"redirect_uri": "http://localhost:8000/callback"}):
            parts = urlsplit(support.authorize_url(self.sim, **changed))
            status, headers, _ = self.sim.send("GET", parts.path + "?" + parts.query)
            self.assertEqual((status, headers.get("Location")), (400, None), changed)

    def test_the_user_says_no(self):
        address = browser.consent(support.authorize_url(self.sim), "reef", self.sim.ca, deny=True)
        self.assertEqual(parse_qs(urlsplit(address).query),
                         {"error": ["access_denied"], "state": ["some state"]})

    def test_pods_can_be_chosen_without_being_listed(self):
        self.assertRegex(support.authorize(self.sim, "pod-12")[1], r"^\d{16}$")


class Tokens(WithSimulator):
    def setUp(self):
        super().setUp()
        self.client = support.Client(self.sim, "reef")

    def test_the_answer(self):
        tokens = self.client.tokens
        self.assertEqual(set(tokens), {"token_type", "access_token", "expires_in", "refresh_token",
                                       "x_refresh_token_expires_in"})
        self.assertEqual((tokens["expires_in"], tokens["token_type"]), (3600, "bearer"))
        self.assertGreater(len(tokens["access_token"]), 900)
        self.assertTrue(40 < len(tokens["refresh_token"]) < 60)

    def test_a_code_works_once_and_its_second_use_ends_the_first(self):
        status, _, body = self.client.exchange(self.client.code)
        self.assertEqual((status, json.loads(body)["error"]), (400, "invalid_grant"))
        self.assertEqual(self.client.refresh()[0], 400)
        self.assertEqual(self.code_of(self.client.get("preferences")), (401, "3200"))

    def test_a_code_is_bound_to_its_address_and_time(self):
        code, _ = support.authorize(self.sim, "reef")
        self.assertEqual(self.client.exchange(code, "http://localhost:8000/callback")[0], 400)
        self.assertEqual(self.client.exchange(code)[0], 200)
        code, _ = support.authorize(self.sim, "reef")
        self.sim.tell("clock", advance_seconds=601)
        self.assertEqual(self.client.exchange(code)[0], 400)

    def test_basic_authentication(self):
        wrong = {"Authorization": support.basic("prod-client", "wrong")}
        for headers in (wrong, {"Authorization": "Basic !!"}, {"Authorization": "Bearer x"}):
            status, headers, body = self.client.token_request({"grant_type": "refresh_token"},
                                                              headers)
            self.assertEqual((status, body), (401, b'{"error":"invalid_client"}'))
            self.assertEqual(headers["WWW-Authenticate"], 'Basic realm="Intuit"')
            self.assertTrue(headers["intuit_tid"])

    def test_refresh_rotates_and_the_old_one_dies(self):
        old = self.client.tokens["refresh_token"]
        status, _, body = self.client.refresh()
        new = json.loads(body)["refresh_token"]
        self.assertNotEqual(old, new)
        status, _, body = self.client.refresh(old)
        self.assertEqual((status, body), (400, b'{"error":"invalid_grant"}'))
        self.assertEqual(self.client.refresh(new)[0], 200)

    def test_race_revokes(self):
        self.sim.tell("config", race_revokes=True)
        new = json.loads(self.client.refresh()[2])["refresh_token"]
        self.assertEqual(self.client.refresh()[0], 400)
        self.assertEqual(self.client.refresh(new)[0], 400)

    def test_daily_rotation_and_grace(self):
        self.sim.tell("config", rotate="daily", grace=100)
        old = self.client.tokens["refresh_token"]
        self.assertEqual(json.loads(self.client.refresh()[2])["refresh_token"], old)
        self.sim.tell("clock", advance_seconds=86401)
        new = json.loads(self.client.refresh()[2])["refresh_token"]
        self.assertNotEqual(new, old)
        self.assertEqual(json.loads(self.client.refresh(old)[2])["refresh_token"], new)
        self.sim.tell("clock", advance_seconds=101)
        self.assertEqual(self.client.refresh(old)[0], 400)

    def test_refresh_tokens_end_after_101_days_and_consents_after_five_years(self):
        self.sim.tell("clock", advance_seconds=8726401)
        self.assertEqual(self.client.refresh()[0], 400)
        header = {"x-include-refresh-token-hard-expires-in": "true"}
        client = support.Client(self.sim, "reef")
        self.sim.tell("clock", advance_seconds=1000)
        left = json.loads(client.refresh(**header)[2])["x_refresh_token_hard_expires_in"]
        self.assertTrue(157678900 < left <= 157679000, left)

    def test_access_tokens_end(self):
        self.assertEqual(self.client.get("preferences")[0], 200)
        self.sim.tell("clock", advance_seconds=3601)
        status, headers, body = self.client.get("preferences")
        self.assertEqual(status, 401)
        self.assertIn("invalid_token", headers["WWW-Authenticate"])
        error = json.loads(body)["fault"]["error"][0]
        self.assertEqual(error["detail"],
                         "Token expired: " + self.client.tokens["access_token"][:96])

    def test_revoke(self):
        send = lambda token, secret="prod-secret": self.sim.send(
            "POST", "/v2/oauth2/tokens/revoke", json.dumps({"token": token}),
            {"Authorization": support.basic("prod-client", secret)})[0]
        token = self.client.tokens["refresh_token"]
        self.assertEqual([send(token, "x"), send("x"), send(token), send(token)],
                         [401, 400, 200, 400])
        self.assertEqual(self.client.refresh()[0], 400)
        self.assertEqual(self.code_of(self.client.get("preferences")), (401, "3200"))

    def test_disconnected_inside_the_company(self):
        self.assertEqual(self.sim.tell("revoke_grant", company="reef"), {"revoked": 1})
        self.assertEqual(self.client.refresh()[0], 400)
        self.assertEqual(self.code_of(self.client.get("preferences")), (403, "3100"))

    def test_every_token_is_remembered(self):
        self.client.refresh()
        tokens = self.sim.tell("tokens", company="reef")
        self.assertEqual(tokens["counts"], {"codes": 1, "access_tokens": 2, "refresh_tokens": 2,
                                            "grants": 1})
        self.assertIn(self.client.tokens["refresh_token"], tokens["refresh_tokens"])
        self.sim.tell("expire_access", company="reef")
        self.assertEqual(self.sim.tell("tokens", company="reef")["living_access"], [])


class Accounting(WithSimulator):
    def setUp(self):
        super().setUp()
        self.client = support.Client(self.sim, "reef")

    def test_other_realm_and_other_environment(self):
        sandbox = support.Client(self.sim, "sandy", "dev", "sandbox")
        self.assertEqual(sandbox.get("preferences")[0], 200)
        self.assertEqual(self.code_of(sandbox.get("preferences", environment="production")),
                         (403, "3100"))
        self.assertEqual(self.code_of(self.client.get("preferences", environment="sandbox")),
                         (403, "3100"))
        self.assertEqual(self.code_of(self.client.get("preferences", realm=sandbox.realm)),
                         (403, "3100"))
        self.assertEqual(self.code_of(self.client.get("preferences", token="short")),
                         (401, "3200"))

    def test_company_and_preferences(self):
        self.sim.tell("set_company", company="reef", name="Reef Renamed",
                      book_close_date="2025-12-31", fiscal_month=4)
        info = json.loads(self.client.get("companyinfo/" + self.client.realm)[2])["CompanyInfo"]
        self.assertEqual((info["CompanyName"], info["FiscalYearStartMonth"]),
                         ("Reef Renamed", "April"))
        prefs = json.loads(self.client.get("preferences")[2])["Preferences"]
        asked = self.client.query("select * from Preferences")[1]["QueryResponse"]["Preferences"]
        self.assertEqual(prefs, asked[0])
        self.assertEqual(prefs["AccountingInfoPrefs"]["BookCloseDate"], "2025-12-31")

    def test_xml_for_those_who_do_not_ask_for_json(self):
        status, headers, body = self.client.get("companyinfo/" + self.client.realm, accept=None)
        self.assertEqual(status, 200)
        self.assertIn("xml", headers["Content-Type"])
        self.assertIn(b"<CompanyName>Reef Trading Ltd</CompanyName>", body)
        status, _, body = self.client.get("query", accept=None, query="nonsense")
        self.assertIn(b'<Error code="4000">', body)

    def test_only_get(self):
        for method in ("POST", "PUT", "DELETE"):
            self.assertEqual(self.code_of(self.client.get("account", method=method)), (405, "500"))
        self.assertEqual(self.sim.tell("stats")["methods"]["POST"], 3)

    def test_paging_and_active(self):
        client = support.Client(self.sim, "atlas")
        count = client.query("SELECT count(*) FROM Account WHERE Active IN (true,false)")
        self.assertEqual(count[1]["QueryResponse"], {"totalCount": 1500})
        ids, start = [], 1
        while True:
            _, value = client.query("select * from Account where Active in (true, false) "
                                    "orderby Id startposition %d maxresults 1000" % start)
            page = value["QueryResponse"].get("Account")
            if not page:
                self.assertEqual(value["QueryResponse"], {})
                break
            self.assertEqual(value["QueryResponse"]["maxResults"], len(page))
            ids += [account["Id"] for account in page]
            start += len(page)
        self.assertEqual((len(ids), len(set(ids))), (1500, 1500))
        self.assertEqual(max(map(len, ids)), 19)
        self.assertEqual(len(client.query("select * from Account")[1]["QueryResponse"]["Account"]),
                         100)

    def test_filters(self):
        ids = lambda where: sorted(a["Id"] for a in self.client.query(
            "select Id, Name from Account where " + where)[1]["QueryResponse"].get("Account", []))
        self.assertEqual(ids("Id = '26'"), ["26"])
        self.assertEqual(len(ids("Active = false")), 3)
        count = lambda where: self.client.query("select count(*) from Account" + where)[1][
            "QueryResponse"]["totalCount"]
        self.assertEqual(count(""), count(" where Active in (true, false)") - 3)
        self.assertEqual(len(ids("Name LIKE '%(deleted)' and Active = false")), 1)
        self.assertEqual(ids("MetaData.LastUpdatedTime > '2026-11-01T00:00:00-08:00'"), [])
        self.sim.tell("rename", company="reef", account="26", name="O'Sales")
        self.assertEqual(ids("MetaData.LastUpdatedTime > '2026-11-01T00:00:00-08:00'"), ["26"])
        self.assertEqual(ids("Name = 'O\\'Sales'"), ["26"])

    def test_query_faults(self):
        for text, code in (("select * from Account startposition 0", "4001"),
                           ("select * from Account maxresults 1001", "4001"),
                           ("select * from Acount", "4001"), ("select from Account", "4000"),
                           ("select * from Account where Nonsense = '1'", "4001"),
                           ("select * from Account where Active = true or Id = '1'", "4000")):
            status, value = self.client.query(text)
            self.assertEqual((status, value["Fault"]["Error"][0]["code"]), (400, code), text)

    def test_balances_have_the_ledgers_sign(self):
        found = {a["Id"]: a for a in self.client.query(
            "select * from Account maxresults 1000")[1]["QueryResponse"]["Account"]}
        stored = self.sim.tell("accounts", company="reef")["accounts"]
        for account in stored:
            if account["active"]:
                self.assertEqual("%.2f" % found[account["id"]]["CurrentBalance"],
                                 account["balance"])
        payable = next(a for a in stored if a["type"] == "Accounts Payable")
        self.assertTrue(payable["balance"].startswith("-"))
        sales = next(a for a in stored if a["type"] == "Income")
        self.assertEqual(sales["balance"], "0.00")

    def test_default_range_and_unknown_report(self):
        value = json.loads(self.client.get("reports/ProfitAndLoss", start_date="2020-01-01")[2])
        self.assertEqual([value["Header"][k] for k in ("StartPeriod", "EndPeriod", "DateMacro")],
                         ["2026-01-01", "2026-11-20", "this calendar year-to-date"])
        self.assertEqual(self.code_of(self.client.get("reports/Nonsense")), (400, "5020"))
        self.assertEqual(self.code_of(self.client.get("reports/ProfitAndLoss", start_date="2026",
                                                      end_date="2026-01-01"))[0], 400)
        self.assertEqual(self.code_of(self.client.get("nonsense")), (400, "500"))

    def test_changes(self):
        ask = lambda **p: self.client.get("cdc", **dict(
            {"entities": "Account,JournalEntry,Class", "changedSince": "2026-11-20T00:00:00Z"},
            **p))
        self.sim.tell("clock", set="2026-11-21T10:00:00Z")
        self.client = support.Client(self.sim, "reef")
        number = self.sim.tell("post", company="reef", date="2024-02-03", lines=[
            {"account": "26", "amount": "-5.00"}, {"account": "4", "amount": "5.00"}])["txn"]
        self.sim.tell("vanish", company="reef", account="5")
        self.sim.tell("clock", advance_seconds=1800)
        answer = json.loads(ask(changedSince="2026-11-21T09:59:00Z")[2])
        accounts, entries, classes = answer["CDCResponse"][0]["QueryResponse"]
        self.assertEqual(accounts["Account"][0]["status"], "Deleted")
        self.assertEqual([(e["Id"], e["TxnDate"]) for e in entries["JournalEntry"]],
                         [(str(number), "2024-02-03")])
        self.assertEqual(classes, {})
        self.assertEqual(ask(changedSince="2026-10-01T00:00:00Z")[0], 400)
        self.assertEqual(ask(entities="Nonsense")[0], 400)

    def test_gzip(self):
        status, headers, body = self.sim.send(
            "GET", "/production/v3/company/%s/preferences" % self.client.realm, None,
            {"Authorization": "Bearer " + self.client.tokens["access_token"],
             "Accept": "application/json", "Accept-Encoding": "gzip"})
        self.assertEqual(headers["Content-Encoding"], "gzip")
        self.assertIn("Preferences", json.loads(support.unpack(headers, body)))

    def test_throttle(self):
        ask = lambda: self.client.get("preferences")
        self.sim.tell("config", throttle=True, limit_second=3, retry_after=7)
        self.assertEqual([ask()[0] for _ in range(4)], [200, 200, 200, 429])
        status, headers, body = ask()
        self.assertEqual((status, headers["Retry-After"]), (429, "7"))
        self.assertIn(b"003001", body)
        time.sleep(1)
        self.assertEqual(ask()[0], 200)
        self.sim.tell("config", limit_second=100, limit_minute=6)
        self.assertEqual([ask()[0] for _ in range(3)], [200, 200, 429])
        other = support.Client(self.sim, "atoll")
        self.assertEqual(other.get("preferences")[0], 200)

    def test_log(self):
        self.client.get("reports/ProfitAndLoss", start_date="2026-01-01", end_date="2026-01-31")
        entry = self.sim.tell("log", company="reef")["log"][-1]
        self.assertEqual((entry["endpoint"], entry["status"], entry["token_kind"], entry["method"]),
                         ("ProfitAndLoss", 200, "live", "GET"))
        self.assertIn(self.client.realm, entry["path"])
        self.assertIn("start_date=2026-01-01", entry["query"])
        self.assertEqual(self.sim.tell("log", since=entry["n"])["log"], [])
        with open(os.path.join(self.sim.directory, "simulator.log"), encoding="utf-8") as log:
            text = log.read()
        self.assertIn(entry["tid"], text)
        self.assertNotIn(self.client.tokens["access_token"][:60], text)


if __name__ == "__main__":
    unittest.main()
