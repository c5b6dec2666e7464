"""Every condition and every range, by curl: of a file, of a cached object, and of one in slices."""

import os
import subprocess
from email.utils import formatdate

import pytest

from origins import Nginx
from weir_process import PATIENCE, WeirProcess

WRITTEN = 1_700_000_000
BODY = os.urandom(200_000)
SIZE = len(BODY)
SOURCES = ["file", "cached", "sliced"]


@pytest.fixture(scope="module")
def weir():
    with Nginx(server="expires 600;") as nginx:
        path = nginx.files / "object.bin"
        path.write_bytes(BODY)
        os.utime(path, (WRITTEN, WRITTEN))
        with WeirProcess(f"""
workers: 2
listeners: [{{ address: "127.0.0.1:0", name: main }}]
routes:
  - match: {{ host: file.test }}
    static_files: {{ root: "{nginx.files}" }}
  - match: {{ host: cached.test }}
    use: [{{ cache: whole }}]
    reverse_proxy: origin
  - match: {{ host: sliced.test }}
    use: [{{ cache: {{ name: slices, slice: 64KiB }} }}]
    reverse_proxy: origin
upstreams: {{ origin: {{ endpoints: ["{nginx.address}"] }} }}
""") as running:
            yield running


class Answer:
    def __init__(self, text):
        head, self.body = text.split(b"\r\n\r\n", 1)
        line, *fields = head.decode("latin-1").split("\r\n")
        self.status = int(line.split()[1])
        self.headers = {name.lower(): value for name, value in (f.split(": ", 1) for f in fields)}


@pytest.fixture(params=SOURCES)
def get(request, weir):
    """get("If-Match: x", ...) of one of the sources."""
    def fetch(*headers, method="GET"):
        fields = [option for header in headers for option in ("-H", header)]
        done = subprocess.run(
            ["curl", "-sSi", "--noproxy", "*", "--max-time", str(PATIENCE),
             *(["-I"] if method == "HEAD" else []), *fields,
             "-H", f"Host: {request.param}.test", f"http://127.0.0.1:{weir.port()}/object.bin"],
            capture_output=True)
        assert done.returncode == 0, done.stderr
        return Answer(done.stdout)

    fetch.source = request.param
    return fetch


def date(offset=0):
    return formatdate(WRITTEN + offset, usegmt=True)


# What is asked, and what comes: a status, the part of the body, Content-Range. {etag} is that of the
# object, {then} its Last-Modified, {before} and {after} a second less and more.
TABLE = [
    ("", 200, BODY, None),
    ("If-None-Match: {etag}", 304, b"", None),
    ("If-None-Match: W/{etag}", 304, b"", None),
    ('If-None-Match: "x", {etag}', 304, b"", None),
    ("If-None-Match: *", 304, b"", None),
    ('If-None-Match: "x"', 200, BODY, None),
    ("If-Modified-Since: {then}", 304, b"", None),
    ("If-Modified-Since: {after}", 304, b"", None),
    ("If-Modified-Since: {before}", 200, BODY, None),
    ("If-Modified-Since: never", 200, BODY, None),
    ('If-None-Match: "x"|If-Modified-Since: {after}', 200, BODY, None),
    ("If-Match: {etag}", 200, BODY, None),
    ("If-Match: *", 200, BODY, None),
    ('If-Match: "x"', 412, None, None),
    ("If-Unmodified-Since: {then}", 200, BODY, None),
    ("If-Unmodified-Since: {before}", 412, None, None),
    ("Range: bytes=0-0", 206, BODY[:1], f"bytes 0-0/{SIZE}"),
    ("Range: bytes=65530-65545", 206, BODY[65530:65546], f"bytes 65530-65545/{SIZE}"),
    ("Range: bytes=150000-", 206, BODY[150000:], f"bytes 150000-199999/{SIZE}"),
    ("Range: bytes=-3", 206, BODY[-3:], f"bytes 199997-199999/{SIZE}"),
    ("Range: bytes=-999999", 206, BODY, f"bytes 0-199999/{SIZE}"),
    ("Range: bytes=199999-99999999999999999999999", 206, BODY[-1:], f"bytes 199999-199999/{SIZE}"),
    ("Range: bytes=10-20,15-30", 206, BODY[10:31], f"bytes 10-30/{SIZE}"),
    ("Range: bytes=200000-", 416, None, f"bytes */{SIZE}"),
    ("Range: bytes=9999999-", 416, None, f"bytes */{SIZE}"),
    ("Range: bytes=5-2", 200, BODY, None),
    ("Range: bytes=x", 200, BODY, None),
    ("Range: lines=1-2", 200, BODY, None),
    ("Range: bytes=0-1|If-Range: {etag}", 206, BODY[:2], f"bytes 0-1/{SIZE}"),
    ("Range: bytes=0-1|If-Range: W/{etag}", 200, BODY, None),
    ('Range: bytes=0-1|If-Range: "x"', 200, BODY, None),
    ("Range: bytes=0-1|If-Range: {then}", 206, BODY[:2], f"bytes 0-1/{SIZE}"),
    ("Range: bytes=0-1|If-Range: {after}", 200, BODY, None),
    ("Range: bytes=0-1|If-None-Match: {etag}", 304, b"", None),
    ('Range: bytes=0-1|If-None-Match: "x"', 206, BODY[:2], f"bytes 0-1/{SIZE}"),
    ('Range: bytes=0-1|If-Match: "x"', 412, None, None),
]


@pytest.mark.parametrize("asked, status, body, part", TABLE, ids=[row[0] for row in TABLE])
def test_what_is_asked_is_what_comes(get, asked, status, body, part):
    etag = get().headers["etag"]
    fields = asked.format(etag=etag, then=date(), before=date(-1), after=date(1))
    answer = get(*fields.split("|")) if fields else get()
    assert answer.status == status
    assert answer.headers.get("content-range") == part
    if body is not None:
        assert answer.body == body
    if status == 304:
        assert answer.headers["etag"] == etag
        assert "content-type" not in answer.headers


def test_several_ranges_are_one_multipart_message(get):
    get()
    answer = get("Range: bytes=150000-150009,0-1,-70")
    assert answer.status == 206
    assert answer.headers["content-length"] == str(len(answer.body))
    kind, boundary = answer.headers["content-type"].split("; boundary=")
    assert kind == "multipart/byteranges"
    parts = answer.body.split(b"--" + boundary.encode())
    assert parts[0].strip() == b"" and parts[-1] == b"--\r\n"
    for text, first, last in zip(parts[1:-1], (150_000, 0, SIZE - 70), (150_009, 1, SIZE - 1),
                                 strict=True):
        head, content = text.split(b"\r\n\r\n", 1)
        assert f"Content-Range: bytes {first}-{last}/{SIZE}".encode() in head
        assert content == BODY[first:last + 1] + b"\r\n"


def test_head_tells_what_get_would(get):
    whole, head = get(), get(method="HEAD")
    assert (head.status, head.body) == (200, b"")
    for name in ("content-length", "etag", "last-modified", "content-type"):
        assert head.headers.get(name) == whole.headers.get(name)
    if get.source != "file":
        assert "hit" in head.headers["cache-status"]
