"""A real browser: a page with many resources, a WebSocket and an EventSource, over HTTP/2 and TLS."""

import json
import queue
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from certificates import Certificates
from test_websocket import EchoServer
from weir_process import PATIENCE, ROOT, WeirProcess

RESOURCES = 50
EVENTS = 5
PICTURE = b'<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><rect width="8" height="8"/></svg>'
PAGE = """<!doctype html><title>page</title>
%s
<script>
const loaded = new Promise(done => addEventListener("load", done));
const echoed = new Promise((done, failed) => {
  const socket = new WebSocket(`wss://${location.host}/chat`);
  socket.onopen = () => socket.send("hello");
  socket.onerror = () => failed(new Error("websocket"));
  socket.onmessage = message => { done(message.data); socket.close(); };
});
const events = new Promise(done => {
  const got = [], source = new EventSource("/events");
  source.onmessage = async event => {
    got.push(event.data);
    if (got.length === %d) { source.close(); done(got); }
    else await fetch("/next", { method: "POST", body: event.data });
  };
});
Promise.all([echoed, events, loaded]).then(([echo, got]) => {
  window.told = {
    echo, events: got,
    pictures: [...document.images].filter(each => each.naturalWidth === 8).length,
    protocols: performance.getEntriesByType("resource").filter(each => each.name.includes("picture"))
      .map(each => each.nextHopProtocol),
    page: performance.getEntriesByType("navigation")[0].nextHopProtocol,
  };
}, failure => { window.told = { failure: String(failure) }; });
</script>
""" % ("".join(f'<img src="/picture/{i}.svg">\n' for i in range(RESOURCES)), EVENTS)


class Site(BaseHTTPRequestHandler):
    """The page, its pictures, and events of which each is sent when the one before was seen."""

    protocol_version = "HTTP/1.1"
    seen = queue.Queue()

    def _answer(self, content, kind):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self):
        if self.path == "/events":
            return self._events()
        if self.path.startswith("/picture/"):
            return self._answer(PICTURE, "image/svg+xml")
        return self._answer(PAGE.encode(), "text/html")

    def do_POST(self):
        self.seen.put(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self._answer(b"", "text/plain")

    def _events(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for i in range(EVENTS):
            self.wfile.write(b"data: event %d\n\n" % i)
            self.wfile.flush()
            if i + 1 < EVENTS:
                assert self.seen.get(timeout=PATIENCE) == f"event {i}"
        self.close_connection = True

    def log_message(self, *_):
        pass


@pytest.fixture
def site():
    with ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join(PATIENCE)


@pytest.fixture
def echo():
    with EchoServer() as server:
        yield server.address


def config(site, echo, cert, key):
    return f"""
workers: 2
access_log: off
listeners:
  - {{ address: "127.0.0.1:0", name: main,
      tls: {{ certificates: [{{ cert: {cert}, key: {key} }}] }} }}
routes:
  - {{ match: {{ path: /chat }}, reverse_proxy: echo }}
  - reverse_proxy: site
upstreams:
  site: {{ endpoints: ["{site}"] }}
  echo: {{ endpoints: ["{echo}"] }}
"""


def test_a_browser_loads_a_page_and_keeps_talking(site, echo):
    cert, key = Certificates().make("page", "127.0.0.1")
    with WeirProcess(config(site, echo, cert, key)) as weir:
        done = subprocess.run(
            ["node", ROOT / "tests" / "e2e" / "visit.mjs", f"https://127.0.0.1:{weir.port()}/"],
            capture_output=True, text=True, timeout=3 * PATIENCE, check=False)
        assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told.get("failure") is None
    assert told["page"] == "h2"
    assert told["pictures"] == RESOURCES
    assert told["protocols"] == ["h2"] * RESOURCES
    assert told["echo"] == "hello"
    assert told["events"] == [f"event {i}" for i in range(EVENTS)]
