"""What Weir does with origins that fail while others do not: real origins that refuse, hang, are
slow, or answer errors."""

import threading
import time
from collections import Counter
from contextlib import ExitStack

import pytest

from http_client import RawConnection
from origins import ScriptedOrigin, refusing_port
from test_admin import metrics
from weir_process import PATIENCE, WeirProcess


class Moody:
    """An origin that answers as it is told at the moment: a status, after a while."""

    def __init__(self, name):
        self.name = name
        self.status = "200 OK"
        self.delay = 0
        self._over = threading.Event()
        self._origin = ScriptedOrigin(self._serve)

    def _serve(self, connection):
        while connection.read_head() is not None:
            self._over.wait(self.delay)
            connection.answer(self.name.encode(), status=self.status)

    @property
    def address(self):
        return self._origin.address

    def __enter__(self):
        self._origin.__enter__()
        return self

    def __exit__(self, *details):
        self._over.set()
        self._origin.__exit__(*details)


@pytest.fixture
def origins():
    with ExitStack() as stack:
        yield [stack.enter_context(Moody(name)) for name in ("one", "two", "three")]


def config(addresses, options):
    listed = ", ".join(f'"{each}"' for each in addresses)
    return f"""
workers: 2
admin: 127.0.0.1:0
listeners: [{{ address: "127.0.0.1:0", name: main }}]
routes: [{{ reverse_proxy: api }}]
upstreams: {{ api: {{ endpoints: [{listed}], {options} }} }}
"""


def addresses(origins):
    return [each.address for each in origins]


def answers(weir, count=30):
    """How often each status and each origin came."""
    statuses, names = Counter(), Counter()
    with RawConnection(weir.port()) as connection:
        for _ in range(count):
            response = connection.ask("/")
            statuses[response.status] += 1
            names[response.body.decode()] += 1
    return statuses, names


def ejected(weir):
    """{endpoint: reason} of those that are ejected now."""
    found = {}
    for name, value in metrics(weir).items():
        if name.startswith("weir_endpoint_ejected{") and value == 1:
            labels = dict(part.split("=") for part in name[len("weir_endpoint_ejected{"):-1].split(","))
            found[labels["endpoint"].strip('"')] = labels["reason"].strip('"')
    return found


def test_an_origin_that_refuses_is_ejected_by_default_and_nobody_notices(origins):
    with refusing_port() as dead:
        address = f"127.0.0.1:{dead.getsockname()[1]}"
        with WeirProcess(config([address, *addresses(origins)[:2]], "")) as weir:
            statuses, names = answers(weir)
            assert set(statuses) == {200} and set(names) == {"one", "two"}
            line = weir.wait_log("endpoint_ejected")
            assert line["endpoint"] == address and line["upstream"] == "api"
            assert line["reason"] == "connect_failures" and line["for"] == "30s"
            assert ejected(weir) == {address: "connect_failures"}
            told = metrics(weir)
            tried = told[f'weir_endpoint_requests_total{{upstream="api",endpoint="{address}"}}']
            until = told[f'weir_endpoint_ejected_until_seconds{{upstream="api",endpoint="{address}"}}']
            assert time.time() < until <= time.time() + 30
            answers(weir)
            assert metrics(weir)[
                f'weir_endpoint_requests_total{{upstream="api",endpoint="{address}"}}'] == tried


def test_gateway_errors_eject_by_default_and_other_errors_do_not(origins):
    origins[0].status = "500 Internal Server Error"
    with WeirProcess(config(addresses(origins), "")) as weir:
        answers(weir)
        assert ejected(weir) == {}
        origins[0].status = "503 Service Unavailable"
        answers(weir)
        assert ejected(weir) == {origins[0].address: "gateway_errors"}
        assert answers(weir)[0] == {200: 30}


