"""Endpoints that are names with addresses of both families, and origins that listen on one of them."""

import socket

import pytest

from http_client import ask
from origins import ScriptedOrigin
from weir_process import WeirProcess


def has_both_families(name):
    try:
        found = {each[0] for each in socket.getaddrinfo(name, 80, type=socket.SOCK_STREAM)}
    except socket.gaierror:
        return False
    return found >= {socket.AF_INET, socket.AF_INET6}


@pytest.mark.skipif(not has_both_families("localhost"), reason="localhost has one family here")
def test_an_origin_that_listens_on_one_family_costs_no_refused_connect():
    def sound(connection):
        while connection.read_head():
            connection.answer(b"ok", headers=["Connection: close"])
            return

    with ScriptedOrigin(sound) as origin:
        port = origin.address.rsplit(":", 1)[1]
        config = f"""
workers: 1
listeners: [{{ address: "127.0.0.1:0", name: main }}]
admin: 127.0.0.1:0
routes: [{{ reverse_proxy: origin }}]
upstreams: {{ origin: {{ endpoints: ["localhost:{port}"], retries: {{ attempts: 1 }} }} }}
"""
        with WeirProcess(config) as weir:
            for _ in range(10):
                assert ask(weir.port(), "/", method="POST", body=b"b").status == 200
            metrics = ask(weir.port("admin"), "/metrics").body.decode()
            assert 'weir_upstream_endpoints{upstream="origin"} 1' in metrics
            failures = [line for line in metrics.splitlines()
                        if line.startswith("weir_endpoint_connect_failures_total{")]
            assert all(line.endswith(" 0") for line in failures), failures
