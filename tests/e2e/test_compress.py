"""Compression as curl sees it: behind Weir are nginx with its files, and programs with a script."""

import gzip
import subprocess
import threading
import zlib

import pytest

from http_client import RawConnection, ask
from origins import Nginx, ScriptedOrigin
from program import weir_command
from weir_process import PATIENCE, WeirProcess

PAGE = b"<p>all work and no play makes Jack a dull boy</p>\n" * 4000
CODINGS = ["gzip", "br", "zstd"]
ROADS = ["--http1.1", "--http2-prior-knowledge"]


def config(address, use="compress", more=""):
    return f"""
workers: 2
listeners: [{{ address: "127.0.0.1:0", name: main }}]
routes: [{{ use: [{use}], reverse_proxy: origin }}]
upstreams: {{ origin: {{ endpoints: ["{address}"] {more} }} }}
"""


def curl(url, *options, check=True):
    done = subprocess.run(["curl", "-sS", "--noproxy", "*", "--max-time", str(PATIENCE), *options, url],
                          capture_output=True)
    if check:
        assert done.returncode == 0, done.stderr
        return done.stdout
    return done


class Answer:
    """Head and body as curl writes them with -i."""

    def __init__(self, text):
        head, self.body = text.split(b"\r\n\r\n", 1)
        line, *fields = head.decode("latin-1").split("\r\n")
        self.status = int(line.split()[1])
        self.headers = {name.lower(): value for name, value in (f.split(": ", 1) for f in fields)}


def fetch(url, *headers, options=()):
    fields = [option for header in headers for option in ("-H", header)]
    return Answer(curl(url, "-i", *fields, *options))


# --- compress: files of nginx ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def nginx():
    with Nginx(server="types { text/html html; }") as origin:
        (origin.files / "page.html").write_bytes(PAGE)
        (origin.files / "noise.bin").write_bytes(PAGE)
        yield origin


@pytest.fixture(scope="module")
def site(nginx):
    with WeirProcess(config(nginx.address)) as running:
        yield running


@pytest.mark.parametrize("road", ROADS)
@pytest.mark.parametrize("coding", CODINGS)
def test_curl_decodes_each_coding(site, road, coding):
    asked = ("-H", f"Accept-Encoding: {coding}", road)
    assert curl(site.url("/page.html"), "--compressed", *asked) == PAGE
    raw = fetch(site.url("/page.html"), options=asked)
    assert raw.headers["content-encoding"] == coding
    assert raw.headers["vary"] == "Accept-Encoding"
    assert raw.headers["etag"].startswith('W/"')
    assert "accept-ranges" not in raw.headers
    assert len(raw.body) < len(PAGE) / 20


@pytest.mark.parametrize("road", ROADS)
def test_others_get_the_file_as_it_is(site, road):
    plain = fetch(site.url("/page.html"), options=[road])
    assert plain.body == PAGE
    assert plain.headers["vary"] == "Accept-Encoding"
    assert plain.headers["etag"].startswith('"')
    assert plain.headers["content-length"] == str(len(PAGE))
    assert "content-encoding" not in plain.headers


def test_what_is_no_text_stays_as_it_is(site):
    noise = fetch(site.url("/noise.bin"), "Accept-Encoding: gzip")
    assert noise.body == PAGE
    assert not {"content-encoding", "vary"} & set(noise.headers)


@pytest.mark.parametrize("road", ROADS)
def test_head_tells_what_get_would(site, road):
    get = fetch(site.url("/page.html"), "Accept-Encoding: gzip", options=[road])
    head = fetch(site.url("/page.html"), "Accept-Encoding: gzip", options=[road, "-I"])
    for each in (get, head):
        for name in ("date", "transfer-encoding", "content-length"):
            each.headers.pop(name, None)
    assert head.headers == get.headers


@pytest.mark.parametrize("road", ROADS)
def test_a_page_that_did_not_change_is_not_sent_again(site, road):
    etag = fetch(site.url("/page.html"), "Accept-Encoding: gzip").headers["etag"]
    again = fetch(site.url("/page.html"), "Accept-Encoding: gzip", f"If-None-Match: {etag}",
                  options=[road])
    assert (again.status, again.body, again.headers["etag"]) == (304, b"", etag)


def test_ranges_are_of_the_file_as_it_is(site):
    part = fetch(site.url("/page.html"), "Accept-Encoding: gzip", "Range: bytes=3-9")
    assert (part.status, part.body) == (206, PAGE[3:10])
    assert "content-encoding" not in part.headers


# --- compress: programs ----------------------------------------------------------------------------


def answers(body, *headers):
    def script(connection):
        while (head := connection.read_head()) is not None:
            connection.read_body(head)
            connection.answer(body, headers=headers)
    return script


def test_what_must_not_be_changed_stays():
    with ScriptedOrigin(answers(PAGE, "Content-Type: text/html", "Cache-Control: no-transform")) as origin:
        with WeirProcess(config(origin.address)) as weir:
            page = fetch(weir.url(), "Accept-Encoding: gzip")
            assert page.body == PAGE
            assert "content-encoding" not in page.headers


def test_attack_46_pages_that_another_site_asks_for_as_the_user_stay_as_they_are():
    with ScriptedOrigin(answers(PAGE, "Content-Type: text/html")) as origin:
        with WeirProcess(config(origin.address)) as weir:
            asked = ["Accept-Encoding: gzip", "Cookie: session=1"]
            own = fetch(weir.url(), *asked, "Sec-Fetch-Site: same-origin")
            forced = fetch(weir.url(), *asked, "Sec-Fetch-Site: cross-site")
            assert "content-encoding" in own.headers
            assert forced.body == PAGE


