"""body_limit, buffer and early_hints, with slow clients and origins that notice."""

import hashlib
import os
import threading

import pytest

from http_client import RawConnection, ask
from origins import CutShort, ScriptedOrigin
from program import weir_command
from protocols import CLIENTS, Reset
from weir_process import PATIENCE, WeirProcess

LARGE = os.urandom(24 << 20)  # more than what sockets on the way hold
BUFFER = "{ buffer: { directory: /tmp } }"


def config(address, use):
    return f"""
workers: 2
listeners: [{{ address: "127.0.0.1:0", name: main }}]
routes: [{{ use: [{use}], reverse_proxy: origin }}]
upstreams: {{ origin: {{ endpoints: ["{address}"] }} }}
"""


def digest_each(connection):
    """A script: answers each request with its framing and a digest of its body."""
    while (head := connection.read_head()) is not None:
        try:
            body = connection.read_body(head)
        except CutShort:
            return
        framing = next(line for line in head if line.lower().startswith(("content-l", "transfer")))
        connection.answer(f"{framing}\n{hashlib.sha256(body).hexdigest()}".encode())


# --- body_limit ------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", CLIENTS)
def test_a_body_above_the_limit_of_its_route_gets_413(protocol):
    with ScriptedOrigin(digest_each) as origin:
        with WeirProcess(config(origin.address, "{ body_limit: 1KiB }")) as weir:
            client = CLIENTS[protocol](weir.port())
            for size, status in ((1023, 200), (1024, 200), (1025, 413)):
                for length in (size, None):
                    call = client.request("POST", "/", length=length)
                    try:
                        call.send(b"a" * size)
                        call.finish()
                    except (Reset, OSError):
                        assert status == 413
                    assert call.wait_head().status == status, (size, length)
            client.close()


def test_a_client_that_asks_first_need_not_send_what_is_too_large():
    with ScriptedOrigin(digest_each) as origin:
        with WeirProcess(config(origin.address, "{ body_limit: 1KiB }")) as weir:
            with RawConnection(weir.port()) as client:
                client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2000\r\n"
                            b"Expect: 100-continue\r\n\r\n")
                answer = client.read_response()
                assert (answer.status, answer.reason_code()) == (413, "body_too_large")
            assert origin.connections == 0


# --- buffer: requests ------------------------------------------------------------------------------


@pytest.mark.parametrize("chunked", [False, True])
def test_an_upload_reaches_the_origin_when_all_of_it_is_there(chunked):
    whole = threading.Event()

    def script(connection):
        head = connection.read_head()
        assert whole.is_set(), "the origin was asked while the client was still sending"
        body = connection.read_body(head)
        assert f"Content-Length: {len(LARGE)}" in head
        connection.answer(hashlib.sha256(body).hexdigest().encode())

    framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(LARGE)}"
    with ScriptedOrigin(script) as origin, WeirProcess(config(origin.address, BUFFER)) as weir:
        with RawConnection(weir.port()) as client:
            client.send(f"POST / HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n".encode())
            for at in range(0, len(LARGE), 1 << 20):
                piece = LARGE[at:at + (1 << 20)]
                if at + len(piece) == len(LARGE):
                    whole.set()
                client.send(f"{len(piece):x}\r\n".encode() + piece + b"\r\n" if chunked else piece)
            if chunked:
                client.send(b"0\r\n\r\n")
            assert client.read_response().body.decode() == hashlib.sha256(LARGE).hexdigest()


def test_an_upload_above_the_limits_gets_413():
    use = "{ buffer: { directory: /tmp, request: { memory: 4KiB, disk: 4KiB } } }"
    with ScriptedOrigin(digest_each) as origin, WeirProcess(config(origin.address, use)) as weir:
        for size, status in ((8191, 200), (8192, 200), (8193, 413)):
            for framing in (f"Content-Length: {size}", "Transfer-Encoding: chunked"):
                body = b"a" * size
                if framing.startswith("T"):
                    body = f"{size:x}\r\n".encode() + body + b"\r\n0\r\n\r\n"
                with RawConnection(weir.port()) as client:
                    client.send(f"POST / HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n".encode() + body)
                    assert client.read_response().status == status, (size, framing)


# --- buffer: responses -----------------------------------------------------------------------------


