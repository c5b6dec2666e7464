"""Machines that are network namespaces, joined by cables. Needs root; see `why_not`."""

import contextlib
import ctypes
import dataclasses
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
                 " echo 1 > /proc/sys/net/ipv6/conf/all/forwarding;"
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

    def cable(self, other, own_addresses, other_addresses):
        """Joins two machines; addresses as 10.0.0.1/24, several with spaces between."""
        own, others = f"c{self._cables}", f"c{other._cables}"
        self._cables += 1
        other._cables += 1
        self.run(f"ip link add {own} type veth peer name {others} netns {other._keeper.pid}")
        for machine, name, addresses in ((self, own, own_addresses),
                                         (other, others, other_addresses)):
            for address in addresses.split():
                # Nobody else has it, so that it need not be found out first.
                machine.run(f"ip addr add {address} dev {name} {'nodad' if ':' in address else ''}")
            machine.run(f"ip link set {name} up; echo 0 > /proc/sys/net/ipv4/conf/{name}/rp_filter")

    def socket(self, family=socket.AF_INET):
        """A TCP socket of that machine, usable from here."""
        made = []

        def make():
            with open(f"/proc/{self._keeper.pid}/ns/net") as namespace:
                if _libc.setns(namespace.fileno(), CLONE_NEWNET) == 0:
                    made.append(socket.socket(family, socket.SOCK_STREAM))

        thread = threading.Thread(target=make)  # only the thread changes its namespace
        thread.start()
        thread.join()
        assert made, os.strerror(ctypes.get_errno())
        made[0].settimeout(PATIENCE)
        return made[0]

    def listen(self, address, port):
        listener = self.socket(family_of(address))
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(4096)
        return listener

    def connect(self, address, port, source=None):
        connection = self.socket(family_of(address))
        try:
            if source:
                connection.bind((source, 0))
            connection.connect((address, port))
        except OSError:
            connection.close()
            raise
        return connection


@dataclasses.dataclass(frozen=True)
class Plan:
    """The addresses of `routed`, of one family."""
    client: str
    near: str  # the router's, on the side of the client
    far: str   # and on the side of the server
    server: str
    network: str  # of the server

    @property
    def six(self):
        return ":" in self.client

    def with_port(self, address, port):
        return f"[{address}]:{port}" if self.six else f"{address}:{port}"


IPV4 = Plan("10.7.1.2", "10.7.1.1", "10.7.2.1", "10.7.2.2", "10.7.2.0/24")
IPV6 = Plan("fd07:1::2", "fd07:1::1", "fd07:2::1", "fd07:2::2", "fd07:2::/64")


def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


@contextlib.contextmanager
def routed():
    """(client, router, server), with the addresses of both plans."""
    with Machine() as client, Machine() as router, Machine() as server:
        client.cable(router, f"{IPV4.client}/24 {IPV6.client}/64", f"{IPV4.near}/24 {IPV6.near}/64")
        router.cable(server, f"{IPV4.far}/24 {IPV6.far}/64", f"{IPV4.server}/24 {IPV6.server}/64")
        client.run(f"ip route add default via {IPV4.near}; ip -6 route add default via {IPV6.near}")
        server.run(f"ip route add default via {IPV4.far}; ip -6 route add default via {IPV6.far}")
        yield client, router, server
