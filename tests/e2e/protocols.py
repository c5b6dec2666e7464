"""Origins and clients of each protocol behind one face, so that one test runs over every pair.

An origin calls `answer(ask)` for each request, in a thread of its own; `ask` reads the request and
writes the response piece by piece. A client's `request` gives a `Call`, with the same freedom. To
add a protocol, add a client and an origin here, and their names to CLIENTS and ORIGINS.
"""

import queue
import socket
import struct
import threading

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings

from origins import listening_socket
from weir_process import PATIENCE


class Reset(Exception):
    """The other side ended this exchange before it was complete."""


class Body:
    """What arrives of a message, piece by piece."""

    def __init__(self):
        self._pieces = queue.Queue()
        self.trailers = []

    def put(self, piece):
        self._pieces.put(piece)

    def fail(self, why="reset"):
        self._pieces.put(Reset(why))

    def piece(self):
        """At least one byte, or b"" at the end."""
        found = self._pieces.get(timeout=PATIENCE)
        if isinstance(found, Reset):
            self._pieces.put(found)
            raise found
        if found == b"":
            self._pieces.put(found)
        return found

    def read(self):
        return b"".join(iter(self.piece, b""))


class Fields(list):
    """Pairs, in order."""

    def get(self, name, default=None):
        found = [value for key, value in self if key.lower() == name.lower()]
        return found[0] if found else default


# --- HTTP/1.1 -------------------------------------------------------------------------------------


class Wire1:
    """Messages of HTTP/1.1 on a socket."""

    def __init__(self, sock):
        self.socket = sock
        sock.settimeout(PATIENCE)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = sock.makefile("rb")

    def line(self):
        line = self._file.readline()
        if not line.endswith(b"\r\n"):
            raise Reset("the connection ended")
        return line[:-2].decode("latin-1")

    def fields(self):
        found = Fields()
        while line := self.line():
            name, value = line.split(":", 1)
            found.append((name.lower(), value.strip()))
        return found

    def head(self):
        """First line and fields; None at the end."""
        try:
            return self.line(), self.fields()
        except (Reset, OSError):
            return None

    def body_into(self, body, fields, until_close=False):
        try:
            if fields.get("transfer-encoding") == "chunked":
                while size := int(self.line(), 16):
                    body.put(self.exactly(size))
                    self.line()
                body.trailers = self.fields()
            elif fields.get("content-length") is not None:
                left = int(fields.get("content-length"))
                while left:
                    piece = self._file.read1(min(left, 1 << 16))
                    if not piece:
                        raise Reset("truncated")
                    left -= len(piece)
                    body.put(piece)
            elif until_close:
                while piece := self._file.read1(1 << 16):
                    body.put(piece)
            body.put(b"")
        except (Reset, OSError, ValueError):
            body.fail()

    def exactly(self, size):
        data = self._file.read(size)
        if len(data) < size:
            raise Reset("truncated")
        return data

    def raw_into(self, body):
        try:
            while piece := self._file.read1(1 << 16):
                body.put(piece)
            body.put(b"")
        except OSError:
            body.fail()

    def write(self, data):
        try:
            self.socket.sendall(data)
        except OSError as error:
            raise Reset("nobody listens") from error

    def write_head(self, first, fields):
        lines = [first] + [f"{name}: {value}" for name, value in fields]
        self.write("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n")

    def write_chunk(self, data):
        self.write(b"%x\r\n%s\r\n" % (len(data), data))

    def write_last_chunk(self, trailers):
        self.write(b"0\r\n" + b"".join(f"{n}: {v}\r\n".encode() for n, v in trailers) + b"\r\n")

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self):
        self._file.close()
        self.socket.close()


