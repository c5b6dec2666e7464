"""A whole site in a real browser, over HTTP/2 and TLS: files, PHP, and an API that is cached and
compressed, with security headers on all of it."""

import json
import shutil
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from certificates import Certificates
from php_fpm import PhpFpm, program
from weir_process import PATIENCE, ROOT, WeirProcess, scratch_dir

pytestmark = pytest.mark.skipif(program() is None, reason="php-fpm is not installed")

ITEMS = [{"id": i, "name": f"thing number {i}"} for i in range(500)]
SCRIPT = """
const told = {};
const fetched = async (path, options) => {
  const answer = await fetch(path, options);
  const headers = Object.fromEntries(answer.headers);
  return { status: answer.status, headers, text: await answer.text() };
};
addEventListener("load", async () => {
  try {
    told.style = getComputedStyle(document.querySelector("h1")).color;
    told.picture = document.images[0].naturalWidth;
    told.greeting = document.querySelector("h1").textContent;
    // The browser's own cache would hide the proxy's.
    told.first = await fetched("/api/items", { cache: "no-store" });
    told.again = await fetched("/api/items", { cache: "no-store" });
    told.part = await fetched("/static/app.js", { headers: { Range: "bytes=1-5" }, cache: "no-store" });
    told.posted = await fetched("/form.php", { method: "POST", body: new URLSearchParams({ tea: "green" }) });
    told.page = await fetched("/", { cache: "no-store" });
    told.protocols = [...new Set(performance.getEntriesByType("resource").map(each => each.nextHopProtocol))];
  } catch (error) {
    told.failure = String(error);
  }
  window.told = told;
});
"""
FILES = {
    "static/app.js": SCRIPT,
    "static/app.css": "h1 { color: rgb(1, 2, 3); }",
    "static/picture.svg": '<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8">'
                          '<rect width="8" height="8"/></svg>',
    "index.php": "<!doctype html><title>shop</title><link rel=stylesheet href=/static/app.css>"
                 "<script src=/static/app.js></script><h1>hello <?= htmlspecialchars($_GET['name']) ?></h1>"
                 "<img src=/static/picture.svg>",
    "form.php": "<?php header('Content-Type: application/json'); echo json_encode($_POST);",
}


class Api(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    asked = []

    def do_GET(self):
        self.asked.append(self.path)
        content = json.dumps(ITEMS).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "max-age=600")
        self.send_header("ETag", '"items-1"')
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


@pytest.fixture
def api():
    Api.asked = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Api) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join(PATIENCE)


@pytest.fixture
def root():
    folder = scratch_dir()
    for name, text in FILES.items():
        path = folder / "html" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def config(root, php, api, cert, key):
    return f"""
workers: 2
access_log: off
use: [security_headers]
listeners:
  - {{ address: "127.0.0.1:0", name: main,
      tls: {{ certificates: [{{ cert: {cert}, key: {key} }}] }} }}
routes:
  - match: {{ path: /static/* }}
    use: [compress]
    static_files: {{ root: {root}/html, cache_control: {{ "*": "max-age=60" }} }}
  - match: {{ path: /api/* }}
    use: [cache, compress]
    reverse_proxy: api
  - use: [cache, compress]
    fastcgi: {{ upstream: php, root: {root}/html }}
upstreams:
  api: {{ endpoints: ["{api}"] }}
  php: {{ protocol: fastcgi, endpoints: ["{php}"] }}
"""


def test_a_site_in_a_browser(root, api):
    cert, key = Certificates().make("site", "127.0.0.1")
    with PhpFpm(root / "fpm") as php, WeirProcess(config(root, php.address, api, cert, key)) as weir:
        done = subprocess.run(
            ["node", ROOT / "tests" / "e2e" / "visit.mjs",
             f"https://127.0.0.1:{weir.port()}/?name=b%26b"],
            capture_output=True, text=True, timeout=3 * PATIENCE, check=False)
        assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told.get("failure") is None
    assert told["style"] == "rgb(1, 2, 3)"
    assert told["picture"] == 8
    assert told["greeting"] == "hello b&b"
    assert told["protocols"] == ["h2"]
    # The API: asked once, compressed once, the same twice.
    assert json.loads(told["first"]["text"]) == json.loads(told["again"]["text"]) == ITEMS
    assert told["first"]["headers"]["content-encoding"] in ("zstd", "br", "gzip")
    assert "hit" in told["again"]["headers"]["cache-status"]
    assert told["again"]["headers"]["content-encoding"] == told["first"]["headers"]["content-encoding"]
    assert Api.asked == ["/api/items"]
    assert (told["part"]["status"], told["part"]["text"]) == (206, SCRIPT[1:6])
    assert json.loads(told["posted"]["text"]) == {"tea": "green"}
    # What PHP says nothing of is not kept.
    assert "hit" not in told["page"]["headers"]["cache-status"]
    for answer in ("first", "again", "part", "posted", "page"):
        assert told[answer]["headers"]["x-content-type-options"] == "nosniff", answer
