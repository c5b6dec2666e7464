"""Two Weir nodes that hold the same address, and a network that may send a client to either: they
choose alike, so that no client notices which node it comes by, nor that one went away."""

import contextlib

import pytest

from echo_server import EchoServer
from namespaces import Machine, needs_namespaces
from weir_process import WeirProcess

ADDRESS = "10.7.0.1"  # of the service; both nodes hold it
CLIENTS = [f"10.7.9.{number}" for number in range(1, 33)]
ENDPOINTS = [f"10.7.3.{number}" for number in range(1, 6)]
CONFIG = f"""
tcp: [{{ address: "{ADDRESS}:7000", name: main, upstream: all }}]
upstreams: {{ all: {{ endpoints: [{", ".join(f'"{each}:7000"' for each in ENDPOINTS)}],
                      balance: maglev }} }}
"""
BY_BOTH = (f"ip route replace {ADDRESS} nexthop via 10.7.1.1 weight 1"
           " nexthop via 10.7.2.1 weight 1")


@contextlib.contextmanager
def tier():
    """(client, nodes, server): the client reaches ADDRESS by either node, and both the server."""
    with Machine() as client, Machine() as left, Machine() as right, Machine() as server:
        for number, node in enumerate((left, right), start=1):
            client.cable(node, f"10.7.{number}.2/24", f"10.7.{number}.1/24")
            node.cable(server, f"10.7.{number + 3}.1/24", f"10.7.{number + 3}.2/24")
            node.run(f"ip addr add {ADDRESS}/32 dev lo; ip route add 10.7.9.0/24 via"
                     f" 10.7.{number}.2; ip route add 10.7.3.0/24 via 10.7.{number + 3}.2")
        for address in CLIENTS:
            client.run(f"ip addr add {address}/32 dev lo")
        for address in ENDPOINTS:
            server.run(f"ip addr add {address}/32 dev lo")
        # Of a connection source and port decide by which node it goes.
        client.run("echo 1 > /proc/sys/net/ipv4/fib_multipath_hash_policy")
        yield client, (left, right), server


def endpoint_of(client, source):
    with client.connect(ADDRESS, 7000, source=source) as connection:
        return connection.recv(1)


@pytest.mark.parametrize("workers", [1, 2])
def test_nodes_choose_alike_and_clients_do_not_notice_that_one_goes(workers):
    needs_namespaces()
    with contextlib.ExitStack() as stack:
        client, nodes, server = stack.enter_context(tier())
        for number, address in enumerate(ENDPOINTS):
            stack.enter_context(EchoServer(b"%d" % number, server.listen(address, 7000)))
        # As different as two nodes may be: another number of workers.
        for node, count in zip(nodes, (workers, 3 - workers)):
            stack.enter_context(WeirProcess(f"workers: {count}\n{CONFIG}", wrapper=node.wrapper))
        chosen = []
        for route in ("10.7.1.1", "10.7.2.1"):
            client.run(f"ip route replace {ADDRESS} via {route}")
            chosen.append({source: endpoint_of(client, source) for source in CLIENTS})
        assert chosen[0] == chosen[1]
        assert len(set(chosen[0].values())) == len(ENDPOINTS), "all of them have clients"

        client.run(BY_BOTH)
        for source in CLIENTS:
            assert {endpoint_of(client, source) for _ in range(4)} == {chosen[0][source]}
        client.run("ip link set c0 down")  # the cable to one node is cut
        for source in CLIENTS:
            assert endpoint_of(client, source) == chosen[0][source]
