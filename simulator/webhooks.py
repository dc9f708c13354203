"""What Intuit tells unasked: the events of companies' changes, signed, in both forms there are, and sent on.

An event is made of each object that has changed since the company's events were told last. Real deliveries are late, come
twice and out of order; so do these, when they are asked to.
"""
import base64
import hashlib
import hmac
import json
import urllib.error
import urllib.request
import uuid

import accounting
import moments

VERIFIER = "simulated-verifier-token"
OPERATIONS = {"created": "Create", "updated": "Update", "deleted": "Delete"}
NAMESPACE = uuid.UUID("5f0c2f0e-6f0b-4a55-9a8e-0f5f7f4d1c11")


class Event:
    """One change of one object."""

    def __init__(self, realm, entity, thing):
        meta = thing["MetaData"]
        self.realm, self.entity, self.object_id = realm, entity, thing["Id"]
        self.time = meta["LastUpdatedTime"]
        self.operation = ("deleted" if thing.get("status") == "Deleted" else
                          "created" if meta.get("CreateTime") == self.time else "updated")

    def cloud(self):
        """As a CloudEvent."""
        name = "/".join((self.realm, self.entity, self.object_id, self.time, self.operation))
        return {"specversion": "1.0", "id": str(uuid.uuid5(NAMESPACE, name)),
                "source": "intuit.simulator", "type": "qbo.%s.%s.v1" % (self.entity.lower(), self.operation),
                "time": self.time, "intuitentityid": self.object_id, "intuitaccountid": self.realm,
                "data": {}}

    def legacy(self):
        """As it stands among the entities of its company in the older form."""
        return {"name": self.entity, "id": self.object_id, "operation": OPERATIONS[self.operation],
                "lastUpdated": self.time}


def _changes(company, since):
    names = [*accounting.LISTS, *accounting.TRANSACTIONS]
    with company.ledger.lock:
        events = [Event(company.realm, name, thing) for name in names
                  for thing in accounting._changed(company, name, since)]
    return sorted(events, key=lambda event: moments.parse_moment(event.time))


def _old_form(events):
    realms = {}
    for event in events:
        realms.setdefault(event.realm, []).append(event.legacy())
    return {"eventNotifications": [{"realmId": realm, "dataChangeEvent": {"entities": entities}}
                                   for realm, entities in realms.items()]}


def sign(body, verifier):
    """The header intuit-signature of a body."""
    return base64.b64encode(hmac.new(verifier.encode(), body, hashlib.sha256).digest()).decode()


def send(url, body, signature):
    """The status that an application answers with, 0 if it does not."""
    request = urllib.request.Request(url, body, {"Content-Type": "application/json", "intuit-signature": signature})
    try:
        with urllib.request.urlopen(request, timeout=3) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def webhook(world, given):
    """Tell what has changed: the body and its signature, sent to an address if one is given."""
    companies = [world.companies.find(key) for key in given.get("companies") or [given["company"]]]
    events = []
    for company in companies:
        # a company that was never told of tells of nothing before: a moment of its own, or what is asked for
        since = (moments.parse_moment(given["since"]) if "since" in given
                 else getattr(company, "told_until", world.clock.now() - 60))
        events += _changes(company, since)
        company.told_until = world.clock.now()
    if given.get("reverse"):
        events.reverse()
    events *= 2 if given.get("twice") else 1
    value = _old_form(events) if given.get("form") == "legacy" else [event.cloud() for event in events]
    body = json.dumps(value).encode()
    signature = sign(body, given.get("verifier", VERIFIER))
    answer = {"events": len(events), "body": base64.b64encode(body).decode(), "signature": signature}
    if "url" in given:
        answer["statuses"] = [send(given["url"], body, signature) for _ in range(int(given.get("times", 1)))]
    return answer
