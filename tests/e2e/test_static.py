"""Files as curl gets them: every condition and range, over HTTP/1.1 and HTTP/2, plain and TLS."""

import gzip
import json
import os
import re
import subprocess
import time
from email.utils import formatdate

import pytest

from certificates import Certificates
from http_client import RawConnection, ask
from weir_process import PATIENCE, WeirProcess, scratch_dir

WRITTEN = 1_700_000_000
LARGE = os.urandom((3 << 20) + 123)
TEXT = b"0123456789"
ROADS = ["h1", "h1-tls", "h2", "h2-tls"]


class Site:
    def __init__(self):
        self.dir = scratch_dir()
        self.root = self.dir / "public"
        self.write("text.txt", TEXT)
        self.write("large.bin", LARGE)
        self.write("empty.txt", b"")
        self.write("app.js", b"let a = 1;\n" * 500)
        self.write("app.js.gz", gzip.compress(b"let a = 1;\n" * 500))
        self.write("docs/index.html", b"<h1>docs")
        self.write("list/<b>.txt", b"x")
        self.write(".env", b"secret")
        (self.dir / "secret.txt").write_text("secret")
        (self.root / "out.txt").symlink_to("../secret.txt")

    def write(self, name, content, written=WRITTEN):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(path.name + ".new")
        fresh.write_bytes(content)
        os.utime(fresh, (written, written))
        fresh.rename(path)


@pytest.fixture(scope="module")
def site():
    return Site()


@pytest.fixture(scope="module")
def weir(site):
    certificates = Certificates()
    cert, key = certificates.make("site", "127.0.0.1")
    with WeirProcess(f"""
workers: 2
listeners:
  - {{ address: "127.0.0.1:0", name: main }}
  - {{ address: "127.0.0.1:0", name: tls, tls: {{ certificates: [{{ cert: "{cert}", key: "{key}" }}] }} }}
routes:
  - match: {{ path: /list/* }}
    static_files: {{ root: "{site.root}", listing: true }}
  - match: {{ path: /spa/* }}
    static_files: {{ root: "{site.root}/docs", strip_prefix: /spa, fallback: /index.html }}
  - static_files:
      root: "{site.root}"
      precompressed: gzip
      cache_control: {{ "*.js": "max-age=60" }}
""") as running:
        yield running


class Answer:
    def __init__(self, head, body):
        line, *fields = head.strip().split("\r\n")
        self.status = int(line.split()[1])
        self.headers = {}
        for field in fields:
            name, value = field.split(":", 1)
            assert name.lower() not in self.headers, f"{name} twice"
            self.headers[name.lower()] = value.strip()
        self.body = body


