"""The cache in front of nginx and of origins that follow a script."""

import gzip
import os
import threading

import pytest

from http_client import RawConnection, ask
from origins import Nginx, ScriptedOrigin
from program import weir_command
from weir_process import PATIENCE, WeirProcess

def config(origin, cache="cache", more=""):
    return f"""
workers: 2
listeners: [{{ address: "127.0.0.1:0", name: main }}]
routes: [{{ use: [{cache}], reverse_proxy: origin }}]
upstreams: {{ origin: {{ endpoints: ["{origin.address}"] }} }}
{more}
"""


class CountingOrigin(ScriptedOrigin):
    """Answers `answer(path, number)`, a body and headers, once it is let go."""

    def __init__(self, answer, held=False):
        self.heads = []
        self.let_go = threading.Event()
        if not held:
            self.let_go.set()
        self._answer = answer
        self._count_lock = threading.Lock()
        super().__init__(self._run)

    def _run(self, connection):
        while (head := connection.read_head()) is not None:
            with self._count_lock:
                self.heads.append(head)
                number = len(self.heads)
            self.let_go.wait(PATIENCE)
            path = str(head[0]).split()[1]
            body, headers = self._answer(path, number)
            connection.answer(body, headers=headers)


def ask_together(weir, origin, count, path):
    """The answers to as many clients, who all asked before the origin said anything."""
    clients = [RawConnection(weir.port()) for _ in range(count)]
    for client in clients:
        client.send(f"GET {path} HTTP/1.1\r\nHost: a.test\r\n\r\n".encode())
    origin.let_go.set()
    answers = [client.read_response() for client in clients]
    for client in clients:
        client.close()
    return answers


def test_nginx_is_asked_once():
    server = 'location = /page { add_header Cache-Control "max-age=60"; return 200 "page"; }'
    with Nginx(server=server) as nginx, WeirProcess(config(nginx)) as weir:
        first = ask(weir.port(), "/page")
        nginx.quit()
        second = ask(weir.port(), "/page")
    assert first.body == second.body == b"page"
    assert "fwd=uri-miss" in first.get("Cache-Status")
    assert second.get("Cache-Status").startswith("weir; hit; ttl=")
    assert int(second.get("Age")) >= 0


def test_many_clients_of_one_missing_object_cost_one_request():
    body = b"x" * 300_000
    origin = CountingOrigin(lambda path, n: (body, ["Cache-Control: max-age=60"]), held=True)
    with origin, WeirProcess(config(origin)) as weir:
        answers = ask_together(weir, origin, 40, "/large")
    assert all(each.status == 200 and each.body == body for each in answers)
    assert len(origin.heads) == 1


def test_a_private_answer_is_for_one_client():
    origin = CountingOrigin(lambda path, n: (str(n).encode(), ["Cache-Control: private"]), held=True)
    with origin, WeirProcess(config(origin)) as weir:
        answers = ask_together(weir, origin, 10, "/me")
    assert len({each.body for each in answers}) == 10
    assert len(origin.heads) == 10


def test_content_outlives_a_reload():
    origin = CountingOrigin(lambda path, n: (b"kept", ["Cache-Control: max-age=60"]))
    with origin, WeirProcess(config(origin)) as weir:
        ask(weir.port(), "/a")
        weir.reload(config(origin, cache="{ cache: { max_size: 1MiB } }"))
        again = ask(weir.port(), "/a")
    assert "hit" in again.get("Cache-Status")
    assert len(origin.heads) == 1


def test_an_origin_that_dies_inside_a_body_leaves_nothing_behind():
    def script(connection):
        connection.read_head()
        connection.send(b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\n"
                        b"Content-Length: 1000\r\n\r\nonly this")
        connection.reset()

    with ScriptedOrigin(script) as origin, WeirProcess(config(origin)) as weir:
        for _ in range(2):
            with RawConnection(weir.port()) as client:
                client.send(b"GET /a HTTP/1.1\r\nHost: a.test\r\n\r\n")
                got = client.read_to_end()
            assert b"hit" not in got
            assert len(got.split(b"\r\n\r\n", 1)[-1]) < 1000 or b"502" in got


