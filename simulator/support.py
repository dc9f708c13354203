"""What the tests share: one running simulator, a client, and a reader of reports of its own."""
import atexit
import base64
import datetime
import gzip
import http.client
import json
import os
import shutil
import ssl
import subprocess
import sys
import tempfile
from decimal import Decimal
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import admin
import browser

HERE = os.path.dirname(os.path.abspath(__file__))
TODAY = datetime.date(2026, 11, 20)
CALLBACK = "https://app.example.com/quickbooks/callback"


class Simulator:
    """A running simulator; `tell` speaks to its admin API."""

    def __init__(self, *options):
        self.directory = tempfile.mkdtemp(prefix="simulator-")
        self.process = subprocess.Popen(
            [sys.executable, os.path.join(HERE, "server.py"), "--dir", self.directory,
             "--today", TODAY.isoformat(), "--until-stdin-closes", *options],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        output = self.process.stdout.read()
        self.lines = output.splitlines()
        self.ready = json.loads(self.lines[0])
        self.url, self.ca, self.port = (self.ready[k] for k in ("url", "ca_file", "port"))
        self.context = ssl.create_default_context(cafile=self.ca)

    def stop(self):
        self.process.stdout.close()
        self.process.stdin.close()
        self.process.wait(10)
        shutil.rmtree(self.directory, ignore_errors=True)

    def tell(self, verb, **body):
        answer = admin.call(self.url, self.ca, verb, body)
        if not answer.pop("ok"):
            raise AssertionError(answer["error"])
        return answer

    def connection(self, timeout=20):
        return http.client.HTTPSConnection("localhost", self.port, context=self.context,
                                           timeout=timeout)

    def send(self, method, target, body=None, headers=None, timeout=20):
        """(status, headers, body bytes) of one request on a connection of its own."""
        connection = self.connection(timeout)
        try:
            connection.request(method, target, body, headers or {})
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        finally:
            connection.close()


_shared = None


def shared():
    """The simulator all tests use; it ends with the test run."""
    global _shared
    if _shared is None:
        _shared = Simulator("--no-throttle")
        atexit.register(_shared.stop)
    return _shared


def basic(client, secret):
    return "Basic " + base64.b64encode(("%s:%s" % (client, secret)).encode()).decode()


class Client:
    """An application connected to one company."""

    def __init__(self, simulator, company, client="prod", environment="production"):
        self.sim, self.client, self.environment = simulator, client, environment
        self.code, self.realm = authorize(simulator, company, client)
        status, _, body = self.exchange(self.code)
        assert status == 200, body
        self.tokens = json.loads(body)

    def token_request(self, form, headers=None):
        values = {"Authorization": basic(self.client + "-client", self.client + "-secret"),
                  "Content-Type": "application/x-www-form-urlencoded"}
        return self.sim.send("POST", "/oauth2/v1/tokens/bearer", urlencode(form),
                             dict(values, **(headers or {})))

    def exchange(self, code, redirect=CALLBACK):
        return self.token_request({"grant_type": "authorization_code", "code": code,
                                   "redirect_uri": redirect})

    def refresh(self, token=None, **headers):
        return self.token_request({"grant_type": "refresh_token",
                                   "refresh_token": token or self.tokens["refresh_token"]}, headers)

    def get(self, path, accept="application/json", token=None, realm=None, environment=None,
            method="GET", timeout=20, **parameters):
        target = "/%s/v3/company/%s/%s" % (environment or self.environment, realm or self.realm,
                                           path)
        if parameters:
            target += "?" + urlencode(parameters, quote_via=quote)
        headers = {"Authorization": "Bearer " + (token or self.tokens["access_token"])}
        if accept:
            headers["Accept"] = accept
        return self.sim.send(method, target, None, headers, timeout)

    def report(self, name, start, end, by="Month", method="Accrual", **more):
        status, _, body = self.get("reports/" + name, start_date=start, end_date=end,
                                   summarize_column_by=by, accounting_method=method, **more)
        assert status == 200, body
        return json.loads(body)

    def query(self, text):
        status, _, body = self.get("query", query=text)
        return status, json.loads(body)


def authorize_url(simulator, client="prod", **changed):
    fields = {"client_id": client + "-client", "response_type": "code",
              "scope": "com.intuit.quickbooks.accounting", "redirect_uri": CALLBACK,
              "state": "some state"}
    fields.update(changed)
    return simulator.url + "/connect/oauth2?" + urlencode(fields)


def authorize(simulator, company, client="prod"):
    """(code, realm) after the user has chosen the company."""
    address = browser.consent(authorize_url(simulator, client), company, simulator.ca)
    values = parse_qs(urlsplit(address).query)
    return values["code"][0], values["realmId"][0]


def unpack(headers, body):
    return gzip.decompress(body) if headers.get("Content-Encoding") == "gzip" else body


# ---- a reader of reports that shares nothing with what renders them ---------------------------

def amount(text):
    return Decimal(text) if text not in ("", None) else Decimal(0)


def month_columns(report):
    """Index of each dated column with its start and end."""
    found = {}
    for index, column in enumerate(report["Columns"]["Column"]):
        meta = {m["Name"]: m["Value"] for m in column.get("MetaData", [])}
        if "StartDate" in meta:
            found[index] = (meta["StartDate"], meta["EndDate"])
    return found


def rows(report):
    """All rows at any depth."""
    stack = list(report["Rows"]["Row"])
    while stack:
        row = stack.pop()
        yield row
        stack += (row.get("Rows") or {}).get("Row") or []


def figures(report):
    """{(account id or None, start, end): amount} of all amounts of accounts that are not zero."""
    found, columns = {}, month_columns(report)
    for row in rows(report):
        cells = row.get("ColData") or row.get("Header", {}).get("ColData") or [{}]
        computed = row.get("type") == "Data" and row.get("group") == "NetIncome"
        if "id" not in cells[0] and not computed:
            continue
        for index, (start, end) in columns.items():
            if amount(cells[index]["value"]):
                found[cells[0].get("id"), start, end] = amount(cells[index]["value"])
    return found


def sums_that_fail(report):
    """Titles of sections whose Summary is not their own amounts plus those of their rows."""
    wrong = []

    def total(row, index):
        if "ColData" in row:
            return amount(row["ColData"][index]["value"])
        own = row.get("Header", {}).get("ColData", [])
        value = amount(own[index]["value"]) if own else Decimal(0)
        value += sum(total(child, index) for child in (row.get("Rows") or {}).get("Row", []))
        closing = amount(row["Summary"]["ColData"][index]["value"])
        if closing != value and "Header" in row:
            wrong.append((row["Summary"]["ColData"][0]["value"], index))
        return closing

    for row in report["Rows"]["Row"]:
        for index in range(1, len(leaf_columns(report))):
            total(row, index)
    return wrong


def closing(report, group):
    """The Summary amounts of a top-level section."""
    for row in report["Rows"]["Row"]:
        if row.get("group") == group:
            return [amount(c["value"]) for c in row["Summary"]["ColData"][1:]]
    return None


def leaf_columns(report):
    """The columns that stand over cells, outermost first: those that hold others are left out."""
    found = []

    def walk(columns):
        for column in columns:
            inner = (column.get("Columns") or {}).get("Column")
            walk(inner) if inner else found.append(column)

    walk(report["Columns"]["Column"])
    return found


def column_keys(report):
    """The ColKey of each leaf column, None where there is none."""
    return [next((m["Value"] for m in column.get("MetaData", ()) if m["Name"] == "ColKey"), None)
            for column in leaf_columns(report)]


def truth(simulator, company, statement, start, end, method="Accrual"):
    answer = simulator.tell("truth", company=company, statement=statement, start=start, end=end,
                            method=method)
    return {(r["account_id"], r["period_start"], r["period_end"]): Decimal(r["amount"])
            for r in answer["rows"]}
