"""Misbehaviour on command: which request it meets, and what is done to the answer.

A rule waits for requests of a company and an endpoint, for a number of times. Some kinds replace
the answer, some change a good answer, some change the way it is sent.
"""
import json
import struct
import threading
import zlib

import mangle
import querying
from answers import JSON_TYPE, Answer, fault

ENDED = ("SUSPENDED", "EXPIRED", "CANCELLED")
REPORTS = ("ProfitAndLoss", "BalanceSheet", "TrialBalance", "GeneralLedger")
ENDPOINTS = ("token", "revoke", "companyinfo", "preferences", "query", "report", "cdc",
             "any") + REPORTS
HTML = "<html><head><title>503 Service Unavailable</title></head>" \
       "<body><h1>Service Unavailable</h1></body></html>\n"


class Rule:
    """One queued misbehaviour."""

    def __init__(self, kind, company=None, endpoint=None, times=1, **options):
        if kind not in KINDS:
            raise ValueError("there is no kind of fault %r; there are: %s"
                             % (kind, ", ".join(sorted(KINDS))))
        if endpoint not in (None,) + ENDPOINTS:
            raise ValueError("there is no endpoint %r" % endpoint)
        own = OWN_ENDPOINTS.get(kind, "any")
        self.kind, self.company, self.endpoint = kind, company, endpoint or own
        self.times, self.options = int(times), options
        self.let_go = threading.Event()

    def meets(self, ask):
        if self.times == 0 or ask.endpoint in ("authorize", "admin") or self.kind == HANDSHAKE:
            return False
        if self.company is not None and (ask.company is None or ask.company.key != self.company):
            return False
        if self.kind in REPORT_KINDS and ask.endpoint not in REPORTS:
            return False
        if not self._asks_for(ask):
            return False
        if self.kind == "max_months":
            return mangle.months_asked(ask) > self.options.get("months", 6)
        if self.kind in ("page_shift", "short_page") and not is_page(
                ask, self.kind, self.options.get("entity", "Account")):
            return False
        return self.endpoint in ("any", ask.endpoint) or (self.endpoint == "report"
                                                          and ask.endpoint in REPORTS)

    def _asks_for(self, ask):
        """Whether the request is for the entity, summed up in the way, or from the day on, the rule waits for."""
        entity, way = self.options.get("entity"), self.options.get("summarize")
        start = self.options.get("start_date")
        if start is not None and ask.parameters.get("start_date") != start:
            return False
        if entity is not None and entity_asked(ask) != entity.lower():
            return False
        return way is None or ask.parameters.get("summarize_column_by", "Total") == way

    def shown(self):
        return dict(self.options, kind=self.kind, company=self.company, endpoint=self.endpoint,
                    times=self.times)


def _query(ask):
    """The query a request asks for, None when it is none or is not understood."""
    if ask.endpoint != "query":
        return None
    try:
        return querying.parse(ask.parameters.get("query", ""))
    except querying.QueryFault:
        return None


def entity_asked(ask):
    """The entity of a query in small letters, or None."""
    query = _query(ask)
    return query and query.entity.lower()


def is_page(ask, kind, entity):
    """Whether a request is for a page of an entity (for page_shift: not the first page)."""
    query = _query(ask)
    return (query is not None and query.entity.lower() == entity.lower() and not query.count
            and (query.start > 1 or kind == "short_page"))


class Queue:
    """The rules in force; the oldest that meets a request is taken."""

    def __init__(self):
        self.lock = threading.Lock()
        self.rules, self.holding = [], []

    def add(self, rule):
        with self.lock:
            self.rules.append(rule)
            if rule.kind == "hold":
                self.holding.append(rule)

    def clear(self):
        with self.lock:
            self.rules = []
        self.release()

    def release(self):
        """Whoever is held goes on, and whoever would have been."""
        with self.lock:
            for rule in self.holding:
                rule.let_go.set()
            self.holding = []

    def take(self, ask):
        return self._take_first(lambda rule: rule.meets(ask))

    def take_handshake(self):
        """The rule that meets a connection before it has said what it wants, or None."""
        return self._take_first(lambda rule: rule.times != 0 and rule.kind == HANDSHAKE)

    def _take_first(self, meets):
        with self.lock:
            for rule in self.rules:
                if meets(rule):
                    rule.times -= 1 if rule.times > 0 else 0
                    self.rules = [r for r in self.rules if r.times != 0]
                    return rule
            return None

    def put_back(self, rule):
        """A rule that could not do its work on this request waits for the next."""
        with self.lock:
            if rule.times >= 0:
                rule.times += 1
                if rule not in self.rules:
                    self.rules.insert(0, rule)

    def shown(self):
        with self.lock:
            return [rule.shown() for rule in self.rules]


# ---- kinds that replace the answer ----------------------------------------------------------

def _status(world, options):
    body = options.get("body", "")
    body = body if isinstance(body, str) else json.dumps(body)
    if "body_hex" in options:
        body = bytes.fromhex(options["body_hex"])
    return Answer(int(options.get("status", 500)), body,
                  options.get("content_type", "text/plain"), options.get("headers", {}))


def _fault(world, options):
    status = options.get("status")
    return fault(options.get("code", "10000"), world.clock.now(), options.get("format"),
                 options.get("headers", {}), status=int(status) if status else None,
                 message=options.get("message"), detail=options.get("detail"),
                 element=options.get("element"), type=options.get("type"))


def _fault_200(world, options):
    answer = _fault(world, dict({"code": "6190", "format": "json"}, **options))
    answer.status = 200
    return answer


def _mute(world, options):
    answer = Answer(0)
    answer.delivery = "mute"
    return answer


