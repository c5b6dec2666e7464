"""What happens to a share of the requests: split over upstreams, faults on purpose."""

import json
from collections import Counter

import pytest

from http_client import RawConnection, ask
from origins import Nginx
from program import weir_command
from weir_process import WeirProcess


@pytest.fixture(scope="module")
def stable():
    with Nginx("stable") as origin:
        yield origin


@pytest.fixture(scope="module")
def canary():
    with Nginx("canary") as origin:
        yield origin


# --- split ---------------------------------------------------------------------------------------

WORKERS = 2


def split_config(stable, canary, weights, more="", log=None):
    return f"""
workers: {WORKERS}
listeners: [{{ address: "127.0.0.1:0", name: main }}]
{f"access_log: {{ file: {log} }}" if log else ""}
routes:
  - reverse_proxy:
      split:
        - {{ upstream: stable, weight: {weights[0]} }}
        - {{ upstream: canary, weight: {weights[1]}, when: 'header.x-canary == "always"' }}
      {more}
upstreams:
  stable: {{ endpoints: ["{stable.address}"] }}
  canary: {{ endpoints: ["{canary.address}"] }}
"""


def name(weir, **headers):
    """Which origin answers a request."""
    fields = [f"{field.replace('_', '-')}: {value}" for field, value in headers.items()]
    return ask(weir.port(), "/name", headers=fields).body.decode()


def test_a_canary_gets_its_share_whatever_the_connections(folder, stable, canary):
    log = folder / "log"
    with WeirProcess(split_config(stable, canary, (95, 5), log=log)) as weir:
        count = Counter()
        for _ in range(10):
            with RawConnection(weir.port()) as connection:
                count.update(connection.ask("/name").body.decode() for _ in range(100))
    # Turns are exact in every 20 requests of a worker; only its last round may be incomplete.
    assert abs(count["canary"] - 50) <= WORKERS
    assert count["canary"] + count["stable"] == 1000
    upstreams = Counter(json.loads(line)["upstream"] for line in log.read_text().splitlines())
    assert upstreams == count


def test_a_client_stays_with_its_upstream_and_only_the_canary_gains(stable, canary):
    def homes(weir):
        return {user: name(weir, Cookie=f"session={user}") for user in range(200)}
    sticky = "sticky: cookie.session"
    with WeirProcess(split_config(stable, canary, (90, 10), sticky)) as weir:
        before = homes(weir)
        assert set(before.values()) == {"stable", "canary"}
        assert homes(weir) == before
        assert weir.reload(split_config(stable, canary, (70, 30), sticky)).returncode == 0
        after = homes(weir)
    assert all(after[user] == "canary" for user, home in before.items() if home == "canary")
    assert sum(home == "canary" for home in after.values()) > sum(
        home == "canary" for home in before.values())


def test_a_header_chooses_the_canary(stable, canary):
    with WeirProcess(split_config(stable, canary, (1, 0), "sticky: client_ip")) as weir:
        assert {name(weir) for _ in range(20)} == {"stable"}
        assert {name(weir, X_Canary="always") for _ in range(20)} == {"canary"}


def test_the_split_is_told_by_explain_and_refused_by_check(folder, start, stable, canary):
    program = start(split_config(stable, canary, (95, 5)))
    told = program.command("explain", "http://shop.example/").stdout
    assert f"95 % to stable [{stable.address}], 5 % to canary [{canary.address}]" in told
    wrong = folder / "wrong.yaml"
    wrong.write_text(split_config(stable, canary, (95, 5)).replace("upstream: canary", "upstream: canry"))
    check = weir_command("check", wrong)
    assert check.returncode != 0
    assert 'did you mean "canary"?' in check.stdout + check.stderr


# --- faults --------------------------------------------------------------------------------------

def faulty(log, fault):
    return f"""
listeners: [{{ address: "127.0.0.1:0", name: main }}]
access_log: {{ file: {log} }}
routes: [{{ use: [{{ fault: {fault} }}], respond: well }}]
"""


def logged(log):
    return [json.loads(line) for line in log.read_text().splitlines()]


def test_an_aborted_request_says_why_to_the_client_and_to_the_log(folder):
    log = folder / "log"
    with WeirProcess(faulty(log, "{ abort: 503, when: 'header.x-fault == \"on\"' }")) as weir:
        assert ask(weir.port()).body == b"well"
        aborted = ask(weir.port(), headers=["X-Fault: on"])
        assert (aborted.status, aborted.reason_code()) == (503, "fault_abort")
    assert sorted((each["status"], each["reason"]) for each in logged(log)) == [
        (200, ""), (503, "fault_abort")]


def test_a_delayed_request_is_marked_in_the_log(folder):
    log = folder / "log"
    with WeirProcess(faulty(log, "{ delay: 300ms }")) as weir:
        assert ask(weir.port()).body == b"well"
    [line] = logged(log)
    assert (line["status"], line["reason"]) == (200, "fault_delay")
    assert line["duration_ms"] >= 300


def test_faults_are_drawn_by_percentage(folder):
    requests = 2000
    with WeirProcess(faulty(folder / "log", "{ abort: { status: 500, percent: 20 } }")) as weir:
        with RawConnection(weir.port()) as connection:
            count = Counter(connection.ask().status for _ in range(requests))
    assert abs(count[500] / requests - 0.2) < 0.045  # 5 standard deviations
    assert count[500] + count[200] == requests


def test_a_fault_that_does_nothing_is_refused_where_it_stands(folder):
    path = folder / "weir.yaml"
    path.write_text(faulty(folder / "log", "{ when: 'true' }"))
    check = weir_command("check", path)
    assert check.returncode != 0
    assert 'a fault needs a "delay" or an "abort"' in check.stdout + check.stderr
    assert "weir.yaml:4:" in check.stdout + check.stderr
