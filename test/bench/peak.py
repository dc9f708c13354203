#!/usr/bin/python3
"""Watches how much memory a kind of the server's processes takes, until it is told to stop by SIGTERM.

    peak.py POSTMASTER_PID TITLE READY

It makes the file READY when it watches. TITLE is what the processes' titles begin with, after "postgres: ". Then
prints, in kB: the most that was a process's own (RssAnon and RssFile), and the most that it had mapped at all (VmHWM).
The latter counts every page of shared_buffers that the process has touched, which belong to the server and grow with
the tables.
"""
import os
import signal
import sys
import time

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


def is_called(pid, title):
    return read("/proc/%s/cmdline" % pid.decode()).startswith(b"postgres: " + title)


def watch(postmaster, title, stopping):
    own = mapped = 0
    known = {}
    while not stopping:
        for pid in children(postmaster):
            if not known.get(pid):
                known[pid] = is_called(pid, title)
            if known[pid]:
                now = status(pid)
                own = max(own, now.get("RssAnon", 0) + now.get("RssFile", 0))
                mapped = max(mapped, now.get("VmHWM", 0))
        time.sleep(0.01)
    return own, mapped


def main():
    stopping = []
    signal.signal(signal.SIGTERM, lambda *_: stopping.append(True))
    open(sys.argv[3], "w").close()
    print(*watch(int(sys.argv[1]), sys.argv[2].encode(), stopping))


if __name__ == "__main__":
    main()
