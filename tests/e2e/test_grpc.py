"""gRPC with real clients and a real server (grpcio) on both sides, and gRPC-Web of browsers."""

import base64
import queue
import struct
import subprocess
import threading
from concurrent import futures

import grpc
import pytest

from certificates import Certificates
from weir_process import PATIENCE, WeirProcess


class Service(grpc.GenericRpcHandler):
    """Calls of all four kinds over plain bytes, and some that misbehave."""

    def __init__(self):
        self.cancelled = threading.Semaphore(0)

    def service(self, details):
        kinds = {
            "/echo/Unary": grpc.unary_unary_rpc_method_handler(self.unary),
            "/echo/Down": grpc.unary_stream_rpc_method_handler(self.down),
            "/echo/Up": grpc.stream_unary_rpc_method_handler(self.up),
            "/echo/Both": grpc.stream_stream_rpc_method_handler(self.both),
            "/echo/Refuse": grpc.unary_unary_rpc_method_handler(self.refuse),
            "/echo/Stall": grpc.unary_unary_rpc_method_handler(self.stall),
            "/echo/Endless": grpc.unary_stream_rpc_method_handler(self.endless),
        }
        return kinds.get(details.method)

    @staticmethod
    def unary(request, call):
        call.set_trailing_metadata((("after", "trailer"), ("raw-bin", b"\x00\xff")))
        return request

    @staticmethod
    def down(request, _):
        for i in range(int(request)):
            yield b"%d" % i

    @staticmethod
    def up(requests, _):
        return b"%d" % sum(len(each) for each in requests)

    @staticmethod
    def both(requests, _):
        yield from requests

    @staticmethod
    def refuse(_, call):
        call.abort(grpc.StatusCode.FAILED_PRECONDITION, "not like this: 100% \u00fc")

    def stall(self, _, call):
        gone = threading.Event()
        call.add_callback(gone.set)
        if gone.wait(PATIENCE):
            self.cancelled.release()
        return b""

    def endless(self, _, call):
        gone = threading.Event()

        def end():  # also when this generator is not asked for more
            gone.set()
            self.cancelled.release()

        if not call.add_callback(end):
            end()
        yield b"first"
        gone.wait(PATIENCE)


@pytest.fixture(scope="module")
def origin():
    service = Service()
    server = grpc.server(futures.ThreadPoolExecutor(16), handlers=[service])
    service.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    yield service
    server.stop(None)


def config(address, certs):
    cert, key = certs.make("grpc", "127.0.0.1")
    return f"""
workers: 1
access_log: off
listeners:
  - {{ address: "127.0.0.1:0", name: main }}
  - {{ address: "127.0.0.1:0", name: secure,
      tls: {{ certificates: [{{ cert: {cert}, key: {key} }}] }} }}
routes:
  - {{ match: {{ path: /echo/* }}, use: [grpc_web: {{}}], reverse_proxy: origin }}
  - {{ match: {{ path: /down/* }}, reverse_proxy: down }}
upstreams:
  origin: {{ endpoints: ["{address}"], protocol: http2 }}
  down: {{ endpoints: ["127.0.0.1:1"], protocol: http2 }}
"""


@pytest.fixture(scope="module")
def certs():
    return Certificates()


@pytest.fixture(scope="module")
def weir(origin, certs):
    with WeirProcess(config(origin.address, certs)) as process:
        yield process


@pytest.fixture(params=["main", "secure"])
def channel(request, weir, certs):
    """To Weir with prior knowledge, and over TLS."""
    target = f"127.0.0.1:{weir.port(request.param)}"
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_receive_message_length", -1)]
    if request.param == "main":
        opened = grpc.insecure_channel(target, options)
    else:
        trust = grpc.ssl_channel_credentials(certs.ca.read_bytes())
        opened = grpc.secure_channel(target, trust, options)
    with opened:
        yield opened


def test_unary_calls_carry_metadata_and_trailers(channel):
    reply, call = channel.unary_unary("/echo/Unary").with_call(
        b"hello", timeout=PATIENCE, metadata=(("asked-bin", b"\x01\x02"),))
    assert reply == b"hello"
    trailers = dict(call.trailing_metadata())
    assert trailers["after"] == "trailer" and trailers["raw-bin"] == b"\x00\xff"


def test_large_messages_pass(channel):
    message = bytes(range(256)) * 12000  # 3 MB
    assert channel.unary_unary("/echo/Unary")(message, timeout=PATIENCE) == message


def test_the_server_streams(channel):
    replies = channel.unary_stream("/echo/Down")(b"1000", timeout=PATIENCE)
    assert [int(each) for each in replies] == list(range(1000))


def test_the_client_streams(channel):
    pieces = (b"x" * 1000 for _ in range(1000))
    assert channel.stream_unary("/echo/Up")(pieces, timeout=PATIENCE) == b"1000000"


