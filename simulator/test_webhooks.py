"""What is told unasked: signed, in both forms, of what has changed, and sent to an address."""
import base64
import hashlib
import hmac
import http.server
import json
import threading
import unittest

from test_simulator import WithSimulator


class Webhooks(WithSimulator):
    def setUp(self):
        super().setUp()
        self.sim.tell("webhook", company="reef")

    def post(self):
        self.sim.tell("clock", advance_seconds=60)
        return str(self.sim.tell("post", company="reef", date="2026-05-03", lines=[
            {"account": "26", "amount": "-1.00"}, {"account": "4", "amount": "1.00"}])["txn"])

    def told(self, **how):
        answer = self.sim.tell("webhook", company="reef", **how)
        body = base64.b64decode(answer["body"])
        mac = hmac.new(how.get("verifier", "simulated-verifier-token").encode(), body, hashlib.sha256)
        self.assertEqual(base64.b64decode(answer["signature"]), mac.digest())
        return json.loads(body)

    def test_an_event_for_each_change(self):
        number = self.post()
        event, = self.told()
        self.assertEqual((event["type"], event["intuitentityid"], event["intuitaccountid"]),
                         ("qbo.journalentry.created.v1", number, "9341452837465101"))
        self.assertEqual(self.told(), [])

    def test_older_form(self):
        number = self.post()
        body = self.told(form="legacy", verifier="another")
        notification, = body["eventNotifications"]
        self.assertEqual(notification["realmId"], "9341452837465101")
        entity, = notification["dataChangeEvent"]["entities"]
        self.assertEqual((entity["name"], entity["id"], entity["operation"]), ("JournalEntry", number, "Create"))

    def test_late_twice_and_out_of_order(self):
        first, second = self.post(), self.post()
        ids = lambda events: [event["intuitentityid"] for event in events]
        since = "2026-11-20T00:00:00Z"
        self.assertEqual(ids(self.told(since=since))[-2:], [first, second])
        self.assertEqual(ids(self.told(since=since, reverse=True))[:2], [second, first])
        again = self.told(since=since, twice=True)
        self.assertEqual([event["id"] for event in again[:len(again) // 2]],
                         [event["id"] for event in again[len(again) // 2:]])

    def test_what_is_deleted(self):
        number = self.post()
        self.told()
        self.sim.tell("clock", advance_seconds=60)
        self.sim.tell("delete", company="reef", txn=number)
        self.assertEqual([event["type"] for event in self.told()], ["qbo.journalentry.deleted.v1"])

    def test_sent_to_an_address(self):
        heard = []

        class Receiver(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                heard.append((self.headers["intuit-signature"],
                              self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *words):
                pass

        server = http.server.HTTPServer(("127.0.0.1", 0), Receiver)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.post()
        answer = self.sim.tell("webhook", company="reef", times=2, url="http://127.0.0.1:%d/" % server.server_port)
        server.shutdown()
        server.server_close()
        self.assertEqual(answer["statuses"], [200, 200])
        self.assertEqual(heard, [(answer["signature"], base64.b64decode(answer["body"]))] * 2)


if __name__ == "__main__":
    unittest.main()
