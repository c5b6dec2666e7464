"""Under load: reloads lose no request and no connection; an end waits for what is under way."""

import os
import re
import signal
import subprocess
import threading
from contextlib import closing

import pytest

from http_client import RawConnection, ask
from origins import Nginx, ScriptedOrigin
from weir_process import PATIENCE, WeirProcess, is_sanitized

RELOADS = 200 if os.environ.get("WEIR_SOAK") else 20


def config(address, version, workers=2, extra=""):
    return f"""
workers: {workers}
listeners: [{{ address: "127.0.0.1:0", name: main }}]
routes:
  - {{ match: {{ path: /version }}, respond: "{version}" }}
  - reverse_proxy: origin
upstreams: {{ origin: {{ endpoints: ["{address}"{extra}] }} }}
"""


@pytest.fixture(scope="module")
def nginx():
    with Nginx() as origin:
        yield origin


class Wrk:
    """wrk, until it is told to stop; then it says what went wrong."""

    def __init__(self, url, *options):
        self._process = subprocess.Popen(["stdbuf", "-oL", "wrk", "-t1", "-c32", "-d600s", *options,
                                          url], stdout=subprocess.PIPE, text=True)
        assert "Running" in self._process.stdout.readline()  # from now on it heeds a signal

    def finish(self):
        self._process.send_signal(signal.SIGINT)
        report, _ = self._process.communicate(timeout=PATIENCE)
        return report

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate()


def assert_clean(report):
    assert int(re.search(r"(\d+) requests in", report)[1]) > 0, report
    assert "Non-2xx" not in report, report
    assert "Socket errors" not in report, report


class FaithfulClient:
    """Keeps its connection until it is told of the end: one that ends unannounced is an error."""

    def __init__(self, port):
        self._port = port
        self._connection = RawConnection(port)

    def ask(self, target):
        response = self._connection.ask(target)
        assert response.status == 200, response.body
        if response.get("Connection") == "close":
            assert self._connection.at_end()
            self.close()
            self._connection = RawConnection(self._port)
        return response

    def await_version(self, version):
        while (got := self.ask("/version").body.decode()) != str(version):
            assert int(got) < version

    def close(self):
        self._connection.close()


def test_reloads_by_signal_under_load_fail_no_request_and_close_no_connection(nginx):
    with WeirProcess(config(nginx.address, 0)) as weir, Wrk(weir.url("/small")) as wrk:
        with RawConnection(weir.port()) as client:
            for version in range(1, RELOADS + 1):
                weir.write_config(config(nginx.address, version))
                # A signal that comes while a reload is under way may be taken up by that one.
                while client.ask("/version").body.decode() != str(version):
                    weir.signal(signal.SIGHUP)
        assert_clean(wrk.finish())


