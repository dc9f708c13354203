#!/usr/bin/python3
"""Prints a statement that hands in a signed webhook: webhook.py TOKEN NAME EVENTS COMPANIES.

NAME makes the ids of the events other ones than those of another webhook.
"""
import base64
import hashlib
import hmac
import json
import sys


def event(name, number, company):
    return {"specversion": "1.0", "id": "%s-%d" % (name, number), "source": "intuit.bench",
            "type": "qbo.invoice.updated.v1", "intuitentityid": str(number),
            "intuitaccountid": str(9341700000000000 + company), "data": {}}


def main():
    token, name, events, companies = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    body = json.dumps([event(name, i, 1 + i % companies) for i in range(events)]).encode()
    signature = base64.b64encode(hmac.new(token.encode(), body, hashlib.sha256).digest()).decode()
    print("SELECT count(*) FROM reefqbo.receive_webhook('\\x%s', '%s') WHERE outcome = 'queued';" % (body.hex(), signature))


main()
