"""Each misbehaviour does what its name says, as often as it was told to, and no more."""
import gzip
import http.client
import json
import socket
import ssl
import threading
import time
import unittest

import support
from test_simulator import WithSimulator

RANGE = {"start_date": "2026-01-01", "end_date": "2026-03-31", "summarize_column_by": "Month"}


class Faults(WithSimulator):
    def setUp(self):
        super().setUp()
        self.client = support.Client(self.sim, "reef")

    def fault(self, kind, **options):
        self.sim.tell("fault", kind=kind, **options)

    def report(self, name="BalanceSheet", timeout=20, **changed):
        return self.client.get("reports/" + name, timeout=timeout, **dict(RANGE, **changed))

    def good(self):
        """The next answer is a good one again: the rule worked once only."""
        value = json.loads(self.report()[2])
        self.assertEqual(support.sums_that_fail(value), [])
        self.assertEqual(value["Header"]["ReportBasis"], "Accrual")
        return value

    def test_status(self):
        self.fault("status", status=418, body="tea", content_type="text/tea",
                   headers={"X-Pot": "1"}, endpoint="report", company="reef")
        status, headers, body = self.report()
        self.assertEqual((status, headers["Content-Type"], headers["X-Pot"], body),
                         (418, "text/tea", "1", b"tea"))
        self.fault("status", status=404, body_hex="74c3")
        self.assertEqual(self.report()[0::2], (404, b"t\xc3"))
        self.good()

    def test_fault_in_every_form(self):
        self.fault("fault", code="6190", format="json")
        self.assertEqual(self.code_of(self.report()), (400, "6190"))
        self.fault("fault", code="3001", format="gateway")
        self.assertEqual(self.code_of(self.report()), (429, "3001"))
        for form, text in (("xml", b"<IntuitResponse"), ("xml_bare", b"<Fault type"),
                           ("text", b"message=AuthenticationFailed")):
            self.fault("fault", code="3200", format=form, detail="own <words>")
            status, _, body = self.report()
            self.assertEqual(status, 401)
            self.assertIn(text, body)
        self.fault("fault_200", code="10000")
        self.assertEqual(self.code_of(self.report()), (200, "10000"))
        self.good()

    def test_mute_and_timeout(self):
        for kind in ("mute", "timeout"):
            self.fault(kind, endpoint="BalanceSheet")
            with self.assertRaises(TimeoutError):
                self.report(timeout=0.4)
        time.sleep(0.4)
        self.assertEqual(self.sim.tell("stats")["in_flight"], 0)
        self.assertEqual(self.sim.tell("log")["log"][-1]["status"], 0)
        self.good()

    def test_delay(self):
        self.fault("delay", seconds=0.5)
        began = time.monotonic()
        self.good()
        self.assertGreater(time.monotonic() - began, 0.5)

    def test_cut_and_reset(self):
        self.fault("cut", fraction=0.3)
        with self.assertRaises((http.client.IncompleteRead, ssl.SSLError)):
            self.report()
        self.fault("cut", fraction=1)
        with self.assertRaises((http.client.IncompleteRead, ssl.SSLError)) as caught:
            self.report()
        if isinstance(caught.exception, http.client.IncompleteRead):
            self.assertIn("Header", json.loads(caught.exception.partial))
        self.fault("reset")
        with self.assertRaises((ConnectionError, ssl.SSLError, http.client.RemoteDisconnected)):
            self.report()
        self.good()

    def test_what_is_not_json(self):
        self.fault("truncate", fraction=0.5)
        with self.assertRaises(ValueError):
            json.loads(self.report()[2])
        self.fault("nul")
        self.assertIn(b"\x00", self.report()[2])
        self.fault("bad_utf8")
        with self.assertRaises(UnicodeDecodeError):
            self.report()[2].decode("utf-8")
        self.fault("empty")
        self.assertEqual(self.report()[::2], (200, b""))
        self.fault("html")
        self.assertIn(b"<html>", self.report()[2])
        self.fault("wrong_type")
        status, headers, body = self.report()
        self.assertEqual(headers["Content-Type"], "text/html")
        json.loads(body)
        self.good()

    def test_redirect_and_stream_timeout(self):
        self.fault("redirect", location="https://example.com/elsewhere")
        status, headers, _ = self.report()
        self.assertEqual((status, headers["Location"]), (302, "https://example.com/elsewhere"))
        self.fault("stream_timeout")
        self.assertEqual(self.report()[::2], (504, b"stream timeout"))
        self.good()

    def test_size_and_depth(self):
        self.fault("gzip_bomb", megabytes=3)
        status, headers, body = self.report()
        self.assertLess(len(body), 100000)
        self.assertGreater(len(gzip.decompress(body)), 3 << 20)
        self.fault("deep", depth=5000)
        self.assertIn(b"[" * 5000, self.report()[2])
        self.fault("huge", megabytes=2)
        self.assertGreater(len(self.report()[2]), 2 << 20)
        self.good()

    def test_drip(self):
        self.fault("drip", bytes_per_second=20000)
        began = time.monotonic()
        size = len(json.dumps(self.good()))
        self.assertGreater(time.monotonic() - began, size / 20000 * 0.5)

    def test_closing(self):
        connection = self.sim.connection()
        target = "/production/v3/company/%s/preferences" % self.client.realm
        headers = {"Authorization": "Bearer " + self.client.tokens["access_token"]}
        self.fault("close_after")
        connection.request("GET", target, headers=headers)
        response = connection.getresponse()
        response.read()
        self.assertEqual(response.headers["Connection"], "keep-alive")
        with self.assertRaises((ConnectionError, ssl.SSLError, http.client.RemoteDisconnected)):
            connection.request("GET", target, headers=headers)
            connection.getresponse()
        connection.close()
        self.fault("closed_hold", seconds=1)
        status, headers, body = self.client.get("preferences")
        self.assertEqual((status, headers["Connection"]), (200, "close"))

    def test_reports_that_lie_in_their_head(self):
        self.fault("wrong_dates")
        self.assertNotEqual(json.loads(self.report()[2])["Header"]["StartPeriod"], "2026-01-01")
        self.fault("wrong_basis")
        self.assertEqual(json.loads(self.report()[2])["Header"]["ReportBasis"], "Cash")
        self.fault("wrong_summary")
        self.assertEqual(json.loads(self.report()[2])["Header"]["SummarizeColumnsBy"], "Total")
        self.good()

    def test_reports_whose_figures_disagree(self):
        for name in ("BalanceSheet", "ProfitAndLoss"):
            for kind in ("break_sum", "break_total"):
                self.fault(kind)
                value = json.loads(self.report(name)[2])
                self.assertTrue(support.sums_that_fail(value), (name, kind))
        self.fault("unbalance")
        value = json.loads(self.report()[2])
        self.assertEqual(support.sums_that_fail(value), [])
        self.assertNotEqual(support.closing(value, "TotalAssets"),
                            support.closing(value, "TotalLiabilitiesAndEquity"))
        self.good()

    def test_trial_balance_that_lies(self):
        ask = lambda: self.client.report("TrialBalance", "2026-06-01", "2026-06-30", "Total")
        cells = lambda report: {row["ColData"][0]["id"]: [support.amount(c["value"]) for c in
                                                          row["ColData"][1:]]
                                for row in report["Rows"]["Row"][:-1]}
        good = cells(ask())
        account = next(i for i, (debit, _) in good.items() if debit)
        for pair, wrong in ((False, 1), (True, 2)):
            self.fault("break_tb", account=account, by="3.00", pair=pair)
            report = ask()
            spoiled, sums = cells(report), support.closing(report, "GrandTotal")
            self.assertEqual(len([i for i in good if good[i] != spoiled[i]]), wrong)
            self.assertEqual(spoiled[account][0], good[account][0] + 3)
            self.assertEqual([sum(side) for side in zip(*spoiled.values())], sums)
            self.assertEqual(sums[0] - sums[1], 0 if pair else 3)

    def test_reports_by_class_that_lie(self):
        ask = lambda by="Classes": self.client.report("ProfitAndLoss", "2026-01-01", "2026-03-31",
                                                      by)
        good = ask()
        self.fault("wrong_dates", summarize="Classes")
        self.assertEqual(ask("Month")["Header"]["StartPeriod"], "2026-01-01")
        self.assertEqual(ask()["Header"]["StartPeriod"], "2025-12-01")
        for kind in ("break_sum", "break_total"):
            self.fault(kind, summarize="Classes", column=2)
            self.assertNotEqual(support.sums_that_fail(ask()), [])
        self.fault("wrong_summary")
        self.assertEqual(ask()["Header"]["SummarizeColumnsBy"], "Total")
        self.fault("cut_report")
        self.assertIn("Unable to display more data.", json.dumps(ask()))
        self.assertEqual(ask()["Rows"], good["Rows"])

    def test_reports_from_one_day_on(self):
        ask = lambda start: self.client.get("reports/ProfitAndLoss", start_date=start, end_date="2026-03-31",
                                            accounting_method="Accrual")[0]
        self.fault("status", status=500, endpoint="ProfitAndLoss", start_date="2026-02-01")
        self.assertEqual([ask(day) for day in ("2026-01-01", "2026-02-01", "2026-02-01")], [200, 500, 200])

    def ledger(self):
        return json.loads(self.client.get("reports/GeneralLedger", start_date="2026-09-01",
                                          end_date="2026-09-30", account="26")[2])

    def test_general_ledgers_that_lie(self):
        good = self.ledger()
        self.fault("break_sum", endpoint="GeneralLedger", account="26", by="2.00")
        spoiled = self.ledger()
        amounts = [[support.amount(row["ColData"][6]["value"]) for row in
                    report["Rows"]["Row"][0]["Rows"]["Row"]] for report in (good, spoiled)]
        self.assertEqual(sum(amounts[1]), sum(amounts[0]) + 2)
        self.fault("break_total", endpoint="report")
        spoiled = self.ledger()["Rows"]["Row"][0]["Summary"]["ColData"]
        self.assertEqual(support.amount(spoiled[6]["value"]), sum(amounts[0]) + 1)
        self.fault("wrong_dates", endpoint="GeneralLedger")
        self.assertEqual(self.ledger()["Header"]["EndPeriod"], "2026-08-30")
        self.fault("cut_report", endpoint="GeneralLedger")
        self.assertIn("Unable to display more data.", json.dumps(self.ledger()))
        self.assertEqual(self.ledger()["Rows"], good["Rows"])

    def test_queries_of_one_entity(self):
        self.fault("fault", endpoint="query", entity="Class", code="500")
        ask = lambda entity: self.client.query("select * from %s" % entity)[0]
        self.assertEqual([ask("Account"), ask("Department"), ask("Class"), ask("Class")],
                         [200, 200, 400, 200])
        self.fault("short_page", entity="Department", rows=1)
        page = lambda entity: self.client.query("select * from " + entity)[1]["QueryResponse"]
        self.assertEqual(page("Class")["maxResults"], 6)
        self.assertEqual(page("Department")["maxResults"], 1)

    def test_reports_with_rows_missing(self):
        whole = self.good()
        self.fault("drop_closing")
        self.assertEqual(json.loads(self.report()[2])["Rows"]["Row"], whole["Rows"]["Row"][:-1])
        self.fault("cut_report")
        body = self.report()[2]
        self.assertIn(b"Unable to display more data. Please reduce the date range.", body)
        self.assertLess(len(list(support.rows(json.loads(body)))), len(list(support.rows(whole))))
        self.good()

    def test_max_months_stays(self):
        self.fault("max_months", months=3, times=-1)
        for _ in range(2):
            self.assertEqual(self.report(end_date="2026-04-30")[0], 504)
            self.assertEqual(self.report()[0], 200)
        self.sim.tell("clear_faults")
        self.assertEqual(self.report(end_date="2026-04-30")[0], 200)

    def test_times_company_and_endpoint(self):
        self.fault("status", status=503, times=2, company="atoll", endpoint="preferences")
        atoll = support.Client(self.sim, "atoll")
        self.assertEqual(self.client.get("preferences")[0], 200)
        self.assertEqual(atoll.get("companyinfo/" + atoll.realm)[0], 200)
        self.assertEqual([atoll.get("preferences")[0] for _ in range(3)], [503, 503, 200])
        with self.assertRaises(AssertionError):
            self.fault("nonsense")

    def test_pages_that_shift_or_come_short(self):
        client = support.Client(self.sim, "atlas")
        page = lambda start: [a["Id"] for a in client.query(
            "select * from Account where Active in (true,false) orderby Id startposition %d "
            "maxresults 1000" % start)[1]["QueryResponse"].get("Account", [])]
        first, second = page(1), page(1001)
        self.fault("page_shift", mode="drop")
        self.assertEqual(page(1), first)
        self.assertEqual(page(1001), second[1:])
        self.fault("page_shift", mode="insert", times=2)
        self.assertNotEqual(page(1001), second[1:])
        self.fault("short_page", rows=7, endpoint="query")
        self.assertEqual(len(page(1)), 7)
        self.assertEqual(len(page(1)), 1000)


