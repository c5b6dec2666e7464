"""The load: wrk, h2load and load_tls for what is measured by time, sockets for what is counted."""

import contextlib
import json
import math
import pathlib
import re
import select
import socket
import time

import processes

SCRIPTS = pathlib.Path(__file__).parent / "load"
OPENSSL = pathlib.Path(__file__).parent / "configs" / "openssl.cnf"
DATAGRAMS = "load_udp"  # likewise
HANDSHAKES = "load_tls"  # of the release build; run.py says where that is


def run_wrk(workshop, port, *, path, connections, seconds, script="report.lua", headers=(),
            arguments=(), tls=False, failures=False):
    """Runs wrk on the load's core; returns its figures. Raises if anything was answered wrongly,
    unless `failures` are what is counted.
    """
    argv = ["wrk", "-t", "1", "-c", str(connections), "-d", "600s", "--timeout", "10s",
            "-s", str(SCRIPTS / script)]
    for header in headers:
        argv += ["-H", header]
    scheme = "https" if tls else "http"
    argv += [f"{scheme}://127.0.0.1:{port}{path}", "--", *map(str, arguments)]

    def run(seconds):
        process = workshop.start("wrk", argv, workshop.load_core,
                                 {"BENCH_LOAD": str(SCRIPTS), "OPENSSL_CONF": str(OPENSSL)})
        # wrk knows whole seconds only; an interrupt makes it stop and report.
        process.interrupt_after(seconds)
        return _figures_of(workshop, process)

    return _until_answered(seconds, run, failures)


def run_handshakes(workshop, port, mode, connections, seconds):
    """A handshake per request, `full` or `resumed`; figures as of wrk."""
    def run(seconds):
        process = workshop.start("load_tls", [HANDSHAKES, str(port), mode, str(connections),
                                              str(seconds)], workshop.load_core)
        process.interrupt_after(seconds + 30)
        return _figures_of(workshop, process)

    figures = _until_answered(seconds, run)
    # The first ones have nothing to resume.
    if mode == "resumed" and figures["not_resumed"] > 2 * connections:
        raise processes.BenchError(f"{figures['not_resumed']} of {figures['requests']} handshakes "
                                   "were not resumed")
    return figures


def run_datagrams(workshop, port, clients, size, seconds):
    """Datagrams there and back; figures as of wrk. Some may be lost, as datagrams are."""
    process = workshop.start("load_udp", [DATAGRAMS, str(port), str(clients), str(size),
                                          str(seconds)], workshop.load_core)
    process.interrupt_after(seconds + 30)
    figures = _figures_of(workshop, process)
    if figures["socket_errors"] > figures["requests"] / 1000:
        raise processes.BenchError(f"{figures['socket_errors']} datagrams were lost")
    return figures


def run_h2load(workshop, port, *, path, connections, streams, seconds):
    """HTTP/2 over TLS; figures as of wrk, without p99, which h2load does not tell."""
    def run(seconds):
        argv = ["h2load", "-t", "1", "-c", str(connections), "-m", str(streams),
                "-D", f"{max(1, round(seconds * 1000))}ms", f"https://127.0.0.1:{port}{path}"]
        process = workshop.start("h2load", argv, workshop.load_core, {"OPENSSL_CONF": str(OPENSSL)})
        process.interrupt_after(seconds + 30)
        workshop.stop(process, 20)
        return _figures_of_h2load(process.log.read_text(errors="replace"), seconds)

    return _until_answered(seconds, run)


def _figures_of_h2load(said, seconds):
    counts = re.search(r"requests: \d+ total, \d+ started, (\d+) done, (\d+) succeeded, "
                       r"(\d+) failed, (\d+) errored, (\d+) timeout", said)
    if not counts:
        raise processes.BenchError(f"h2load gave no figures:\n{said}")
    done, succeeded, failed, errored, timeouts = map(int, counts.groups())
    if done and ("Application protocol: h2" not in said or "TLSv1.3" not in said):
        raise processes.BenchError(f"h2load did not speak HTTP/2 over TLS 1.3:\n{said}")
    return {"requests": succeeded, "seconds": seconds, "p99_us": math.nan,
            "status_errors": failed - errored - timeouts, "socket_errors": errored + timeouts}


