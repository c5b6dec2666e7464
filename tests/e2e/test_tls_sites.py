"""Several sites behind one TLS listener: what each demands of its clients."""

import json
import subprocess

import pytest

from certificates import Certificates
from weir_process import PATIENCE, WeirProcess, binary

CONFIG = """
admin: "127.0.0.1:0"
listeners:
  - address: "127.0.0.1:0"
    name: main
    limits: {{ max_head_bytes: 2KiB }}
    tls:
      hsts: 365d
      certificates: [{{ cert: {shop}.pem, key: {shop}.key }}, {{ cert: {wild}.pem, key: {wild}.key }}]
      client_auth: {{ mode: routes, ca: {ca} }}
  - {{ address: "127.0.0.1:0", name: plain, redirect_https: 8443 }}
routes:
  - match: {{ host: admin.example, path: /public }}
    respond: everyone
  - match: {{ host: admin.example, when: 'tls.client_fingerprint == "{print}"' }}
    response_headers: {{ set: {{ X-Client: "${{tls.client_san}}" }} }}
    respond: known
  - match: {{ host: admin.example }}
    require_client_certificate: true
    respond: admin
  - respond: hello
"""


@pytest.fixture(scope="module")
def certs():
    made = Certificates()
    made.make("shop", "shop.example", "admin.example")
    made.make("wild", "*.wild.example")
    made.make("client", "client.example")
    made.make("known", "known.example", "192.0.2.1")
    return made


def fingerprint(certs, name):
    done = subprocess.run(
        ["openssl", "x509", "-in", certs.dir / f"{name}.pem", "-noout", "-fingerprint", "-sha256"],
        capture_output=True, text=True, timeout=PATIENCE, check=True)
    return done.stdout.strip().split("=")[1].replace(":", "").lower()


@pytest.fixture(scope="module")
def weir(certs):
    with WeirProcess(CONFIG.format(shop=certs.dir / "shop", wild=certs.dir / "wild",
                                   ca=certs.ca,
                                   print=fingerprint(certs, "known"))) as running:
        yield running


def ask(weir, certs, name, *options, host=None, client=None):
    """(status, body or reason) of a request to `host` over a connection for `name`."""
    port = weir.port()
    options += ("-H", f"Host: {host}") if host else ()
    if client:
        options += ("--cert", certs.dir / f"{client}.pem", "--key", certs.dir / f"{client}.key")
    done = subprocess.run(
        ["curl", "-sS", "-m", str(PATIENCE), "--cacert", certs.ca, "--resolve",
         f"{name}:{port}:127.0.0.1", "-w", "\n%{http_code}", *options,
         f"https://{name}:{port}/private"],
        capture_output=True, text=True, timeout=2 * PATIENCE, check=True)
    body, status = done.stdout.rsplit("\n", 1)
    return int(status), json.loads(body)["error"]["code"] if body.startswith("{") else body


@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
class TestSites:
    def test_a_route_answers_only_clients_that_showed_a_certificate(self, weir, certs, version):
        assert ask(weir, certs, "shop.example", version) == (200, "hello")
        assert ask(weir, certs, "admin.example", version) == (403, "client_certificate")
        assert ask(weir, certs, "admin.example", version, client="client") == (200, "admin")

    def test_what_a_client_showed_is_there_to_match_and_to_pass_on(self, weir, certs, version):
        body, *head = reversed(ask(weir, certs, "admin.example", version, "-i", client="known")[1]
                               .splitlines())
        assert body == "known"
        assert "x-client: dns:known.example,ip:192.0.2.1" in [line.lower() for line in head]

    def test_a_host_that_asks_clients_cannot_be_reached_by_the_name_of_another(
            self, weir, certs, version):
        for client in (None, "client"):
            got = ask(weir, certs, "shop.example", version, host="admin.example", client=client)
            assert got == (421, "misdirected")
        got = ask(weir, certs, "admin.example", version, host="shop.example", client="client")
        assert got == (421, "misdirected")

    def test_nor_can_one_with_another_certificate(self, weir, certs, version):
        got = ask(weir, certs, "shop.example", version, host="a.wild.example")
        assert got == (421, "misdirected")
        assert ask(weir, certs, "a.wild.example", version, host="b.wild.example") == (200, "hello")
        assert ask(weir, certs, "shop.example", version, host="other.example") == (200, "hello")


@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
@pytest.mark.parametrize("path,status", [("/", 200), ("/%00", 400), ("/" + "a" * 3000, 431)],
                         ids=["page", "bad", "large"])
def test_every_response_over_tls_says_hsts(weir, certs, version, path, status):
    port = weir.port()
    done = subprocess.run(
        ["curl", "-sS", "-m", str(PATIENCE), "--cacert", certs.ca, version, "--path-as-is",
         "--resolve", f"shop.example:{port}:127.0.0.1", "-D", "-", "-o", "/dev/null",
         f"https://shop.example:{port}{path}"],
        capture_output=True, text=True, timeout=2 * PATIENCE, check=True)
    assert f" {status}" in done.stdout.splitlines()[0], done.stdout
    assert done.stdout.lower().count("strict-transport-security: max-age=31536000\n") == 1


def test_clients_in_clear_are_sent_to_https(weir):
    done = subprocess.run(
        ["curl", "-sS", "-m", str(PATIENCE), "-H", "Host: shop.example", "-o", "/dev/null", "-w",
         "%{http_code} %{redirect_url}", weir.url("/cart?item=1", name="plain")],
        capture_output=True, text=True, timeout=2 * PATIENCE, check=True)
    assert done.stdout == "308 https://shop.example:8443/cart?item=1"


def test_a_session_of_one_name_is_not_resumed_for_another(weir, certs):
    kept = str(certs.dir / "session")

    def connect(name, *options):
        done = subprocess.run(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{weir.port()}", "-servername", name,
             "-ign_eof", *options],
            input=f"GET / HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode(),
            capture_output=True, timeout=PATIENCE, check=False)
        return done.stdout.decode(errors="replace")

    connect("shop.example", "-sess_out", kept)
    assert "Reused," in connect("shop.example", "-sess_in", kept)
    assert "New," in connect("admin.example", "-sess_in", kept)


def test_a_route_that_requires_what_its_listener_never_asks_for_is_refused(certs):
    text = CONFIG.format(shop=certs.dir / "shop", wild=certs.dir / "wild", ca=certs.ca, print="")
    path = certs.dir / "unasked.yaml"
    path.write_text("".join(line for line in text.splitlines(True) if "client_auth" not in line))
    done = subprocess.run([binary(), "check", path], capture_output=True, text=True,
                          timeout=PATIENCE, check=False)
    assert done.returncode == 1
    assert "asks no client for a certificate" in done.stderr
