"""Origins that are restarted, killed and frozen under load: clients notice nothing."""

import threading
from contextlib import ExitStack

import pytest

from http_client import RawConnection, ask
from origins import Nginx, ScriptedOrigin
from test_reload_load import Wrk, assert_clean
from weir_process import WeirProcess

CLIENTS = 8


def config(origins, upstream, route=""):
    endpoints = ", ".join(f'"{origin.address}"' for origin in origins)
    return f"""
workers: 2
listeners: [{{ address: "127.0.0.1:0", name: main, trusted_proxies: [127.0.0.0/8] }}]
admin: 127.0.0.1:0
routes: [{{ reverse_proxy: {{ upstream: origin, {route} }} }}]
upstreams: {{ origin: {{ endpoints: [{endpoints}], {upstream} }} }}
"""


@pytest.fixture
def origins():
    with ExitStack() as stack:
        yield [stack.enter_context(Nginx(name)) for name in ("one", "two", "three")]


def metric(weir, name, **labels):
    """The sum of the samples of a counter that have these labels."""
    text = ask(weir.port("admin"), "/metrics").body.decode()
    wanted = [f'{key}="{value}"' for key, value in labels.items()]
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines()
               if line.startswith(name + "{") and all(each in line for each in wanted))


def ask_together(weir, times, **request):
    """So many requests on each of several connections at a time; what was not answered with 200."""
    failed = []

    def client():
        with RawConnection(weir.port()) as connection:
            for _ in range(times):
                response = connection.ask("/small", **request)
                if response.status != 200:
                    failed.append(response.body)

    threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failed


# --- a rolling restart --------------------------------------------------------------------------

@pytest.mark.parametrize("how", ["quit", "kill"])
def test_a_rolling_restart_of_all_origins_under_load_fails_no_request(origins, how):
    retries = "retries: { attempts: 3, budget: { share: 0.2 } }"
    with WeirProcess(config(origins, retries)) as weir, Wrk(weir.url("/small")) as wrk:
        for _ in range(3):
            for origin in origins:
                getattr(origin, how)()
                assert ask(weir.port(), "/name").status == 200
                origin.restart()
        assert_clean(wrk.finish())
        assert metric(weir, "weir_retries_total", result="made") > 0
        assert metric(weir, "weir_retries_total", result="over_budget") == 0


# --- an origin that hangs -----------------------------------------------------------------------

def test_a_frozen_origin_costs_no_request_when_attempts_have_a_time_limit(origins):
    retries = "retries: { attempts: 3, per_try_timeout: 500ms, body_limit: 64KiB }"
    with WeirProcess(config(origins, retries)) as weir:
        assert ask_together(weir, 10) == []
        origins[0].freeze()
        assert ask_together(weir, 10) == []
        origins[0].thaw()
        assert metric(weir, "weir_retries_total", result="made") > 0
        assert ask_together(weir, 10) == []


def test_a_frozen_origin_costs_no_request_when_late_ones_are_hedged(origins):
    options = "hedge: { after: 100ms }, response_timeout: 60s"
    with WeirProcess(config(origins, options)) as weir:
        origins[0].freeze()
        assert ask_together(weir, 10) == []
        origins[0].thaw()
        assert metric(weir, "weir_hedges_total", result="won") > 0
        assert metric(weir, "weir_endpoint_in_flight") == 0


# --- statuses and bodies ------------------------------------------------------------------------

def test_a_status_that_counts_as_a_failure_and_a_body_that_is_sent_again():
    seen = []

    def broken(connection):
        while head := connection.read_head():
            seen.append(connection.read_body(head))
            connection.answer(b"no", status="503 Broken")

    def sound(connection):
        while head := connection.read_head():
            connection.answer(connection.read_body(head))

    retries = "retries: { statuses: [502, 503], body_limit: 1MiB }, outliers: off"
    with ScriptedOrigin(broken) as one, ScriptedOrigin(sound) as two:
        with WeirProcess(config([one, two], retries)) as weir:
            for size in (0, 10, 100_000, 1_000_000):
                body = bytes(size)
                for _ in range(2):
                    response = ask(weir.port(), "/x", method="PUT", body=body)
                    assert (response.status, response.body) == (200, body)
            for _ in range(2):
                assert ask(weir.port(), "/x", method="PUT", body=bytes(2_000_000)).status in (200, 503)
            statuses = {ask(weir.port(), "/x", method="POST", body=b"b").status for _ in range(8)}
            assert statuses == {200, 503}
    assert len(seen) >= 4


# --- deadlines ----------------------------------------------------------------------------------

def test_what_is_left_of_the_time_is_told_and_what_is_late_is_not_sent():
    heads = []

    def tells(connection):
        while head := connection.read_head():
            heads.append({line.split(": ", 1)[0].lower(): line.split(": ", 1)[1]
                          for line in head[1:]})
            connection.answer(b"ok")

    with ScriptedOrigin(tells) as origin:
        with WeirProcess(config([origin], "", "timeouts: { total: 20s }")) as weir:
            assert ask(weir.port(), "/").status == 200
            assert 0 < float(heads[-1]["x-request-timeout"]) <= 20
            assert ask(weir.port(), "/", headers=["X-Request-Timeout: 5"]).status == 200
            assert 0 < float(heads[-1]["x-request-timeout"]) <= 5
            count = len(heads)
            response = ask(weir.port(), "/", headers=["X-Request-Timeout: 0"])
            assert (response.status, response.reason_code()) == (504, "timeout")
            assert len(heads) == count
            assert metric(weir, "weir_retries_total", result="late") == 1


def test_an_answer_that_comes_after_the_deadline_is_no_answer():
    def never_answers(connection):
        connection.read_head()
        connection.await_close()

    with ScriptedOrigin(never_answers) as origin:
        with WeirProcess(config([origin], "", "timeouts: { total: 200ms }")) as weir:
            response = ask(weir.port(), "/")
            assert (response.status, response.reason_code()) == (504, "timeout")
