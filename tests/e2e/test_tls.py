"""TLS with clients and with origins, with curl and openssl at the other end."""

import json
import subprocess

import pytest

from certificates import Certificates
from origins import Nginx
from weir_process import PATIENCE, WeirProcess, binary


@pytest.fixture(scope="module")
def certs():
    return Certificates()


@pytest.fixture(scope="module")
def nginx():
    with Nginx() as origin:
        yield origin


def config(pairs, tls="", workers=2, log="off", address="127.0.0.1:1", upstream_tls=""):
    shown = ", ".join(f"{{ cert: {cert}, key: {key} }}" for cert, key in pairs)
    upstream = f", tls: {upstream_tls}" if upstream_tls else ""
    return f"""
workers: {workers}
access_log: {log}
admin: "127.0.0.1:0"
listeners:
  - {{ address: "127.0.0.1:0", name: main, tls: {{ certificates: [{shown}]{tls} }} }}
  - {{ address: "127.0.0.1:0", name: plain }}
routes:
  - {{ match: {{ path: /hello }}, respond: hello }}
  - {{ match: {{ path: /twice/* }}, reverse_proxy: {{ upstream: secure, strip_prefix: /twice }} }}
  - reverse_proxy: origin
upstreams:
  origin: {{ endpoints: ["{address}"] }}
  secure: {{ endpoints: ["{address}"]{upstream} }}
"""


def curl(weir, certs, path, *options, host="shop.example", name="main"):
    scheme = "https" if name == "main" else "http"
    port = weir.port(name)
    return subprocess.run(
        ["curl", "-sS", "-m", str(PATIENCE), "--cacert", str(certs.ca), "--resolve",
         f"{host}:{port}:127.0.0.1", *options, f"{scheme}://{host}:{port}{path}"],
        capture_output=True, timeout=2 * PATIENCE, check=False)


@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
def test_bodies_pass_both_ways_over_tls(certs, nginx, version):
    content = bytes(range(256)) * 8192  # 2 MiB
    (nginx.files / "large").write_bytes(content)
    with WeirProcess(config([certs.make("shop", "shop.example")], address=nginx.address)) as weir:
        done = curl(weir, certs, "/large", version, "-w", "%{stderr}%{http_version}")
        assert done.stdout == content
        assert done.stderr.decode() == ("2" if version == "--http2" else "1.1")
        stored = curl(weir, certs, "/up/stored", version, "-T", str(nginx.files / "large"), "-w",
                      "%{http_code}")
        assert stored.stdout[-3:] in (b"201", b"204"), stored
        assert (nginx.files / "stored").read_bytes() == content


def test_http2_in_clear_with_prior_knowledge(certs, nginx):
    with WeirProcess(config([certs.make("shop", "shop.example")], address=nginx.address)) as weir:
        done = curl(weir, certs, "/small", "--http2-prior-knowledge", "-w", " %{http_version}",
                    name="plain")
        assert done.stdout == b"small answer\n 2"


def test_many_streams_of_many_connections(certs):
    with WeirProcess(config([certs.make("shop", "shop.example")])) as weir:
        done = subprocess.run(
            ["h2load", "-n", "3000", "-c", "8", "-m", "16",
             f"https://127.0.0.1:{weir.port('main')}/hello"],
            capture_output=True, text=True, timeout=PATIENCE, check=True)
        assert "3000 succeeded, 0 failed, 0 errored" in done.stdout


def test_the_certificate_follows_the_server_name(certs):
    pairs = [certs.make("shop", "shop.example"), certs.make("wild", "*.wild.example")]
    with WeirProcess(config(pairs)) as weir:
        assert curl(weir, certs, "/hello").stdout == b"hello"
        assert curl(weir, certs, "/hello", host="a.wild.example").stdout == b"hello"
        refused = curl(weir, certs, "/hello", host="other.example")
        assert refused.returncode == 60  # the default certificate is for another name


def test_old_versions_are_refused_and_modern_is_tls_1_3_alone(certs):
    pair = certs.make("shop", "shop.example")
    with WeirProcess(config([pair])) as weir:
        assert curl(weir, certs, "/hello", "--tls-max", "1.2").stdout == b"hello"
        assert curl(weir, certs, "/hello", "--tls-max", "1.1").returncode == 35
    with WeirProcess(config([pair], tls=", profile: modern")) as weir:
        assert curl(weir, certs, "/hello", "--tls-max", "1.2").returncode == 35
        assert curl(weir, certs, "/hello").stdout == b"hello"


def test_clients_must_show_a_certificate_where_it_is_required(certs):
    cert, key = certs.make("client", "client.example")
    tls = f", client_auth: {{ ca: {certs.ca} }}"
    with WeirProcess(config([certs.make("shop", "shop.example")], tls=tls)) as weir:
        assert curl(weir, certs, "/hello").stdout == b""
        shown = ("--cert", str(cert), "--key", str(key))
        assert curl(weir, certs, "/hello", *shown).stdout == b"hello"