def test_reloads_that_change_endpoints_and_workers_lose_nothing(nginx):
    with Nginx("other") as other, WeirProcess(config(nginx.address, 0)) as weir:
        with Wrk(weir.url("/small")) as wrk, closing(FaithfulClient(weir.port())) as client:
            for version in range(1, RELOADS // 2 + 1):
                extra = f', "{other.address}"' if version % 2 else ""
                text = config(nginx.address, version, workers=1 + version % 3, extra=extra)
                done = weir.reload(text)
                assert done.returncode == 0, done.stderr
                client.await_version(version)
            assert_clean(wrk.finish())


def test_idle_connections_of_workers_that_leave_go_on_at_the_one_that_stays(nginx):
    with WeirProcess(config(nginx.address, 0, workers=4)) as weir:
        clients = [RawConnection(weir.port()) for _ in range(40)]
        try:
            for version, workers in ((1, 1), (2, 3), (3, 1)):
                for client in clients:
                    assert client.ask("/version").body.decode() == str(version - 1)
                done = weir.reload(config(nginx.address, version, workers=workers))
                assert done.returncode == 0, done.stderr
            for client in clients:
                response = client.ask("/version")
                assert response.body == b"3"
                assert response.get("Connection") is None
        finally:
            for client in clients:
                client.close()


# Key and accept are those of RFC 6455, 1.3.
UPGRADE = (b"GET /tunnel HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
           b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")


def echo_in_a_tunnel(connection):
    head = connection.read_head()
    if head is None or "Upgrade: websocket" not in head:
        return
    connection.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
                    b"Upgrade: websocket\r\n"
                    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
    while data := connection.socket.recv(4096):
        connection.send(data)


def test_tunnels_of_many_generations_live_on_and_memory_does_not_grow():
    tunnels, reloads, measured_at = 50, 5 * RELOADS if os.environ.get("WEIR_SOAK") else 60, 10
    with ScriptedOrigin(echo_in_a_tunnel) as origin, ScriptedOrigin(echo_in_a_tunnel) as other:
        with WeirProcess(config(origin.address, 0)) as weir:
            clients = []
            try:
                for version in range(1, reloads + 1):
                    extra = f', "{other.address}"' if version % 2 else ""
                    assert weir.reload(config(origin.address, version, extra=extra)).returncode == 0
                    if len(clients) < tunnels:
                        client = RawConnection(weir.port())
                        clients.append(client)
                        client.send(UPGRADE)
                        assert client.read_head().status == 101
                    if version == measured_at:
                        early = weir.memory()
                for number, client in enumerate(clients):
                    client.send(f"tunnel {number}".encode())
                    assert client.read_exactly(len(f"tunnel {number}")) == f"tunnel {number}".encode()
                if not is_sanitized():
                    assert weir.memory() < early + (4 << 20)
            finally:
                for client in clients:
                    client.close()


def test_a_wrong_configuration_is_refused_and_the_old_one_goes_on(nginx):
    with WeirProcess(config(nginx.address, 1)) as weir, RawConnection(weir.port()) as client:
        done = weir.reload("listeners: [{ address: nonsense }]\nroutes: [{ respnd: 1 }]\n")
        assert done.returncode == 1
        assert "respond" in done.stdout + done.stderr  # what was meant
        assert client.ask("/version").body == b"1"
        assert weir.reload(config(nginx.address, 2)).returncode == 0
        assert client.ask("/version").body == b"2"


def test_a_download_outlives_a_reload_that_removes_its_origin(nginx):
    size = 16 << 20
    (nginx.files / "large").write_bytes(bytes(size))
    with WeirProcess(config(nginx.address, 1)) as weir:
        with RawConnection(weir.port(), receive_buffer=1 << 16) as client:
            client.send(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
            assert client.read_head().get("Content-Length") == str(size)
            with Nginx("other") as other:
                assert weir.reload(config(other.address, 2)).returncode == 0
                assert ask(weir.port(), "/name").body == b"other"
                assert len(client.read_exactly(size)) == size
                assert client.ask("/name").body == b"other"


def connects(port):
    """False once the port refuses. A connection may be queued at the very moment it closes."""
    try:
        RawConnection(port).close()
        return True
    except ConnectionRefusedError:
        return False
    except ConnectionResetError:
        return True


def test_a_drain_lets_a_download_finish_and_takes_nobody_new():
    may_end = threading.Event()

    def script(connection):
        connection.read_head()
        connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
        assert may_end.wait(PATIENCE)
        connection.send(b"4\r\nlast\r\n0\r\n\r\n")

    with ScriptedOrigin(script) as origin, WeirProcess(config(origin.address, 1)) as weir:
        with RawConnection(weir.port()) as idle, RawConnection(weir.port()) as client:
            assert idle.ask("/version").status == 200
            client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            client.read_head()
            assert client.read_chunk() == b"first"
            weir.signal(signal.SIGTERM)
            weir.wait_log("draining")
            assert idle.at_end()  # idle connections end at once
            while connects(weir.port()):
                pass
            may_end.set()
            assert client.read_chunk() == b"last"
            assert client.read_chunk() == b""
        assert weir.wait_exit() == 0


def test_a_second_signal_does_not_wait():
    def script(connection):
        connection.read_head()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        connection.await_close()

    with ScriptedOrigin(script) as origin, WeirProcess(config(origin.address, 1)) as weir:
        with RawConnection(weir.port()) as client:
            client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            client.read_head()
            weir.signal(signal.SIGTERM)
            weir.wait_log("draining")
            weir.signal(signal.SIGTERM)
            assert weir.wait_exit() == 0
