"""Clusters of different origins that fail in every way there is, under load; gRPC servers too."""

import signal
import subprocess
import sys
import threading
import time
from concurrent import futures
from contextlib import ExitStack

import grpc

from origins import Nginx, listening_socket
from test_outliers import Moody
from test_reload_load import Wrk, assert_clean
from test_retries import ask_together, metric
from weir_process import PATIENCE, WeirProcess


class Python:
    """An origin in Python, a process of its own: it answers everything, after a while if told so."""

    PROGRAM = """
import http.server, socket, sys, threading
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        threading.Event().wait(float(sys.argv[2]))
        self.wfile.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 6\\r\\n\\r\\npython")
listener = socket.socket(fileno=int(sys.argv[1]))
server = http.server.ThreadingHTTPServer(listener.getsockname(), Handler, bind_and_activate=False)
server.socket.close()
server.socket = listener
server.serve_forever()
"""

    def __init__(self):
        self.start(listening_socket())

    def start(self, listener, delay=0.0):
        self.port = listener.getsockname()[1]
        self._process = subprocess.Popen(
            [sys.executable, "-c", self.PROGRAM, str(listener.fileno()), str(delay)],
            pass_fds=[listener.fileno()], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        listener.close()  # from here on, the port lives and dies with the process

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def kill(self):
        self._process.kill()
        self._process.wait(PATIENCE)

    def restart(self, delay):
        self.start(listening_socket(self.port), delay)

    def freeze(self):
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self._process.send_signal(signal.SIGCONT)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()


def config(origins, options):
    endpoints = ", ".join(f'"{origin.address}"' for origin in origins)
    return f"""
workers: 2
access_log: off
listeners: [{{ address: "127.0.0.1:0", name: main }}]
admin: 127.0.0.1:0
routes: [{{ reverse_proxy: origin }}]
upstreams: {{ origin: {{ endpoints: [{endpoints}], {options} }} }}
"""


def test_nothing_that_one_origin_of_four_does_fails_a_request():
    with ExitStack() as stack:
        origins = [stack.enter_context(each) for each in
                   (Nginx("one"), Nginx("two"), Python(), Moody("four"))]
        nginx, other, python, moody = origins
        care = ("health: { path: /name, every: 1s, timeout: 500ms }, "
                "outliers: { errors: 5, base_time: 1s, max_time: 1s }, "
                "retries: { attempts: 4, per_try_timeout: 1s, statuses: [500, 502, 503, 504] }")
        weir = stack.enter_context(WeirProcess(config(origins, care)))
        wrk = stack.enter_context(Wrk(weir.url("/small"), "--timeout", "30s"))  # late is not lost

        def nobody_notices():
            assert ask_together(weir, 5) == []

        nginx.kill()
        nobody_notices()
        nginx.restart()
        python.kill()
        nobody_notices()
        python.restart(delay=0.3)
        nobody_notices()
        other.freeze()
        nobody_notices()
        other.thaw()
        python.freeze()
        nobody_notices()
        python.thaw()
        moody.status = "500 Oops"
        nobody_notices()
        moody.status = "503 Busy"
        nobody_notices()
        moody.status = "200 OK"
        nobody_notices()
        assert_clean(wrk.finish())
        assert metric(weir, "weir_retries_total", result="made") > 0


# --- gRPC ---------------------------------------------------------------------------------------

class GrpcServer(grpc.GenericRpcHandler):
    """A real server that echoes, and says how it is (gRPC's health protocol)."""

    SERVING, NOT_SERVING = b"\x08\x01", b"\x08\x02"

    def __init__(self):
        self.port = 0
        self._health = self.SERVING
        self._server = None
        self.start()

    def start(self):
        self._server = grpc.server(futures.ThreadPoolExecutor(16), handlers=[self])
        self.port = self._server.add_insecure_port(f"127.0.0.1:{self.port}")
        self._server.start()

    def service(self, details):
        asked = details.method == "/grpc.health.v1.Health/Check"
        return grpc.unary_unary_rpc_method_handler(
            lambda request, _: self._health if asked else request)

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def restart(self, weir):
        """As a deploy does it: it says that it goes, and goes when nothing comes any more."""
        self._health = self.NOT_SERVING
        self._await(weir, "weir_endpoint_available", 0)
        self._await(weir, "weir_endpoint_in_flight", 0)
        self._server.stop(PATIENCE).wait()
        self._health = self.SERVING
        self.start()
        self._await(weir, "weir_endpoint_available", 1)

    def _await(self, weir, name, value):
        until = time.monotonic() + PATIENCE
        while metric(weir, name, endpoint=self.address) != value:
            assert time.monotonic() < until, f"{name} is not {value}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._server.stop(None).wait()


class Callers:
    """Clients that make one call after the other."""

    def __init__(self, port, count=4):
        self._target = f"127.0.0.1:{port}"
        self._over = threading.Event()
        self.failed = []
        self.answered = threading.Semaphore(0)
        self._threads = [threading.Thread(target=self._call) for _ in range(count)]

    def _call(self):
        with grpc.insecure_channel(self._target, [("grpc.use_local_subchannel_pool", 1)]) as channel:
            call = channel.unary_unary("/echo/Unary")
            while not self._over.is_set():
                try:
                    assert call(b"hello", timeout=PATIENCE) == b"hello"
                    self.answered.release()
                except grpc.RpcError as error:
                    self.failed.append(error)

    def await_answers(self, count):
        for _ in range(count):
            assert self.answered.acquire(timeout=PATIENCE), self.failed

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        for thread in self._threads:
            thread.join(PATIENCE)


def test_a_rolling_restart_of_all_grpc_servers_under_load_fails_no_call():
    with GrpcServer() as one, GrpcServer() as two:
        options = ("protocol: http2, retries: { attempts: 3 }, "
                   "health: { type: grpc, every: 1s, timeout: 500ms, fail: 1, pass: 1 }")
        with WeirProcess(config([one, two], options)) as weir, Callers(weir.port()) as callers:
            callers.await_answers(50)
            for _ in range(2):
                for server in (one, two):
                    server.restart(weir)
                    callers.await_answers(50)
        assert callers.failed == []


# --- limits of connections ----------------------------------------------------------------------

MOST = 3
LIMITS = f"endpoint_limits: {{ max_connections: {MOST}, queue_timeout: 60s }}"


def test_no_origin_has_more_connections_than_it_may():
    with Nginx("one") as origin, WeirProcess(config([origin], LIMITS)) as weir:
        assert ask_together(weir, 40) == []
        assert 1 <= metric(weir, "weir_endpoint_connections") <= MOST
        assert metric(weir, "weir_endpoint_connections_waiting") == 0
        assert connections_to(origin.port) <= MOST


def test_all_origins_together_have_no_more_connections_than_the_breaker_allows():
    limits = f"breaker: {{ max_connections: {MOST} }}, endpoint_limits: {{ queue_timeout: 60s }}"
    with Nginx("one") as one, Nginx("two") as two, WeirProcess(config([one, two], limits)) as weir:
        assert ask_together(weir, 40) == []
        assert 1 <= metric(weir, "weir_upstream_connections") <= MOST
        assert metric(weir, "weir_upstream_connections_waiting") == 0
        assert connections_to(one.port) + connections_to(two.port) <= MOST


def test_no_origin_has_more_http2_sessions_than_it_may():
    with GrpcServer() as origin:
        with WeirProcess(config([origin], "protocol: http2, " + LIMITS)) as weir:
            with Callers(weir.port(), 8) as callers:
                callers.await_answers(100)
                assert connections_to(origin.port) <= MOST
            assert callers.failed == []
            assert 1 <= metric(weir, "weir_endpoint_connections") <= MOST


def connections_to(port):
    """Established connections of which the other end is this port, of whatever process."""
    lines = open("/proc/net/tcp", encoding="ascii").read().splitlines()[1:]
    return sum(1 for line in lines
               if int(line.split()[2].rsplit(":", 1)[1], 16) == port and line.split()[3] == "01")
