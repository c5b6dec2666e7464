"""A client that sends exactly the bytes it is told, and reads responses strictly."""

import json
import socket
import struct

from weir_process import PATIENCE


# The admin listener answers to no name but localhost.
ADMIN_PAGES = ("/metrics", "/endpoints", "/healthz", "/readyz", "/config", "/versions", "/caches/",
               "/dashboard", "/log")


class Response:
    def __init__(self, status, reason, headers):
        self.status = status
        self.reason = reason
        self.headers = headers  # pairs, in order
        self.body = b""
        self.trailers = []

    def all(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def get(self, name, default=None):
        values = self.all(name)
        assert len(values) <= 1, f"{name} came {len(values)} times"
        return values[0] if values else default

    def json(self):
        return json.loads(self.body)

    def reason_code(self):
        """The stable reason of an error that Weir made itself."""
        return self.json()["error"]["code"]


class RawConnection:
    """A connection to Weir. Reads block until what was asked for has come."""

    def __init__(self, port, receive_buffer=None):
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if receive_buffer is not None:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self._socket.settimeout(PATIENCE)
        self._socket.connect(("127.0.0.1", port))
        self._unread = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, data):
        self._socket.sendall(data)

    def try_send(self, data):
        """Sends; False if the other side has gone."""
        try:
            self._socket.sendall(data)
            return True
        except OSError as error:
            assert not isinstance(error, TimeoutError), "nobody took the bytes"
            return False

    def finish_sending(self):
        self._socket.shutdown(socket.SHUT_WR)

    def try_finish_sending(self):
        try:
            self.finish_sending()
        except OSError:
            pass  # the other side was faster

    def close(self):
        self._socket.close()

    def reset(self):
        """Closes with RST."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    # --- reading -------------------------------------------------------------------------------

    def _more(self):
        data = self._socket.recv(1 << 18)
        self._unread += data
        return bool(data)

    def read_until(self, mark):
        while mark not in self._unread:
            assert self._more(), f"the connection ended after {self._unread[:200]!r}"
        found, self._unread = self._unread.split(mark, 1)
        return found + mark

    def read_exactly(self, size):
        pieces, have = [self._unread], len(self._unread)
        self._unread = b""
        while have < size:
            data = self._socket.recv(1 << 18)
            assert data, f"the connection ended {size - have} bytes too early"
            pieces.append(data)
            have += len(data)
        data = b"".join(pieces)
        self._unread = data[size:]
        return data[:size]

    def read_some(self):
        """At least one byte, or b"" at the end."""
        if not self._unread:
            self._more()
        data, self._unread = self._unread, b""
        return data

    def read_to_end(self):
        pieces = [self.read_some()]
        while pieces[-1]:
            pieces.append(self.read_some())
        return b"".join(pieces)

    def at_end(self):
        """Waits for the end of the connection; True if nothing came before it."""
        try:
            return self.read_to_end() == b""
        except ConnectionResetError:
            return self._unread == b""

    def read_chunk(self):
        """One chunk of a chunked body; b"" is the last."""
        size = int(self.read_until(b"\r\n").strip(), 16)
        if size == 0:
            return b""
        data = self.read_exactly(size + 2)
        assert data.endswith(b"\r\n")
        return data[:-2]

    def _read_fields(self):
        fields = []
        while (line := self.read_until(b"\r\n")) != b"\r\n":
            name, value = line[:-2].decode("latin-1").split(":", 1)
            fields.append((name, value.strip()))
        return fields

    def read_head(self):
        line = self.read_until(b"\r\n").decode("latin-1")
        version, status, reason = line[:-2].split(" ", 2)
        assert version == "HTTP/1.1", line
        return Response(int(status), reason, self._read_fields())

    def read_response(self, method="GET"):
        response = self.read_head()
        if method == "HEAD" or response.status in (204, 304) or response.status < 200:
            return response
        if response.get("Transfer-Encoding") == "chunked":
            pieces = list(iter(self.read_chunk, b""))
            response.trailers = self._read_fields()
            response.body = b"".join(pieces)
        elif response.get("Content-Length") is not None:
            response.body = self.read_exactly(int(response.get("Content-Length")))
        else:
            response.body = self.read_to_end()
        return response

    def ask(self, target="/", method="GET", headers=(), body=b""):
        """One request, in one piece, and its response."""
        host = "localhost" if target.startswith(ADMIN_PAGES) else "shop.example"
        lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", *headers]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        self.send("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        return self.read_response(method)


def ask(port, *args, **kwargs):
    """One request on a connection of its own."""
    with RawConnection(port) as connection:
        return connection.ask(*args, **kwargs)
