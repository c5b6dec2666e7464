"""Traces: what callers and origins are told, and what a collector gets."""

import json
import re
import subprocess
import threading

import pytest

from collector import Collector
from http_client import ask
from origins import ScriptedOrigin, refusing_port
from program import weir_command
from weir_process import PATIENCE, WeirProcess

TRACE = "0af7651916cd43dd8448eb211c80319c"
SAMPLED = f"traceparent: 00-{TRACE}-b7ad6b7169203331-01"
UNSAMPLED = f"traceparent: 00-{TRACE}-b7ad6b7169203331-00"


@pytest.fixture
def collector():
    with Collector() as running:
        yield running


class Echo:
    """An origin that keeps the heads of its requests."""

    def __init__(self, status="200 OK"):
        self.heads = []
        self._status = status
        self._origin = ScriptedOrigin(self._serve)

    def _serve(self, connection):
        while True:
            head = connection.read_head()
            if head is None:
                return
            self.heads.append(head)
            connection.answer(b"hello", status=self._status)

    def __enter__(self):
        self._origin.__enter__()
        self.address = self._origin.address
        return self

    def __exit__(self, *arguments):
        self._origin.__exit__(*arguments)


def fields(head, name):
    pairs = [line.split(": ", 1) for line in head[1:]]
    return [value for key, value in pairs if key.lower() == name]


def config(origin, collector, tracing="percent: 100", use="", trusted="trusted_proxies: 127.0.0.1",
           route="", log=None, more=""):
    return f"""
workers: 2
listeners: [{{ address: "127.0.0.1:0", name: main, {trusted} }}]
tracing: {{ collector: otel, {tracing} }}
{f"access_log: {{ file: {log} }}" if log else ""}
routes:
  - name: shop
    {route}
    {use}
    reverse_proxy: api
upstreams:
  api: {{ endpoints: [{origin}] }}
  otel: {{ endpoints: ["{collector.address}"] }}
{more}
"""


def test_a_trace_goes_through_weir_and_its_spans_to_the_collector(collector, folder):
    log = folder / "log"
    tracing = ("percent: 0, service: edge, resource: { team: web }, "
               "headers: { Authorization: Bearer hidden }")
    with Echo() as origin:
        text = config(f'"{origin.address}"', collector, tracing, log=log)
        with WeirProcess(text) as weir:
            answer = ask(weir.port(), "/a?secret=1", headers=[SAMPLED, "tracestate: a=1,b=2",
                                                              "User-Agent: t\xe4st"])
            assert answer.status == 200
            server, attempt = sorted(collector.wait_spans(2), key=lambda span: span.kind != "server")
        assert fields(origin.heads[0], "traceparent") == [f"00-{TRACE}-{attempt.id}-01"]
        assert fields(origin.heads[0], "tracestate") == ["a=1,b=2"]
    assert server.trace == attempt.trace == TRACE
    assert server.parent == "b7ad6b7169203331" and attempt.parent == server.id
    assert (server.kind, server.name) == ("server", "GET shop")
    assert (attempt.kind, attempt.name) == ("client", "GET")
    assert server.state == attempt.state == "a=1,b=2"
    assert server.start <= attempt.start and not server.failed and not attempt.failed
    assert server.facts["http.response.status_code"] == 200
    assert server.facts["url.path"] == "/a" and "secret" not in str(server)
    assert server.facts["http.route"] == "shop"
    assert server.facts["client.address"] == "127.0.0.1"
    assert server.facts["http.response.body.size"] == 5
    assert attempt.facts["weir.upstream"] == "api"
    assert attempt.facts["server.port"] == int(origin.address.rsplit(":", 1)[1])
    assert attempt.facts["weir.connect_seconds"] > 0
    assert server.resource["service.name"] == "edge" and server.resource["team"] == "web"
    path, headers = collector.requests[0]
    assert path == "/v1/traces" and headers["Content-Type"] == "application/x-protobuf"
    assert headers["Authorization"] == "Bearer hidden"
    entry = json.loads(log.read_text())
    assert entry["trace_id"] == TRACE