class Ask1:
    """One request as an origin of HTTP/1.1 sees it."""

    def __init__(self, wire, first, fields):
        self._wire = wire
        self.method, self.path, _ = first.split(" ")
        self.fields = fields
        self.body = Body()
        self._chunked = False
        self.upgrade = fields.get("upgrade", "")
        self._reader = None
        self.closed = False

    def begin(self):
        target = self._wire.raw_into if self.upgrade else self._wire.body_into
        arguments = (self.body,) if self.upgrade else (self.body, self.fields)
        self._reader = threading.Thread(target=target, args=arguments, daemon=True)
        self._reader.start()

    def interim(self, status, fields=()):
        self._wire.write_head(f"HTTP/1.1 {status} Interim", fields)

    def respond(self, status=200, fields=(), length=None):
        """`length` None: chunked. 0: no body."""
        self._chunked = length is None
        framing = ("Transfer-Encoding", "chunked") if self._chunked else ("Content-Length", length)
        self._wire.write_head(f"HTTP/1.1 {status} Fine", [*fields, framing])

    def respond_to_head(self, length):
        self._wire.write_head("HTTP/1.1 200 Fine", [("Content-Length", length)])

    def accept_upgrade(self, fields=()):
        self._wire.write_head("HTTP/1.1 101 Switching Protocols",
                              [("Connection", "upgrade"), ("Upgrade", self.upgrade), *fields])

    def send(self, data):
        if self._chunked:
            self._wire.write_chunk(data)
        else:
            self._wire.write(data)

    def finish(self, trailers=()):
        if self.upgrade:
            self._wire.socket.shutdown(socket.SHUT_WR)
        elif self._chunked:
            self._wire.write_last_chunk(trailers)

    def reset(self):
        self.closed = True
        self._wire.reset()

    def settle(self):
        """Ready for the next request; False if the connection is of no more use."""
        if self.closed or self.upgrade:
            return False
        self._reader.join(PATIENCE)
        return True


class Server:
    """Accepts connections and serves each in a thread."""

    def __init__(self, answer):
        self._answer = answer
        self._listener = listening_socket()
        self.port = self._listener.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        self.connections = 0
        self.failures = []
        self._sockets = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._sockets.append(sock)
            threading.Thread(target=self._guarded, args=(sock,), daemon=True).start()

    def _guarded(self, sock):
        try:
            self.serve(sock)
        except (OSError, Reset, ValueError):
            pass
        finally:
            sock.close()

    def answer(self, ask):
        try:
            self._answer(ask)
        except Reset:
            pass
        except AssertionError as failure:
            self.failures.append(failure)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for sock in self._sockets:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        if self.failures and kind is None:
            raise self.failures[0]


class Origin1(Server):
    config = "protocol: http1"

    def serve(self, sock):
        wire = Wire1(sock)
        while (head := wire.head()) is not None:
            ask = Ask1(wire, *head)
            ask.begin()
            self.answer(ask)
            if not ask.settle():
                return


class Call:
    """One request as its client sees it: `status`, `fields`, `body`; `interims` came before."""

    def __init__(self):
        self.interims = []
        self.status = None
        self.fields = Fields()
        self.body = Body()
        self._head = threading.Event()
        self._interim = threading.Event()

    def interim_came(self, status, fields):
        self.interims.append((status, fields))
        self._interim.set()

    def wait_interim(self):
        assert self._interim.wait(PATIENCE), "no interim response"
        return self.interims[0]

    def head_came(self):
        self._head.set()

    def wait_head(self):
        assert self._head.wait(PATIENCE), "no response"
        if self.status is None:
            raise Reset("no response head")
        return self


class Call1(Call):
    def __init__(self, port, method, path, fields, length, upgrade):
        super().__init__()
        self._wire = Wire1(socket.create_connection(("127.0.0.1", port)))
        self._chunked = length is None
        self._method, self._upgrade = method, upgrade
        own = [("Host", "shop.example")]
        if upgrade:
            own += [("Connection", "upgrade"), ("Upgrade", upgrade)]
        elif self._chunked:
            own.append(("Transfer-Encoding", "chunked"))
        elif length:
            own.append(("Content-Length", length))
        self._wire.write_head(f"{method} {path} HTTP/1.1", [*own, *fields])
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        while (head := self._wire.head()) is not None:
            status = int(head[0].split(" ")[1])
            if 100 <= status < 200 and status != 101:
                self.interim_came(status, head[1])
                continue
            self.status, self.fields = status, head[1]
            self.head_came()
            if status == 101:
                return self._wire.raw_into(self.body)
            if self._method == "HEAD" or status in (204, 304):
                return self.body.put(b"")
            return self._wire.body_into(self.body, head[1], until_close=True)
        self.head_came()

    def send(self, data):
        if self._chunked and not self._upgrade:
            self._wire.write_chunk(data)
        else:
            self._wire.write(data)

    def finish(self, trailers=()):
        if self._upgrade:
            self._wire.socket.shutdown(socket.SHUT_WR)
        elif self._chunked:
            self._wire.write_last_chunk(trailers)

    def reset(self):
        self._wire.reset()

    def close(self):
        try:
            self._wire.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


