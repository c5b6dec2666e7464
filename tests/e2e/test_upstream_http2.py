"""HTTP/2 towards real origins: nginx over TLS, gRPC in clear, and origins that misbehave."""

import asyncio
import re
import threading
from concurrent import futures

import grpc
import pytest
import websockets

from http_client import RawConnection, ask
from origins import Nginx
from protocols import Origin2
from certificates import Certificates
from test_websocket import EchoServer
from weir_process import PATIENCE, WeirProcess


def config(address, options, workers=1):
    return f"""
workers: {workers}
admin: "127.0.0.1:0"
listeners: [{{ address: "127.0.0.1:0", name: main }}]
routes: [{{ reverse_proxy: origin }}]
upstreams: {{ origin: {{ endpoints: ["{address}"], {options} }} }}
"""


def leases(weir):
    """How requests came by their connections: {how: count}."""
    text = ask(weir.port("admin"), "/metrics").body.decode()
    found = re.findall(r'weir_pool_leases_total\{.*source="(\w+)".*\} (\d+)', text)
    return {how: int(count) for how, count in found}


# --- nginx, over TLS ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certs():
    return Certificates()


@pytest.fixture(scope="module")
def echo():
    with EchoServer() as server:
        yield server


@pytest.fixture(scope="module")
def nginx(certs, echo):
    cert, key = certs.make("origin", "127.0.0.1")
    server = f"""
    ssl_certificate {cert};
    ssl_certificate_key {key};
    location = /protocol {{ return 200 "$server_protocol $connection"; }}
    location /chat {{
      proxy_pass http://{echo.address};
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection upgrade;
    }}"""
    with Nginx(listen="ssl http2", server=server) as origin:
        yield origin


def tls(certs, protocol="auto"):
    return f"protocol: {protocol}, tls: {{ ca: {certs.ca} }}"


@pytest.mark.parametrize("protocol, spoken", [("auto", "HTTP/2.0"), ("http2", "HTTP/2.0"),
                                              ("http1", "HTTP/1.1")])
def test_the_protocol_is_what_both_sides_agree_on(certs, nginx, protocol, spoken):
    with WeirProcess(config(nginx.address, tls(certs, protocol))) as weir:
        connections = set()
        for _ in range(20):
            version, connection = ask(weir.port(), "/protocol").body.decode().split()
            assert version == spoken
            connections.add(connection)
        assert len(connections) == 1
        counts = leases(weir)
        assert counts == {"opened": 1, "reused": 19, "taken": 0}


def test_large_bodies_pass_both_ways(certs, nginx):
    content = bytes(range(256)) * 32768  # 8 MiB
    (nginx.files / "large").write_bytes(content)
    with WeirProcess(config(nginx.address, tls(certs))) as weir:
        assert ask(weir.port(), "/large").body == content
        assert ask(weir.port(), "/up/again", "PUT", body=content).status in (201, 204)
        assert (nginx.files / "again").read_bytes() == content


def test_websockets_go_over_http_1_where_the_origin_knows_them_over_nothing_else(certs, nginx):
    async def talk(port):
        async with websockets.connect(f"ws://127.0.0.1:{port}/chat") as client:
            await client.send("hello")
            return await asyncio.wait_for(client.recv(), PATIENCE)

    with WeirProcess(config(nginx.address, tls(certs))) as weir:
        assert ask(weir.port(), "/protocol").body.startswith(b"HTTP/2.0")
        for _ in range(3):
            assert asyncio.run(talk(weir.port())) == "hello"
        assert ask(weir.port(), "/protocol").body.startswith(b"HTTP/2.0")
    with WeirProcess(config(nginx.address, tls(certs))) as weir:  # the very first request
        assert asyncio.run(talk(weir.port())) == "hello"
    with WeirProcess(config(nginx.address, tls(certs, "http2"))) as weir:
        with pytest.raises(websockets.exceptions.InvalidStatusCode) as refused:
            asyncio.run(talk(weir.port()))
        assert refused.value.status_code == 502


def test_an_origin_that_must_speak_http_2_and_does_not(certs):
    cert, key = certs.make("old", "127.0.0.1")
    server = f"ssl_certificate {cert}; ssl_certificate_key {key};"
    with Nginx(listen="ssl", server=server) as old:
        with WeirProcess(config(old.address, tls(certs, "http2"))) as weir:
            answer = ask(weir.port(), "/small")
            assert answer.status == 502
            assert answer.reason_code() in ("unsupported", "tls_handshake")
        with WeirProcess(config(old.address, tls(certs))) as weir:
            assert ask(weir.port(), "/small").body == b"small answer\n"


