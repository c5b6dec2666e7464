"""What happens to a share of the requests: faults on purpose."""

import json
from collections import Counter

from http_client import RawConnection, ask
from program import weir_command
from weir_process import WeirProcess


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
    assert [(each["status"], each["reason"]) for each in logged(log)] == [
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