class Client1:
    upgraded = 101

    def __init__(self, port):
        self._port = port
        self._calls = []

    def request(self, method, path, fields=(), length=0, upgrade=""):
        self._calls.append(Call1(self._port, method, path, fields, length, upgrade))
        return self._calls[-1]

    def close(self):
        for call in self._calls:
            call.close()


# --- HTTP/2, with the package h2 ------------------------------------------------------------------


class Wire2:
    """One connection: its reader thread hands events to `on_event`."""

    def __init__(self, sock, client):
        self.socket = sock
        sock.settimeout(None)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.h2 = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=client, header_encoding="latin-1"))
        self.changed = threading.Condition()

    def flush(self):
        data = self.h2.data_to_send()
        if data:
            try:
                self.socket.sendall(data)
            except OSError as error:
                raise Reset("nobody listens") from error

    def run(self, on_event):
        """Until the end of the connection."""
        try:
            while data := self.socket.recv(1 << 16):
                with self.changed:
                    for event in self.h2.receive_data(data):
                        if isinstance(event, h2.events.DataReceived):
                            self.h2.acknowledge_received_data(event.flow_controlled_length,
                                                              event.stream_id)
                        on_event(event)
                    self.flush()
                    self.changed.notify_all()
        except (OSError, Reset, h2.exceptions.ProtocolError):
            pass
        with self.changed:
            on_event(None)
            self.changed.notify_all()

    def call(self, function, *arguments, **options):
        with self.changed:
            try:
                function(*arguments, **options)
            except h2.exceptions.ProtocolError as error:
                raise Reset(str(error)) from error
            self.flush()

    def send(self, stream, data, gone):
        """All of `data`, as the windows open."""
        with self.changed:
            while data:
                try:
                    room = min(self.h2.local_flow_control_window(stream),
                               self.h2.max_outbound_frame_size, len(data))
                    if room > 0:
                        self.h2.send_data(stream, data[:room])
                        data = data[room:]
                except h2.exceptions.ProtocolError as error:
                    raise Reset(str(error)) from error
                self.flush()
                if data and room <= 0:
                    assert self.changed.wait(PATIENCE), "the window never opens"
                if gone():
                    raise Reset("the stream is gone")

    def end(self, stream, trailers=()):
        if trailers:
            self.call(self.h2.send_headers, stream, list(trailers), end_stream=True)
        else:
            self.call(self.h2.end_stream, stream)


class Half2:
    """What both sides of a stream do."""

    def __init__(self):
        self.body = Body()
        self.gone = False

    def arrived(self, event):
        if isinstance(event, h2.events.DataReceived):
            if event.data:
                self.body.put(event.data)
        elif isinstance(event, h2.events.TrailersReceived):
            self.body.trailers = Fields(event.headers)
        elif isinstance(event, h2.events.StreamEnded):
            self.body.put(b"")
        elif event is None or isinstance(event, h2.events.StreamReset):
            self.gone = True
            self.body.fail()

    def send(self, data):
        self.wire.send(self.stream, data, lambda: self.gone)

    def finish(self, trailers=()):
        self.wire.end(self.stream, trailers)

    def reset(self):
        self.gone = True
        self.wire.call(self.wire.h2.reset_stream, self.stream, h2.errors.ErrorCodes.INTERNAL_ERROR)


