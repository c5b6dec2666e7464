"""Limits of requests, as clients, several workers, reloads and the metrics see them."""

import re
import subprocess
import threading
import time

from http_client import RawConnection, ask
from origins import ScriptedOrigin
from program import weir_command
from weir_process import PATIENCE, WeirProcess


def config(use, limits="", more=""):
    return f"""
listeners: [{{ address: "127.0.0.1:0", name: main }}]
admin: "127.0.0.1:0"
rate_limits: {{ {limits} }}
routes:
  - {{ name: page, use: [{use}], respond: {{ body: page }} }}
{more}
"""


def metric(weir, name, **labels):
    """The value of a series; 0 if there is none."""
    text = ask(weir.port("admin"), "/metrics").body.decode()
    for line in text.splitlines():
        match = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line)
        if match and match[1] == name:
            if dict(re.findall(r'(\w+)="([^"]*)"', match[2] or "")) == labels:
                return float(match[3])
    return 0.0


def test_a_client_above_its_rate_is_told_when_to_come_again():
    with WeirProcess(config("{ rate_limit: { rate: 2/h } }")) as weir:
        first, second, third = (ask(weir.port()) for _ in range(3))
        page = ask(weir.port(), "/", headers=["Accept: text/html"])
    assert [first.status, second.status, third.status] == [200, 200, 429]
    assert first.get("RateLimit-Policy") == '"default";q=2;w=3600'
    assert re.fullmatch(r'"default";r=1;t=1800', first.get("RateLimit"))
    assert re.fullmatch(r'"default";r=0;t=3600', second.get("RateLimit"))
    assert 1790 <= int(third.get("Retry-After")) <= 1800
    assert third.reason_code() == "rate_limited"
    assert third.get("Cache-Control") == "no-store"
    assert page.status == 429 and b"<!doctype html>" in page.body


def test_all_workers_share_a_budget_to_the_request():
    statuses = []

    def work(port):
        for _ in range(50):
            statuses.append(ask(port).status)

    text = "workers: 4" + config("{ rate_limit: { rate: 100/d } }")
    with WeirProcess(text) as weir:
        threads = [threading.Thread(target=work, args=(weir.port(),)) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert metric(weir, "weir_rate_limit_requests_total", limit="route page",
                      result="allowed") == 100
        assert metric(weir, "weir_rate_limit_requests_total", limit="route page",
                      result="limited") == 200
        assert metric(weir, "weir_rate_limit_keys", limit="route page") <= 1
    assert sorted(statuses) == [200] * 100 + [429] * 200


def test_a_named_limit_has_one_budget_on_every_route():
    other = '  - { name: other, match: { path: /other }, use: [{ rate_limit: both }], respond: b }'
    with WeirProcess(config("{ rate_limit: both }", "both: { rate: 2/h }", other)) as weir:
        statuses = [ask(weir.port(), path).status for path in ("/", "/other", "/", "/other")]
        policy = ask(weir.port()).get("RateLimit-Policy")
    assert statuses == [200, 200, 429, 429]
    assert policy == '"both";q=2;w=3600'


def test_a_reload_keeps_what_was_used_and_a_new_rate_holds_at_once():
    use = "{ rate_limit: only }"
    with WeirProcess(config(use, "only: { rate: 3/d }")) as weir:
        assert [ask(weir.port()).status for _ in range(2)] == [200, 200]
        assert weir.reload(config(use, "only: { rate: 3/d }, other: 1/s")).returncode == 0
        assert [ask(weir.port()).status for _ in range(2)] == [200, 429]
        assert weir.reload(config(use, "only: { rate: 5/h, burst: 5 }")).returncode == 0
        refused = ask(weir.port())
        assert refused.status == 429 and int(refused.get("Retry-After")) <= 720
        assert weir.reload(config(use, "only: { rate: 1000/s }")).returncode == 0
        assert any(ask(weir.port()).status == 200 for _ in range(1000))


def test_a_limit_in_shadow_only_counts():
    with WeirProcess(config("{ rate_limit: { rate: 1/d, shadow: true } }")) as weir:
        answers = [ask(weir.port()) for _ in range(3)]
        assert [each.status for each in answers] == [200] * 3
        assert answers[0].get("RateLimit") is None
        assert metric(weir, "weir_rate_limit_requests_total", limit="route page",
                      result="shadowed") == 2


def test_keys_of_headers_and_conditions_hold_over_http2():
    use = "{ rate_limit: { rate: 1/d, key: [header.x-api-key, method], when: 'path != \"/free\"' } }"
    with WeirProcess(config(use)) as weir:
        def status(*options, path="/"):
            done = subprocess.run(
                ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--http2-prior-knowledge",
                 *options, weir.url(path)], capture_output=True, text=True, check=True)
            return int(done.stdout)
        assert status("-H", "X-Api-Key: a") == 200
        assert status("-H", "X-Api-Key: a") == 429
        assert status("-H", "X-Api-Key: b") == 200
        assert status("-H", "X-Api-Key: a", "-X", "POST") == 200
        assert status("-H", "X-Api-Key: a", path="/free") == 200


