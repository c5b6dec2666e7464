"""What Weir refuses by itself: breakers and limits of upstreams, and an overload of the process."""

import threading

import pytest

from http_client import RawConnection, ask
from origins import ScriptedOrigin, refusing_port
from test_admin import admin, metrics, wait_for
from test_outliers import Moody, config
from weir_process import PATIENCE, WeirProcess


@pytest.fixture
def origin():
    with Moody("one") as one:
        yield one


def refused(weir, reason):
    return metrics(weir).get(f'weir_upstream_refused_total{{upstream="api",reason="{reason}"}}', 0)


def is_refusal(response, reason):
    """503 with this reason, and when to come again."""
    return (response.status == 503 and response.reason_code() == reason
            and int(response.get("Retry-After")) >= 1)


class Held:
    """An origin that answers none of its requests before it is told to."""

    def __init__(self):
        self._gate = threading.Event()
        self._changed = threading.Condition()
        self._asked = 0
        self._origin = ScriptedOrigin(self._serve)

    def _serve(self, connection):
        while connection.read_head() is not None:
            with self._changed:
                self._asked += 1
                self._changed.notify_all()
            self._gate.wait(PATIENCE)
            connection.answer(b"late")

    def await_requests(self, count):
        with self._changed:
            assert self._changed.wait_for(lambda: self._asked >= count, PATIENCE)

    def answer_all(self):
        self._gate.set()

    @property
    def address(self):
        return self._origin.address

    def __enter__(self):
        self._origin.__enter__()
        return self

    def __exit__(self, *details):
        self._gate.set()
        self._origin.__exit__(*details)


def sent(weir, path="/"):
    """A connection with a request on its way."""
    connection = RawConnection(weir.port())
    connection.send(f"GET {path} HTTP/1.1\r\nHost: shop.example\r\n\r\n".encode())
    return connection


# --- the breaker ---------------------------------------------------------------------------------

def test_a_breaker_opens_on_failures_and_closes_when_probes_succeed(origin):
    options = ("retries: { attempts: 1 }, outliers: off, breaker: { failure_rate: 50, min_requests: 10, "
               "open_time: 1s, probes: 2 }")
    with WeirProcess(config([origin.address], options)) as weir:
        with RawConnection(weir.port()) as client:
            origin.status = "503 Service Unavailable"
            for _ in range(10):
                assert client.ask().body == b"one"
            assert weir.wait_log("breaker_opened")["upstream"] == "api"
            response = client.ask()
            assert is_refusal(response, "breaker_open")
            assert int(response.get("Retry-After")) == 1
            assert metrics(weir)['weir_breaker_state{upstream="api"}'] == 2
            assert refused(weir, "breaker_open") >= 1

            # A probe that fails opens it again.
            wait_for(lambda: client.ask().body == b"one", "a probe")
            weir.wait_log("breaker_opened", 2)
            assert is_refusal(client.ask(), "breaker_open")

            origin.status = "200 OK"
            wait_for(lambda: client.ask().status == 200, "a probe that succeeds")
            assert client.ask().status == 200
            weir.wait_log("breaker_closed")
            assert [client.ask().status for _ in range(20)] == [200] * 20
            assert metrics(weir)['weir_breaker_state{upstream="api"}'] == 0
            assert metrics(weir)['weir_breaker_opened_total{upstream="api"}'] == 2


def test_an_upstream_that_cannot_be_reached_opens_its_breaker(origin):
    with refusing_port() as dead:
        address = f"127.0.0.1:{dead.getsockname()[1]}"
        with WeirProcess(config([address], "breaker: { failure_rate: 50 }")) as weir:
            with RawConnection(weir.port()) as client:
                statuses = [client.ask().status for _ in range(30)]
                assert statuses[0] == 502 and statuses[-1] == 503
                assert is_refusal(client.ask(), "breaker_open")


def test_a_breaker_does_not_open_for_answers_of_500(origin):
    origin.status = "500 Internal Server Error"
    with WeirProcess(config([origin.address], "breaker: { failure_rate: 10 }")) as weir:
        with RawConnection(weir.port()) as client:
            assert [client.ask().status for _ in range(50)] == [500] * 50


def test_an_open_breaker_stays_open_over_a_reload(origin):
    options = "retries: { attempts: 1 }, breaker: { failure_rate: 50, open_time: 10m }"
    origin.status = "502 Bad Gateway"
    with WeirProcess(config([origin.address], options)) as weir:
        with RawConnection(weir.port()) as client:
            for _ in range(20):
                client.ask()
        assert is_refusal(ask(weir.port()), "breaker_open")
        assert weir.reload(config([origin.address], options + ", idle_timeout: 5s")).returncode == 0
        assert is_refusal(ask(weir.port()), "breaker_open")


# --- limits --------------------------------------------------------------------------------------

