"""Who starts a service and watches it, as systemd does: NOTIFY_SOCKET, LISTEN_FDS."""

import os
import select
import socket
import sys

from weir_process import PATIENCE

# Becomes the program with the descriptors named in its arguments as 3, 4, ...; LISTEN_PID is its own id,
# which only it can know.
_ACTIVATE = """
import os, sys
numbers, names, command = sys.argv[1].split(","), sys.argv[2], sys.argv[3:]
kept = [os.dup(int(each)) for each in numbers]
high = [os.dup2(each, 100 + i) for i, each in enumerate(kept)]
for i, each in enumerate(high):
    os.dup2(each, 3 + i, inheritable=True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(high)), LISTEN_FDNAMES=names)
os.execv(command[0], command)
"""


def activate(sockets, names):
    """A wrapper (and the descriptors it needs) that passes listening sockets on."""
    numbers = [str(each.fileno()) for each in sockets]
    wrapper = [sys.executable, "-c", _ACTIVATE, ",".join(numbers), ":".join(names)]
    return wrapper, [each.fileno() for each in sockets]


class Supervisor:
    """Listens as systemd does on NOTIFY_SOCKET; `environment` is for the service."""

    def __init__(self, address, watchdog_usec=None):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(address.replace("@", "\0", 1) if address.startswith("@") else address)
        self._socket.settimeout(PATIENCE)
        self.environment = {**os.environ, "NOTIFY_SOCKET": address}
        if watchdog_usec is not None:
            self.environment["WATCHDOG_USEC"] = str(watchdog_usec)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def next(self):
        """The next message, as a dictionary."""
        lines = self._socket.recv(4096).decode().split("\n")
        return dict(line.split("=", 1) for line in lines)

    def wait(self, name):
        """The next message that has this variable."""
        while name not in (message := self.next()):
            pass
        return message

    def is_silent_for(self, seconds):
        """Takes what is there already; whether nothing more comes for so long."""
        self._socket.setblocking(False)
        try:
            while True:
                self._socket.recv(4096)
        except BlockingIOError:
            pass
        self._socket.settimeout(PATIENCE)
        return not select.select([self._socket], [], [], seconds)[0]