@pytest.fixture(params=ROADS)
def get(request, weir, tmp_path):
    """get(path, "If-Match: x", ...) by one of the roads."""
    road = request.param

    def fetch(path, *headers, method="GET"):
        scheme, name = ("https", "tls") if "tls" in road else ("http", "main")
        version = {"h1": "--http1.1", "h1-tls": "--http1.1", "h2": "--http2-prior-knowledge",
                   "h2-tls": "--http2"}[road]
        options = [option for header in headers for option in ("-H", header)]
        if method != "GET":
            options += ["-I"] if method == "HEAD" else ["-X", method]
        (tmp_path / "body").unlink(missing_ok=True)  # curl writes none where there is none
        done = subprocess.run(
            ["curl", "-sSk", version, "--path-as-is", "--noproxy", "*", "-D", tmp_path / "head",
             "-o", tmp_path / "body", "--max-time", str(PATIENCE), *options,
             f"{scheme}://127.0.0.1:{weir.port(name)}{path}"], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        head = (tmp_path / "head").read_bytes().decode("latin-1")
        body = (tmp_path / "body").read_bytes() if (tmp_path / "body").exists() else b""
        return Answer(head, b"" if method == "HEAD" else body)

    return fetch


def date(offset=0):
    return formatdate(WRITTEN + offset, usegmt=True)


class TestOnEachRoad:
    def test_a_file_arrives_with_what_is_known_of_it(self, get):
        answer = get("/text.txt")
        assert (answer.status, answer.body) == (200, TEXT)
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        assert answer.headers["content-length"] == "10"
        assert answer.headers["last-modified"] == date()
        assert answer.headers["accept-ranges"] == "bytes"
        assert re.fullmatch(r'"[0-9a-f]+-a"', answer.headers["etag"])

    def test_large_and_empty_files_arrive_whole(self, get):
        assert get("/large.bin").body == LARGE
        empty = get("/empty.txt")
        assert (empty.status, empty.body, empty.headers["content-length"]) == (200, b"", "0")

    def test_head_tells_what_get_would(self, get):
        answer, whole = get("/large.bin", method="HEAD"), get("/large.bin")
        assert (answer.status, answer.body) == (200, b"")
        for headers in (answer.headers, whole.headers):
            headers.pop("date")
        assert answer.headers == whole.headers

    def test_other_methods_are_refused(self, get):
        answer = get("/text.txt", method="DELETE")
        assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")

    @pytest.mark.parametrize("field, status", [
        ("If-Match: {etag}", 200), ('If-Match: "x", {etag}', 200), ("If-Match: *", 200),
        ('If-Match: "x"', 412), ("If-Match: W/{etag}", 412),
        ("If-None-Match: {etag}", 304), ("If-None-Match: W/{etag}", 304),
        ('If-None-Match: "x",{etag}', 304), ("If-None-Match: *", 304), ('If-None-Match: "x"', 200),
        ("If-Modified-Since: {then}", 304), ("If-Modified-Since: {after}", 304),
        ("If-Modified-Since: {before}", 200), ("If-Modified-Since: never", 200),
        ("If-Unmodified-Since: {then}", 200), ("If-Unmodified-Since: {before}", 412),
        ('If-Match: "x"|If-None-Match: {etag}', 412),
        ("If-Match: {etag}|If-Unmodified-Since: {before}", 200),
        ('If-None-Match: "x"|If-Modified-Since: {after}', 200),
        ("If-Match: {etag}|If-None-Match: {etag}", 304),
        ("If-Unmodified-Since: {before}|If-Modified-Since: {after}", 412),
        ("Range: bytes=0-1|If-None-Match: {etag}", 304),
        ('Range: bytes=0-1|If-Match: "x"', 412),
    ])
    def test_conditions(self, get, field, status):
        etag = get("/text.txt").headers["etag"]
        fields = field.format(etag=etag, then=date(), before=date(-1), after=date(1)).split("|")
        answer = get("/text.txt", *fields)
        assert answer.status == status
        if status == 304:
            assert answer.body == b""
            assert answer.headers["etag"] == etag
            assert "content-type" not in answer.headers

    @pytest.mark.parametrize("value, status, part, said", [
        ("bytes=2-4", 206, TEXT[2:5], "bytes 2-4/10"),
        ("bytes=2-", 206, TEXT[2:], "bytes 2-9/10"),
        ("bytes=-3", 206, TEXT[-3:], "bytes 7-9/10"),
        ("bytes=-99", 206, TEXT, "bytes 0-9/10"),
        ("bytes=9-99999999999999999999999", 206, TEXT[9:], "bytes 9-9/10"),
        ("bytes=1-2,4-5,2-4", 206, TEXT[1:6], "bytes 1-5/10"),
        ("bytes=10-", 416, None, "bytes */10"),
        ("bytes=-0", 416, None, "bytes */10"),
        ("bytes=5-2", 200, TEXT, None),
        ("bytes=x", 200, TEXT, None),
        ("lines=1-2", 200, TEXT, None),
        ("bytes=" + ",".join(f"{i}-{i}" for i in range(0, 40, 2)), 200, TEXT, None),
    ])
    def test_ranges(self, get, value, status, part, said):
        answer = get("/text.txt", f"Range: {value}")
        assert answer.status == status
        assert answer.headers.get("content-range") == said
        if part is not None:
            assert answer.body == part

    def test_a_range_of_a_large_file(self, get):
        answer = get("/large.bin", "Range: bytes=1000000-2999999")
        assert answer.status == 206
        assert answer.body == LARGE[1_000_000:3_000_000]

    def test_several_ranges_are_one_multipart_message(self, get):
        answer = get("/large.bin", "Range: bytes=2000000-2099999,0-1,-70000")
        assert answer.status == 206
        assert answer.headers["content-length"] == str(len(answer.body))
        kind, boundary = answer.headers["content-type"].split("; boundary=")
        assert kind == "multipart/byteranges"
        parts = answer.body.split(b"--" + boundary.encode())
        assert parts[0] == b"" and parts[-1] == b"--\r\n"
        size = len(LARGE)
        for part, first, last in zip(parts[1:-1], (2_000_000, 0, size - 70_000),
                                     (2_099_999, 1, size - 1), strict=True):
            head, content = part.split(b"\r\n\r\n", 1)
            assert f"Content-Range: bytes {first}-{last}/{size}".encode() in head
            assert content == LARGE[first:last + 1] + b"\r\n"

    @pytest.mark.parametrize("value, status", [
        ("{etag}", 206), ("W/{etag}", 200), ('"x"', 200), ("{then}", 206), ("{after}", 200)])
    def test_if_range(self, get, value, status):
        etag = get("/text.txt").headers["etag"]
        answer = get("/text.txt", "Range: bytes=0-1",
                     "If-Range: " + value.format(etag=etag, then=date(), after=date(1)))
        assert answer.status == status
        assert answer.body == (TEXT[:2] if status == 206 else TEXT)

    def test_a_compressed_file_beside_it(self, get, site):
        whole = (site.root / "app.js").read_bytes()
        squeezed = get("/app.js", "Accept-Encoding: br, gzip;q=0.5")
        assert squeezed.headers["content-encoding"] == "gzip"
        assert squeezed.headers["content-type"].startswith("text/javascript")
        assert squeezed.headers["cache-control"] == "max-age=60"
        assert gzip.decompress(squeezed.body) == whole
        plain = get("/app.js", "Accept-Encoding: gzip;q=0")
        assert plain.body == whole and "content-encoding" not in plain.headers
        assert plain.headers["vary"] == squeezed.headers["vary"] == "Accept-Encoding"
        assert plain.headers["etag"] != squeezed.headers["etag"]
        same = get("/app.js", "Accept-Encoding: gzip",
                   f"If-None-Match: {squeezed.headers['etag']}")
        assert same.status == 304 and same.headers["vary"] == "Accept-Encoding"

    @pytest.mark.parametrize("path", [
        "/.env", "/%2eenv", "/out.txt", "/../secret.txt", "/%2e%2e/secret.txt",
        "/docs/..%2f..%2fsecret.txt", "/text.txt/", "/text.txt%00", "/none"])
    def test_attack_40_what_is_not_to_be_reached_is_not(self, get, path):
        answer = get(path)
        assert answer.status in (400, 404)
        assert b"secret" not in answer.body.replace(b"secret.txt", b"")

    def test_directories(self, get):
        there = get("/docs?a=b")
        assert (there.status, there.headers["location"]) == (308, "/docs/?a=b")
        assert get("/docs/").body == b"<h1>docs"
        assert get("/spa/users/7").body == b"<h1>docs"
        assert get("/spa/a.js").status == 404
        listing = json.loads(get("/list/").body)
        assert [each["name"] for each in listing["files"]] == ["<b>.txt"]
        page = get("/list/", "Accept: text/html")
        assert b"&lt;b&gt;.txt" in page.body and b"<b>" not in page.body


def test_a_file_that_is_replaced_is_served_soon(site, weir):
    site.write("changes.txt", b"one")
    assert ask(weir.port(), "/changes.txt").body == b"one"
    site.write("changes.txt", b"two", WRITTEN + 1)
    deadline = time.monotonic() + PATIENCE
    while ask(weir.port(), "/changes.txt").body != b"two":
        assert time.monotonic() < deadline


def test_a_file_that_becomes_shorter_while_it_is_sent_ends_the_connection(site, weir):
    size = 64 << 20
    with open(site.root / "shrinks.bin", "wb") as file:
        file.truncate(size)
    with RawConnection(weir.port(), receive_buffer=65536) as client:
        client.send(b"GET /shrinks.bin HTTP/1.1\r\nHost: a\r\n\r\n")
        assert client.read_head().get("Content-Length") == str(size)
        os.truncate(site.root / "shrinks.bin", 1000)
        try:
            assert len(client.read_to_end()) < size
        except ConnectionResetError:
            pass
    assert ask(weir.port(), "/text.txt").status == 200


def test_requests_follow_each_other_on_one_connection(weir):
    with RawConnection(weir.port()) as client:
        for _ in range(3):
            assert client.ask("/large.bin").body == LARGE
            assert client.ask("/text.txt", headers=["Range: bytes=0-0"]).body == b"0"
            assert client.ask("/none").status == 404
            assert client.ask("/text.txt", method="HEAD").status == 200