def test_an_ejected_origin_comes_back_and_stays_out_longer_the_next_time(origins):
    options = "outliers: { errors: 3, base_time: 1s, max_time: 60s }"
    with WeirProcess(config(addresses(origins), options)) as weir:
        origins[1].status = "500 Internal Server Error"
        answers(weir)
        assert weir.wait_log("endpoint_ejected")["for"] == "1s"
        weir.wait_log("endpoint_returned")
        answers(weir)
        line = weir.wait_log("endpoint_ejected", 2)
        assert line["endpoint"] == origins[1].address
        assert line["reason"] == "errors" and line["for"] == "2s"
        origins[1].status = "200 OK"
        weir.wait_log("endpoint_returned", 2)
        assert set(answers(weir)[1]) == {"one", "two", "three"}
        assert ejected(weir) == {}


def test_a_reload_keeps_what_is_ejected_and_switching_it_off_takes_it_back(origins):
    options = "outliers: { errors: 3, base_time: 5m }"
    with WeirProcess(config(addresses(origins), options)) as weir:
        origins[2].status = "500 Internal Server Error"
        answers(weir)
        weir.wait_log("endpoint_ejected")
        assert weir.reload(config(addresses(origins)[1:], options)).returncode == 0
        assert ejected(weir) == {origins[2].address: "errors"}
        assert set(answers(weir)[1]) == {"two"}
        assert weir.reload(config(addresses(origins), "outliers: off")).returncode == 0
        weir.wait_log("endpoint_returned")
        origins[2].status = "200 OK"
        assert set(answers(weir)[1]) == {"one", "two", "three"}


def test_no_more_than_the_cap_is_ejected_and_never_the_last_one(origins):
    for each in origins:
        each.status = "503 Service Unavailable"
    with WeirProcess(config(addresses(origins), "outliers: { max_ejected: 100 }")) as weir:
        answers(weir, 90)
        assert len(ejected(weir)) == 2
    with WeirProcess(config(addresses(origins), "")) as weir:
        answers(weir, 90)
        assert len(ejected(weir)) == 1
        withheld = metrics(weir)['weir_upstream_ejections_withheld_total{upstream="api"}']
        assert withheld > 0


def test_an_origin_that_hangs_is_ejected(origins):
    options = "response_timeout: 50ms, outliers: { gateway_errors: 2 }"
    with ScriptedOrigin(lambda connection: connection.await_close()) as hanging:
        with WeirProcess(config([hanging.address, *addresses(origins)[1:]], options)) as weir:
            answers(weir)
            assert ejected(weir) == {hanging.address: "gateway_errors"}
            assert answers(weir)[0] == {200: 30}


def test_the_one_that_fails_more_than_the_others_is_found(origins):
    options = "outliers: { success_rate: 2, min_requests: 20, interval: 1s }"
    stop = threading.Event()
    with WeirProcess(config(addresses(origins), options)) as weir:
        origins[1].status = "501 Not Implemented"

        def load():
            while not stop.is_set():
                answers(weir, 60)
        thread = threading.Thread(target=load)
        thread.start()
        line = weir.wait_log("endpoint_ejected")
        stop.set()
        thread.join(PATIENCE)
        assert line["endpoint"] == origins[1].address and line["reason"] == "success_rate"


def test_the_one_that_is_slow_is_found(origins):
    options = "outliers: { latency: 3, min_requests: 10, interval: 1s }, balance: random"
    stop = threading.Event()
    with WeirProcess(config(addresses(origins), options)) as weir:
        origins[2].delay = 0.05

        def load():
            while not stop.is_set():
                answers(weir, 60)
        threads = [threading.Thread(target=load) for _ in range(4)]
        for thread in threads:
            thread.start()
        line = weir.wait_log("endpoint_ejected")
        stop.set()
        for thread in threads:
            thread.join(PATIENCE)
        assert line["endpoint"] == origins[2].address and line["reason"] == "latency"


@pytest.mark.parametrize("options, said", [
    ("outliers: { base_time: 10m }", "longer than"),
    ("outliers: { errors: 0 }", "errors"),
    ("outliers: { max_ejected: 0 }", "max_ejected"),
    ("outliers: { max_ejected: 101 }", "max_ejected")])
def test_what_makes_no_sense_is_refused_where_it_stands(origins, options, said):
    with WeirProcess(config(addresses(origins), "")) as weir:
        refused = weir.reload(config(addresses(origins), options))
        assert refused.returncode != 0
        assert said in refused.stdout + refused.stderr
