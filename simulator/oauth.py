"""Consent, codes and tokens: the rules of the authorization server.

A code works once, for ten minutes, for the client and address it was made for. A refresh token is
replaced when used and its predecessor dies. An access token ends after an hour of the simulator's
clock. Every value ever handed out is remembered, so that tests can search logs for it.
"""
import base64
import secrets
import threading

ACCESS_LIFE = 3600
REFRESH_LIFE = 8726400
HARD_LIFE = 157680000
DAY = 86400
CALLBACK = "https://app.example.com/quickbooks/callback"


class App:
    """An application registered with the service; its keys open one kind of company."""

    def __init__(self, client, secret, environment, redirects):
        self.client, self.secret = client, secret
        self.environment, self.redirects = environment, redirects


APPS = {app.client: app for app in (
    App("dev-client", "dev-secret", "sandbox", (CALLBACK, "http://localhost:8000/callback")),
    App("prod-client", "prod-secret", "production", (CALLBACK,)))}


def allow_redirects(addresses):
    """Both apps are registered with these addresses too."""
    for app in APPS.values():
        app.redirects = (*app.redirects, *addresses)


class Grant:
    """One consent: a client may read one company. It owns a chain of refresh tokens."""

    def __init__(self, client, realm, consented):
        self.client, self.realm, self.consented = client, realm, consented
        self.refresh, self.refresh_made, self.refresh_until = None, 0, 0
        self.former = {}
        self.ended = None


class Refused(Exception):
    """The token endpoint's no: an OAuth error word."""

    def __init__(self, word, description=None):
        super().__init__(word)
        self.word, self.description = word, description