def test_of_a_stranger_nothing_is_believed(collector):
    with Echo() as origin:
        text = config(f'"{origin.address}"', collector, "percent: 0", trusted="")
        with WeirProcess(text) as weir:
            for field in (SAMPLED, "traceparent: nonsense", "X-None: 1"):
                assert ask(weir.port(), "/", headers=[field, "tracestate: a=1"]).status == 200
        told = [fields(head, "traceparent") for head in origin.heads]
        assert all(re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-00", *each) for each in told), told
        assert not any(TRACE in str(each) for each in told)
        assert not any(fields(head, "tracestate") for head in origin.heads)
    assert collector.spans() == []


def test_without_tracing_the_fields_pass_as_they_are(collector):
    with Echo() as origin:
        text = re.sub("(?m)^tracing.*$", "", config(f'"{origin.address}"', collector))
        with WeirProcess(text) as weir:
            ask(weir.port(), "/", headers=[SAMPLED, "tracestate: a=1"])
        assert fields(origin.heads[0], "traceparent") == [SAMPLED.split(": ")[1]]
        assert fields(origin.heads[0], "tracestate") == ["a=1"]


def test_a_route_has_a_share_of_its_own(collector):
    with Echo() as origin:
        text = config(f'"{origin.address}"', collector, "percent: 0", route="trace_percent: 100")
        with WeirProcess(text) as weir:
            ask(weir.port(), "/")
            assert len(collector.wait_spans(2)) == 2
            ask(weir.port(), "/", headers=[UNSAMPLED])
        assert fields(origin.heads[1], "traceparent")[0].endswith("-00"), "the caller decides"
    assert len(collector.spans()) == 2


def test_each_attempt_is_a_span_of_its_own_and_an_error_is_kept(collector):
    with refusing_port() as holder, Echo() as origin:
        refused = f'"127.0.0.1:{holder.getsockname()[1]}"'
        text = config(f'{refused}, "{origin.address}"', collector,
                      "percent: 0, keep_errors: true")
        with WeirProcess(text) as weir:
            for _ in range(4):  # they take turns: one of them begins at the port that refuses
                assert ask(weir.port(), "/").status == 200
            spans = collector.wait_spans(3)
        trace = [span for span in spans if span.trace == spans[0].trace]
    server = next(span for span in trace if span.kind == "server")
    first, second = sorted((span for span in trace if span.kind == "client"),
                           key=lambda span: span.start)
    assert first.failed and first.facts["error.type"] == "connect_refused"
    assert not second.failed and second.facts["http.request.resend_count"] == 1
    assert first.parent == second.parent == server.id
    assert not server.failed, "another attempt has saved it"
    assert fields(origin.heads[0], "traceparent")[0].endswith("-00")


def test_an_error_that_weir_answers_is_kept(collector):
    with refusing_port() as holder:
        text = config(f'"127.0.0.1:{holder.getsockname()[1]}"', collector,
                      "percent: 0, keep_errors: true")
        with WeirProcess(text) as weir:
            assert ask(weir.port(), "/", headers=["Accept: application/json"]).status == 502
            spans = collector.wait_spans(2)
    server = next(span for span in spans if span.kind == "server")
    assert server.failed and server.facts["error.type"] == "connect_refused"
    assert server.facts["http.response.status_code"] == 502


def test_what_a_middleware_asks_stands_in_the_same_trace(collector):
    with Echo() as origin, Echo() as gate:
        text = config(f'"{origin.address}"', collector,
                      use="use: [{ forward_auth: gate }, { cache: { max_size: 1MiB } }]",
                      more=f'  gate: {{ endpoints: ["{gate.address}"] }}')
        with WeirProcess(text) as weir:
            assert ask(weir.port(), "/a").status == 200
            spans = {span.id: span for span in collector.wait_spans(5)}
    by_name = {span.name: span for span in spans.values() if span.kind == "internal"}
    server = next(span for span in spans.values() if span.kind == "server")
    assert set(by_name) == {"forward_auth", "cache fill"}
    assert {span.trace for span in spans.values()} == {server.trace}
    assert all(span.parent == server.id for span in by_name.values())
    asked = fields(gate.heads[0], "traceparent")[0].split("-")[2]
    assert spans[asked].parent == by_name["forward_auth"].id
    filled = fields(origin.heads[0], "traceparent")[0].split("-")[2]
    assert spans[filled].parent == by_name["cache fill"].id


def test_a_collector_that_is_away_holds_up_nobody_and_gets_what_was_kept(collector):
    collector.status = 503
    with Echo() as origin:
        with WeirProcess(config(f'"{origin.address}"', collector)) as weir:
            assert ask(weir.port(), "/first").status == 200
            weir.wait_log("trace_collector_away")
            for _ in range(50):
                assert ask(weir.port(), "/later").status == 200
            collector.status = 200
            weir.wait_log("trace_collector_back")
            spans = collector.wait_spans(102)
    assert sum(span.facts.get("url.path") == "/first" for span in spans) == 1
    assert sum(span.facts.get("url.path") == "/later" for span in spans) == 50


def test_what_the_collector_does_not_want_is_not_sent_again(collector):
    collector.status = 400
    with Echo() as origin:
        with WeirProcess(config(f'"{origin.address}"', collector)) as weir:
            ask(weir.port(), "/first")
            assert weir.wait_log("traces_refused")["status"] == "400"
            collector.status = 200
            ask(weir.port(), "/second")
            spans = collector.wait_spans(2)
    assert [span.facts["url.path"] for span in spans if span.kind == "server"] == ["/second"]


def test_what_waits_at_the_end_is_sent_and_a_reload_changes_what_is_traced(collector):
    with Echo() as origin:
        with WeirProcess(config(f'"{origin.address}"', collector, "percent: 0")) as weir:
            ask(weir.port(), "/unseen")
            weir.write_config(config(f'"{origin.address}"', collector, "percent: 100"))
            assert weir.reload().returncode == 0
            ask(weir.port(), "/last")
    assert [span.facts["url.path"] for span in collector.spans() if span.kind == "server"] == [
        "/last"]


def test_many_clients_at_once_have_each_their_own_trace(collector):
    with Echo() as origin:
        with WeirProcess(config(f'"{origin.address}"', collector)) as weir:
            def some():
                for _ in range(25):
                    assert ask(weir.port(), "/").status == 200
            threads = [threading.Thread(target=some) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    spans = collector.spans()
    assert len(spans) == 400
    assert len({span.trace for span in spans}) == 200
    assert len({span.id for span in spans}) == 400


def test_a_collector_is_an_upstream_that_speaks_http(folder):
    file = folder / "weir.yaml"
    for upstreams, problem in (("{}", 'no upstream is named "otel"'),
                               ("{ otel: { protocol: fastcgi, endpoints: ['127.0.0.1:1'] } }",
                                'the upstream "otel" speaks FastCGI')):
        file.write_text(f"""
listeners: [":0"]
tracing: otel
routes: [{{ respond: {{ body: hello }} }}]
upstreams: {upstreams}
""")
        done = weir_command("check", file)
        assert done.returncode == 1 and problem in done.stderr, done.stderr


def test_a_browser_is_told_of_times_and_trace_where_that_is_asked_for(collector):
    with Echo() as origin:
        text = config(f'"{origin.address}"', collector, use="use: [server_timing]")
        with WeirProcess(text) as weir:
            told = ask(weir.port(), "/").get("Server-Timing")
            server = next(span for span in collector.wait_spans(2) if span.kind == "server")
    assert re.fullmatch(r"total;dur=[0-9.]+, connect;dur=[0-9.]+, upstream;dur=[0-9.]+, "
                        rf'traceparent;desc="00-{server.trace}-{server.id}-01"', told), told


def test_personal_data_is_hidden_in_spans_too(collector):
    with Echo() as origin:
        text = config(f'"{origin.address}"', collector,
                      more="redact: { client_ip: truncate, headers: User-Agent }")
        with WeirProcess(text) as weir:
            ask(weir.port(), "/", headers=["User-Agent: hidden"])
            server = next(span for span in collector.wait_spans(2) if span.kind == "server")
            weir.reload(text.replace("truncate", "remove"))
            ask(weir.port(), "/again")
            later = next(span for span in collector.wait_spans(4)
                         if span.facts.get("url.path") == "/again")
    assert server.facts["client.address"] == "127.0.0.0"
    assert "hidden" not in str(server)
    assert "client.address" not in later.facts


def test_a_trace_goes_through_http2_as_well(collector):
    with Echo() as origin:
        with WeirProcess(config(f'"{origin.address}"', collector)) as weir:
            done = subprocess.run(
                ["curl", "-sS", "--http2-prior-knowledge", "-H", SAMPLED, weir.url("/h2")],
                capture_output=True, timeout=PATIENCE, check=True)
            assert done.stdout == b"hello"
            server = next(span for span in collector.wait_spans(2) if span.kind == "server")
    assert server.trace == TRACE and server.facts["network.protocol.version"] == "2"