def test_ranges_conditions_and_head_come_out_of_the_whole():
    body = bytes(range(256)) * 1000
    headers = ["Cache-Control: max-age=60", 'ETag: "v1"']
    origin = CountingOrigin(lambda path, n: (body, headers))
    with origin, WeirProcess(config(origin)) as weir:
        port = weir.port()
        part = ask(port, "/a", headers=["Range: bytes=1000-1999"])
        same = ask(port, "/a", headers=['If-None-Match: "v1"'])
        head = ask(port, "/a", method="HEAD")
    assert (part.status, part.body) == (206, body[1000:2000])
    assert part.get("Content-Range") == f"bytes 1000-1999/{len(body)}"
    assert (same.status, same.body) == (304, b"")
    assert head.get("Content-Length") == str(len(body))
    assert len(origin.heads) == 1


def test_stale_is_served_while_the_origin_is_away():
    headers = ["Cache-Control: max-age=0, stale-while-revalidate=60, stale-if-error=60"]
    with CountingOrigin(lambda path, n: (b"old", headers)) as origin:
        with WeirProcess(config(origin)) as weir:
            ask(weir.port(), "/a")
            origin.let_go.clear()
            for _ in range(2):
                stale = ask(weir.port(), "/a")
                assert (stale.status, stale.body) == (200, b"old")
            origin.let_go.set()


@pytest.mark.parametrize("wrong", [
    "{ cache: { lifetimes: { 99: 10s } } }",
    "{ cache: { max_size: 1KiB } }",
    "{ cache: { key: '${nothing}' } }",
])
def test_a_wrong_option_is_refused(wrong, folder):
    path = folder / "weir.yaml"
    path.write_text(f'listeners: ["127.0.0.1:0"]\nroutes: [{{ use: [{wrong}], respond: {{ body: a }} }}]\n')
    check = weir_command("check", path)
    assert check.returncode != 0
    assert "weir.yaml:2:" in check.stdout + check.stderr


def test_purge_asks_the_running_process():
    headers = ["Cache-Control: max-age=60", "Surrogate-Key: shoes p1"]
    origin = CountingOrigin(lambda path, n: (b"page", headers))
    with origin, WeirProcess(config(origin)) as weir:
        for _ in range(2):
            ask(weir.port(), "/a")
        assert len(origin.heads) == 1
        assert "1 response\n" in weir.purge("http://shop.example/a")
        ask(weir.port(), "/a")
        assert len(origin.heads) == 2
        assert "1 response\n" in weir.purge("--tag", "shoes", "--soft")
        assert "0 responses\n" in weir.purge("--prefix", "http://other.example/")


# --- slices -----------------------------------------------------------------------------------------

SLICED = "{ cache: { slice: 256KiB } }"
LARGE = os.urandom((1 << 20) + 12_345)


@pytest.fixture
def large_file():
    with Nginx(server="expires 60;") as nginx:
        (nginx.files / "large").write_bytes(LARGE)
        yield nginx


def test_slices_of_a_file_of_nginx(large_file):
    with WeirProcess(config(large_file, cache=SLICED)) as weir:
        port = weir.port()
        part = ask(port, "/large", headers=["Range: bytes=600000-600009"])
        assert (part.status, part.body) == (206, LARGE[600_000:600_010])
        assert part.get("Content-Range") == f"bytes 600000-600009/{len(LARGE)}"
        tail = ask(port, "/large", headers=["Range: bytes=-7"])
        assert (tail.status, tail.body) == (206, LARGE[-7:])
        whole = ask(port, "/large")
        assert (whole.status, whole.body) == (200, LARGE)
        beyond = ask(port, "/large", headers=[f"Range: bytes={len(LARGE)}-"])
        assert (beyond.status, beyond.get("Content-Range")) == (416, f"bytes */{len(LARGE)}")
        large_file.quit()
        again = ask(port, "/large")
        assert again.body == LARGE and "hit" in again.get("Cache-Status")
        assert "5 responses\n" in weir.purge("http://shop.example/large")
        assert ask(port, "/large").status >= 500


def test_slices_of_two_versions_are_never_mixed(large_file):
    with WeirProcess(config(large_file, cache=SLICED)) as weir:
        ask(weir.port(), "/large", headers=["Range: bytes=600000-600009"])
        other = os.urandom(len(LARGE))
        fresh = large_file.files / "large.new"
        fresh.write_bytes(other)
        os.utime(fresh, (1_700_000_000, 1_700_000_000))
        fresh.rename(large_file.files / "large")
        assert ask(weir.port(), "/large").body == other