def test_no_more_than_max_requests_are_under_way_over_all_workers():
    with Held() as held:
        with WeirProcess(config([held.address], "breaker: { max_requests: 3 }")) as weir:
            clients = [sent(weir) for _ in range(3)]
            held.await_requests(3)
            assert is_refusal(ask(weir.port()), "max_requests")
            assert refused(weir, "max_requests") == 1
            held.answer_all()
            for client in clients:
                assert client.read_response("GET").body == b"late"
                client.close()
            wait_for(lambda: ask(weir.port()).status == 200, "room for another")


def test_a_retry_beyond_max_retries_leaves_the_answer_of_the_first_attempt():
    with Held() as held, refusing_port() as dead:
        endpoints = [f"127.0.0.1:{dead.getsockname()[1]}", held.address]
        options = ("outliers: off, breaker: { max_retries: 1 }, "
                   "balance: { algorithm: ring, key: header.x-key }")
        with WeirProcess(config(endpoints, options)) as weir:
            key = 0
            clients = []
            while refused(weir, "max_retries") == 0 and key < 200:
                client = RawConnection(weir.port())
                client.send(f"GET / HTTP/1.1\r\nHost: a.test\r\nX-Key: {key}\r\n\r\n".encode())
                clients.append(client)
                key += 1
            assert refused(weir, "max_retries") >= 1
            held.answer_all()
            codes = [client.read_response("GET").status for client in clients]
            assert 502 in codes and set(codes) == {200, 502}
            for client in clients:
                client.close()


def test_an_adaptive_limit_keeps_the_queue_of_an_origin_short():
    """An origin with two places: without a limit, 40 clients would wait 20 times as long as one."""
    places = threading.Semaphore(2)
    over = threading.Event()

    def serve(connection):
        while connection.read_head() is not None:
            with places:
                over.wait(0.02)
            connection.answer(b"ok")

    stop = threading.Event()
    counts = {200: 0, 503: 0}
    lock = threading.Lock()

    def load(weir):
        with RawConnection(weir.port()) as client:
            while not stop.is_set():
                response = client.ask()
                assert response.status == 200 or is_refusal(response, "concurrency_limit")
                with lock:
                    counts[response.status] += 1
                if response.status == 503:
                    stop.wait(0.05)

    with ScriptedOrigin(serve) as slow:
        options = "adaptive_limit: { initial: 40, min: 1, interval: 100ms }"
        with WeirProcess(config([slow.address], options)) as weir:
            threads = [threading.Thread(target=load, args=(weir,)) for _ in range(40)]
            for thread in threads:
                thread.start()
            wait_for(lambda: metrics(weir).get('weir_adaptive_limit{upstream="api"}', 40) <= 10,
                     "a limit near the places of the origin")
            assert refused(weir, "concurrency_limit") > 0
            stop.set()
            over.set()
            for thread in threads:
                thread.join(PATIENCE)
            assert counts[200] > 0 and counts[503] > 0


# --- the process ---------------------------------------------------------------------------------

def overload(origin, options):
    return config([origin.address], "") + f"overload: {options}\n"


def test_above_its_memory_ceiling_weir_refuses_new_requests_and_serves_the_admin_listener(origin):
    with WeirProcess(overload(origin, "{ max_memory: 1MiB }")) as weir:
        assert "1MiB" in weir.wait_log("overload_began")["max_memory"]
        with RawConnection(weir.port()) as client:
            def is_shut():
                return all(is_refusal(client.ask(), "overloaded") for _ in range(3))
            wait_for(is_shut, "refusals")
        assert admin(weir, "/healthz").status == 200
        told = metrics(weir)
        assert told['weir_overloaded{cause="memory"}'] == 1
        assert told['weir_overloaded{cause="lag"}'] == 0
        assert told['weir_overload_refused_total{what="requests"}'] >= 2

        assert weir.reload(overload(origin, "{ max_memory: 1TiB }")).returncode == 0
        weir.wait_log("overload_ended")
        assert ask(weir.port()).status == 200
        assert metrics(weir)['weir_overloaded{cause="memory"}'] == 0


def test_what_is_under_way_when_an_overload_begins_goes_on(origin):
    with Held() as held:
        quiet = f"""
workers: 2
listeners: [{{ address: "127.0.0.1:0", name: main }}]
routes:
  - {{ match: {{ path: /held }}, reverse_proxy: held }}
  - {{ reverse_proxy: origin }}
upstreams:
  held: {{ endpoints: ["{held.address}"] }}
  origin: {{ endpoints: ["{origin.address}"] }}
"""
        with WeirProcess(quiet) as weir:
            running = sent(weir, "/held")
            held.await_requests(1)
            assert weir.reload(quiet + "overload: { max_memory: 1MiB }\n").returncode == 0
            weir.wait_log("overload_began")
            wait_for(lambda: is_refusal(ask(weir.port()), "overloaded"), "a refusal")
            held.answer_all()
            assert running.read_response("GET").body == b"late"
            running.close()
