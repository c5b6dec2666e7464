"""What happens to a share of the requests: split over upstreams, copied, faults on purpose."""

import json
import os
import queue
import re
import time
from collections import Counter

import pytest

from http_client import RawConnection, ask
from origins import Nginx, ScriptedOrigin, answer_each, refusing_port
from program import weir_command
from weir_process import PATIENCE, WeirProcess


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


# --- mirrors -------------------------------------------------------------------------------------

def mirror_config(origin, shadow, mirror="", admin=False):
    return f"""
listeners: [{{ address: "127.0.0.1:0", name: main }}]
{'admin: "127.0.0.1:0"' if admin else ""}
routes: [{{ reverse_proxy: {{ upstream: api, mirror: {{ upstream: shadow {mirror} }} }} }}]
upstreams:
  api: {{ endpoints: ["{origin}"] }}
  shadow: {{ endpoints: ["{shadow}"] }}
"""


def mirrors(weir):
    """{result: copies}, by the admin listener."""
    found = re.findall(r'weir_mirrors_total\{upstream="shadow",result="(\w+)"\} (\d+)',
                       ask(weir.port("admin"), "/metrics").body.decode())
    return {result: int(count) for result, count in found}


def wait_until(probe):
    """Copies end in their own time, which no client sees."""
    deadline = time.monotonic() + PATIENCE
    while not probe():
        assert time.monotonic() < deadline, "it never came true"


class Shadow:
    """A script for an origin that keeps what it got: pairs of head and body."""

    def __init__(self, answers=True):
        self.got = queue.Queue()
        self._answers = answers

    def __call__(self, connection):
        while (head := connection.read_head()) is not None:
            self.got.put((head, connection.read_body(head)))
            if self._answers:
                connection.answer(b"nobody reads this", status="500 Shadow")
            else:
                connection.await_close()
                return

    def next(self):
        return self.got.get(timeout=PATIENCE)


def fields(head):
    return dict(line.split(": ", 1) for line in head[1:])


def test_a_copy_is_the_request_with_a_mark():
    shadow = Shadow()
    with ScriptedOrigin(answer_each) as origin, ScriptedOrigin(shadow) as mirror:
        with WeirProcess(mirror_config(origin.address, mirror.address)) as weir:
            answer = ask(weir.port(), "/a?b=c", headers=["X-Mine: yes"])
            main = answer.body.decode().split("\n")
            head, _ = shadow.next()
    assert answer.status == 200
    assert head[0] == "GET /a?b=c HTTP/1.1"
    marked = fields(head)
    assert marked.pop("X-Weir-Mirror") == "1"
    assert marked == fields(main)
    assert marked["X-Forwarded-For"] == "127.0.0.1"


def test_uploads_are_copied_up_to_the_limit(stable):
    shadow = Shadow()
    with ScriptedOrigin(shadow) as mirror:
        text = mirror_config(stable.address, mirror.address, ", max_body: 1MiB", admin=True)
        with WeirProcess(text) as weir:
            upload = os.urandom(1 << 20)
            stored = ask(weir.port(), "/up/whole", method="PUT", body=upload)
            assert stored.status == 201
            assert (stable.files / "whole").read_bytes() == upload
            assert shadow.next()[1] == upload

            larger = upload + b"x"
            assert ask(weir.port(), "/up/larger", method="PUT", body=larger).status == 201
            assert (stable.files / "larger").read_bytes() == larger
            with RawConnection(weir.port()) as connection:
                connection.send(b"PUT /up/chunked HTTP/1.1\r\nHost: a\r\n"
                                b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
                assert connection.read_response().status == 201
            head, body = shadow.next()
            assert head[0] == "PUT /up/chunked HTTP/1.1"
            assert body == b"hello"
            assert mirrors(weir)["too_large"] == 1
    assert shadow.got.empty()


def test_requests_do_not_notice_a_dead_target(stable):
    with refusing_port() as dead:
        address = f"127.0.0.1:{dead.getsockname()[1]}"
        with WeirProcess(mirror_config(stable.address, address, admin=True)) as weir:
            with RawConnection(weir.port()) as connection:
                assert {connection.ask("/name").body for _ in range(200)} == {b"stable"}
            wait_until(lambda: mirrors(weir).get("failed") == 200)


def test_requests_do_not_notice_a_target_that_hangs(stable):
    with ScriptedOrigin(Shadow(answers=False)) as hanging:
        text = mirror_config(stable.address, hanging.address, ", timeout: 1h", admin=True)
        with WeirProcess(text) as weir:
            with RawConnection(weir.port()) as connection:
                # More than there are places for copies of a worker.
                answers = Counter(connection.ask("/name").body for _ in range(1000))
            assert answers == {b"stable": 1000}
            dropped = mirrors(weir)["dropped"]
            assert 0 < dropped <= 1000 - 256
            # And it ends while hundreds of copies hang: the exit status says cleanly.


def test_a_share_is_copied(stable):
    shadow = Shadow()
    with ScriptedOrigin(shadow) as mirror:
        text = mirror_config(stable.address, mirror.address, ", percent: 10", admin=True)
        with WeirProcess(text) as weir:
            with RawConnection(weir.port()) as connection:
                assert all(connection.ask("/name").status == 200 for _ in range(2000))
            wait_until(lambda: mirrors(weir).get("answered") == shadow.got.qsize())
    assert abs(shadow.got.qsize() - 200) < 70  # 5 standard deviations


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