class Events:
    """An origin of server-sent events, which sends one whenever it is told to."""

    def __init__(self):
        self._next = threading.Semaphore(0)
        self.count = 5

    def __call__(self, connection):
        connection.read_head()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                        b"Transfer-Encoding: chunked\r\n\r\n")
        for number in range(self.count):
            assert self._next.acquire(timeout=PATIENCE)
            event = f"data: {number}\n\n".encode()
            connection.send(f"{len(event):x}\r\n".encode() + event + b"\r\n")
        connection.send(b"0\r\n\r\n")

    def send(self):
        self._next.release()


@pytest.mark.parametrize("road", ROADS)
@pytest.mark.parametrize("coding", CODINGS)
def test_events_arrive_one_by_one(road, coding):
    events = Events()
    with ScriptedOrigin(events) as origin, WeirProcess(config(origin.address)) as weir:
        with subprocess.Popen(
                ["curl", "-sSN", "--noproxy", "*", road, "--compressed", "-H",
                 f"Accept-Encoding: {coding}", "-D", "/dev/stderr", weir.url()],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE) as reader:
            for number in range(events.count):
                events.send()  # the next only when this one has been read
                assert reader.stdout.readline() == f"data: {number}\n".encode()
                assert reader.stdout.readline() == b"\n"
            assert reader.stdout.read() == b""
            head = reader.stderr.read().decode().lower()
        assert f"content-encoding: {coding}" in head
        assert reader.returncode == 0


def test_a_body_without_an_end_in_sight_is_compressed_as_it_comes():
    piece = PAGE[:30_000]

    def script(connection):
        connection.read_head()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
        for _ in range(300):
            connection.send(piece)

    with ScriptedOrigin(script) as origin, WeirProcess(config(origin.address)) as weir:
        answer = ask(weir.port(), headers=["Accept-Encoding: gzip"])
        assert answer.get("Transfer-Encoding") == "chunked"
        assert zlib.decompress(answer.body, wbits=31) == piece * 300


def test_an_origin_that_breaks_off_is_no_whole_answer():
    def script(connection):
        connection.read_head()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
                        b"Content-Length: 1000000\r\n\r\n" + PAGE)
        connection.reset()

    with ScriptedOrigin(script) as origin, WeirProcess(config(origin.address)) as weir:
        done = curl(weir.url(), "--compressed", check=False)
        assert done.returncode != 0


def test_many_clients_at_once_get_their_own_pages():
    def script(connection):
        while (head := connection.read_head()) is not None:
            name = head[0].split(" ")[1].encode()
            connection.answer(name * 5000, headers=["Content-Type: text/plain"])

    failures = []

    def client(number):
        with RawConnection(weir.port()) as connection:
            for turn in range(20):
                name = f"/{number}-{turn}"
                answer = connection.ask(name, headers=["Accept-Encoding: gzip"])
                if zlib.decompress(answer.body, wbits=31) != name.encode() * 5000:
                    failures.append(name)

    with ScriptedOrigin(script) as origin, WeirProcess(config(origin.address)) as weir:
        threads = [threading.Thread(target=client, args=(each,)) for each in range(16)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    assert not failures


# --- decompress ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def packed():
    """nginx that has its pages compressed only."""
    with Nginx(server="types { text/html html; } gzip_static always;") as origin:
        (origin.files / "page.html.gz").write_bytes(gzip.compress(PAGE))
        yield origin


@pytest.mark.parametrize("road", ROADS)
def test_clients_that_cannot_decompress_get_text(packed, road):
    with WeirProcess(config(packed.address, "decompress")) as weir:
        plain = fetch(weir.url("/page.html"), options=[road])
        assert plain.body == PAGE
        assert "content-encoding" not in plain.headers
        assert plain.headers["vary"] == "Accept-Encoding"
        assert plain.headers.get("etag", "W/").startswith("W/")
        head = fetch(weir.url("/page.html"), options=[road, "-I"])
        assert "content-encoding" not in head.headers
        raw = fetch(weir.url("/page.html"), "Accept-Encoding: gzip", options=[road])
        assert raw.headers["content-encoding"] == "gzip"
        assert gzip.decompress(raw.body) == PAGE


def test_one_coding_becomes_another(packed):
    with WeirProcess(config(packed.address, "compress, decompress")) as weir:
        answer = fetch(weir.url("/page.html"), "Accept-Encoding: br")
        assert answer.headers["content-encoding"] == "br"
        page = curl(weir.url("/page.html"), "--compressed", "-H", "Accept-Encoding: br")
        assert page == PAGE


@pytest.mark.parametrize("road", ROADS)
def test_attack_46_a_bomb_is_broken_off(road):
    squeeze = zlib.compressobj(9, wbits=31)
    bomb = b"".join(squeeze.compress(bytes(1 << 20)) for _ in range(256)) + squeeze.flush()
    script = answers(bomb, "Content-Type: text/html", "Content-Encoding: gzip")
    with ScriptedOrigin(script) as origin:
        with WeirProcess(config(origin.address, "decompress")) as weir:
            done = curl(weir.url(), road, check=False)
            assert done.returncode != 0, "not taken for the whole"
            assert len(done.stdout) < len(bomb) * 100 + (2 << 20)
            weir.reload(config(origin.address,
                               "{ decompress: { max_ratio: 100000, max_size: 300MiB } }"))
            assert len(curl(weir.url(), road)) == 256 << 20


def test_a_limit_of_nothing_is_refused(folder):
    path = folder / "weir.yaml"
    path.write_text(config("127.0.0.1:1", "{ decompress: { max_ratio: 0 } }"))
    check = weir_command("check", path)
    assert check.returncode != 0
    assert "weir.yaml:4:" in check.stdout + check.stderr
