"""The dashboard of the admin listener in a real browser."""

import json
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from weir_process import PATIENCE, ROOT, WeirProcess

CONFIG = """
workers: 2
admin: 127.0.0.1:0
listeners: [{{ address: "127.0.0.1:0", name: main }}]
routes: [{{ name: shop, reverse_proxy: api }}]
upstreams:
  api: {{ endpoints: ["{origin}"], health: {{ path: /health, every: 1s, fail: 1 }} }}
"""

HOSTILE = """
workers: 1
admin: 127.0.0.1:0
listeners: [{ address: "127.0.0.1:0", name: main }]
routes: [{ name: '<img src=x onerror="window.hostile=1">', reverse_proxy: "<script>window.hostile=2</script>" }]
upstreams:
  "<script>window.hostile=2</script>": { endpoints: ["127.0.0.1:1"] }
"""


class Mortal(BaseHTTPRequestHandler):
    """Well until it is told to die; from then on it fails its checks."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/die":
            self.server.dead = True
        failing = self.path == "/health" and self.server.dead
        self.send_response(500 if failing else 200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *_):
        pass


@pytest.fixture
def origin():
    with ThreadingHTTPServer(("127.0.0.1", 0), Mortal) as server:
        server.dead = False
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join(PATIENCE)


def visit(weir, scene, *addresses):
    """What the browser saw."""
    done = subprocess.run(
        ["node", ROOT / "tests" / "e2e" / "dashboard.mjs", f"http://127.0.0.1:{weir.port('admin')}/",
         scene, *addresses], capture_output=True, text=True, timeout=3 * PATIENCE, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["errors"] == []
    return told


@pytest.fixture
def weir(origin):
    with WeirProcess(CONFIG.format(origin=origin)) as running:
        yield running


def test_traffic_shows(weir):
    told = visit(weir, "traffic", weir.url())
    assert "Ready" in told["state"]
    assert "ms" in told["tiles"][1] or "\u00b5s" in told["tiles"][1], told["tiles"]
    assert "api" in told["route"]
    assert "main" in told["listeners"]
    assert told["drawn"].startswith("M")


def test_an_endpoint_that_dies_shows_with_its_reason_and_the_log_is_searched(weir, origin):
    told = visit(weir, "death", f"http://{origin}/die")
    assert "away" in told["endpoint"]
    assert "unhealthy" in told["endpoint"]
    assert "500" in told["endpoint"]
    assert "1 endpoint away" in told["state"] or "Not ready" in told["state"]
    assert "ready" in told["log"]
    assert "endpoint_unhealthy" not in told["log"]


def test_hostile_names_are_text():
    with WeirProcess(HOSTILE) as weir:
        told = visit(weir, "hostile")
    assert told["run"] == "nothing"
    assert told["images"] == 0
    assert told["refused"], "HTML from a script is refused by the policy"


def test_a_phone_needs_no_scrolling_sideways(weir):
    told = visit(weir, "phone")
    assert told["width"] <= 360
    assert told["outside"] == []


def test_the_keyboard_reaches_everything(weir):
    told = visit(weir, "keyboard")
    assert told["missed"] == []
    assert told["focused"] == "routes"
    assert told["help"] is True


def test_it_says_that_weir_is_away_and_finds_it_again(weir):
    told = visit(weir, "away")
    assert "Away" in told["state"]
    assert told["notice"] is False


def test_versions_are_compared_and_rolled_back_with_a_token(weir):
    told = visit(weir, "versions")
    assert "/workers" in told["diff"]
    assert "<b>1</b>" in told["diff"]
    assert told["posted"] == ["POST", "application/json"]
    assert "rollback to 1" in told["newest"]
