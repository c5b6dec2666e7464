"""The load: wrk for everything measured by time, plain sockets for what is counted."""

import json
import pathlib
import select
import socket

import processes

SCRIPTS = pathlib.Path(__file__).parent / "load"


def run_wrk(workshop, port, *, path, connections, seconds, script="report.lua", headers=(),
            arguments=()):
    """Runs wrk on the load's core; returns its figures. Raises if anything was answered wrongly.

    On a busy machine a short run may end before its connections stand: then it is made longer.
    """
    argv = ["wrk", "-t", "1", "-c", str(connections), "-d", "600s", "--timeout", "10s",
            "-s", str(SCRIPTS / script)]
    for header in headers:
        argv += ["-H", header]
    argv += [f"http://127.0.0.1:{port}{path}", "--", *map(str, arguments)]
    for longer in (1, 4, 16):
        figures = _figures_of(workshop, argv, seconds * longer)
        if figures["requests"] or figures["status_errors"]:
            break
    _refuse_failures(figures)
    return figures


def _figures_of(workshop, argv, seconds):
    process = workshop.start("wrk", argv, workshop.load_core, {"BENCH_LOAD": str(SCRIPTS)})
    # wrk knows whole seconds only; an interrupt makes it stop and report.
    process.interrupt_after(seconds)
    workshop.stop(process, 20)
    said = process.log.read_text(errors="replace")
    for line in said.splitlines():
        if line.startswith("RESULT "):
            return json.loads(line.removeprefix("RESULT "))
    raise processes.BenchError(f"wrk gave no figures:\n{said}")


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


def open_idle(port, count, batch=100):
    """Opens `count` connections, makes one request on each, and returns them, now silent."""
    clients = []
    while len(clients) < count:
        some = [Client(port) for _ in range(min(batch, count - len(clients)))]
        for client in some:
            client.send()
        for client in some:
            client.receive()
        clients += some
    return clients


def ended(clients):
    """How many of these idle connections the other side has closed."""
    poller = select.poll()
    for client in clients:
        poller.register(client.socket, select.POLLIN | select.POLLRDHUP)
    return len(poller.poll(0))