class TokenFaults(WithSimulator):
    def setUp(self):
        super().setUp()
        self.client = support.Client(self.sim, "reef")

    def test_rotate_and_drop(self):
        self.sim.tell("fault", kind="rotate_and_drop")
        with self.assertRaises((ConnectionError, ssl.SSLError, http.client.RemoteDisconnected)):
            self.client.refresh()
        self.assertEqual(self.client.refresh()[0], 400)
        self.assertEqual(self.sim.tell("tokens", company="reef")["counts"]["refresh_tokens"], 2)

    def test_rotate_and_mute(self):
        self.sim.tell("fault", kind="rotate_and_mute")
        headers = {"Authorization": support.basic("prod-client", "prod-secret")}
        with self.assertRaises(TimeoutError):
            self.sim.send("POST", "/oauth2/v1/tokens/bearer", "grant_type=refresh_token&"
                          "refresh_token=" + self.client.tokens["refresh_token"], headers, 0.4)
        self.assertEqual(self.client.refresh()[0], 400)

    def test_missing_token(self):
        self.sim.tell("fault", kind="missing_token", field="access_token", company="reef")
        self.assertNotIn("access_token", json.loads(self.client.refresh()[2]))

    def test_token_endpoint_out_of_order(self):
        self.sim.tell("fault", kind="status", status=500, endpoint="token")
        self.assertEqual(self.client.refresh()[0], 500)
        self.assertEqual(self.client.refresh()[0], 200)


    def ask_and_wait(self):
        """A connection whose token request is sent, and its answer not read."""
        connection = self.sim.connection()
        connection.request("POST", "/oauth2/v1/tokens/bearer", "grant_type=refresh_token&"
                           "refresh_token=" + self.client.tokens["refresh_token"],
                           {"Authorization": support.basic("prod-client", "prod-secret")})
        return connection

    def handed_out(self):
        counts = self.sim.tell("tokens", company="reef")["counts"]
        told = self.sim.tell("rotations")
        self.assertEqual(told["refresh_tokens"]["reef"], counts["refresh_tokens"])
        self.assertEqual(told["grants"]["reef"], counts["grants"])
        return counts["refresh_tokens"]

    def until(self, condition):
        for _ in range(1000):
            if condition():
                return
            time.sleep(0.02)
        self.fail("waited in vain")

    def test_late(self):
        self.sim.tell("fault", kind="late", company="reef", endpoint="token", seconds=1)
        connection = self.ask_and_wait()
        self.until(lambda: self.handed_out() == 2)
        self.assertEqual(self.sim.tell("gate")["under_way"], 1)
        answer = connection.getresponse()
        self.assertEqual((answer.status, self.sim.tell("log")["log"][-1]["fault"]), (200, "late"))
        self.client.tokens = json.loads(answer.read())
        connection.close()
        self.assertEqual(self.client.refresh()[0], 200)

    def test_hold(self):
        for verb, handed in (("release", 1), ("clear_faults", 2)):
            self.sim.tell("log_clear")
            self.sim.tell("fault", kind="hold", company="reef")
            connection = self.ask_and_wait()
            self.until(lambda: "hold" in [r["fault"] for r in self.sim.tell("log")["log"]])
            self.assertEqual(self.handed_out(), handed)
            self.sim.tell(verb)
            answer = connection.getresponse()
            self.assertEqual(answer.status, 200)
            self.client.tokens = json.loads(answer.read())
            connection.close()
        self.assertEqual(self.handed_out(), 3)

    def test_late_report(self):
        self.sim.tell("fault", kind="late", endpoint="report", seconds=0.5)
        self.assertEqual(self.client.get("reports/TrialBalance", start_date="2026-09-01",
                                         end_date="2026-09-30")[0], 200)

    def test_no_grace(self):
        """A restore of an earlier state comes back with a token that is dead."""
        status, _, body = self.client.refresh()
        self.assertEqual(status, 200)
        self.assertEqual(self.client.refresh()[0], 400)
        self.assertEqual(self.client.refresh(json.loads(body)["refresh_token"])[0], 200)
        self.assertEqual(len(self.sim.tell("tokens", company="reef")["living_refresh"]), 1)

    def test_gate(self):
        self.assertTrue(self.sim.tell("gate", closed=True)["closed"])
        connection = self.ask_and_wait()
        self.until(lambda: self.sim.tell("gate")["waiting"] == ["reef"])
        self.assertEqual(self.handed_out(), 1)
        self.sim.tell("gate", closed=False)
        self.assertEqual(connection.getresponse().status, 200)
        connection.close()
        self.assertEqual(self.handed_out(), 2)
        self.until(lambda: self.sim.tell("gate")["under_way"] == 0)

    def test_gate_lets_one_company_pass(self):
        self.sim.tell("gate", closed=True, company="reef")
        self.assertEqual(self.client.refresh()[0], 200)
        self.sim.tell("gate", closed=True)
        connection = self.ask_and_wait()
        self.until(lambda: self.sim.tell("gate")["waiting"] == ["reef"])
        connection.close()

    def test_gone_client(self):
        """With hears_end nothing is worked for a client that has left while it waited."""
        for hears, handed in ((True, 2), (False, 3)):
            self.sim.tell("config", hears_end=hears)
            if hears:
                status, _, body = self.client.refresh()
                self.assertEqual(status, 200)
                self.client.tokens = json.loads(body)
            self.sim.tell("gate", closed=True)
            connection = self.ask_and_wait()
            self.until(lambda: self.sim.tell("gate")["waiting"] == ["reef"])
            connection.close()
            self.sim.tell("gate", closed=False)
            self.until(lambda: self.sim.tell("stats")["in_flight"] == 0)
            self.assertEqual(self.handed_out(), handed)


