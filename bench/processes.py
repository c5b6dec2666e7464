"""Processes under measurement: started on one core, read from /proc, always ended.

Everything that the bench starts goes through `Workshop`, whose directory lies on a memory file
system and whose processes die with it, and with the bench itself if that is killed.
"""

import ctypes
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


def _has_udp(port):
    """Whether somebody has bound the port for datagrams."""
    lines = pathlib.Path("/proc/net/udp").read_text().splitlines()[1:]
    return any(int(line.split()[1].rsplit(":", 1)[1], 16) == port for line in lines)


class BenchError(Exception):
    """Something that makes a figure impossible or untrue; the text says what."""


def cores():
    """(core of the proxy, core of load and origin); the same one on a machine with one core."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[0], allowed[1 if len(allowed) > 1 else 0]


def free_port():
    """A port that nobody listens on, below the range that the kernel takes source ports from."""
    for _ in range(200):
        port = random.randrange(20000, 32000)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise BenchError("no free port between 20000 and 32000")


def _before_exec(core, parent):
    """In the child: its own process group, its core, and an end when the bench ends."""
    os.setpgid(0, 0)
    os.sched_setaffinity(0, {core})
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os._exit(1)


class Process:
    """A running program and all its descendants."""

    def __init__(self, name, argv, core, directory, environment=None):
        self.name = name
        self.log = directory / f"{name.replace(' ', '-')}-{random.randrange(1 << 30)}.out"
        parent = os.getpid()
        with open(self.log, "wb") as log:
            self.child = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                cwd=directory, env={**os.environ, **(environment or {})},
                preexec_fn=lambda: _before_exec(core, parent))

    def wait_until_it_listens(self, port, seconds, udp=False):
        """Returns once `port` accepts; raises with the end of the log when it does not in time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.child.poll() is not None:
                raise BenchError(f"{self.name} ended with status {self.child.returncode}:\n"
                                 f"{self.log_tail()}")
            try:
                if udp:
                    if _has_udp(port):
                        return
                    time.sleep(0.02)
                    continue
                with socket.create_connection(("127.0.0.1", port), timeout=1):
                    return
            except OSError:
                time.sleep(0.02)
        raise BenchError(f"{self.name} did not listen on {port} within {seconds} s:\n"
                         f"{self.log_tail()}")

    def log_tail(self):
        return self.log.read_text(errors="replace")[-2000:]

    def pids(self):
        """The process and its living descendants."""
        found, queue = [], [self.child.pid]
        while queue:
            pid = queue.pop()
            found.append(pid)
            for children in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
                try:
                    queue.extend(int(child) for child in children.read_text().split())
                except OSError:
                    continue
        return found

    def cpu(self):
        """(nanoseconds on a processor, ticks in user mode, ticks in the kernel) so far.

        The nanoseconds come from the process clock, which counts every thread; the kernel splits
        them only by ticks.
        """
        nanoseconds = user = system = 0
        for pid in self.pids():
            try:
                nanoseconds += time.clock_gettime_ns((~pid << 3) | 2)  # clock_getcpuclockid(3)
                fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            user += int(fields[11])
            system += int(fields[12])
        return nanoseconds, user, system

    def user_memory(self):
        """Bytes of anonymous and shared memory that are resident, without pages of files."""
        total = 0
        for pid in self.pids():
            for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
                if line.startswith(("RssAnon:", "RssShmem:")):
                    total += int(line.split()[1]) * 1024
        return total

    def interrupt_after(self, seconds):
        """Lets the process run for `seconds`, then interrupts it and gives it time to report."""
        try:
            self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            self.child.send_signal(signal.SIGINT)
            try:
                self.child.wait(15)
            except subprocess.TimeoutExpired:
                pass

    def stop(self, seconds=5):
        """Asks the process to end, then makes it. Returns True if it ended when asked."""
        if self.child.poll() is None:
            self.child.terminate()
        try:
            self.child.wait(seconds)
            ended = True
        except subprocess.TimeoutExpired:
            ended = False
        try:
            os.killpg(self.child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.child.wait()
        return ended


class Workshop:
    """A directory for configs, logs and bodies, and the processes that use it."""

    def __init__(self):
        base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="weir-bench-", dir=base))
        self.processes = []
        self.proxy_core, self.load_core = cores()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop_all()
        shutil.rmtree(self.directory, ignore_errors=True)

    def start(self, name, argv, core, environment=None):
        process = Process(name, argv, core, self.directory, environment)
        self.processes.append(process)
        return process

    def stop(self, process, seconds=5):
        self.processes.remove(process)
        return process.stop(seconds)

    def stop_all(self):
        while self.processes:
            self.processes.pop().stop()

    def write(self, name, text):
        path = self.directory / name
        path.write_text(text)
        return path