# --- origins that come and go ---------------------------------------------------------------------


def test_an_origin_that_says_goaway_between_requests_loses_none():
    def answer(one):
        with one.wire.changed:  # no request that came in between is left without an answer
            one.respond(200, length=2)
            one.send(b"ok")
            one.finish()
            one.wire.call(one.wire.h2.close_connection)  # GOAWAY behind every answer

    with Origin2(answer) as origin:
        with WeirProcess(config(origin.address, "protocol: http2")) as weir:
            for _ in range(20):
                # GOAWAY may cross a request, and one whose body was begun is not repeated.
                assert ask(weir.port(), "/").body == b"ok"
            assert origin.connections >= 10


def test_a_reload_that_changes_nothing_keeps_the_session():
    def answer(one):
        one.respond(200, length=2)
        one.send(b"ok")
        one.finish()

    with Origin2(answer) as origin:
        text = config(origin.address, "protocol: http2")
        with WeirProcess(text) as weir:
            with RawConnection(weir.port()) as client:
                for _ in range(5):
                    assert client.ask().body == b"ok"
                    assert weir.reload(text + "\n").returncode == 0
            assert origin.connections == 1
            other = text.replace("http2 }", "http2, idle_timeout: 7s }")
            assert weir.reload(other).returncode == 0
            assert ask(weir.port()).body == b"ok"
            assert origin.connections == 1


# --- gRPC -----------------------------------------------------------------------------------------


class Echo(grpc.GenericRpcHandler):
    """The four kinds of calls, over plain bytes."""

    def service(self, details):
        kind = details.method.rsplit("/", 1)[1]
        return {
            "unary": grpc.unary_unary_rpc_method_handler(self.unary),
            "server": grpc.unary_stream_rpc_method_handler(self.server),
            "client": grpc.stream_unary_rpc_method_handler(self.client),
            "both": grpc.stream_stream_rpc_method_handler(self.both),
            "fails": grpc.unary_unary_rpc_method_handler(self.fails),
        }.get(kind)

    def unary(self, request, call):
        call.set_trailing_metadata((("x-last", "word"),))
        return request

    def server(self, request, _):
        for i in range(10):
            yield request + b"%d" % i

    def client(self, requests, _):
        return b"".join(requests)

    def both(self, requests, _):
        for request in requests:
            yield request

    def fails(self, _, call):
        call.abort(grpc.StatusCode.NOT_FOUND, "no such thing")


@pytest.fixture(scope="module")
def channel():
    server = grpc.server(futures.ThreadPoolExecutor(16), handlers=(Echo(),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with WeirProcess(config(f"127.0.0.1:{port}", "protocol: http2")) as weir:
        with grpc.insecure_channel(f"127.0.0.1:{weir.port()}") as made:
            yield made
    server.stop(0).wait(PATIENCE)


def test_grpc_unary_with_trailers(channel):
    call = channel.unary_unary("/echo/unary")
    for size in (0, 10, 100_000):
        answer, told = call.with_call(b"x" * size, timeout=PATIENCE)
        assert answer == b"x" * size
        assert ("x-last", "word") in told.trailing_metadata()


def test_grpc_server_streaming(channel):
    answers = list(channel.unary_stream("/echo/server")(b"n", timeout=PATIENCE))
    assert answers == [b"n%d" % i for i in range(10)]


def test_grpc_client_streaming(channel):
    pieces = [b"%d," % i * 1000 for i in range(50)]
    assert channel.stream_unary("/echo/client")(iter(pieces), timeout=PATIENCE) == b"".join(pieces)


def test_grpc_both_directions_message_by_message(channel):
    gate = threading.Semaphore(1)

    def ask_one_by_one():
        for i in range(20):
            assert gate.acquire(timeout=PATIENCE)
            yield b"%d" % i

    answers = channel.stream_stream("/echo/both")(ask_one_by_one(), timeout=PATIENCE)
    for i in range(20):
        assert next(answers) == b"%d" % i
        gate.release()


def test_grpc_status_of_a_failed_call(channel):
    with pytest.raises(grpc.RpcError) as failed:
        channel.unary_unary("/echo/fails")(b"", timeout=PATIENCE)
    assert failed.value.code() == grpc.StatusCode.NOT_FOUND
    assert failed.value.details() == "no such thing"


def test_grpc_calls_side_by_side(channel):
    call = channel.unary_unary("/echo/unary")
    waiting = [call.future(b"%d" % i, timeout=PATIENCE) for i in range(200)]
    assert [each.result() for each in waiting] == [b"%d" % i for i in range(200)]
