#!/usr/bin/python3
"""The simulator's HTTPS server and its command line.

One server plays all hosts of the service, told apart by the path: /connect/oauth2 and the token
endpoints, /production and /sandbox for the accounting API, and /admin for the tests.
"""
import argparse
import datetime
import gzip
import json
import os
import resource
import select
import signal
import socket
import socketserver
import struct
import sys
import threading
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, unquote

import accounting
import admin_verbs
import answers
import certs
import company_file
import faults
import oauth
import reports
import signin
from ledger import LedgerError
from world import World

ENVIRONMENTS = ("production", "sandbox")
FIXED_PATHS = {"/connect/oauth2": "authorize", "/oauth2/v1/tokens/bearer": "token",
               "/v2/oauth2/tokens/revoke": "revoke"}
LARGEST_BODY = 64 << 20


class Ask:
    """One request, taken apart."""

    def __init__(self, world, method, target, headers, body):
        self.method, self.headers, self.body = method, headers, body
        self.path, _, self.query = target.partition("?")
        self.parameters = {k: v[0] for k, v in parse_qs(self.query, keep_blank_values=True).items()}
        self.wants_json = "json" in headers.get("Accept", "")
        self.company = self.environment = self.page_rows = None
        self.has_passed, self.has_left = False, lambda: False
        self.rest, self.form = [], {}
        self.endpoint = FIXED_PATHS.get(self.path) or self._classify(world)
        if self.endpoint == "token":
            text = body.decode("utf-8", "replace")
            self.form = {k: v[0] for k, v in parse_qs(text, keep_blank_values=True).items()}
            self.company = self._token_company(world)

    def _classify(self, world):
        """The endpoint's name of an accounting address; sets company and environment on the way."""
        parts = [unquote(part) for part in self.path.strip("/").split("/")]
        if parts[0] == "admin":
            self.rest = parts[1:]
            return "admin"
        if parts[0] not in ENVIRONMENTS or parts[1:3] != ["v3", "company"] or len(parts) < 5:
            return "other"
        self.environment = parts[0]
        try:
            self.company = world.companies.find(parts[3])
        except LedgerError:
            return "other"
        if self.company.realm != parts[3]:
            self.company = None
            return "other"
        self.rest = parts[5:]
        if parts[4] != "reports":
            return parts[4]
        return self._report(parts[5]) if len(parts) == 6 else "report"

    def _report(self, name):
        """Which report it is; in France some have names of their own, and not the others."""
        known = {reports.name_at(self.company, report): report for report in faults.REPORTS}
        return known.get(name, "report")

    def _token_company(self, world):
        realm = world.authority.realm_of(self.form.get("code") or self.form.get("refresh_token"))
        return world.companies.find(realm) if realm else None

    @property
    def bearer(self):
        kind, _, value = self.headers.get("Authorization", "").partition(" ")
        return value.strip() if kind.lower() == "bearer" else None


def authorise(world, ask, record):
    """An Answer that refuses the bearer token, or None when it may read this company."""
    token = ask.bearer
    if token is None:
        return answers.fault("3200", world.clock.now(), detail="AuthenticationFailed")
    realm = ask.company.realm if ask.company else None
    kind = world.authority.judge(token, realm, ask.environment)
    if kind == "live" and ask.company.environment != ask.environment:
        kind = "foreign"
    record["token_kind"] = kind
    if kind in ("foreign", "withdrawn"):
        return answers.fault("3100", world.clock.now())
    if kind in ("expired", "revoked"):
        return answers.fault("3200", world.clock.now(), detail="Token expired: " + token[:96])
    return answers.fault("3200", world.clock.now()) if kind == "unknown" else None


def api(world, ask, record):
    """The answer of the accounting API: token, limits, company's state, then the work."""
    refusal = authorise(world, ask, record)
    if refusal is None and ask.company.config("throttle") and not world.throttle.admit(ask.company):
        refusal = faults.throttled(world, ask)
    if refusal is None and ask.method != "GET":
        refusal = answers.fault("500", world.clock.now(), status=405, headers={"Allow": "GET"},
                                detail="Operation %s is not supported." % ask.method)
    return refusal or faults.magic(world, ask) or accounting.handle(world, ask)


def token(world, ask):
    """The token endpoint's work, behind the gate; nothing is done for a client that has left."""
    world.gate.enter(ask.company.key if ask.company else None)
    ask.has_passed = True
    if world.config["hears_end"] and ask.has_left():
        raise ConnectionAbortedError("the client has left")
    return signin.token(world, ask)