class Gateway(WithSimulator):
    """What stands before the service refuses in its own ways."""

    def test_gateway_401(self):
        client = support.Client(self.sim, "reef")
        for form, start in (("gateway", b"{"), ("xml", b"<?xml"), ("xml_bare", b"<?xml"),
                            ("text", b"")):
            self.sim.tell("fault", kind="fault", code="3200", format=form, endpoint="preferences")
            status, headers, body = client.get("preferences")
            self.assertEqual(status, 401)
            self.assertTrue(body.startswith(start))
            self.assertIn("invalid_token", headers["WWW-Authenticate"])
        self.sim.tell("fault", kind="status", status=401, endpoint="preferences")
        status, _, body = client.get("preferences")
        self.assertEqual((status, body), (401, b""))
        self.assertEqual(client.get("preferences")[0], 200)

    def test_odd_retry_after(self):
        client = support.Client(self.sim, "reef")
        for value in ("-1", "0", "1e9", "99999999999999999999", "soon", "",
                      "Fri, 31 Feb 2026 25:61:61 GMT", "Thu, 01 Jan 1970 00:00:00 GMT"):
            self.sim.tell("fault", kind="fault", code="3001", endpoint="preferences",
                          headers={"Retry-After": value})
            status, headers, _ = client.get("preferences")
            self.assertEqual((status, headers["Retry-After"]), (429, value))

    def test_control_characters_in_names(self):
        client = support.Client(self.sim, "reef")
        name = "Bell\x07 escape\x1b[2J\nline\u0085 \u202eturned\u200b"
        self.sim.tell("set_company", company="reef", name=name)
        _, body = client.query("SELECT * FROM Account MAXRESULTS 1")
        account = body["QueryResponse"]["Account"][0]
        self.sim.tell("rename", company="reef", account=account["Id"], name=name)
        _, body = client.query("SELECT * FROM Account WHERE Id = '%s'" % account["Id"])
        self.assertEqual(body["QueryResponse"]["Account"][0]["Name"], name)
        status, _, body = client.get("companyinfo/" + client.realm)
        self.assertEqual(json.loads(body)["CompanyInfo"]["CompanyName"], name)