def test_the_origin_is_free_while_a_slow_client_takes_its_time():
    sent = threading.Event()

    def script(connection):
        while (head := connection.read_head()) is not None:
            if head[0].startswith("GET /large"):
                connection.answer(LARGE)
                sent.set()
            else:
                connection.answer(b"next")

    with ScriptedOrigin(script) as origin, WeirProcess(config(origin.address, BUFFER)) as weir:
        slow = RawConnection(weir.port(), receive_buffer=4096)
        slow.send(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
        assert sent.wait(PATIENCE), "the origin waits for a client that reads nothing"
        for _ in range(3):  # over the connection that sent it
            with RawConnection(weir.port()) as other:
                assert other.ask("/next").body == b"next"
        assert slow.read_response().body == LARGE
        slow.close()


def test_events_pass_a_buffer_at_once():
    go = threading.Semaphore(0)

    def script(connection):
        connection.read_head()
        connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for number in range(5):
            assert go.acquire(timeout=PATIENCE)
            connection.send(f"1\r\n{number}\r\n".encode())
        connection.send(b"0\r\n\r\n")

    with ScriptedOrigin(script) as origin, WeirProcess(config(origin.address, BUFFER)) as weir:
        with RawConnection(weir.port()) as client:
            client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            client.read_head()
            for number in range(5):
                go.release()
                assert client.read_chunk() == str(number).encode()
            assert client.read_chunk() == b""


def test_a_client_that_leaves_ends_what_is_read_for_it():
    def script(connection):
        connection.read_head()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n")
        try:
            while True:
                connection.send(bytes(1 << 16))
        except OSError:
            gone.set()

    gone = threading.Event()
    use = "{ buffer: { directory: /tmp, response: { disk: 1MiB } } }"
    with ScriptedOrigin(script) as origin, WeirProcess(config(origin.address, use)) as weir:
        client = RawConnection(weir.port())
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        client.read_head()
        client.reset()
        assert gone.wait(PATIENCE)


def test_a_directory_that_takes_no_files_is_refused(folder):
    path = folder / "weir.yaml"
    path.write_text(config("127.0.0.1:1", "{ buffer: { directory: /proc } }"))
    check = weir_command("check", path)
    assert check.returncode != 0
    assert "weir.yaml:4:" in check.stdout + check.stderr


# --- early_hints -----------------------------------------------------------------------------------

HINTS = '{ early_hints: ["</style.css>; rel=preload; as=style", "</app.js>; rel=preload; as=script"] }'


@pytest.mark.parametrize("protocol", CLIENTS)
def test_hints_arrive_while_the_page_is_being_made(protocol):
    hinted = threading.Event()

    def script(connection):
        connection.read_head()
        assert hinted.wait(PATIENCE)
        connection.answer(b"page")

    with ScriptedOrigin(script) as origin, WeirProcess(config(origin.address, HINTS)) as weir:
        client = CLIENTS[protocol](weir.port())
        call = client.request("GET", "/")
        status, fields = call.wait_interim()
        hinted.set()
        assert call.wait_head().status == 200
        assert status == 103
        assert [value for name, value in fields if name.lower() == "link"] == [
            "</style.css>; rel=preload; as=style", "</app.js>; rel=preload; as=script"]
        assert call.body.read() == b"page"
        client.close()


def test_old_clients_are_not_hinted():
    with ScriptedOrigin(lambda c: (c.read_head(), c.answer(b"page"))) as origin:
        with WeirProcess(config(origin.address, HINTS)) as weir:
            with RawConnection(weir.port()) as client:
                client.send(b"GET / HTTP/1.0\r\nHost: a\r\n\r\n")
                assert client.read_response().status == 200


def test_the_metrics_tell_what_is_spilled_and_refused():
    limits = "{ buffer: { directory: /tmp, request: { memory: 1KiB, disk: 64KiB } } }"
    admin = 'admin: { address: "127.0.0.1:0" }'
    with ScriptedOrigin(digest_each) as origin:
        with WeirProcess(config(origin.address, limits) + admin) as weir:
            for size, status in ((1000, 200), (50_000, 200), (100_000, 413)):
                with RawConnection(weir.port()) as client:
                    client.try_send(b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                                    b"Content-Length: %d\r\n\r\n" % size + b"a" * size)
                    assert client.read_response().status == status
            text = ask(weir.port("admin"), "/metrics").body.decode()
    for name, value in (("spilled_total", 1), ("refused_total", 1), ("memory_bytes", 0),
                        ("disk_bytes", 0)):
        assert f"\nweir_buffer_{name} {value}\n" in text
