#!/usr/bin/python3
"""Watches how much memory reefqbo's workers take, until it is told to stop by SIGTERM.

    peak.py POSTMASTER_PID

Then prints, in kB: the most that was a worker's own (RssAnon and RssFile), and the most that it had mapped
at all (VmHWM). The latter counts every page of shared_buffers that the worker has touched, which belong to
the server and grow with the tables.
"""
import os
import signal
import sys
import time

TITLE = b"postgres: reefqbo worker for database"


def read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def children(pid):
    return read("/proc/%d/task/%d/children" % (pid, pid)).split()


def status(pid):
    """The numbers of /proc/PID/status; none when the process has gone."""
    found = {}
    for line in read("/proc/%s/status" % pid.decode()).splitlines():
        name, _, value = line.partition(b":")
        if value.endswith(b" kB"):
            found[name.decode()] = int(value[:-3])
    return found


def is_worker(pid):
    return read("/proc/%s/cmdline" % pid.decode()).startswith(TITLE)


def watch(postmaster, stopping):
    own = mapped = 0
    known = {}
    while not stopping:
        for pid in children(postmaster):
            if not known.get(pid):
                known[pid] = is_worker(pid)
            if known[pid]:
                now = status(pid)
                own = max(own, now.get("RssAnon", 0) + now.get("RssFile", 0))
                mapped = max(mapped, now.get("VmHWM", 0))
        time.sleep(0.01)
    return own, mapped


def main():
    stopping = []
    signal.signal(signal.SIGTERM, lambda *_: stopping.append(True))
    print(*watch(int(sys.argv[1]), stopping))


if __name__ == "__main__":
    main()
