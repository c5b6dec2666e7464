"""Real servers that are no HTTP: Debian's redis-server and postgresql."""

import os
import pwd
import shutil
import socket
import subprocess
import threading
from pathlib import Path

from weir_process import PATIENCE, scratch_dir


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Redis:
    """A redis-server that keeps nothing on disk."""

    def __enter__(self):
        self._dir = scratch_dir()
        self.port = _free_port()
        self.address = f"127.0.0.1:{self.port}"
        self._process = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "",
             "--dir", str(self._dir)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        _await_line(self._process.stdout, "Ready to accept connections")
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait(PATIENCE)
        shutil.rmtree(self._dir, ignore_errors=True)


class Postgres:
    """A PostgreSQL with one user, `weir`, who needs no password."""

    def __enter__(self):
        self._dir = scratch_dir()
        self.port = _free_port()
        self.address = f"127.0.0.1:{self.port}"
        programs = max(Path("/usr/lib/postgresql").iterdir()) / "bin"
        # PostgreSQL refuses to run as root.
        user = "postgres" if os.geteuid() == 0 else None
        if user:
            os.chown(self._dir, pwd.getpwnam(user).pw_uid, -1)
        data = self._dir / "data"
        subprocess.run([programs / "initdb", "-D", data, "-U", "weir", "-A", "trust", "--no-sync"],
                       check=True, capture_output=True, user=user, cwd=self._dir, timeout=PATIENCE)
        self._process = subprocess.Popen(
            [programs / "postgres", "-D", data, "-p", str(self.port), "-k", str(self._dir),
             "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"], user=user, cwd=self._dir,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        _await_line(self._process.stderr, "ready to accept connections")
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait(PATIENCE)
        shutil.rmtree(self._dir, ignore_errors=True)


def psql(port, *commands):
    """What psql prints for the commands, over a connection to this port."""
    done = subprocess.run(
        ["psql", "-h", "127.0.0.1", "-p", str(port), "-U", "weir", "-d", "postgres", "-At", "-v",
         "ON_ERROR_STOP=1"], input="\n".join(commands), capture_output=True, text=True,
        timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def _await_line(log, text):
    """Waits for a line of a server's log; what comes behind it is thrown away."""
    for line in log:
        if text in line:
            threading.Thread(target=log.read, daemon=True).start()
            return
    raise AssertionError("the server ended")
