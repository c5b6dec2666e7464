"""Servers and clients of UDP."""

import socket
import subprocess
import threading
import time

from weir_process import PATIENCE


class UdpServer:
    """Answers each datagram with those that `reply(data)` gives; counts what it heard by sender."""

    def __init__(self, reply, address="127.0.0.1", port=0):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, port))
        self.port = self.socket.getsockname()[1]
        self.heard = []
        self._reply = reply
        self._ended = False
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def _serve(self):
        while True:
            data, sender = self.socket.recvfrom(65536)
            if self._ended:
                return
            self.heard.append((sender, data))
            for answer in self._reply(data):
                self.socket.sendto(answer, sender)

    def close(self):
        """Nobody is at its port any more."""
        self._ended = True
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waker:
            waker.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join(PATIENCE)
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if not self._ended:
            self.close()


def named(text):
    """An echo that says who it is."""
    return lambda data: [text.encode() + b":" + data]


class UdpClient:
    """One socket that talks to one port."""

    def __init__(self, port, source="127.0.0.1"):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.settimeout(PATIENCE)
        self.socket.bind((source, 0))
        self.socket.connect(("127.0.0.1", port))

    def send(self, data):
        self.socket.send(data)

    def read(self):
        return self.socket.recv(65536)

    def ask(self, data):
        self.send(data)
        return self.read()

    def ask_again(self, data):
        """Asks until there is an answer, as a client of a network that loses datagrams does."""
        self.socket.settimeout(0.2)
        for _ in range(50):
            self.send(data)
            try:
                return self.read()
            except (TimeoutError, ConnectionRefusedError):
                continue
        raise AssertionError("no answer, however often it was asked")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()


class Dnsmasq:
    """A DNS server that knows one name."""

    def __init__(self, folder, name, address):
        for _ in range(50):
            self._begin(folder, name, address)
            if self._is_ready():
                return
        raise AssertionError("dnsmasq finds no port")

    def _begin(self, folder, name, address):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._process = subprocess.Popen(
            ["dnsmasq", "--keep-in-foreground", "--no-resolv", "--no-hosts", "--bind-interfaces",
             "--listen-address=127.0.0.1", f"--port={self.port}", f"--address=/{name}/{address}",
             "--user=", "--group=", f"--pid-file={folder}/dnsmasq-{self.port}.pid", "--conf-file=/dev/null"],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.address = f"127.0.0.1:{self.port}"

    def _is_ready(self):
        """False if somebody else has the port by now, be it for TCP."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                said = self._process.stderr.read().decode()
                self._process.stderr.close()
                assert "in use" in said, said
                return False
            if dig(self.port, "ready.test").returncode == 0:
                return True
        raise AssertionError("dnsmasq does not answer")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait(PATIENCE)
        self._process.stderr.close()


def dig(port, name, *options):
    """Asks a DNS server of this machine; the short answer."""
    return subprocess.run(
        ["dig", "+short", "+tries=3", "+time=2", "@127.0.0.1", "-p", str(port), name, *options],
        text=True, capture_output=True, timeout=PATIENCE)
