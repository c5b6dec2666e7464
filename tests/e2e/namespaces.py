"""Machines that are network namespaces, joined by cables. Needs root; see `why_not`."""

import contextlib
import ctypes
import os
import shutil
import socket
import subprocess
import threading

import pytest

from weir_process import PATIENCE

CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def why_not():
    """What this machine lacks, or nothing."""
    for tool in ("ip", "nft", "unshare", "nsenter"):
        if shutil.which(tool) is None and not os.path.exists(f"/usr/sbin/{tool}"):
            return f"{tool} is not there"
    if os.geteuid() != 0:
        return "only root may make network namespaces"
    tried = subprocess.run(["unshare", "-n", "sh", "-c",
                            "ip link add a0 type veth peer name b0 && nft add table ip t"],
                           capture_output=True, text=True, timeout=PATIENCE)
    return tried.stderr.strip() if tried.returncode else ""


def needs_namespaces():
    """For a test; decided when it runs."""
    if reason := why_not():
        pytest.skip(reason)


class Machine:
    """One network namespace, kept by a process that does nothing."""

    def __init__(self):
        self._keeper = subprocess.Popen(
            ["unshare", "-n", "sh", "-c", "echo ready; exec sleep 3600"], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE)
        self._keeper.stdout.readline()
        self._cables = 0
        self.run("ip link set lo up")
        # What comes in at one cable may leave by another, and answers need not come back by it.
        self.run("echo 1 > /proc/sys/net/ipv4/ip_forward;"
                 " for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 > $f; done")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._keeper.kill()
        self._keeper.wait(PATIENCE)
        self._keeper.stdout.close()

    @property
    def wrapper(self):
        """Put before a command, it runs there."""
        return ["nsenter", "-t", str(self._keeper.pid), "-n", "--"]

    def run(self, script):
        done = subprocess.run([*self.wrapper, "sh", "-ec", script], capture_output=True, text=True,
                              timeout=PATIENCE)
        assert done.returncode == 0, f"{script}: {done.stderr}"
        return done.stdout

    def rules(self, text):
        """Replaces all rules of nftables."""
        done = subprocess.run([*self.wrapper, "nft", "-f", "-"], input="flush ruleset\n" + text,
                              capture_output=True, text=True, timeout=PATIENCE)
        assert done.returncode == 0, done.stderr

    def cable(self, other, own_address, other_address):
        """Joins two machines; addresses as 10.0.0.1/24."""
        own, others = f"c{self._cables}", f"c{other._cables}"
        self._cables += 1
        other._cables += 1
        self.run(f"ip link add {own} type veth peer name {others} netns {other._keeper.pid}")
        for machine, name, address in ((self, own, own_address), (other, others, other_address)):
            machine.run(f"ip addr add {address} dev {name}; ip link set {name} up;"
                        f" echo 0 > /proc/sys/net/ipv4/conf/{name}/rp_filter")

    def socket(self):
        """A TCP socket of that machine, usable from here."""
        made = []

        def make():
            with open(f"/proc/{self._keeper.pid}/ns/net") as namespace:
                if _libc.setns(namespace.fileno(), CLONE_NEWNET) == 0:
                    made.append(socket.socket(socket.AF_INET, socket.SOCK_STREAM))

        thread = threading.Thread(target=make)  # only the thread changes its namespace
        thread.start()
        thread.join()
        assert made, os.strerror(ctypes.get_errno())
        made[0].settimeout(PATIENCE)
        return made[0]

    def listen(self, address, port):
        listener = self.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(4096)
        return listener

    def connect(self, address, port, source=None):
        connection = self.socket()
        try:
            if source:
                connection.bind((source, 0))
            connection.connect((address, port))
        except OSError:
            connection.close()
            raise
        return connection


@contextlib.contextmanager
def routed():
    """(client, router, server): 10.7.1.2 behind 10.7.1.1, and 10.7.2.2 behind 10.7.2.1."""
    with Machine() as client, Machine() as router, Machine() as server:
        client.cable(router, "10.7.1.2/24", "10.7.1.1/24")
        router.cable(server, "10.7.2.1/24", "10.7.2.2/24")
        client.run("ip route add default via 10.7.1.1")
        server.run("ip route add default via 10.7.2.1")
        yield client, router, server
