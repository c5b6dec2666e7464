"""Limits of requests, as clients, several workers, reloads and the metrics see them."""

import re
import subprocess
import threading

from http_client import ask
from program import weir_command
from weir_process import WeirProcess


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