def answer_of(world, ask, record):
    """The answer to a request before any misbehaviour."""
    if ask.endpoint == "authorize":
        return signin.authorize(world, ask)
    if ask.endpoint in ("token", "revoke"):
        record["token_kind"] = "basic" if ask.headers.get("Authorization") else "none"
        record["grant_type"] = ask.form.get("grant_type")
        return token(world, ask) if ask.endpoint == "token" else signin.revoke(world, ask)
    if ask.environment is None:
        return answers.Answer(404, "not found", "text/plain")
    return api(world, ask, record)


def respond(world, ask, record):
    """The final answer: a rule's, the good one, or the good one spoiled by a rule."""
    rule = world.faults.take(ask)
    if rule is None:
        return answer_of(world, ask, record)
    record["fault"] = rule.kind
    replaced = faults.before(world, ask, rule)
    if replaced is not None:
        return replaced
    return faults.after(world, ask, rule, answer_of(world, ask, record))


class Handler(BaseHTTPRequestHandler):
    """One connection: its requests are answered one after the other until either side leaves."""

    protocol_version = "HTTP/1.1"
    server_version, sys_version = "nginx", ""
    disable_nagle_algorithm = True
    timeout = 600

    def setup(self):
        self.request.settimeout(30)
        if self.server.world.faults.take_handshake():
            self._cut_handshake()
        self.request = self.server.tls.wrap_socket(self.request, server_side=True)
        super().setup()

    def _cut_handshake(self):
        """Hear what the client says first, and close."""
        self.request.recv(65536)
        self.request.close()
        raise ConnectionAbortedError("cut_handshake")

    def finish(self):
        super().finish()
        self.connection.close()

    def log_message(self, *arguments):
        pass

    def do_GET(self):
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length) > LARGEST_BODY:
            self.close_connection = True
            return
        ask = Ask(self.server.world, self.command, self.path, self.headers,
                  self.rfile.read(int(length)))
        self._administer(ask) if ask.endpoint == "admin" else self._serve(ask)

    do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = do_OPTIONS = do_GET

    def _administer(self, ask):
        try:
            given = json.loads(ask.body or b"{}")
        except ValueError:
            given = None
        value, status = admin_verbs.run(self.server.world, "/".join(ask.rest), given)
        self._send(answers.json_answer(value, status), None)

    def _serve(self, ask):
        world = self.server.world
        tid = answers.new_tid()
        record = world.log.open(ask, tid)
        ask.has_left = self._client_has_left
        try:
            answer = respond(world, ask, record)
            answer.headers["intuit_tid"] = tid
            if answer.status:
                record["status"] = answer.status
            if answer.delivery in ("mute", "reset"):
                record["status"] = 0
            self._compress(answer, ask)
            record["bytes"] = len(answer.body) if record["status"] else 0
            self._deliver(answer)
        except OSError:
            self.close_connection = True
        except Exception as unexpected:
            record["fault"] = "internal: %r" % unexpected
            self.close_connection = True
            raise
        finally:
            if ask.has_passed:
                world.gate.leave()
            world.log.finish(record, ask)

    def _client_has_left(self):
        """A client that waits for its answer says nothing: whatever can be read is a goodbye."""
        poll = select.poll()
        poll.register(self.connection.fileno(), select.POLLIN)
        return bool(poll.poll(0))

    # ---- sending ----------------------------------------------------------------------------

    def _compress(self, answer, ask):
        accepted = "gzip" in ask.headers.get("Accept-Encoding", "")
        if accepted and answer.compress and len(answer.body) > 400 \
                and "Content-Encoding" not in answer.headers:
            answer.body = gzip.compress(answer.body, 1)
            answer.headers["Content-Encoding"] = "gzip"

    def _head(self, answer, length):
        lines = ["HTTP/1.1 %d %s" % (answer.status, self.responses.get(answer.status, ("",))[0]),
                 "Date: " + formatdate(self._date(), usegmt=True),
                 "Server: nginx",
                 "Content-Type: " + answer.content_type, "Content-Length: %d" % length,
                 "Connection: " + ("close" if self.close_connection else "keep-alive")]
        lines += ["%s: %s" % item for item in answer.headers.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def _date(self):
        """The time that headers tell, which may be a proxy's."""
        world = self.server.world
        return world.clock.now() + world.config["wrong_date"]

    def _deliver(self, answer):
        ways = {"mute": self._mute, "reset": self._reset, "cut": self._cut, "drip": self._drip,
                "hold": self._hold, "close": self._close_after, "late": self._late,
                "plain": self._send}
        ways[answer.delivery](answer, answer.parameter)

    def _send(self, answer, _):
        body = b"" if self.command == "HEAD" else answer.body
        self.connection.sendall(self._head(answer, len(answer.body)) + body)

    def _mute(self, answer, _):
        """Say nothing until the client leaves."""
        self.close_connection = True
        self._wait_for_end(None)

    def _wait_for_end(self, seconds):
        """Wait until the client has closed its side, or the time is over."""
        deadline = None if seconds is None else datetime.datetime.now().timestamp() + seconds
        self.connection.settimeout(0.25)
        while not self.server.world.stopping.is_set():
            if deadline and datetime.datetime.now().timestamp() > deadline:
                return
            try:
                if not self.connection.recv(4096):
                    return
            except (TimeoutError, socket.timeout):
                continue
            except OSError:
                return

    def _reset(self, answer, _):
        """Break the connection with no answer and no goodbye."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def _cut(self, answer, fraction):
        """Promise the whole body, send a part of it, close. Of all of it, promise a byte more."""
        self.close_connection = True
        part = answer.body[:int(len(answer.body) * fraction)]
        promised = len(answer.body) + (fraction >= 1)
        self.connection.sendall(self._head(answer, promised) + part)

    def _drip(self, answer, rate):
        """Send the body slowly, `rate` bytes a second."""
        self.connection.sendall(self._head(answer, len(answer.body)))
        step = max(1, int(rate / 4))
        for at in range(0, len(answer.body), step):
            if self.server.world.stopping.wait(step / rate):
                return
            self.connection.sendall(answer.body[at:at + step])

    def _late(self, answer, seconds):
        """The work is done; the answer comes later."""
        if not self.server.world.stopping.wait(seconds):
            self._send(answer, None)

    def _hold(self, answer, seconds):
        """Say that the connection ends, send everything, and then do not close it."""
        self.close_connection = True
        self._send(answer, None)
        self._wait_for_end(seconds)

    def _close_after(self, answer, _):
        """Say that the connection stays open, and close it."""
        self._send(answer, None)
        self.close_connection = True


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """A thread for each connection; the TLS handshake happens in that thread."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 1024

    def __init__(self, address, world, tls):
        self.world, self.tls = world, tls
        super().__init__(address, Handler)

    def shutdown_request(self, request):
        self.close_request(request)

    def handle_error(self, request, client_address):
        """Clients that leave are no news; anything else is written to the log."""
        error = sys.exc_info()[1]
        if not isinstance(error, (OSError, EOFError)):
            import traceback
            self.world.log.write(traceback.format_exc())


def _arguments():
    parser = argparse.ArgumentParser(description="QuickBooks Online simulator")
    parser.add_argument("--dir", required=True, help="directory for certificates, books and log")
    parser.add_argument("--today", type=datetime.date.fromisoformat, help="YYYY-MM-DD")
    parser.add_argument("--bind", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--stopped", action="store_true", help="the clock stands at noon until it is moved")
    parser.add_argument("--companies", metavar="FILE", help="these companies instead of the built-in ones")
    parser.add_argument("--redirect", action="append", default=[], metavar="URI",
                        help="an address that browsers may be sent back to; may be said again")
    parser.add_argument("--no-throttle", action="store_true")
    parser.add_argument("--until-stdin-closes", action="store_true",
                        help="end when standard input does")
    return parser.parse_args()


def _announce(port, ca_file):
    """One line of JSON on standard output, which is then closed: the sign that we are ready."""
    url = "https://localhost:%d" % port
    print(json.dumps({"port": port, "url": url, "ca_file": ca_file, "admin": url + "/admin"}),
          flush=True)
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.close(nothing)


def _watch_input(stopping):
    """End the simulator when whoever started it has gone."""
    while not stopping.is_set():
        if select.select([0], [], [], 1)[0] and not os.read(0, 4096):
            stopping.set()


def _raise_file_limit():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = hard if hard != resource.RLIM_INFINITY else 65536
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(wanted, 65536)), hard))


def main():
    arguments = _arguments()
    directory = os.path.abspath(arguments.dir)
    os.makedirs(directory, exist_ok=True)
    _raise_file_limit()
    threading.stack_size(512 * 1024)
    ca_file = certs.make(directory)
    oauth.allow_redirects(arguments.redirect)
    plans = company_file.plans(arguments.companies) if arguments.companies else None
    world = World(directory, arguments.today, not arguments.no_throttle, arguments.stopped, plans)
    server = Server((arguments.bind, arguments.port), world, certs.server_context(directory))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: world.stopping.set())
    threading.Thread(target=server.serve_forever, daemon=True).start()
    if arguments.until_stdin_closes:
        threading.Thread(target=_watch_input, args=(world.stopping,), daemon=True).start()
    _announce(server.server_address[1], ca_file)
    while not world.stopping.wait(3600):
        pass
    server.shutdown()
    server.server_close()
    world.log.write("ended")
    os._exit(0)


if __name__ == "__main__":
    main()
