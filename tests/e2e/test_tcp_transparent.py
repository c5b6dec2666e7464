"""Connections that were meant for others: redirected, or taken as they are, between machines that
are network namespaces, over IPv4 and IPv6. The rules are those of docs/guides/tcp-udp.md."""

import json
import os
import pwd

import pytest

from echo_server import EchoServer
from namespaces import IPV4, IPV6, needs_namespaces, routed
from weir_process import WeirProcess

REDIRECT = """
table {table} weir {{
  chain prerouting {{
    type nat hook prerouting priority dstnat;
    tcp dport 7000 redirect to :{port}
  }}
}}
"""

# The user whose connections are Weir's own is let through.
SIDECAR = """
table {table} weir {{
  chain output {{
    type nat hook output priority -100;
    meta skuid {user} accept
    tcp dport 7000 redirect to :{port}
  }}
}}
"""

TPROXY = """
table {table} weir {{
  chain prerouting {{
    type filter hook prerouting priority mangle;
    meta l4proto tcp socket transparent 1 meta mark set 1 accept
    tcp dport 7000 tproxy to :{port} meta mark set 1 accept
  }}
}}
"""
TPROXY_ROUTES = ("ip {option} rule add fwmark 1 lookup 100;"
                 " ip {option} route add local default dev lo table 100")


@pytest.fixture
def machines():
    needs_namespaces()
    with routed() as three:
        yield three


@pytest.fixture(params=[IPV4, IPV6], ids=["ipv4", "ipv6"])
def plan(request):
    return request.param


def config(plan, listener, more=""):
    return f"""
workers: 2
{more}
tcp: [{{ address: ":0", name: main, {listener} }}]
upstreams: {{ other: {{ endpoints: ["{plan.with_port(plan.server, 8000)}"] }} }}
"""


def rules(plan, text, **values):
    return text.format(table="ip6" if plan.six else "ip", **values)


def ask(machine, plan, port=7000):
    """The greeting of whoever answers at the server's address, and what it makes of `hello`."""
    with machine.connect(plan.server, port) as connection:
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


def test_redirected_connections_go_on_to_where_they_were_going(machines, plan):
    client, router, server = machines
    with EchoServer(b"a", server.listen(plan.server, 7000)) as origin:
        with WeirProcess(config(plan, "intercept: redirect"), wrapper=router.wrapper) as weir:
            router.rules(rules(plan, REDIRECT, port=weir.port()))
            assert ask(client, plan) == b"a"
            assert [source[0] for source in origin.sources] == [plan.far], "it was Weir that came"
            assert is_reset(client, plan.near, weir.port()), "nothing was redirected there"


def test_what_was_going_to_the_port_of_weir_itself_is_refused_and_the_log_says_why(machines, plan):
    client, router, _ = machines
    text = config(plan, "intercept: redirect", "access_log: { file: tunnels.log }")
    with WeirProcess(text, wrapper=router.wrapper) as weir:
        router.rules(rules(plan, REDIRECT, port=weir.port()).replace("7000", str(weir.port())))
        assert is_reset(client, plan.far, weir.port())
        path = weir.config_path.parent / "tunnels.log"
        weir.stop()
        (line,) = [json.loads(each) for each in path.read_text().splitlines()]
    assert line["reason"] == "no_route"
    assert line["detail"] == "meant for this listener, not intercepted"


def test_redirected_connections_are_routed_by_where_they_were_going(machines, plan):
    client, router, server = machines
    routes = f'routes: [{{ match: {{ to: "{plan.network}", port: 7000 }}, upstream: other }}, {{}}]'
    with EchoServer(b"a", server.listen(plan.server, 7000)), EchoServer(
            b"b", server.listen(plan.server, 8000)):
        with WeirProcess(config(plan, f"intercept: redirect, {routes}"),
                         wrapper=router.wrapper) as weir:
            router.rules(rules(plan, REDIRECT, port=weir.port()))
            assert ask(client, plan) == b"b"


def test_a_sidecar_takes_what_its_neighbours_on_the_same_machine_send(machines, plan):
    client, _, server = machines
    user = pwd.getpwnam("nobody")
    with EchoServer(b"a", server.listen(plan.server, 7000)) as origin:
        text = config(plan, "intercept: redirect", "user: nobody")
        with WeirProcess(text, wrapper=client.wrapper) as weir:
            client.rules(rules(plan, SIDECAR, user=user.pw_uid, port=weir.port()))
            for _ in range(3):
                assert ask(client, plan) == b"a"
            assert weir.status()["listeners"], "it answers"
        assert len(origin.sources) == 3


@pytest.mark.parametrize("user", ["", "user: nobody"], ids=["root", "nobody"])
def test_taken_connections_keep_the_address_of_the_client(machines, plan, user):
    client, router, server = machines
    if user and os.geteuid() != 0:
        pytest.skip("only root becomes somebody else")
    with EchoServer(b"a", server.listen(plan.server, 7000)) as origin:
        text = config(plan, "intercept: tproxy, keep_source: true", user)
        with WeirProcess(text, wrapper=router.wrapper) as weir:
            router.run(TPROXY_ROUTES.format(option="-6" if plan.six else "-4"))
            router.rules(rules(plan, TPROXY, port=weir.port()))
            for _ in range(3):
                assert ask(client, plan) == b"a"
            assert [source[0] for source in origin.sources] == [plan.client] * 3