class Handshakes(WithSimulator):
    def test_cut_handshake(self):
        client = support.Client(self.sim, "reef")
        self.sim.tell("log_clear")
        self.sim.tell("fault", kind="cut_handshake", times=2)
        for _ in range(2):
            with self.assertRaises(OSError):
                client.get("preferences")
        self.assertEqual(client.get("preferences")[0], 200)
        self.assertEqual([r["endpoint"] for r in self.sim.tell("log")["log"]], ["preferences"])


class Magic(WithSimulator):
    """The companies that misbehave from the start, after a good connect."""

    def test_each(self):
        ask = lambda key: support.Client(self.sim, key).get("reports/ProfitAndLoss", timeout=5)
        self.assertEqual(self.code_of(ask("throttled")), (429, "3001"))
        self.assertEqual(self.code_of(ask("suspended")), (400, "6190"))
        self.assertEqual(self.code_of(ask("forbidden")), (400, "5020"))
        self.sim.tell("config", company="slow", slow_seconds=0.3)
        began = time.monotonic()
        self.assertEqual(ask("slow")[0], 200)
        self.assertGreater(time.monotonic() - began, 0.3)
        client = support.Client(self.sim, "broken")
        self.assertEqual([client.get("preferences")[0] for _ in range(5)],
                         [503, 200, 200, 500, 503])

    def test_mute(self):
        client = support.Client(self.sim, "mute")
        with self.assertRaises(TimeoutError):
            client.get("preferences", timeout=0.3)

    def test_any_company_can_be_suspended_or_closed_to_the_user(self):
        client = support.Client(self.sim, "reef")
        self.sim.tell("set_company", company="reef", reports_forbidden=True)
        self.assertEqual(self.code_of(client.get("reports/TrialBalance")), (400, "5020"))
        self.assertEqual(client.get("preferences")[0], 200)
        self.sim.tell("set_company", company="reef", subscription="EXPIRED")
        self.sim.tell("config", company="reef", suspended_status=200)
        self.assertEqual(self.code_of(client.get("preferences")), (200, "6190"))


    def test_its_clocks_can_be_wrong(self):
        client = support.Client(self.sim, "reef")
        self.sim.tell("config", wrong_date=400 * 86400)
        _, headers, first = client.get("companyinfo/" + client.realm)
        self.sim.tell("config", wrong_date=0, wrong_time=-400 * 86400)
        _, _, second = client.get("companyinfo/" + client.realm)
        self.sim.tell("config", wrong_time=0)
        years = [int(json.loads(text)["time"][:4]) for text in (first, second)]
        self.assertIn(years[0] - years[1], (1, 2))
        self.assertNotIn(str(years[0]), headers["Date"])


class Load(WithSimulator):
    def test_many_connections_stay_open(self):
        client = support.Client(self.sim, "pod-1")
        target = "/production/v3/company/%s/companyinfo/%s" % (client.realm, client.realm)
        headers = {"Authorization": "Bearer " + client.tokens["access_token"],
                   "Accept": "application/json"}
        connections = [self.sim.connection() for _ in range(120)]

        def use(some):
            for connection in some:
                connection.request("GET", target, headers=headers)
                bodies.append(connection.getresponse().read()[:2])

        bodies = []
        for _ in range(2):
            threads = [threading.Thread(target=use, args=(connections[i::4],)) for i in range(4)]
            [thread.start() for thread in threads]
            [thread.join() for thread in threads]
        self.assertEqual(bodies, [b'{"'] * 240)
        socket_count = sum(isinstance(c.sock, socket.socket) for c in connections)
        [connection.close() for connection in connections]
        self.assertEqual(socket_count, 120)
        self.assertEqual(self.sim.tell("stats")["endpoints"]["companyinfo"], 240)


if __name__ == "__main__":
    unittest.main()