def _until_answered(seconds, run, failures=False):
    """On a busy machine a short run may end before its connections stand: then it is made longer."""
    for longer in (1, 4, 16):
        figures = run(seconds * longer)
        if figures["requests"] or figures["status_errors"]:
            break
    if not failures:
        _refuse_failures(figures)
    return figures


def _figures_of(workshop, process):
    workshop.stop(process, 20)
    said = process.log.read_text(errors="replace")
    for line in said.splitlines():
        if line.startswith("RESULT "):
            return json.loads(line.removeprefix("RESULT "))
    raise processes.BenchError(f"{process.name} gave no figures:\n{said}")


def _refuse_failures(figures):
    if figures["status_errors"]:
        raise processes.BenchError(f"{figures['status_errors']} answers had an error status")
    if figures["requests"] == 0:
        raise processes.BenchError("no request was answered")
    # A connection may end under wrk's feet at the end of a round; more than that is a fault.
    if figures["socket_errors"] > max(2, figures["requests"] // 1000):
        raise processes.BenchError(f"{figures['socket_errors']} socket errors in "
                                   f"{figures['requests']} requests")


def _request(host="localhost", path="/1k"):
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()


class Client:
    """One keep-alive connection that asks for 1 KB and reads all of the answer."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self):
        self.socket.sendall(_request())

    def receive(self):
        """Reads one answer; raises unless it is a 200 with as many bytes as it says."""
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._more()
        head, _, body = data.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise processes.BenchError(f"an answer other than 200: {head[:200]!r}")
        fields = head.lower().split(b"\r\n")
        length = next((int(field.split(b":")[1]) for field in fields
                       if field.startswith(b"content-length:")), None)
        if length is None:
            raise processes.BenchError(f"an answer without a length: {head[:500]!r}")
        while len(body) < length:
            body += self._more()

    def _more(self):
        data = self.socket.recv(65536)
        if not data:
            raise processes.BenchError("the connection ended before its answer")
        return data

    def close(self):
        self.socket.close()


def requests_in_turn(port, count):
    """`count` requests on one connection, each sent when the last one has been answered."""
    client = Client(port)
    for _ in range(count):
        client.send()
        client.receive()
    client.close()


@contextlib.contextmanager
def idle_connections(port, count, batch=100):
    """`count` open connections with one request made on each; raises if one was closed."""
    clients = []
    while len(clients) < count:
        some = [Client(port) for _ in range(min(batch, count - len(clients)))]
        for client in some:
            client.send()
        for client in some:
            client.receive()
        clients += some
    yield
    poller = select.poll()
    for client in clients:
        poller.register(client.socket, select.POLLIN | select.POLLRDHUP)
    gone = len(poller.poll(0))
    for client in clients:
        client.close()
    if gone:
        raise processes.BenchError(f"it closed {gone} of {count} connections")


@contextlib.contextmanager
def idle_tls_connections(workshop, port, count):
    """The same over TLS."""
    process = workshop.start("load_tls", [HANDSHAKES, str(port), "idle", str(count)],
                             workshop.load_core)
    end = time.monotonic() + 120
    while "READY" not in process.log.read_text():
        if process.child.poll() is not None or time.monotonic() > end:
            raise processes.BenchError(f"not all connections opened:\n{process.log_tail()}")
        time.sleep(0.05)
    yield
    process.interrupt_after(0)
    figures = _figures_of(workshop, process)
    if figures["requests"] != count or figures["ended"]:
        raise processes.BenchError(f"{figures['requests']} of {count} connections were opened, "
                                   f"{figures['ended']} closed")
