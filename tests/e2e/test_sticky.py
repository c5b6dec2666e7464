"""Sticky sessions, limits of endpoints and load reports, as clients and origins see them."""

import threading

import pytest

from http_client import RawConnection, ask
from origins import Nginx, ScriptedOrigin
from weir_process import PATIENCE, WeirProcess

WORKERS = 2


def config(addresses, options):
    return f"""
workers: {WORKERS}
listeners: [{{ address: "127.0.0.1:0", name: main }}]
routes: [{{ reverse_proxy: origin }}]
upstreams: {{ origin: {{ endpoints: {list(addresses)}, {options} }} }}
"""


@pytest.fixture(scope="module")
def origins():
    with Nginx("one") as one, Nginx("two") as two, Nginx("three") as three:
        yield [one, two, three]


def visit(weir, cookie=None):
    """(which origin answered, the cookie that is to be sent from now on)"""
    answer = ask(weir.port(), "/name", headers=[f"Cookie: {cookie}"] if cookie else [])
    assert answer.status == 200
    given = answer.get("Set-Cookie")
    return answer.body.decode(), given.split(";")[0] if given else cookie


def test_a_client_comes_back_on_every_worker_and_after_a_reload(origins):
    text = config([each.address for each in origins], "sticky: home, balance: random")
    with WeirProcess(text) as weir:
        clients = [visit(weir) for _ in range(12)]
        assert len({name for name, _ in clients}) == 3
        for name, cookie in clients:
            assert all(visit(weir, cookie) == (name, cookie) for _ in range(6))
        assert weir.reload(text.replace("random", "least_requests")).returncode == 0
        for name, cookie in clients:
            assert visit(weir, cookie) == (name, cookie)


def test_a_client_moves_when_its_origin_is_gone(origins):
    with Nginx("lost") as lost:
        text = config([lost.address, origins[0].address],
                      "sticky: home, retries: { attempts: 2 }")
        with WeirProcess(text) as weir:
            name, cookie = next(each for each in iter(lambda: visit(weir), None)
                                if each[0] == "lost")
            assert visit(weir, cookie) == (name, cookie)
            lost.kill()
            name, moved = visit(weir, cookie)
            assert name == "one" and moved != cookie
            lost.restart()
            assert visit(weir, moved) == ("one", moved)


def test_processes_that_share_secrets_know_each_others_cookies(origins, tmp_path):
    keys = tmp_path / "keys"
    keys.write_text("0123456789abcdef0123456789abcdef\n")
    text = config([each.address for each in origins],
                  f"balance: random, sticky: {{ cookie: home, key_file: {keys} }}")
    with WeirProcess(text) as one, WeirProcess(text) as two:
        for _ in range(6):
            name, cookie = visit(one)
            assert visit(two, cookie) == (name, cookie)


def test_requests_beyond_the_limit_wait_their_turn_and_the_rest_are_refused():
    gate = threading.Semaphore(0)

    def hold(connection):
        while (head := connection.read_head()) is not None:
            connection.read_body(head)
            assert gate.acquire(timeout=PATIENCE)
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    with ScriptedOrigin(hold) as origin:
        limits = "endpoint_limits: { max_requests: 1, queue: 2, queue_timeout: 30s }"
        with WeirProcess(config([origin.address], limits) + "admin: 127.0.0.1:0\n") as weir:
            clients = [RawConnection(weir.port()) for _ in range(3)]
            for client in clients:
                client.send(b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
                wait_until(weir, lambda metrics, n=clients.index(client):
                           metrics["weir_upstream_queue_waiting"] == n
                           and metrics["weir_endpoint_in_flight"] == 1)
            refused = ask(weir.port(), "/")
            assert refused.status == 503
            assert refused.reason_code() == "queue_full"
            for client in clients:
                gate.release()
                assert client.read_response().status == 200
                client.close()


def wait_until(weir, true):
    """Until the metrics of the upstream say so."""
    for _ in range(1000):
        lines = ask(weir.port("admin"), "/metrics").body.decode().splitlines()
        metrics = {line.split("{")[0]: float(line.rsplit(" ", 1)[1])
                   for line in lines if "upstream=" in line and not line.startswith("#")}
        if true({"weir_upstream_queue_waiting": 0, "weir_endpoint_in_flight": 0, **metrics}):
            return
    raise AssertionError(metrics)


def test_load_reports_move_requests_and_are_not_passed_on():
    def reporting(utilization):
        def script(connection):
            while (head := connection.read_head()) is not None:
                connection.read_body(head)
                connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n"
                                b"endpoint-load-metrics: TEXT rps_fractional=100,cpu_utilization="
                                + utilization + b"\r\n\r\n" + utilization)
        return script

    with ScriptedOrigin(reporting(b"0.20")) as idle, ScriptedOrigin(reporting(b"0.80")) as busy:
        text = config([idle.address, busy.address], "balance: { algorithm: round_robin, load_reports: true }")
        with WeirProcess(text) as weir, RawConnection(weir.port()) as connection:
            for _ in range(100_000):  # until a second has passed and the weights follow
                answers = [connection.ask("/") for _ in range(20)]
                assert all(each.get("endpoint-load-metrics") is None for each in answers)
                if [each.body for each in answers].count(b"0.20") >= 14:
                    return
            raise AssertionError("the weights did not follow")
