"""TCP listeners with real clients and servers: databases, servers that speak first, TLS that passes
through or ends here, half-closes, resets and reloads."""

import json
import socket
import ssl
import subprocess

import pytest

from certificates import Certificates
from databases import Postgres, Redis, psql
from http_client import RawConnection, ask
from origins import Nginx, ScriptedOrigin, answer_each
from weir_process import PATIENCE, WeirProcess


def config(listener, upstreams, more=""):
    endpoints = "".join(f"  {name}: {{ endpoints: [\"{address}\"] }}\n"
                        for name, address in upstreams.items())
    return f"""
workers: 2
tcp: [{{ address: "127.0.0.1:0", name: main, {listener} }}]
admin: "127.0.0.1:0"
{more}
upstreams:
{endpoints}"""


def greeter(text):
    """A server that speaks first, then echoes, as SMTP and SSH servers do."""

    def script(connection):
        connection.send(text)
        while data := connection.socket.recv(65536):
            connection.send(data)

    return script


def to_the_end(connection):
    """Counts what it gets, up to the end, then says how much it was."""
    count = 0
    while data := connection.socket.recv(1 << 18):
        count += len(data)
    connection.send(str(count).encode())


def metrics(weir):
    text = ask(weir.port("admin"), "/metrics").body.decode()
    return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1])
            for line in text.splitlines() if not line.startswith("#")}


def test_redis_answers_through_weir():
    with Redis() as redis, WeirProcess(config("upstream: db", {"db": redis.address})) as weir:
        done = subprocess.run(
            ["redis-cli", "-p", str(weir.port())], text=True, capture_output=True, timeout=PATIENCE,
            input="SET a 1\nINCR a\nGET a\n")
        assert done.stdout.split() == ["OK", "2", "2"], done.stderr
        bench = subprocess.run(
            ["redis-benchmark", "-p", str(weir.port()), "-n", "5000", "-c", "50", "-q", "-t", "set"],
            text=True, capture_output=True, timeout=PATIENCE)
        assert bench.returncode == 0 and "requests per second" in bench.stdout, bench.stderr


def test_postgres_is_told_apart_by_its_first_bytes():
    routes = "routes: [{ match: { protocol: postgres }, upstream: db }, { upstream: mail }]"
    with Postgres() as db, ScriptedOrigin(greeter(b"220 ready\r\n")) as mail:
        with WeirProcess(config(routes, {"db": db.address, "mail": mail.address})) as weir:
            assert psql(weir.port(), "SELECT sum(i) FROM generate_series(1, 100000) i;") == [
                "5000050000"]
            large = psql(weir.port(), "SELECT repeat('x', 5000000);")
            assert len(large[0]) == 5000000
            with RawConnection(weir.port()) as client:
                assert client.read_exactly(11) == b"220 ready\r\n"
                client.send(b"EHLO a\r\n")
                assert client.read_exactly(8) == b"EHLO a\r\n"


@pytest.mark.parametrize("greeting", [b"SSH-2.0-server\r\n", b"220 mail ready\r\n"])
def test_a_server_that_speaks_first_is_not_kept_waiting(greeting):
    with ScriptedOrigin(greeter(greeting)) as origin:
        with WeirProcess(config("upstream: o", {"o": origin.address})) as weir:
            with RawConnection(weir.port()) as client:
                assert client.read_exactly(len(greeting)) == greeting


def test_tls_passes_through_to_the_server_of_the_name_that_is_asked_for():
    certificates = Certificates()

    def serve(name):
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*certificates.make(name, f"{name}.example"))
        context.set_alpn_protocols([name])

        def script(connection):
            with context.wrap_socket(connection.socket, server_side=True) as secured:
                secured.sendall(name.encode())

        return script

    routes = ("routes: [{ match: { sni: one.example }, upstream: one },"
              " { match: { alpn: two }, upstream: two }]")
    with ScriptedOrigin(serve("one")) as one, ScriptedOrigin(serve("two")) as two:
        with WeirProcess(config(routes, {"one": one.address, "two": two.address})) as weir:
            for name in ("one", "two"):
                trust = ssl.create_default_context(cafile=certificates.ca)
                trust.set_alpn_protocols([name])
                plain = socket.create_connection(("127.0.0.1", weir.port()), PATIENCE)
                with trust.wrap_socket(plain, server_hostname=f"{name}.example") as client:
                    assert client.recv(100) == name.encode()


def test_tls_ends_here_and_begins_again_towards_the_endpoint():
    certificates = Certificates()
    cert, key = certificates.make("front", "front.example")
    back = certificates.make("back", "127.0.0.1")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*back)
    context.set_alpn_protocols(["echo"])

    def script(connection):
        with context.wrap_socket(connection.socket, server_side=True) as secured:
            secured.sendall(secured.selected_alpn_protocol().encode() + secured.recv(100))

    with ScriptedOrigin(script) as origin:
        text = f"""
tcp:
  - address: "127.0.0.1:0"
    name: main
    upstream: o
    tls: {{ certificates: [{{ cert: {cert}, key: {key} }}], alpn: [echo] }}
upstreams:
  o: {{ endpoints: ["{origin.address}"], tls: {{ ca: {certificates.ca} }} }}
"""
        with WeirProcess(text) as weir:
            trust = ssl.create_default_context(cafile=certificates.ca)
            trust.set_alpn_protocols(["echo"])
            plain = socket.create_connection(("127.0.0.1", weir.port()), PATIENCE)
            with trust.wrap_socket(plain, server_hostname="front.example") as client:
                client.sendall(b" hello")
                assert client.recv(100) == b"echo hello"


