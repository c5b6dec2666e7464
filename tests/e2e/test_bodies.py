"""Bodies pass byte for byte, both ways, however they are framed, in bounded memory."""

import hashlib
import os
import subprocess
import threading

import pytest

from http_client import RawConnection, ask
from origins import Nginx, ScriptedOrigin
from weir_process import PATIENCE, WeirProcess, is_sanitized

SIZES = [0, 1, 65535, 65536, 65537, 10 << 20]
GIBIBYTE = 1 << 30
BLOCK = 1 << 20


def config(address):
    return f"""
workers: 2
listeners: [{{ address: "127.0.0.1:0", name: main }}]
routes: [{{ reverse_proxy: origin }}]
upstreams: {{ origin: {{ endpoints: ["{address}"] }} }}
"""


@pytest.fixture(scope="module")
def nginx():
    with Nginx() as origin:
        for size in SIZES:
            (origin.files / f"body-{size}").write_bytes(os.urandom(size))
        yield origin


@pytest.fixture(scope="module")
def weir(nginx):
    with WeirProcess(config(nginx.address)) as running:
        yield running


def curl(*options, data=None):
    done = subprocess.run(["curl", "-sS", "--fail", "--noproxy", "*", *options], input=data,
                          capture_output=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("size", SIZES)
class TestOfEachSize:
    def test_a_download_with_a_length_arrives_byte_for_byte(self, nginx, weir, size):
        assert curl(weir.url(f"/body-{size}")) == (nginx.files / f"body-{size}").read_bytes()

    def test_a_chunked_download_arrives_byte_for_byte(self, nginx, weir, size):
        response = ask(weir.port(), f"/chunked/body-{size}")
        assert response.body == (nginx.files / f"body-{size}").read_bytes()
        if size > 0:
            assert response.get("Transfer-Encoding") == "chunked"

    def test_a_chunked_download_reaches_an_http_1_0_client(self, nginx, weir, size):
        body = curl("--http1.0", weir.url(f"/chunked/body-{size}"))
        assert body == (nginx.files / f"body-{size}").read_bytes()

    def test_an_upload_with_a_length_arrives_byte_for_byte(self, nginx, weir, size):
        sent = nginx.files / f"body-{size}"
        curl("-T", str(sent), weir.url(f"/up/length-{size}"))
        assert (nginx.files / f"length-{size}").read_bytes() == sent.read_bytes()

    def test_a_chunked_upload_arrives_byte_for_byte(self, nginx, weir, size):
        sent = (nginx.files / f"body-{size}").read_bytes()
        curl("-T", "-", "-H", "Transfer-Encoding: chunked", weir.url(f"/up/chunked-{size}"),
             data=sent)
        assert (nginx.files / f"chunked-{size}").read_bytes() == sent


# --- a gigabyte ---------------------------------------------------------------------------------

def digest(path):
    return hashlib.file_digest(path.open("rb"), "sha256").hexdigest()


@pytest.fixture(scope="module")
def gigabyte(nginx):
    """A file of 1 GiB, random at 16 places and at both ends, and its digest."""
    path = nginx.files / "gigabyte"
    with path.open("wb") as file:
        file.truncate(GIBIBYTE)
        for place in range(16):
            file.seek(place * GIBIBYTE // 16 + place * 4099)
            file.write(os.urandom(BLOCK))
        file.seek(GIBIBYTE - 1)
        file.write(b"!")
    return path, digest(path)


@pytest.mark.skipif(is_sanitized(), reason="memory and bulk are measured in the release build")
class TestGigabyte:
    def test_a_download_is_exact_and_memory_stays_bounded(self, nginx, gigabyte):
        with WeirProcess(config(nginx.address)) as weir, RawConnection(weir.port()) as client:
            client.send(b"GET /gigabyte HTTP/1.1\r\nHost: a\r\n\r\n")
            assert client.read_head().get("Content-Length") == str(GIBIBYTE)
            seen, left = hashlib.sha256(), GIBIBYTE
            while left:
                data = client.read_some()
                assert data
                seen.update(data)
                left -= len(data)
            assert seen.hexdigest() == gigabyte[1]
            assert weir.peak_memory() < 64 << 20

    def test_an_upload_is_exact_and_memory_stays_bounded(self, nginx, gigabyte):
        stored = nginx.files / "uploaded"
        with WeirProcess(config(nginx.address)) as weir:
            curl("-T", str(gigabyte[0]), weir.url("/up/uploaded"))
            assert weir.peak_memory() < 64 << 20
        assert digest(stored) == gigabyte[1]
        stored.unlink()


# --- responses without content, and parts of them -----------------------------------------------

def test_head_tells_the_length_and_sends_nothing(weir):
    with RawConnection(weir.port()) as client:
        response = client.ask("/body-65537", method="HEAD")
        assert (response.status, response.get("Content-Length")) == (200, "65537")
        assert client.ask("/body-1").status == 200  # and the connection is still in step


def test_204_and_304_have_no_body_and_keep_the_connection(weir):
    with RawConnection(weir.port()) as client:
        empty = client.ask("/empty")
        assert (empty.status, empty.get("Content-Length")) == (204, None)
        tag = client.ask("/body-1").get("ETag")
        assert client.ask("/body-1", headers=[f"If-None-Match: {tag}"]).status == 304
        assert client.ask("/body-1").status == 200


def test_a_range_is_the_origins_business(nginx, weir):
    with RawConnection(weir.port()) as client:
        part = client.ask("/body-65536", headers=["Range: bytes=100-199"])
        assert (part.status, part.get("Content-Range")) == (206, "bytes 100-199/65536")
        assert part.body == (nginx.files / "body-65536").read_bytes()[100:200]
        assert client.ask("/body-65536", headers=["Range: bytes=70000-"]).status == 416


# --- one connection, many requests --------------------------------------------------------------

def test_pipelined_requests_are_answered_in_order(nginx, weir):
    order = [SIZES[turn % len(SIZES[:5])] for turn in range(40)]
    with RawConnection(weir.port()) as client:
        client.send(b"".join(
            f"GET /body-{size} HTTP/1.1\r\nHost: a\r\n\r\n".encode() for size in order))
        for size in order:
            body = client.read_response().body
            assert body == (nginx.files / f"body-{size}").read_bytes()


def test_a_request_pipelined_behind_an_upload_is_not_taken_for_its_body(nginx, weir):
    with RawConnection(weir.port()) as client:
        client.send(b"PUT /up/first HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nfirst"
                    b"PUT /up/second HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                    b"6;x=y\r\nsecond\r\n0\r\n\r\n"
                    b"GET /small HTTP/1.1\r\nHost: a\r\n\r\n")
        assert client.read_response().status == 201
        assert client.read_response().status == 201
        assert client.read_response().body == b"small answer\n"
    assert (nginx.files / "first").read_bytes() == b"first"
    assert (nginx.files / "second").read_bytes() == b"second"


def test_an_http_1_0_client_gets_its_answer_and_the_close(weir):
    with RawConnection(weir.port()) as client:
        client.send(b"GET /small HTTP/1.0\r\n\r\n")
        response = client.read_response()
        assert (response.status, response.body) == (200, b"small answer\n")
        assert client.at_end()


def test_an_http_1_0_client_may_keep_its_connection(weir):
    with RawConnection(weir.port()) as client:
        for _ in range(3):
            client.send(b"GET /small HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            response = client.read_response()
            assert response.get("Connection").lower() == "keep-alive"


def test_connection_close_is_obeyed(weir):
    with RawConnection(weir.port()) as client:
        response = client.ask("/small", headers=["Connection: close"])
        assert (response.status, response.get("Connection")) == (200, "close")
        assert client.at_end()


# --- uploads that are talked about --------------------------------------------------------------

def test_expect_100_continue_is_answered_before_the_body_comes(nginx, weir):
    with RawConnection(weir.port()) as client:
        client.send(b"PUT /up/expected HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                    b"Content-Length: 4\r\n\r\n")
        assert client.read_response().status == 100
        client.send(b"body")
        assert client.read_response().status == 201
        assert client.ask("/expected").body == b"body"


def test_another_expectation_is_refused(weir):
    with RawConnection(weir.port()) as client:
        response = client.ask("/small", headers=["Expect: a-miracle"])
        assert (response.status, response.reason_code()) == (417, "expectation_failed")


def test_nginx_refuses_an_upload_while_it_runs_and_its_413_arrives(weir):
    size = 64 << 20
    with RawConnection(weir.port()) as client:
        client.send(f"PUT /at-most-1k HTTP/1.1\r\nHost: a\r\nContent-Length: {size}\r\n\r\n".encode())
        client.try_send(bytes(1 << 20))
        assert client.read_response().status == 413
        client.try_send(bytes(4 << 20))
    assert ask(weir.port(), "/small").status == 200


def test_an_early_response_wins_and_its_connection_is_not_used_again():
    first_closed = []

    def script(connection):
        head = connection.read_head()
        if head is None:
            return
        if head[0].startswith("POST"):
            connection.answer(b"too much", "413 Content Too Large")
            connection.await_close()
            first_closed.append(True)
        else:
            connection.answer(b"another")
            connection.await_close()

    with ScriptedOrigin(script) as origin, WeirProcess(config(origin.address)) as weir:
        with RawConnection(weir.port()) as client:
            client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nonly a part")
            response = client.read_response()
            assert (response.status, response.body) == (413, b"too much")
            client.finish_sending()
            assert client.at_end()  # the rest of the body cannot be told from a request
        assert ask(weir.port()).body == b"another"
        assert origin.connections == 2
    assert first_closed


def test_what_comes_after_an_early_response_is_not_taken_for_a_request():
    def script(connection):
        while (head := connection.read_head()) is not None:
            if head[0].startswith("POST"):
                connection.answer(b"early")
                connection.await_close()  # the rest of the upload is of no use
                return
            else:
                connection.answer(b"next")

    with ScriptedOrigin(script) as origin, WeirProcess(config(origin.address)) as weir:
        with RawConnection(weir.port()) as client:
            client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n")
            assert client.read_response().body == b"early"
            client.try_send(b"0123456789GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
            client.try_finish_sending()
            assert client.at_end()
        assert ask(weir.port()).body == b"next"


def test_interim_responses_pass_and_trailers_reach_whoever_asked():
    def script(connection):
        connection.read_head()
        connection.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"
                        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
                        b"3\r\nabc\r\n0\r\nX-Sum: 17\r\nContent-Length: 99\r\n\r\n")
        connection.await_close()

    with ScriptedOrigin(script) as origin, WeirProcess(config(origin.address)) as weir:
        with RawConnection(weir.port()) as client:
            hints = client.ask(headers=["TE: trailers"])
            assert (hints.status, hints.get("Link")) == (103, "</a.css>; rel=preload")
            response = client.read_response()
            assert response.body == b"abc"
            assert ("Content-Length", "99") not in response.trailers


def test_a_body_that_ends_with_the_connection_is_passed_on_whole():
    body = os.urandom(300_000)

    def script(connection):
        connection.read_head()
        connection.send(b"HTTP/1.1 200 OK\r\n\r\n" + body)

    with ScriptedOrigin(script) as origin, WeirProcess(config(origin.address)) as weir:
        with RawConnection(weir.port()) as client:
            response = client.ask()
            assert response.get("Transfer-Encoding") == "chunked"
            assert response.body == body


def test_events_arrive_one_by_one_and_nothing_is_held_back():
    """The origin sends the next event only when the client has confirmed the one before."""
    arrived = [threading.Event() for _ in range(5)]

    def script(connection):
        connection.read_head()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                        b"Transfer-Encoding: chunked\r\n\r\n")
        for number, event in enumerate(arrived):
            text = f"data: {number}\n\n".encode()
            connection.send(f"{len(text):x}\r\n".encode() + text + b"\r\n")
            assert event.wait(PATIENCE), f"event {number} did not come through"
        connection.send(b"0\r\n\r\n")

    with ScriptedOrigin(script) as origin, WeirProcess(config(origin.address)) as weir:
        with RawConnection(weir.port()) as client:
            client.send(b"GET /events HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n")
            assert client.read_head().get("Content-Type") == "text/event-stream"
            for number, event in enumerate(arrived):
                assert client.read_chunk() == f"data: {number}\n\n".encode()
                event.set()
            assert client.read_chunk() == b""
