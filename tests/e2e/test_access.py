"""Who may come in: passwords, addresses, another service's word, pages of other origins."""

import base64
import json
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from http_client import RawConnection, ask
from program import weir_command
from weir_process import PATIENCE, WeirProcess


class Server:
    """An origin that answers with what `reply` makes of each request."""

    def __init__(self, reply):
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                status, headers, answer = reply(self, body)
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(answer)

            do_POST = do_HEAD = do_PUT = do_OPTIONS = do_GET

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = "127.0.0.1:%d" % self._server.server_port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()


def echo(request, body):
    """What the origin saw, as JSON."""
    seen = {"method": request.command, "target": request.path, "body": body.decode(),
            "headers": [[name.lower(), value] for name, value in request.headers.items()]}
    return 200, [("Content-Type", "application/json")], json.dumps(seen).encode()


@pytest.fixture
def origin():
    server = Server(echo)
    yield server
    server.close()


def fields(answer, name):
    return [value for key, value in answer.json()["headers"] if key == name]


def curl(*arguments):
    done = subprocess.run(["curl", "-sS", "-i", *arguments], capture_output=True, text=True,
                          timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    head, _, body = done.stdout.partition("\n\n")  # line ends of a text
    return int(head.split()[1]), head, body


# --- basic_auth ----------------------------------------------------------------------------------

def htpasswd(path, user, password, *options):
    done = subprocess.run(["htpasswd", "-b", *options, str(path), user, password],
                          capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr


def basic_config(folder, origin, options=""):
    return f"""
workers: 2
access_log: {{ file: "{folder}/access.log", format: json }}
listeners: [{{ address: "127.0.0.1:0", name: main }}]
routes:
  - use: [{{ basic_auth: {{ file: "{folder}/users", user_header: X-User {options} }} }}]
    reverse_proxy: origin
upstreams: {{ origin: {{ endpoints: ["{origin.address}"] }} }}
"""


def test_a_file_of_htpasswd_and_curl_get_along(folder, origin):
    htpasswd(folder / "users", "alice", "correct horse", "-c", "-B", "-C", "5")
    htpasswd(folder / "users", "bob", "p:ss", "-B", "-C", "5")
    with WeirProcess(basic_config(folder, origin)) as weir:
        url = weir.url("/page")
        status, head, _ = curl(url)
        assert status == 401 and 'WWW-Authenticate: Basic realm="restricted"' in head
        assert curl("-u", "alice:wrong", url)[0] == 401
        assert curl("-u", "carol:correct horse", url)[0] == 401
        for user, password in (("alice", "correct horse"), ("bob", "p:ss")):
            status, _, body = curl("-u", f"{user}:{password}", "-H", "X-User: root",
                                   "-H", "X_User: root", url)
            assert status == 200
            seen = json.loads(body)["headers"]
            assert [value for name, value in seen if name == "x-user"] == [user]
            assert not [name for name, _ in seen if name in ("authorization", "x_user")]
        # Bob gets another password: the old one is of no use from the reload on.
        htpasswd(folder / "users", "bob", "another", "-B", "-C", "5")
        assert weir.reload().returncode == 0
        assert curl("-u", "bob:p:ss", url)[0] == 401
        assert curl("-u", "bob:another", url)[0] == 200
        assert curl("-u", "alice:correct horse", url)[0] == 200
    log = [json.loads(line) for line in (folder / "access.log").read_text().splitlines()]
    # Of several workers, in any order.
    assert sorted(entry["identity"] for entry in log if entry["status"] == 200) == [
        "alice", "alice", "bob", "bob"]
    assert {entry["reason"] for entry in log if entry["status"] == 401} == {"auth_required"}
    assert not any(entry["identity"] for entry in log if entry["status"] == 401)


def test_wrong_passwords_in_a_row_are_refused_and_others_do_not_wait_for_them(folder, origin):
    htpasswd(folder / "users", "alice", "secret", "-c", "-B", "-C", "12")
    config = basic_config(folder, origin, ", failures: 3/h").replace(
        "routes:", "routes:\n  - { match: { path: /open }, respond: { body: open } }")
    with WeirProcess(config) as weir:
        # Every worker has more to compare than it gets done at once.
        slow = [RawConnection(weir.port()) for _ in range(6)]
        for number, each in enumerate(slow):
            token = base64.b64encode(b"alice:%d" % number).decode()
            each.send(f"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Basic {token}\r\n\r\n".encode())
        assert all(ask(weir.port(), "/open").body == b"open" for _ in range(20))
        assert {each.read_response().status for each in slow} == {401}
        refused = ask(weir.port(), headers=["Authorization: Basic YWxpY2U6c2VjcmV0"])
        assert (refused.status, refused.reason_code()) == (429, "auth_failures")
        assert int(refused.get("Retry-After")) > 60
        for each in slow:
            each.close()


def test_a_file_with_a_weak_hash_is_refused_with_its_line(folder):
    htpasswd(folder / "users", "alice", "secret", "-c", "-B", "-C", "5")
    htpasswd(folder / "users", "bob", "secret", "-m")
    (folder / "weir.yaml").write_text("""
listeners: [{ address: "127.0.0.1:0" }]
routes: [{ use: [{ basic_auth: users }], respond: { body: x } }]
""")
    check = weir_command("check", folder / "weir.yaml")
    assert check.returncode != 0
    text = check.stdout + check.stderr
    assert "weir.yaml:3:" in text and 'line 2: the user "bob"' in text


# --- forward_auth --------------------------------------------------------------------------------

class Gate:
    """A service that knows one session."""

    def __init__(self):
        self.questions = []
        self.server = Server(self._reply)

    def _reply(self, request, body):
        self.questions.append((request.command, request.path, request.headers, body))
        if "session=good" in request.headers.get("Cookie", ""):
            return 200, [("X-User", "alice"), ("X-Secret", "inner")], b"yes"
        if "session=blocked" in request.headers.get("Cookie", ""):
            return 403, [], b"blocked"
        return 302, [("Location", "https://login.example/"), ("Set-Cookie", "back=/")], b"log in"


@pytest.fixture
def gate():
    gate = Gate()
    yield gate
    gate.server.close()


def gate_config(origin, gate):
    return f"""
workers: 1
listeners: [{{ address: "127.0.0.1:0", name: main }}]
routes:
  - use: [{{ forward_auth: {{ upstream: gate, target: /verify, copy: [X-User], timeout: 2s }} }}]
    reverse_proxy: origin
upstreams:
  origin: {{ endpoints: ["{origin.address}"] }}
  gate: {{ endpoints: ["{gate}"], retries: {{ attempts: 1 }} }}
"""


def test_another_service_decides_who_may_come_in(origin, gate):
    with WeirProcess(gate_config(origin, gate.server.address)) as weir:
        stranger = ask(weir.port(), "/page?x=1")
        assert stranger.status == 302 and stranger.body == b"log in"
        assert stranger.get("Location") == "https://login.example/"
        assert stranger.get("Set-Cookie") == "back=/"
        assert ask(weir.port(), headers=["Cookie: session=blocked"]).status == 403
        friend = ask(weir.port(), "/a/../page?x=1", "POST", body=b"GET /admin HTTP/1.1\r\n\r\n",
                     headers=["Cookie: session=good", "X-User: root", "X_User: root",
                              "X-Forwarded-Uri: /public", "Connection: X-User"])
        assert friend.status == 200
        assert friend.json()["target"] == "/page?x=1"
        assert friend.json()["body"] == "GET /admin HTTP/1.1\r\n\r\n"
        assert fields(friend, "x-user") == ["alice"]
        assert not fields(friend, "x-secret") and not fields(friend, "x_user")
    assert len(gate.questions) == 3  # and none of them came out of a body
    method, path, headers, body = gate.questions[-1]
    assert (method, path, body) == ("GET", "/verify", b"")
    assert headers.get_all("X-Forwarded-Method") == ["POST"]
    assert headers.get_all("X-Forwarded-Uri") == ["/page?x=1"]
    assert headers.get_all("X-Forwarded-Host") == ["shop.example"]
    assert headers.get_all("X-Forwarded-For") == ["127.0.0.1"]
    for gone in ("Content-Length", "Transfer-Encoding", "X-User", "X_User"):
        assert headers.get(gone) is None


def test_nobody_comes_in_while_the_service_is_away(origin, gate):
    with WeirProcess(gate_config(origin, gate.server.address)) as weir:
        assert ask(weir.port(), headers=["Cookie: session=good"]).status == 200
        assert weir.reload(gate_config(origin, "127.0.0.1:1")).returncode == 0
        refused = ask(weir.port(), headers=["Cookie: session=good"])
        assert (refused.status, refused.reason_code()) == (503, "auth_unavailable")


# --- ip_filter -----------------------------------------------------------------------------------

def test_addresses_are_those_that_trusted_proxies_report(folder):
    (folder / "bad.txt").write_text("# bad\n198.51.100.0/24\n")
    with WeirProcess(f"""
listeners: [{{ address: "127.0.0.1:0", name: main, trusted_proxies: ["127.0.0.0/8"] }},
            {{ address: "127.0.0.1:0", name: direct }}]
routes: [{{ use: [{{ ip_filter: {{ deny_files: ["{folder}/bad.txt"] }} }}],
          respond: {{ body: page }} }}]
""") as weir:
        bad = ["X-Forwarded-For: 198.51.100.7"]
        refused = ask(weir.port(), headers=bad)
        assert (refused.status, refused.reason_code()) == (403, "ip_denied")
        assert ask(weir.port(), headers=["X-Forwarded-For: 198.51.101.7"]).status == 200
        assert ask(weir.port(), headers=["X-Forwarded-For: 198.51.100.7, 192.0.2.1"]).status == 200
        assert ask(weir.port("direct"), headers=bad).status == 200  # nobody to be believed
        (folder / "bad.txt").write_text("127.0.0.1\n")
        assert weir.reload().returncode == 0
        assert ask(weir.port("direct")).status == 403


# --- cors ----------------------------------------------------------------------------------------

def test_a_preflight_is_answered_before_the_origin_and_a_failure_can_be_read(origin):
    with WeirProcess(f"""
listeners: [{{ address: "127.0.0.1:0", name: main }}]
routes:
  - use: [{{ cors: {{ origins: ["https://*.app.example"], credentials: true,
                     methods: [GET, PUT], headers: [X-Token] }} }}]
    match: {{ path: /api/* }}
    reverse_proxy: origin
  - use: [{{ cors: {{ origins: "https://a.app.example" }} }}]
    reverse_proxy: away
upstreams:
  origin: {{ endpoints: ["{origin.address}"] }}
  away: {{ endpoints: ["127.0.0.1:1"] }}
""") as weir:
        mine = ["Origin: https://a.app.example"]
        asked = ask(weir.port(), "/api/x", "OPTIONS",
                    [*mine, "Access-Control-Request-Method: PUT"])
        assert asked.status == 204
        assert asked.get("Access-Control-Allow-Origin") == "https://a.app.example"
        assert asked.get("Access-Control-Allow-Credentials") == "true"
        assert asked.get("Access-Control-Allow-Methods") == "GET, PUT"
        assert asked.get("Vary") == "Origin"
        page = ask(weir.port(), "/api/x", headers=mine)
        assert page.status == 200
        assert page.get("Access-Control-Allow-Origin") == "https://a.app.example"
        other = ask(weir.port(), "/api/x", headers=["Origin: https://evil.example"])
        assert other.get("Access-Control-Allow-Origin") is None and other.get("Vary") == "Origin"
        failed = ask(weir.port(), "/x", headers=mine)
        assert failed.status == 502 and failed.reason_code() == "connect_refused"
        assert failed.get("Access-Control-Allow-Origin") == "https://a.app.example"


# --- what cannot be meant ------------------------------------------------------------------------

@pytest.mark.parametrize("use, said", [
    ("forward_auth: gat", 'no upstream is named "gat"'),
    ("forward_auth: { upstream: gate, target: verify }", "is no path"),
    ("cors: { origins: '*', credentials: true }", "every page of the web"),
    ("cors: { origins: https://app.example/ }", "is no origin"),
    ("ip_filter: {}", "needs something to allow or to deny"),
    ("ip_filter: { deny_files: nowhere.txt }", "nowhere.txt"),
    ("basic_auth: nowhere", "nowhere"),
    ("rewrite: { regex: '/(a', to: /b }", "cannot be used"),
    ("rewrite: { prefix: /a, regex: /b, to: /c }", "not by both"),
    ("rewrite: /$1", 'needs a \\"regex\\"'),
    ("rewrite: https://other.example/", "is no path"),
])
def test_a_mistake_is_refused_with_its_place(folder, use, said):
    (folder / "weir.yaml").write_text(f"""
listeners: [{{ address: "127.0.0.1:0" }}]
routes: [{{ use: [{{ {use} }}], reverse_proxy: gate }}]
upstreams: {{ gate: {{ endpoints: ["127.0.0.1:1"] }} }}
""")
    check = weir_command("check", folder / "weir.yaml")
    text = check.stdout + check.stderr
    assert check.returncode != 0 and "weir.yaml:3:" in text
    assert said.replace("\\", "") in text