def test_each_side_may_end_first_and_a_reset_is_passed_on():
    with ScriptedOrigin(to_the_end) as origin:
        with WeirProcess(config("upstream: o", {"o": origin.address})) as weir:
            with RawConnection(weir.port()) as client:
                client.send(b"x" * 3_000_000)
                client.finish_sending()
                assert client.read_to_end() == b"3000000"

    def reset_at_once(connection):
        connection.socket.recv(1)
        connection.reset()

    with ScriptedOrigin(reset_at_once) as origin:
        with WeirProcess(config("upstream: o", {"o": origin.address})) as weir:
            with RawConnection(weir.port()) as client:
                client.send(b"x")
                with pytest.raises(ConnectionResetError):
                    client.read_to_end()


def test_a_tunnel_survives_reloads_and_is_told_of_when_it_ends():
    with ScriptedOrigin(greeter(b"hello")) as old, ScriptedOrigin(greeter(b"other")) as new:
        log = "access_log: { file: tunnels.log }"
        with WeirProcess(config("upstream: o", {"o": old.address}, log)) as weir:
            client = RawConnection(weir.port())
            assert client.read_exactly(5) == b"hello"
            for _ in range(3):
                assert weir.reload(config("upstream: o", {"o": new.address}, log)).returncode == 0
            with RawConnection(weir.port()) as another:
                assert another.read_exactly(5) == b"other"
            client.send(b"still here")
            assert client.read_exactly(10) == b"still here"
            client.finish_sending()
            assert client.read_to_end() == b""
            client.close()
            path = weir.config_path.parent / "tunnels.log"
            weir.stop()
            lines = [json.loads(line) for line in path.read_text().splitlines()]
        ended = [line for line in lines if line["endpoint"] == old.address]
        assert len(ended) == 1 and ended[0]["listener"] == "main"
        assert (ended[0]["bytes_in"], ended[0]["bytes_out"]) == (10, 15)
        assert "reason" not in ended[0]


def test_proxy_headers_are_believed_over_tls_too_and_nothing_in_clear_gets_behind_them():
    certificates = Certificates()
    cert, key = certificates.make("front", "front.example")
    with ScriptedOrigin(answer_each) as origin:
        text = f"""
workers: 2
listeners:
  - address: "127.0.0.1:0"
    name: main
    tls: {{ certificates: [{{ cert: {cert}, key: {key} }}] }}
    proxy_protocol: {{ from: 127.0.0.0/8 }}
routes: [{{ reverse_proxy: o }}]
upstreams: {{ o: {{ endpoints: ["{origin.address}"] }} }}
"""
        header = b"PROXY TCP4 203.0.113.7 198.51.100.1 7000 443\r\n"
        with WeirProcess(text) as weir:
            plain = socket.create_connection(("127.0.0.1", weir.port()), PATIENCE)
            plain.sendall(header)
            trust = ssl.create_default_context(cafile=certificates.ca)
            with trust.wrap_socket(plain, server_hostname="front.example") as client:
                client.sendall(b"GET / HTTP/1.1\r\nHost: front.example\r\nConnection: close\r\n\r\n")
                answer = b""
                while data := client.recv(65536):
                    answer += data
                assert b"X-Forwarded-For: 203.0.113.7" in answer
            with RawConnection(weir.port()) as client:
                client.send(header + b"GET / HTTP/1.1\r\nHost: front.example\r\n\r\n")
                assert b"HTTP/1.1" not in client.read_to_end()
            with RawConnection(weir.port()) as client:
                client.send(b"GET / HTTP/1.1\r\nHost: front.example\r\n\r\n")
                assert client.at_end()
            assert "proxy_header_refused" in weir.log_text()


def test_nginx_reads_the_headers_that_weir_writes():
    server = 'location = /who { return 200 "$proxy_protocol_addr"; }'
    for version in ("v1", "v2"):
        # Its own first probe comes with a header, too.
        def probe(self):
            with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as connection:
                connection.sendall(b"PROXY UNKNOWN\r\nGET /name HTTP/1.0\r\n\r\n")
                assert connection.recv(4096).startswith(b"HTTP/1.1 "), self.errors()

        origin_class = type("ProxiedNginx", (Nginx,), {"_await_service": probe})
        with origin_class(listen="proxy_protocol", server=server) as origin:
            text = f"""
listeners: [{{ address: "127.0.0.1:0", name: main, proxy_protocol: {{ from: 127.0.0.1 }} }}]
routes: [{{ reverse_proxy: o }}]
upstreams: {{ o: {{ endpoints: ["{origin.address}"], proxy_protocol: {version} }} }}
"""
            with WeirProcess(text) as weir:
                for address in ("203.0.113.7", "203.0.113.8"):
                    with RawConnection(weir.port()) as client:
                        client.send(f"PROXY TCP4 {address} 198.51.100.1 7000 80\r\n".encode())
                        assert client.ask("/who").body == address.encode()
                        assert client.ask("/who").body == address.encode()