def session(weir, certs, *options):
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{weir.port('main')}", "-servername",
         "shop.example", "-CAfile", str(certs.ca), "-ign_eof", *options],
        input=b"GET /hello HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n",
        capture_output=True, timeout=PATIENCE, check=False)
    return done.stdout.decode(errors="replace")


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_sessions_are_resumed_on_any_worker_and_after_a_reload(certs, version):
    text = config([certs.make("shop", "shop.example")], workers=3)
    kept = str(certs.dir / f"session{version}")
    with WeirProcess(text) as weir:
        assert "New," in session(weir, certs, version, "-sess_out", kept)
        for _ in range(6):
            assert "Reused," in session(weir, certs, version, "-sess_in", kept)
        assert weir.reload(text).returncode == 0
        assert "Reused," in session(weir, certs, version, "-sess_in", kept)


def test_a_renewed_certificate_is_taken_up_without_a_reload_and_a_broken_one_is_not(certs):
    cert, key = certs.make("first", "renewed.example")
    with WeirProcess(config([(cert, key)])) as weir:
        assert curl(weir, certs, "/hello", host="renewed.example").stdout == b"hello"
        cert.write_text("this is no certificate")
        weir.wait_log("tls_file_refused")
        assert curl(weir, certs, "/hello", host="renewed.example").stdout == b"hello"
        fresh_cert, fresh_key = certs.make("second", "fresh.example")
        key.write_bytes(fresh_key.read_bytes())
        cert.write_bytes(fresh_cert.read_bytes())
        weir.wait_log("certificates_renewed")
        assert curl(weir, certs, "/hello", host="fresh.example").stdout == b"hello"


def test_what_a_handshake_told_is_in_the_log(certs):
    log = certs.dir / "access.log"
    line = '"${tls.version} ${tls.server_name} ${tls.alpn} ${protocol} ${path}"'
    text = config([certs.make("shop", "shop.example")], log=f"{{ file: {log}, format: {line} }}")
    with WeirProcess(text) as weir:
        assert curl(weir, certs, "/hello", "--http2").stdout == b"hello"
    assert log.read_text() == "TLSv1.3 shop.example h2 HTTP/2 /hello\n"


@pytest.mark.parametrize("trust,status,reason", [
    ("{{ ca: {ca}, name: shop.example }}", b"200", None),
    ("{{ ca: {ca}, name: other.example }}", b"502", "tls_verify"),
    ("{{ name: shop.example }}", b"502", "tls_verify"),  # the system does not know our authority
    ("{{ verify: false }}", b"200", None),
])
def test_origins_are_verified_unless_it_is_switched_off(certs, trust, status, reason):
    pair = certs.make("shop", "shop.example")
    with WeirProcess(config([pair])) as origin:
        text = config([pair], address=f"127.0.0.1:{origin.port('main')}",
                      upstream_tls=trust.format(ca=certs.ca))
        with WeirProcess(text) as weir:
            for _ in range(3):
                done = curl(weir, certs, "/twice/hello", "-w", "%{http_code}", name="plain")
                assert done.stdout[-3:] == status, done.stdout
                if reason:
                    assert json.loads(done.stdout[:-3])["error"]["code"] == reason
                else:
                    assert done.stdout[:-3] == b"hello"


def test_an_origin_that_speaks_no_tls_is_told_apart(certs, nginx):
    pair = certs.make("shop", "shop.example")
    text = config([pair], address=nginx.address, upstream_tls="{ verify: false }")
    with WeirProcess(text) as weir:
        done = curl(weir, certs, "/twice/hello", "-w", "%{http_code}", name="plain")
        assert done.stdout[-3:] == b"502"
        assert json.loads(done.stdout[:-3])["error"]["code"] == "tls_handshake"


def test_a_certificate_that_cannot_be_used_is_an_error_of_the_configuration(certs):
    cert, _ = certs.make("one", "one.example")
    _, key = certs.make("two", "two.example")
    path = certs.dir / "bad.yaml"
    path.write_text(config([(cert, key), (certs.dir / "missing.pem", key)]))
    done = subprocess.run([binary(), "check", str(path)], capture_output=True, text=True,
                          timeout=PATIENCE, check=False)
    assert done.returncode == 1
    assert done.stderr.count("W1507") == 2, done.stderr
    assert "missing.pem" in done.stderr


def test_files_stand_beside_the_configuration_file(certs):
    certs.make("beside", "shop.example")
    path = certs.dir / "beside.yaml"
    path.write_text(config([("beside.pem", "beside.key")]))
    done = subprocess.run([binary(), "check", path], cwd="/", capture_output=True, text=True,
                          timeout=PATIENCE, check=False)
    assert done.returncode == 0, done.stderr
