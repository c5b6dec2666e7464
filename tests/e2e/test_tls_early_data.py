"""0-RTT, with `openssl s_client` as a client that sends a request ahead of the handshake's end.

Between it and Weir stands a wire that holds back what the client says after its first flight: what
happens until then happens before the handshake is over.
"""

import socket
import subprocess
import threading

import pytest

from certificates import Certificates
from origins import ScriptedOrigin, listening_socket
from weir_process import PATIENCE, WeirProcess

CONFIG = """
listeners:
  - address: "127.0.0.1:0"
    name: main
    tls: {{ certificates: [{{ cert: {cert}, key: {key} }}], early_data: {early} }}
routes: [{{ reverse_proxy: origin }}]
upstreams: {{ origin: {{ endpoints: ["{origin}"] }} }}
workers: 2
"""
GET = b"GET /early HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n"
POST = (b"POST /early HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n"
        b"Content-Length: 4\r\n\r\nbody")


@pytest.fixture(scope="module")
def site():
    certs = Certificates()
    return certs, *certs.make("shop", "shop.example")


class Heard:
    """A script of an origin that keeps the heads it gets, and answers all alike."""

    def __init__(self, status="200 OK"):
        self.heads = []
        self._status = status

    def __call__(self, connection):
        while head := connection.read_head():
            self.heads.append([line.lower() for line in head])
            connection.read_body(head)
            connection.answer(b"the answer", self._status)

    def early(self):
        """For each request whether it was told to be early."""
        return ["early-data: 1" in head for head in self.heads]


class Wire:
    """Carries one connection to Weir. `first` is the client's first flight, early data included."""

    def __init__(self, weir):
        self._listener = listening_socket()
        self.port = self._listener.getsockname()[1]
        self._weir = socket.create_connection(("127.0.0.1", weir.port()), PATIENCE)
        self._released = threading.Event()
        self.first = b""
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        client, _ = self._listener.accept()
        with client:
            while not self._has_early_data():
                self.first += client.recv(1 << 16)
            self._weir.sendall(self.first)
            back = threading.Thread(target=self._pump, args=(self._weir, client), daemon=True)
            back.start()
            self._released.wait(PATIENCE)
            self._pump(client, self._weir)
            back.join(PATIENCE)

    def _has_early_data(self):
        at = 0
        while at + 5 <= len(self.first):
            end = at + 5 + int.from_bytes(self.first[at + 3:at + 5])
            if self.first[at] == 23 and end <= len(self.first):
                return True
            at = end
        return False

    @staticmethod
    def _pump(source, to):
        try:
            while data := source.recv(1 << 16):
                to.sendall(data)
            to.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def release(self):
        self._released.set()

    def close(self):
        self.release()
        self._thread.join(PATIENCE)
        self._weir.close()
        self._listener.close()


def start(site, origin, early="true"):
    _, cert, key = site
    return WeirProcess(CONFIG.format(cert=cert, key=key, origin=origin.address, early=early))


def begin(port, site, *options):
    return subprocess.Popen(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", "shop.example",
         "-CAfile", site[0].ca, "-tls1_3", "-ign_eof", *options],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def read_until(process, text):
    said = b""
    while text not in said:
        more = process.stdout.read1()
        assert more, said.decode(errors="replace")
        said += more


def session(weir, site):
    """A file with a ticket of a whole connection."""
    file = site[0].dir / "session.pem"
    said, _ = begin(weir.port(), site, "-sess_out", file).communicate(GET, PATIENCE)
    assert b"the answer" in said
    return file


def ask_early(weir, site, ticket, request, await_answer):
    """All that the client said, and its first flight. `await_answer`: the handshake does not end
    before the answer has come."""
    file = site[0].dir / "request"
    file.write_bytes(request)
    wire = Wire(weir)
    process = begin(wire.port, site, "-sess_in", ticket, "-early_data", file)
    said = b""
    while await_answer and b"the answer" not in said:
        more = process.stdout.read1()
        assert more, said.decode(errors="replace")
        said += more
    wire.release()
    rest, _ = process.communicate(b"", PATIENCE)
    wire.close()
    return said + rest, wire.first


def replay(weir, flight):
    """Sends the same bytes once more, and waits for the end."""
    with socket.create_connection(("127.0.0.1", weir.port()), PATIENCE) as again:
        again.sendall(flight)
        again.shutdown(socket.SHUT_WR)
        try:
            while again.recv(1 << 16):
                pass
        except ConnectionResetError:
            pass


