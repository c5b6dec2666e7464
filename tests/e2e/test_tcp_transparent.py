"""Connections that were meant for others: redirected, or taken as they are, between machines that
are network namespaces. The rules are those of docs/guides/tcp-udp.md."""

import json
import os
import pwd

import pytest

from echo_server import EchoServer
from namespaces import needs_namespaces, routed
from weir_process import WeirProcess

REDIRECT = """
table ip weir {{
  chain prerouting {{
    type nat hook prerouting priority dstnat;
    tcp dport 7000 redirect to :{port}
  }}
}}
"""

# The user whose connections are Weir's own is let through.
SIDECAR = """
table ip weir {{
  chain output {{
    type nat hook output priority -100;
    meta skuid {user} accept
    tcp dport 7000 redirect to :{port}
  }}
}}
"""

TPROXY = """
table ip weir {{
  chain prerouting {{
    type filter hook prerouting priority mangle;
    meta l4proto tcp socket transparent 1 meta mark set 1 accept
    tcp dport 7000 tproxy to :{port} meta mark set 1 accept
  }}
}}
"""
TPROXY_ROUTES = "ip rule add fwmark 1 lookup 100; ip route add local default dev lo table 100"


@pytest.fixture
def machines():
    needs_namespaces()
    with routed() as three:
        yield three


def config(listener, more=""):
    return f"""
workers: 2
{more}
tcp: [{{ address: ":0", name: main, {listener} }}]
upstreams: {{ other: {{ endpoints: ["10.7.2.2:8000"] }} }}
"""


def ask(machine, port=7000):
    """The greeting of whoever answers at the server's address, and what it makes of `hello`."""
    with machine.connect("10.7.2.2", port) as connection:
        greeting = connection.recv(1)
        connection.sendall(b"hello")
        assert connection.recv(5) == b"hello"
        return greeting


def is_reset(machine, address, port):
    """The reset may be faster than the news that the connection stands."""
    try:
        with machine.connect(address, port) as connection:
            return connection.recv(1) == b"never"
    except ConnectionResetError:
        return True


def test_redirected_connections_go_on_to_where_they_were_going(machines):
    client, router, server = machines
    with EchoServer(b"a", server.listen("10.7.2.2", 7000)) as origin:
        with WeirProcess(config("intercept: redirect"), wrapper=router.wrapper) as weir:
            router.rules(REDIRECT.format(port=weir.port()))
            assert ask(client) == b"a"
            assert [source[0] for source in origin.sources] == ["10.7.2.1"], "it was Weir that came"
            assert is_reset(client, "10.7.1.1", weir.port()), "nothing was redirected there"


def test_what_was_going_to_the_port_of_weir_itself_is_refused_and_the_log_says_why(machines):
    client, router, _ = machines
    text = config("intercept: redirect", "access_log: { file: tunnels.log }")
    with WeirProcess(text, wrapper=router.wrapper) as weir:
        router.rules(REDIRECT.format(port=weir.port()).replace("7000", str(weir.port())))
        assert is_reset(client, "10.7.2.1", weir.port())
        path = weir.config_path.parent / "tunnels.log"
        weir.stop()
        (line,) = [json.loads(each) for each in path.read_text().splitlines()]
    assert line["reason"] == "no_route"
    assert line["detail"] == "meant for this listener, not intercepted"


def test_redirected_connections_are_routed_by_where_they_were_going(machines):
    client, router, server = machines
    routes = "routes: [{ match: { to: 10.7.2.0/24, port: 7000 }, upstream: other }, {}]"
    with EchoServer(b"a", server.listen("10.7.2.2", 7000)), EchoServer(
            b"b", server.listen("10.7.2.2", 8000)):
        with WeirProcess(config(f"intercept: redirect, {routes}"), wrapper=router.wrapper) as weir:
            router.rules(REDIRECT.format(port=weir.port()))
            assert ask(client) == b"b"


def test_a_sidecar_takes_what_its_neighbours_on_the_same_machine_send(machines):
    client, _, server = machines
    user = pwd.getpwnam("nobody")
    with EchoServer(b"a", server.listen("10.7.2.2", 7000)) as origin:
        text = config("intercept: redirect", "user: nobody")
        with WeirProcess(text, wrapper=client.wrapper) as weir:
            client.rules(SIDECAR.format(user=user.pw_uid, port=weir.port()))
            for _ in range(3):
                assert ask(client) == b"a"
            assert weir.status()["listeners"], "it answers"
        assert len(origin.sources) == 3


@pytest.mark.parametrize("user", ["", "user: nobody"])
def test_taken_connections_keep_the_address_of_the_client(machines, user):
    client, router, server = machines
    if user and os.geteuid() != 0:
        pytest.skip("only root becomes somebody else")
    with EchoServer(b"a", server.listen("10.7.2.2", 7000)) as origin:
        text = config("intercept: tproxy, keep_source: true", user)
        with WeirProcess(text, wrapper=router.wrapper) as weir:
            router.run(TPROXY_ROUTES)
            router.rules(TPROXY.format(port=weir.port()))
            for _ in range(3):
                assert ask(client) == b"a"
            assert [source[0] for source in origin.sources] == ["10.7.1.2"] * 3
