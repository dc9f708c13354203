"""One long-lived helper that speaks HTTPS for Perl tests.

Core Perl has no TLS, and starting an interpreter for each of a test's
hundreds of calls would take longer than the test.  So Simulator.pm starts
this once.  A line on standard input is a JSON request, {"verb", "args"}; the
line that answers it is {"status", "body"} or {"error"}.  It ends when its
input does.
"""

import argparse
import http.client
import json
import ssl
import sys
import urllib.parse


class Admin:
    def __init__(self, url, ca_file):
        self.address = urllib.parse.urlsplit(url)
        self.context = ssl.create_default_context(cafile=ca_file)
        self.connection = None

    def connect(self):
        if self.connection is None:
            self.connection = http.client.HTTPSConnection(
                self.address.hostname, self.address.port, context=self.context, timeout=60)
        return self.connection

    def disconnect(self):
        if self.connection is not None:
            self.connection.close()
        self.connection = None

    def post(self, verb, args):
        """Send once more on a new connection if the kept one has been closed meanwhile."""
        reused = self.connection is not None
        try:
            return self.post_once(verb, args)
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            self.disconnect()
            if not reused:
                raise
            return self.post_once(verb, args)

    def post_once(self, verb, args):
        connection = self.connect()
        connection.request("POST", f"{self.address.path}/admin/{verb}", json.dumps(args),
                           {"Content-Type": "application/json"})
        response = connection.getresponse()
        return {"status": response.status, "body": decoded(response.read())}


def decoded(raw):
    text = raw.decode("utf-8", "replace")
    try:
        return json.loads(text) if text else None
    except ValueError:
        return text


def answer(admin, line):
    try:
        request = json.loads(line)
        return admin.post(request["verb"], request.get("args") or {})
    except Exception as error:  # whatever it was, the test must hear of it
        admin.disconnect()
        return {"error": f"{type(error).__name__}: {error}"}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", required=True)
    parser.add_argument("--ca", required=True)
    arguments = parser.parse_args()
    admin = Admin(arguments.url, arguments.ca)
    for line in sys.stdin:
        print(json.dumps(answer(admin, line)), flush=True)


if __name__ == "__main__":
    main()