def test_slices_outlive_a_restart_on_the_disk(large_file, folder):
    cache = f"{{ cache: {{ slice: 256KiB, disk: {{ path: {folder}/disk }} }} }}"
    with WeirProcess(config(large_file, cache=cache)) as weir:
        assert ask(weir.port(), "/large").body == LARGE
        part = ask(weir.port(), "/large", headers=["Range: bytes=0-9"])
        assert "hit" in part.get("Cache-Status")
    large_file.quit()
    with WeirProcess(config(large_file, cache=cache)) as weir:
        assert ask(weir.port(), "/large").body == LARGE


# --- variants of compress -----------------------------------------------------------------------------

PAGE = b"<p>all work and no play makes Jack a dull boy</p>\n" * 400
PAGES = ["Cache-Control: max-age=60", "Content-Type: text/html", 'ETag: "v1"']
BROWSERS = ["gzip, deflate, br, zstd", "zstd,br , gzip", "br;q=1.0, gzip;q=1, zstd"]


def test_what_was_compressed_once_is_kept_so():
    origin = CountingOrigin(lambda path, n: (PAGE, PAGES))
    with origin, WeirProcess(config(origin, cache="cache, compress")) as weir:
        port = weir.port()
        bodies = set()
        for accepted in BROWSERS:
            ask(port, "/a", headers=[f"Accept-Encoding: {accepted}"])
            answer = ask(port, "/a", headers=[f"Accept-Encoding: {accepted}"])
            assert answer.get("Content-Encoding") == "zstd"
            assert answer.get("Content-Length") == str(len(answer.body))
            assert answer.get("ETag") == 'W/"v1"'
            assert answer.get("Vary") == "Accept-Encoding"
            assert "hit" in answer.get("Cache-Status")
            bodies.add(answer.body)
        assert len(bodies) == 1 and len(origin.heads) == 1
        squeezed = ask(port, "/a", headers=["Accept-Encoding: gzip"])
        assert gzip.decompress(squeezed.body) == PAGE
        plain = ask(port, "/a")
        assert plain.body == PAGE and plain.get("ETag") == '"v1"'
        same = ask(port, "/a", headers=["Accept-Encoding: gzip", 'If-None-Match: W/"v1"'])
        assert same.status == 304
        assert len(origin.heads) == 3
        assert "3 responses\n" in weir.purge("http://shop.example/a")


def test_a_variant_is_renewed_without_its_body():
    def script(connection):
        while (head := connection.read_head()) is not None:
            fields = " ".join(str(each) for each in head)
            asked.append(fields)
            if 'W/"v1"' in fields:
                connection.send(b'HTTP/1.1 304 Not Modified\r\nCache-Control: max-age=0, '
                                b'stale-if-error=1\r\nETag: "v1"\r\n\r\n')
            else:
                connection.answer(PAGE, headers=["Cache-Control: max-age=0, stale-if-error=1",
                                                 *PAGES[1:]])

    asked = []
    with ScriptedOrigin(script) as origin, WeirProcess(config(origin, cache="cache, compress")) as weir:
        for _ in range(3):
            answer = ask(weir.port(), "/a", headers=["Accept-Encoding: gzip"])
            assert gzip.decompress(answer.body) == PAGE
            assert answer.get("ETag") == 'W/"v1"'
    assert len(asked) == 3


def test_no_transform_is_kept_as_it_is():
    headers = ["Cache-Control: max-age=60, no-transform", *PAGES[1:]]
    origin = CountingOrigin(lambda path, n: (PAGE, headers))
    with origin, WeirProcess(config(origin, cache="cache, compress")) as weir:
        for _ in range(2):
            answer = ask(weir.port(), "/a", headers=["Accept-Encoding: gzip"])
            assert answer.body == PAGE and answer.get("Content-Encoding") is None
    assert len(origin.heads) == 1


def test_the_order_that_compresses_each_hit_is_told(folder):
    path = folder / "weir.yaml"
    route = "{ use: [USE], respond: { body: a } }"
    for use, told in (("compress, cache", True), ("cache, compress", False)):
        path.write_text(f'listeners: ["127.0.0.1:0"]\nroutes: [{route.replace("USE", use)}]\n')
        check = weir_command("check", path)
        assert check.returncode == 0
        assert ("compresses the same response again" in check.stdout + check.stderr) == told
