"""How many connections to an origin thousands of clients need."""

import random
import re
import resource

import pytest

from http_client import RawConnection, ask
from origins import Nginx
from weir_process import WeirProcess

CLIENTS = 10_000
AT_ONCE = 100
WAVES = 250
WORKERS = 4


def raise_descriptor_limit():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < CLIENTS * 3 // 2:
        pytest.skip(f"the hard limit of descriptors is {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def leases(weir):
    """{source: connections used for attempts}, by the admin listener."""
    text = ask(weir.port("admin"), "/metrics").body.decode()
    found = re.findall(r'weir_pool_leases_total\{upstream="api",source="(\w+)"\} (\d+)', text)
    return {source: int(count) for source, count in found}


def test_ten_thousand_clients_share_about_a_hundred_connections():
    raise_descriptor_limit()
    chance = random.Random(1)
    with Nginx() as origin, WeirProcess(f"""
workers: {WORKERS}
listeners: [{{ address: "127.0.0.1:0", name: main, timeouts: {{ idle: 1h }} }}]
admin: "127.0.0.1:0"
routes: [{{ reverse_proxy: api }}]
upstreams: {{ api: {{ endpoints: ["{origin.address}"] }} }}
""") as weir:
        clients = [RawConnection(weir.port()) for _ in range(CLIENTS)]
        try:
            request = b"GET /small HTTP/1.1\r\nHost: a.test\r\n\r\n"
            for _ in range(WAVES):
                wave = chance.sample(clients, AT_ONCE)
                for client in wave:
                    client.send(request)
                for client in wave:
                    assert client.read_response().body == b"small answer\n"
        finally:
            for client in clients:
                client.close()
        used = leases(weir)
    requests = WAVES * AT_ONCE
    assert sum(used.values()) == requests
    # At most a hundred requests at a time, on workers that have a quarter of them each, give or take.
    assert used["opened"] <= 2 * AT_ONCE
    assert (used["reused"] + used["taken"]) / requests > 0.99
