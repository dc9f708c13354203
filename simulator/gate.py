"""The gate before the token endpoint's work: closed, requests wait there and no token changes.

A request whose client has left in the meantime is not worked when the gate opens. So a test can end
clients without warning at moments in which nothing is lost that no client could have kept.
"""
import threading


class Gate:
    """`under_way` are requests that have passed and whose answer is not sent yet."""

    def __init__(self, stopping):
        self.stopping = stopping
        self.changed = threading.Condition()
        self.closed, self.passing = False, None
        self.waiting, self.under_way = [], 0

    def set(self, closed, company=None):
        """Close it, for all but one company if one is named, or open it."""
        with self.changed:
            self.closed, self.passing = closed, company
            self.changed.notify_all()

    def enter(self, company):
        """Wait until the gate is open for a company, None when it has none."""
        with self.changed:
            self.waiting.append(company)
            while self.closed and (company is None or company != self.passing):
                if self.stopping.is_set():
                    break
                self.changed.wait(1)
            self.waiting.remove(company)
            self.under_way += 1

    def leave(self):
        with self.changed:
            self.under_way -= 1

    def shown(self):
        with self.changed:
            return {"closed": self.closed, "under_way": self.under_way,
                    "waiting": sorted(filter(None, self.waiting))}