def test_a_limit_that_cannot_be_is_refused_with_its_place(folder):
    path = folder / "weir.yaml"
    for use, said in [("{ rate_limit: per_clint }", 'did you mean "per_client"?'),
                      ("{ rate_limit: { rate: 0/s } }", "too small"),
                      ("{ rate_limit: { rate: 2000000/s } }", "too large"),
                      ("{ rate_limit: { rate: 1/d, burst: 400 } }", "more than a year"),
                      ("{ rate_limit: { burst: 5 } }", 'needs a "rate"'),
                      ("{ rate_limit: { limit: per_client, rate: 1/s } }", "below `rate_limits`"),
                      ("{ rate_limit: { rate: 1/s, key: client_pi } }", "client_ip")]:
        path.write_text(config(use, "per_client: 10/s"))
        check = weir_command("check", path)
        assert check.returncode != 0, use
        assert "weir.yaml:6:" in check.stdout + check.stderr, check.stdout + check.stderr
        assert said in check.stdout + check.stderr, check.stdout + check.stderr


# --- concurrency_limit and bandwidth --------------------------------------------------------------

def held(gate):
    """A script: each request is answered when the gate lets it; those of user two need no gate."""
    def serve(connection):
        while (head := connection.read_head()) is not None:
            assert "X-User: two" in head or gate.acquire(timeout=PATIENCE)
            connection.answer(b"done")
    return serve


def test_requests_of_a_key_above_its_limit_are_refused_on_all_workers_together():
    gate = threading.Semaphore(0)
    with ScriptedOrigin(held(gate)) as origin:
        text = config("{ concurrency_limit: { max: 2, key: header.x-user } }", more=f"""
workers: 4
upstreams: {{ origin: {{ endpoints: ["{origin.address}"] }} }}
""").replace("respond: { body: page }", "reverse_proxy: origin")
        with WeirProcess(text) as weir:
            clients = [RawConnection(weir.port()) for _ in range(2)]
            for number, client in enumerate(clients, 1):
                client.send(b"GET / HTTP/1.1\r\nHost: a.test\r\nX-User: one\r\n\r\n")
                while metric(weir, "weir_endpoint_in_flight", upstream="origin",
                             endpoint=origin.address) < number:
                    pass
            assert metric(weir, "weir_concurrency_limit_keys", limit="route page") == 1
            for _ in range(8):  # on whatever worker
                refused = ask(weir.port(), headers=["X-User: one"])
                assert (refused.status, refused.reason_code()) == (429, "in_flight_limited")
                assert refused.get("Retry-After") == "1"
            assert metric(weir, "weir_concurrency_limit_refused_total", limit="route page") == 8
            assert ask(weir.port(), headers=["X-User: two"]).status == 200
            gate.release(2)  # either may be let through first
            for client in clients:
                assert client.read_response().status == 200
                client.close()
            gate.release()
            assert ask(weir.port(), headers=["X-User: one"]).status == 200


def test_a_client_that_leaves_gives_its_place_back():
    gate = threading.Semaphore(0)
    with ScriptedOrigin(held(gate)) as origin:
        text = config("{ concurrency_limit: { max: 1, key: client_ip } }", more=f"""
upstreams: {{ origin: {{ endpoints: ["{origin.address}"] }} }}
""").replace("respond: { body: page }", "reverse_proxy: origin")
        with WeirProcess(text) as weir:
            def in_flight():
                return metric(weir, "weir_endpoint_in_flight", upstream="origin",
                              endpoint=origin.address)

            with RawConnection(weir.port()) as client:
                client.send(b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
                while in_flight() == 0:
                    pass
                assert ask(weir.port()).status == 429
            while in_flight() > 0:
                pass
            gate.release(2)  # one for who is gone
            assert ask(weir.port()).status == 200


def seconds_of(weir, count, size):
    """How long `count` clients take for a file of this size, all at once."""
    bodies = []
    threads = [threading.Thread(target=lambda: bodies.append(ask(weir.port(), "/file").body))
               for _ in range(count)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [len(body) for body in bodies] == [size] * count
    return time.monotonic() - began


# A clock of the real world says how fast it was at most: nothing makes bytes come too soon.
def test_responses_of_a_key_share_their_bandwidth(folder):
    size = 400_000
    (folder / "file").write_bytes(b"a" * size)

    def text(key):
        use = f"{{ bandwidth: {{ per_second: 1MiB, burst: 100KiB {key} }} }}"
        return config(use).replace("respond: { body: page }", f"static_files: {folder}")

    with WeirProcess(text("")) as weir:
        assert seconds_of(weir, 1, size) >= (size - 102_400) / (1 << 20)
    with WeirProcess("workers: 2" + text(", key: client_ip")) as weir:
        assert seconds_of(weir, 3, size) >= (3 * size - 102_400) / (1 << 20)
        assert metric(weir, "weir_bandwidth_waits_total", limit="route page") > 0
