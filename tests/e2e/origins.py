"""What stands behind Weir in these tests: a real nginx, and origins that follow a script."""

import os
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time

from weir_process import PATIENCE, scratch_dir

NGINX_CONFIG = """
daemon off;
{user}
worker_processes 1;
pid {dir}/nginx.pid;
error_log {dir}/error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_max_body_size 0;
  client_body_temp_path {dir}/temp;
  proxy_temp_path {dir}/temp;
  fastcgi_temp_path {dir}/temp;
  uwsgi_temp_path {dir}/temp;
  scgi_temp_path {dir}/temp;
  sendfile on;
  sendfile_max_chunk 1m;
  keepalive_requests 1000000;
  keepalive_timeout 600s;
  server {{
    listen 127.0.0.1:{port} backlog=4096{listen};
    {server}
    root {dir}/files;
    default_type application/octet-stream;
    location / {{ }}
    location = /small {{ return 200 "small answer\\n"; }}
    location = /empty {{ return 204; }}
    location = /name {{ return 200 "{name}"; }}
    location /chunked/ {{
      alias {dir}/files/;
      sub_filter_types *;
      sub_filter "no body holds this text" "";
    }}
    location /up/ {{
      alias {dir}/files/;
      dav_methods PUT DELETE;
      create_full_put_path on;
    }}
    location /at-most-1k {{
      alias {dir}/files/;
      dav_methods PUT;
      client_max_body_size 1k;
    }}
  }}
}}
"""


def listening_socket(port=0):
    """A listening socket on a port that the kernel chooses, or on a known one again."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(4096)
    return listener


def refusing_port():
    """A socket that keeps a port without listening: whoever connects is refused."""
    holder = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    holder.bind(("127.0.0.1", 0))
    return holder


class Nginx:
    """Debian's nginx, serving and storing files. It inherits its listening socket.

    `listen` and `server` are more of its configuration: options of the socket, directives.
    """

    def __init__(self, name="origin", listen="", server=""):
        self._dir = scratch_dir()
        self.files = self._dir / "files"
        self.files.mkdir()
        self._name = name
        self._listen = listen
        self._server = server
        self._process = None
        self._config = self._dir / "nginx.conf"
        self._start(listening_socket())

    def _start(self, listener):
        self.port = listener.getsockname()[1]
        self._config.write_text(
            NGINX_CONFIG.format(dir=self._dir, port=self.port, name=self._name,
                                listen=self._listen and " " + self._listen, server=self._server,
                                user="user root;" if os.geteuid() == 0 else ""))
        listener.set_inheritable(True)
        program = shutil.which("nginx") or "/usr/sbin/nginx"
        self._process = subprocess.Popen(
            [program, "-p", str(self._dir), "-c", str(self._config),
             "-e", str(self._dir / "error.log")],
            env={**os.environ, "NGINX": f"{listener.fileno()};"}, pass_fds=[listener.fileno()],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True)
        listener.close()  # from here on, the port lives and dies with nginx
        self._await_service()

    # Connections queue on the inherited socket until nginx takes them: the first answer is the event.
    def _await_service(self):
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as probe:
            probe.sendall(b"GET /name HTTP/1.0\r\n\r\n")
            assert probe.recv(4096).startswith(b"HTTP/1.1 "), self.errors()

    def errors(self):
        log = self._dir / "error.log"
        return log.read_text() if log.exists() else ""

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def kill(self):
        """Dies at once: its connections are reset, and its port refuses."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)  # master and worker
            self._process.wait(PATIENCE)
        self._await_refusal()

    # The worker is no child of ours, and holds the port until it is gone.
    def _await_refusal(self):
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), PATIENCE).close()
            except ConnectionRefusedError:
                return
            except ConnectionResetError:
                pass
        raise AssertionError("somebody still listens on the port of an origin that was killed")

    def quit(self):
        """Ends as `nginx -s quit` does: what is under way is answered, idle connections are closed."""
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(PATIENCE)

    def freeze(self):
        """Hangs: connections are still taken, by the kernel, and nothing is answered."""
        os.killpg(self._process.pid, signal.SIGSTOP)

    def thaw(self):
        os.killpg(self._process.pid, signal.SIGCONT)

    def restart(self):
        self._start(listening_socket(self.port))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()
        shutil.rmtree(self._dir, ignore_errors=True)