class Ask2(Half2):
    """One request as an origin of HTTP/2 sees it."""

    def __init__(self, wire, stream, headers):
        super().__init__()
        self.wire, self.stream = wire, stream
        self.fields = Fields(headers)
        self.method = self.fields.get(":method")
        self.path = self.fields.get(":path")
        self.upgrade = self.fields.get(":protocol", "")
        self._ended = False

    def interim(self, status, fields=()):
        headers = [(":status", str(status)), *((n.lower(), v) for n, v in fields)]
        self.wire.call(self.wire.h2.send_headers, self.stream, headers)

    def respond(self, status=200, fields=(), length=None):
        headers = [(":status", str(status)), *((n.lower(), v) for n, v in fields)]
        if length is not None:
            headers.append(("content-length", str(length)))
        self._ended = length == 0
        self.wire.call(self.wire.h2.send_headers, self.stream, headers, end_stream=self._ended)

    def respond_to_head(self, length):
        headers = [(":status", "200"), ("content-length", str(length))]
        self.wire.call(self.wire.h2.send_headers, self.stream, headers, end_stream=True)

    def accept_upgrade(self, fields=()):
        self.interim(200, [f for f in fields if f[0].lower() != "sec-websocket-accept"])

    def finish(self, trailers=()):
        if not self._ended:
            super().finish(trailers)


class Origin2(Server):
    config = "protocol: http2"
    connect_protocol = 1

    def serve(self, sock):
        wire = Wire2(sock, client=False)
        codes = h2.settings.SettingCodes
        wire.h2.local_settings = h2.settings.Settings(client=False, initial_values={
            codes.MAX_CONCURRENT_STREAMS: 100,
            codes.ENABLE_CONNECT_PROTOCOL: self.connect_protocol})
        wire.call(wire.h2.initiate_connection)
        asks = {}

        def on_event(event):
            if isinstance(event, h2.events.RequestReceived):
                ask = asks[event.stream_id] = Ask2(wire, event.stream_id, event.headers)
                threading.Thread(target=self.answer, args=(ask,), daemon=True).start()
            elif event is None:
                for ask in asks.values():
                    ask.arrived(None)
            elif getattr(event, "stream_id", None) in asks:
                asks[event.stream_id].arrived(event)

        wire.run(on_event)


class Call2(Half2, Call):
    def __init__(self, wire, stream):
        Call.__init__(self)
        Half2.__init__(self)
        self.wire, self.stream = wire, stream

    def arrived(self, event):
        if isinstance(event, h2.events.InformationalResponseReceived):
            fields = Fields(event.headers)
            self.interim_came(int(fields.get(":status")), fields)
        elif isinstance(event, h2.events.ResponseReceived):
            self.fields = Fields(event.headers)
            self.status = int(self.fields.get(":status"))
            self.head_came()
        Half2.arrived(self, event)
        if self.gone:
            self.head_came()


class Client2:
    upgraded = 200

    def __init__(self, port):
        self._wire = Wire2(socket.create_connection(("127.0.0.1", port)), client=True)
        self._calls = {}
        self._wire.call(self._wire.h2.initiate_connection)
        self._reader = threading.Thread(target=self._wire.run, args=(self._on_event,), daemon=True)
        self._reader.start()

    def _on_event(self, event):
        if event is None:
            for call in self._calls.values():
                call.arrived(None)
        elif getattr(event, "stream_id", None) in self._calls:
            self._calls[event.stream_id].arrived(event)

    def request(self, method, path, fields=(), length=0, upgrade=""):
        headers = [(":method", "CONNECT" if upgrade else method), (":scheme", "http"),
                   (":authority", "shop.example"), (":path", path)]
        if upgrade:
            headers.append((":protocol", upgrade))
        if length:
            headers.append(("content-length", str(length)))
        headers += [(n.lower(), v) for n, v in fields
                    if n.lower() not in ("sec-websocket-key", "expect")]
        with self._wire.changed:
            stream = self._wire.h2.get_next_available_stream_id()
            call = self._calls[stream] = Call2(self._wire, stream)
            self._wire.h2.send_headers(stream, headers,
                                       end_stream=length == 0 and not upgrade)
            self._wire.flush()
        return call

    def close(self):
        try:
            self._wire.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


CLIENTS = {"h1": Client1, "h2": Client2}
ORIGINS = {"h1": Origin1, "h2": Origin2}