def test_a_safe_request_is_answered_before_the_handshake_is_over(site):
    heard = Heard()
    with ScriptedOrigin(heard) as origin, start(site, origin) as weir:
        said, _ = ask_early(weir, site, session(weir, site), GET, await_answer=True)
        assert b"Early data was accepted" in said
        assert heard.early() == [False, True]


def test_what_may_do_harm_waits_for_the_end_of_the_handshake(site):
    heard = Heard()
    with ScriptedOrigin(heard) as origin, start(site, origin) as weir:
        said, _ = ask_early(weir, site, session(weir, site), POST, await_answer=False)
        assert b"Early data was accepted" in said and b"the answer" in said
        assert heard.early() == [False, False]
        assert heard.heads[1][0].startswith("post")


@pytest.mark.parametrize("request_text", [GET, POST], ids=["get", "post"])
def test_what_was_recorded_and_is_sent_again_reaches_no_origin(site, request_text):
    heard = Heard()
    with ScriptedOrigin(heard) as origin, start(site, origin) as weir:
        ticket = session(weir, site)
        _, flight = ask_early(weir, site, ticket, request_text, await_answer=False)
        for _ in range(3):  # on either worker
            replay(weir, flight)
        assert len(heard.heads) == 2
        # Another connection of the same client: a ticket is good for it once.
        file = site[0].dir / "request"
        process = begin(weir.port(), site, "-sess_in", ticket, "-early_data", file)
        read_until(process, b"Early data was rejected")
        process.kill()
        process.communicate()
        assert len(heard.heads) == 2


def test_early_data_that_is_never_followed_by_the_handshake_does_no_harm(site):
    heard = Heard()
    with ScriptedOrigin(heard) as origin, start(site, origin) as weir:
        ticket = session(weir, site)
        wire = Wire(weir)
        file = site[0].dir / "request"
        file.write_bytes(POST)
        process = begin(wire.port, site, "-sess_in", ticket, "-early_data", file)
        said = b""
        while b"Early data was accepted" not in said:  # all of Weir's flight has come
            said += process.stdout.read1()
        process.kill()
        process.communicate()
        wire._weir.shutdown(socket.SHUT_RDWR)
        wire.close()
        said, _ = begin(weir.port(), site).communicate(GET, PATIENCE)
        assert b"the answer" in said
        assert [head[0] for head in heard.heads] == ["get /early http/1.1"] * 2


def http2(method):
    """A whole HTTP/2 connection's worth of one request: preface, settings, head."""
    def frame(kind, flags, stream, payload=b""):
        return (len(payload).to_bytes(3) + bytes([kind, flags]) + stream.to_bytes(4) + payload)
    name = b"shop.example"
    head = {"GET": b"\x82", "POST": b"\x83"}[method] + b"\x87\x84\x01" + bytes([len(name)]) + name
    return b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0) + frame(1, 5, 1, head)


@pytest.mark.parametrize("method, answer, told",
                         [("GET", b"the answer", [False, True]), ("POST", b"too_early", [False])])
def test_http2_answers_or_asks_for_it_again(site, method, answer, told):
    heard = Heard()
    with ScriptedOrigin(heard) as origin, start(site, origin) as weir:
        ticket, file = site[0].dir / "session2.pem", site[0].dir / "request2"
        first = begin(weir.port(), site, "-alpn", "h2", "-sess_out", ticket)
        first.stdin.write(http2("GET"))
        first.stdin.flush()
        read_until(first, b"the answer")
        first.kill()
        first.communicate()
        file.write_bytes(http2(method))
        wire = Wire(weir)
        process = begin(wire.port, site, "-alpn", "h2", "-sess_in", ticket, "-early_data", file)
        read_until(process, answer)
        process.kill()
        process.communicate()
        wire.close()
        assert heard.early() == told


def test_the_origins_425_goes_to_the_client(site):
    heard = Heard("425 Too Early")
    with ScriptedOrigin(heard) as origin, start(site, origin) as weir:
        said, _ = ask_early(weir, site, session(weir, site), GET, await_answer=True)
        assert b"HTTP/1.1 425 Too Early" in said
        assert heard.early() == [False, True], "asked once"


def test_it_is_off_unless_asked_for(site):
    heard = Heard()
    with ScriptedOrigin(heard) as origin, start(site, origin, early="false") as weir:
        said, _ = begin(weir.port(), site).communicate(GET, PATIENCE)
        assert b"Max Early Data: 0" in said