def test_both_stream_in_turns(channel):
    """Each request is sent only after the reply to the one before."""
    asked = queue.Queue()
    call = channel.stream_stream("/echo/Both")(iter(asked.get, None), timeout=PATIENCE)
    for i in range(200):
        asked.put(b"%d" % i)
        assert next(call) == b"%d" % i
    asked.put(None)
    assert list(call) == []
    assert call.code() is grpc.StatusCode.OK


def test_a_status_of_the_server_arrives_intact(channel):
    with pytest.raises(grpc.RpcError) as refused:
        channel.unary_unary("/echo/Refuse")(b"", timeout=PATIENCE)
    assert refused.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert refused.value.details() == "not like this: 100% \u00fc"


def test_weir_says_unavailable_and_unimplemented_in_grpc(channel):
    with pytest.raises(grpc.RpcError) as down:
        channel.unary_unary("/down/Any")(b"", timeout=PATIENCE)
    assert down.value.code() is grpc.StatusCode.UNAVAILABLE
    with pytest.raises(grpc.RpcError) as unknown:
        channel.unary_unary("/elsewhere/Any")(b"", timeout=PATIENCE)
    assert unknown.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_a_cancelled_call_is_cancelled_at_the_origin_and_no_other(channel, origin):
    other = queue.Queue()
    calls = channel.stream_stream("/echo/Both")(iter(other.get, None), timeout=PATIENCE)
    endless = channel.unary_stream("/echo/Endless")(b"", timeout=PATIENCE)
    assert next(endless) == b"first"
    endless.cancel()
    assert origin.cancelled.acquire(timeout=PATIENCE)
    other.put(b"still there")
    assert next(calls) == b"still there"
    other.put(None)
    assert list(calls) == []


def nghttp_post(weir, path, body, *headers):
    """A call by hand, whose deadline is known to Weir alone."""
    options = [option for header in headers for option in ("-H", header)]
    return subprocess.run(
        ["curl", "-sS", "-m", str(PATIENCE), "--http2-prior-knowledge", "-D", "-", "-o", "-",
         "--data-binary", "@-", "-H", "te: trailers", *options, weir.url(path)],
        input=body, capture_output=True, timeout=2 * PATIENCE, check=True).stdout


def framed(message):
    return struct.pack(">BI", 0, len(message)) + message


def test_weir_keeps_the_deadline_and_frees_the_origin(weir, origin):
    answer = nghttp_post(weir, "/echo/Stall", framed(b""), "content-type: application/grpc",
                         "grpc-timeout: 50m")
    assert b"grpc-status: 4\r\n" in answer
    assert origin.cancelled.acquire(timeout=PATIENCE)


def test_a_stream_that_passes_its_deadline_ends_with_a_status(weir, origin):
    answer = nghttp_post(weir, "/echo/Endless", framed(b""), "content-type: application/grpc",
                         "grpc-timeout: 1S")
    assert framed(b"first") in answer
    assert b"grpc-status: 4\r\n" in answer
    assert origin.cancelled.acquire(timeout=PATIENCE)


# --- gRPC-Web ------------------------------------------------------------------------------------

def web_call(weir, path, body, content_type, version="--http1.1"):
    done = subprocess.run(
        ["curl", "-sS", "-m", str(PATIENCE), version, "-w", "%{stderr}%{content_type}",
         "--data-binary", "@-", "-H", f"content-type: {content_type}", weir.url(path)],
        input=body, capture_output=True, timeout=2 * PATIENCE, check=True)
    return done.stdout, done.stderr.decode()


def messages(body):
    """(flag, payload) of each message."""
    while body:
        flag, size = struct.unpack(">BI", body[:5])
        yield flag, body[5:5 + size]
        body = body[5 + size:]


@pytest.mark.parametrize("version", ["--http1.1", "--http2-prior-knowledge"])
def test_grpc_web_in_binary(weir, version):
    body, kind = web_call(weir, "/echo/Unary", framed(b"hello"), "application/grpc-web+proto",
                          version)
    assert kind == "application/grpc-web+proto"
    (flag, reply), (last, trailers) = messages(body)
    assert (flag, reply) == (0, b"hello")
    assert last == 0x80 and b"grpc-status: 0\r\n" in trailers and b"after: trailer\r\n" in trailers


def test_grpc_web_as_text_streams(weir):
    body, kind = web_call(weir, "/echo/Down", base64.b64encode(framed(b"50")),
                          "application/grpc-web-text")
    assert kind == "application/grpc-web-text"
    # Texts in a row, each padded by itself.
    groups = (body[at:at + 4] for at in range(0, len(body), 4))
    *replies, (last, trailers) = messages(b"".join(map(base64.b64decode, groups)))
    assert [int(reply) for _, reply in replies] == list(range(50))
    assert last == 0x80 and b"grpc-status: 0\r\n" in trailers