def _reset(world, options):
    answer = Answer(0)
    answer.delivery = "reset"
    return answer


def _empty(world, options):
    return Answer(200, b"", JSON_TYPE)


def _html(world, options):
    return Answer(int(options.get("status", 503)), HTML, "text/html")


def _stream_timeout(world, options):
    return Answer(int(options.get("status", 504)), "stream timeout", "text/plain")


def _redirect(world, options):
    return Answer(302, b"", "text/html",
                  {"Location": options.get("location", "https://example.com/")})


def _gzip_bomb(world, options):
    """Few bytes that unpack to many. One block is packed, and repeated as it is: that takes no time."""
    block, count = b" " * (1 << 20), int(options.get("megabytes", 200))
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    begin = packer.compress(b"{") + packer.flush(zlib.Z_FULL_FLUSH)
    packed = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
    end = packer.compress(b"}") + packer.flush()
    check = zlib.crc32(b"{")
    for _ in range(count):
        check = zlib.crc32(block, check)
    tail = struct.pack("<II", zlib.crc32(b"}", check), (2 + count * len(block)) & 0xffffffff)
    answer = Answer(200, b"\x1f\x8b\x08\0\0\0\0\0\x02\xff" + begin + packed * count + end + tail,
                    JSON_TYPE, {"Content-Encoding": "gzip"})
    answer.compress = False
    return answer


def _deep(world, options):
    depth = int(options.get("depth", 100000))
    return Answer(200, b'{"Header":' + b"[" * depth + b"]" * depth + b"}", JSON_TYPE)


def _huge(world, options):
    size = int(options.get("megabytes", 100)) << 20
    answer = Answer(200, b'{"Header":"' + b"x" * size + b'"}', JSON_TYPE)
    answer.compress = False
    return answer


def _broken(world, options):
    """The answers of a broken company: four kinds of wrong, in turn."""
    turn = options["turn"] % 4
    if turn == 0:
        return _html(world, {})
    if turn == 1:
        return Answer(200, '{"Header":{"Time":"20', JSON_TYPE)
    return _empty(world, {}) if turn == 2 else _fault(world, {"code": "10000"})


REPLACING = {"status": _status, "fault": _fault, "timeout": _mute, "mute": _mute, "empty": _empty,
             "html": _html, "redirect": _redirect, "reset": _reset, "gzip_bomb": _gzip_bomb,
             "deep": _deep, "huge": _huge, "fault_200": _fault_200,
             "stream_timeout": _stream_timeout, "max_months": _stream_timeout}
SENDING = {"cut": ("cut", "fraction", 0.5), "drip": ("drip", "bytes_per_second", 20),
           "late": ("late", "seconds", 2),
           "closed_hold": ("hold", "seconds", 30), "close_after": ("close", "seconds", 0),
           "rotate_and_drop": ("reset", "seconds", 0), "rotate_and_mute": ("mute", "seconds", 0)}
TOKEN_KINDS = ("rotate_and_drop", "rotate_and_mute", "missing_token")
OWN_ENDPOINTS = dict({kind: "token" for kind in TOKEN_KINDS}, break_tb="TrialBalance")
HANDSHAKE = "cut_handshake"
BEFORE = ("delay", "hold", "page_shift", "short_page")
REPORT_KINDS = tuple(mangle.REPORT_CHANGES) + ("max_months",)
KINDS = (set(REPLACING) | set(SENDING) | set(BEFORE) | set(mangle.CHANGES)
         | set(mangle.REPORT_CHANGES) | {HANDSHAKE})


def before(world, ask, rule):
    """Do what comes before the work; an Answer when the rule replaces it, else None."""
    if rule.kind in REPLACING:
        return REPLACING[rule.kind](world, rule.options)
    if rule.kind == "delay":
        world.stopping.wait(float(rule.options.get("seconds", 2)))
    elif rule.kind == "hold":
        while not rule.let_go.wait(0.25) and not world.stopping.is_set():
            pass
    elif rule.kind == "short_page":
        ask.page_rows = int(rule.options.get("rows", 5))
    elif rule.kind == "page_shift":
        mangle.shift_page(ask.company, rule.options.get("mode", "drop"))
    return None


def after(world, ask, rule, answer):
    """Change a finished answer, or the way it is sent, as the rule says."""
    if rule.kind in SENDING:
        answer.delivery, name, default = SENDING[rule.kind]
        answer.parameter = float(rule.options.get(name, default))
        return answer
    change = mangle.CHANGES.get(rule.kind) or mangle.REPORT_CHANGES.get(rule.kind)
    if change is None:
        return answer
    if answer.status != 200 or not answer.body:
        world.faults.put_back(rule)
        return answer
    return change(answer, rule.options) or answer


def magic(world, ask):
    """What a company with a magic name answers to any accounting call, or None."""
    kind = ask.company.plan.magic
    if ask.company.settings["subscription"] in ENDED:
        return _suspended(world, ask)
    if kind == "mute":
        return _mute(world, {})
    if kind == "slow":
        world.stopping.wait(float(ask.company.config("slow_seconds")))
    elif kind == "throttled":
        return throttled(world, ask)
    elif kind == "broken":
        ask.company.turn = getattr(ask.company, "turn", -1) + 1
        return _broken(world, {"turn": ask.company.turn})
    elif kind == "forbidden":
        return fault("5020", world.clock.now())
    return None


def _suspended(world, ask):
    return fault("6190", world.clock.now(), status=int(ask.company.config("suspended_status")))


def throttled(world, ask):
    """429, with Retry-After when so configured."""
    wait = ask.company.config("retry_after")
    headers = {"Retry-After": str(wait)} if wait is not None else {}
    return fault("3001", world.clock.now(), ask.company.config("throttle_form"), headers)