class CutShort(AssertionError):
    """Weir closed in the middle of a message."""


class OriginConnection:
    """One connection that Weir opened, seen from the origin's side."""

    def __init__(self, sock):
        self.socket = sock
        self.socket.settimeout(PATIENCE)
        self._unread = b""

    def read_head(self):
        """The lines of a request head; None if Weir closed before a new one."""
        while b"\r\n\r\n" not in self._unread:
            data = self.socket.recv(1 << 16)
            if not data:
                assert not self._unread, f"closed inside a head: {self._unread!r}"
                return None
            self._unread += data
        head, self._unread = self._unread.split(b"\r\n\r\n", 1)
        return head.decode("latin-1").split("\r\n")

    def _more(self):
        data = self.socket.recv(1 << 16)
        if not data:
            raise CutShort("Weir closed in the middle of a message")
        self._unread += data

    def read_exactly(self, size):
        while len(self._unread) < size:
            self._more()
        data, self._unread = self._unread[:size], self._unread[size:]
        return data

    def read_until(self, mark):
        while mark not in self._unread:
            self._more()
        found, self._unread = self._unread.split(mark, 1)
        return found + mark

    def read_body(self, head):
        """The body that this head announced."""
        fields = dict(line.lower().split(": ", 1) for line in head[1:] if ": " in line)
        if fields.get("transfer-encoding") != "chunked":
            return self.read_exactly(int(fields.get("content-length", 0)))
        body = b""
        while size := int(self.read_until(b"\r\n"), 16):
            body += self.read_exactly(size)
            assert self.read_exactly(2) == b"\r\n"
        while self.read_until(b"\r\n") != b"\r\n":
            pass
        return body

    def has_nothing_to_read(self):
        """Whether no byte has come that was not read."""
        if self._unread:
            return False
        self.socket.setblocking(False)
        try:
            return self.socket.recv(1, socket.MSG_PEEK) == b""
        except BlockingIOError:
            return True
        finally:
            self.socket.settimeout(PATIENCE)

    def await_close(self):
        """Waits until Weir has gone, whatever it still sends; returns what came."""
        data, self._unread = self._unread, b""
        try:
            while more := self.socket.recv(1 << 16):
                data += more
        except ConnectionResetError:
            pass
        return data

    def send(self, data):
        self.socket.sendall(data)

    def answer(self, body=b"", status="200 OK", headers=()):
        lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}"]
        self.send("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


class ScriptedOrigin:
    """Runs `script(connection)` for each connection, in a thread of its own.

    What a script asserts is raised when the origin is left.
    """

    def __init__(self, script):
        self._script = script
        self._failures = []
        self._threads = []
        self._open = set()
        self._lock = threading.Lock()
        self._listener = listening_socket()
        self.port = self._listener.getsockname()[1]
        self.connections = 0
        self._ending = False
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def _accept(self):
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(sock,), daemon=True)
            with self._lock:
                self.connections += 1
                self._threads.append(thread)
                self._open.add(sock)
            thread.start()

    def _serve(self, sock):
        try:
            self._script(OriginConnection(sock))
        except (OSError, AssertionError) as failure:
            if not self._ending and not isinstance(failure, (ConnectionError, TimeoutError)):
                self._failures.append(failure)
        finally:
            with self._lock:
                self._open.discard(sock)
            sock.close()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self._ending = True
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._acceptor.join(PATIENCE)
        with self._lock:
            for sock in self._open:
                try:
                    sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
        for thread in self._threads:
            thread.join(PATIENCE)
        if self._failures and kind is None:
            raise self._failures[0]


def answer_each(connection):
    """A script: answers every whole request of a connection with its head, as text."""
    while (head := connection.read_head()) is not None:
        try:
            connection.read_body(head)
        except CutShort:
            return
        connection.answer("\n".join(head).encode())