class Authority:
    """All codes, grants and tokens. `clock` is the simulator's; `config` gives its switches."""

    def __init__(self, clock, config):
        self.clock, self.config = clock, config
        self.lock = threading.RLock()
        self.reset()

    def reset(self):
        self.codes, self.access, self.by_refresh, self.grants = {}, {}, {}, []
        self.handed_out = {}

    def _hand_out(self, realm, kind, value):
        self.handed_out.setdefault(realm, {"code": [], "access": [], "refresh": []})[kind] \
            .append(value)
        return value

    # ---- codes ------------------------------------------------------------------------------

    def new_code(self, client, realm, redirect):
        """A code for a company whose user just said yes."""
        with self.lock:
            code = self._hand_out(realm, "code", "XAB1" + secrets.token_hex(22))
            self.codes[code] = {"client": client, "realm": realm, "redirect": redirect,
                                "until": self.clock.now() + self.config["code_seconds"],
                                "grant": None}
            return code

    def exchange(self, client, code, redirect):
        """Tokens for a code. Using a code again ends what its first use gave."""
        with self.lock:
            entry = self.codes.get(code)
            if entry is None or entry["client"] != client:
                raise Refused("invalid_grant")
            if entry["grant"]:
                self.end(entry["grant"], "code used twice")
                raise Refused("invalid_grant")
            if entry["redirect"] != redirect or entry["until"] < self.clock.now():
                raise Refused("invalid_grant")
            grant = Grant(client, entry["realm"], self.clock.now())
            entry["grant"] = grant
            self.grants.append(grant)
            self._rotate(grant)
            return grant, self._new_access(grant)

    # ---- refresh tokens ---------------------------------------------------------------------

    def refresh(self, client, token):
        """New tokens for a refresh token; Refused when it is dead, ended or another's."""
        with self.lock:
            now, grant = self.clock.now(), self.by_refresh.get(token)
            if grant is None or grant.client != client:
                raise Refused("invalid_grant", "Incorrect Token type or clientID")
            if token != grant.refresh and grant.former.get(token, 0) < now:
                if self.config["race_revokes"]:
                    self.end(grant, "an old refresh token was used")
                raise Refused("invalid_grant")
            if grant.ended or grant.refresh_until < now or grant.consented + HARD_LIFE < now:
                raise Refused("invalid_grant")
            daily = self.config["rotate"] == "daily" and now - grant.refresh_made < DAY
            if token == grant.refresh and not daily:
                self._rotate(grant)
            else:
                grant.refresh_until = now + REFRESH_LIFE
            return grant, self._new_access(grant)

    def _rotate(self, grant):
        now = self.clock.now()
        if grant.refresh:
            grant.former[grant.refresh] = now + self.config["grace"] if self.config["grace"] else 0
        token = "RT1-%d-H0-%d%s" % (len(grant.former) % 90 + 10, int(now) + REFRESH_LIFE,
                                    secrets.token_hex(14))
        grant.refresh = self._hand_out(grant.realm, "refresh", token)
        grant.refresh_made, grant.refresh_until = now, now + REFRESH_LIFE
        self.by_refresh[token] = grant

    def _new_access(self, grant):
        token = "eyJlbmMiOiJBMTI4Q0JDLUhTMjU2IiwiYWxnIjoiZGlyIn0.." + secrets.token_urlsafe(720)
        self._hand_out(grant.realm, "access", token)
        self.access[token] = {"grant": grant, "until": self.clock.now() + ACCESS_LIFE}
        return token

    # ---- ends -------------------------------------------------------------------------------

    def end(self, grant, reason):
        """No token of the grant works from now on. The reason "user" is a disconnect inside QBO."""
        grant.ended = grant.ended or reason

    def revoke(self, client, token):
        """Revoke by either token; False when it is not a living token of the client."""
        with self.lock:
            entry = self.access.get(token)
            grant = entry["grant"] if entry else self.by_refresh.get(token)
            if grant is None or grant.client != client or grant.ended:
                return False
            if entry is None and token != grant.refresh:
                return False
            self.end(grant, "revoked")
            return True

    def end_company(self, realm):
        """The user disconnects the app inside the company; number of grants ended."""
        with self.lock:
            living = [g for g in self.grants if g.realm == realm and not g.ended]
            for grant in living:
                self.end(grant, "user")
            return len(living)

    def expire_access(self, realm):
        """All access tokens of a company end now; their number."""
        with self.lock:
            found = [e for e in self.access.values()
                     if e["grant"].realm == realm and e["until"] > self.clock.now()]
            for entry in found:
                entry["until"] = self.clock.now()
            return len(found)

    # ---- questions --------------------------------------------------------------------------

    def judge(self, token, realm, environment):
        """What an access token is worth: live, expired, unknown, revoked, withdrawn or foreign."""
        with self.lock:
            entry = self.access.get(token)
            if entry is None:
                return "unknown"
            grant = entry["grant"]
            if grant.ended:
                return "withdrawn" if grant.ended == "user" else "revoked"
            if entry["until"] <= self.clock.now():
                return "expired"
            if grant.realm != realm or APPS[grant.client].environment != environment:
                return "foreign"
            return "live"

    def realm_of(self, token):
        """Realm of a code or a token of any kind, or None."""
        with self.lock:
            if token in self.codes:
                return self.codes[token]["realm"]
            entry = self.access.get(token)
            grant = entry["grant"] if entry else self.by_refresh.get(token)
            return grant.realm if grant else None

    def living(self, realm):
        """The grants of a company that still work."""
        with self.lock:
            return [grant for grant in self.grants if grant.realm == realm and not grant.ended]


def basic_credentials(header):
    """(client, secret) from an Authorization header of kind Basic, or None."""
    kind, _, value = (header or "").partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        text = base64.b64decode(value.strip(), validate=True).decode("utf-8")
    except ValueError:
        return None
    client, colon, secret = text.partition(":")
    return (client, secret) if colon else None


def known_client(credentials):
    """The app of good credentials, or None."""
    app = APPS.get(credentials[0]) if credentials else None
    return app if app and secrets.compare_digest(app.secret, credentials[1]) else None
