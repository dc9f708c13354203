"""Everything the running simulator knows, in one place: clock, companies, tokens, faults, log."""
import threading
import time
from collections import Counter, deque

import companies
import faults
import gate
import moments
import oauth


class Log:
    """Every request that was made, in order. A record is opened at once and completed later."""

    def __init__(self, clock, path):
        self.clock, self.path = clock, path
        self.lock = threading.Lock()
        self.file = open(path, "a", encoding="utf-8", buffering=1)
        self.next = 1
        self.clear()

    def clear(self):
        with self.lock:
            self.records = []
            self.in_flight = self.max_in_flight = 0

    def open(self, ask, tid):
        """A new record; `status` stays 0 as long as (or if never) an answer was sent."""
        record = {"n": 0, "time": moments.stamp(self.clock.now(), True), "method": ask.method,
                  "path": ask.path, "query": ask.query, "status": 0,
                  "company": ask.company.key if ask.company else None, "endpoint": ask.endpoint,
                  "token_kind": "none", "tid": tid, "bytes": 0, "fault": None, "grant_type": None,
                  "seconds": None, "began": time.monotonic()}
        with self.lock:
            record["n"], self.next = self.next, self.next + 1
            self.records.append(record)
            self.in_flight += 1
            self.max_in_flight = max(self.max_in_flight, self.in_flight)
            if ask.company:
                ask.company.in_flight += 1
                ask.company.max_in_flight = max(ask.company.max_in_flight, ask.company.in_flight)
        return record

    def finish(self, record, ask):
        record["seconds"] = round(time.monotonic() - record["began"], 4)
        with self.lock:
            self.in_flight = max(0, self.in_flight - 1)
            if ask.company:
                ask.company.in_flight = max(0, ask.company.in_flight - 1)
        self.write("%(time)s %(method)s %(path)s status=%(status)s company=%(company)s "
                   "token=%(token_kind)s fault=%(fault)s tid=%(tid)s bytes=%(bytes)s" % record)

    def write(self, line):
        self.file.write(line + "\n")

    def select(self, since=0, company=None):
        """Records after number `since`, of one company if one is named."""
        with self.lock:
            return [{k: v for k, v in record.items() if k != "began"} for record in self.records
                    if record["n"] > since and company in (None, record["company"])]

    def counts(self):
        with self.lock:
            return (Counter(record["endpoint"] for record in self.records),
                    Counter(record["method"] for record in self.records),
                    Counter(str(record["status"]) for record in self.records))


class Throttle:
    """Requests of each realm in the last second and the last minute, by the real clock."""

    def __init__(self):
        self.lock = threading.Lock()
        self.reset()

    def reset(self):
        with self.lock:
            self.times = {}

    def admit(self, company):
        """Count a request; False when it is one too many for this second or this minute."""
        now = time.monotonic()
        with self.lock:
            times = self.times.setdefault(company.realm, deque())
            while times and times[0] <= now - 60:
                times.popleft()
            second = company.config("limit_second")
            full = len(times) >= second and times[-second] > now - 1
            if full or len(times) >= company.config("limit_minute"):
                return False
            times.append(now)
            return True


class World:
    """The state of one simulator. `reset` brings back the state at the start."""

    def __init__(self, directory, today=None, throttle=True, stopped=False, plans=None):
        self.directory, self.plans = directory, plans
        self.clock = moments.Clock(today, stopped)
        self.lock = threading.RLock()
        self.first_config = dict(companies.DEFAULTS, throttle=throttle)
        self.config = dict(self.first_config)
        self.authority = oauth.Authority(self.clock, self.config)
        self.log = Log(self.clock, directory + "/simulator.log")
        self.throttle = Throttle()
        self.faults = faults.Queue()
        self.companies = companies.Directory(directory, self.clock, self.config, self.lock, plans)
        self.stopping = threading.Event()
        self.gate = gate.Gate(self.stopping)

    def reset(self):
        """Books, tokens, switches, faults, clock and log as at the start."""
        with self.lock:
            self.clock.reset()
            self.config.clear()
            self.config.update(self.first_config)
            self.authority.reset()
            self.faults.clear()
            self.gate.set(False)
            self.throttle.reset()
            self.companies.close()
            self.companies = companies.Directory(self.directory, self.clock, self.config,
                                                 self.lock, self.plans)
            self.log.clear()
