"""Upgrades: a WebSocket passes both ways, and no byte of a client goes before the 101."""

import asyncio
import os
import queue
import threading

import pytest
import websockets

from http_client import RawConnection
from origins import ScriptedOrigin, listening_socket
from weir_process import PATIENCE, WeirProcess


def config(address, timeouts="{}"):
    return f"""
workers: 2
listeners: [{{ address: "127.0.0.1:0", name: main, timeouts: {timeouts} }}]
routes: [{{ reverse_proxy: origin }}]
upstreams: {{ origin: {{ endpoints: ["{address}"] }} }}
"""


class EchoServer:
    """A real WebSocket server that sends back what it gets, in a thread of its own."""

    def __init__(self):
        self._socket = listening_socket()
        self.address = "127.0.0.1:%d" % self._socket.getsockname()[1]
        self.closings = queue.Queue()
        self._loop = asyncio.new_event_loop()
        self._over = asyncio.Event()
        self._thread = threading.Thread(target=lambda: self._loop.run_until_complete(self._run()))

    async def _echo(self, peer, path):
        try:
            async for message in peer:
                await peer.send(message)
        finally:
            self.closings.put((path, peer.close_code))

    def code_of_closing(self, path):
        """Waits until the connection with this path has closed."""
        while (closing := self.closings.get(timeout=PATIENCE))[0] != path:
            pass
        return closing[1]

    async def _run(self):
        async with websockets.serve(self._echo, sock=self._socket, max_size=8 << 20):
            await self._over.wait()

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(PATIENCE)
        self._loop.close()


@pytest.fixture(scope="module")
def echo():
    with EchoServer() as server:
        yield server


@pytest.fixture(scope="module")
def weir(echo):
    with WeirProcess(config(echo.address)) as running:
        yield running


def with_client(weir, talk, path="/chat"):
    async def run():
        uri = f"ws://127.0.0.1:{weir.port()}{path}"
        async with websockets.connect(uri, max_size=8 << 20, compression=None) as client:
            return await asyncio.wait_for(talk(client), PATIENCE)

    return asyncio.run(run())


async def echoed(client, message):
    await client.send(message)
    return await client.recv()


def test_text_comes_back(weir):
    async def talk(client):
        assert await echoed(client, "hello, weir") == "hello, weir"
    with_client(weir, talk)


def test_binary_of_every_size_comes_back(weir):
    async def talk(client):
        for size in (0, 1, 125, 126, 65535, 65536, 1 << 20):
            message = os.urandom(size)
            assert await echoed(client, message) == message
    with_client(weir, talk)


def test_many_messages_in_flight_come_back_in_order(weir):
    async def talk(client):
        for number in range(500):
            await client.send(str(number))
        for number in range(500):
            assert await client.recv() == str(number)
    with_client(weir, talk)


def test_ping_and_a_close_with_its_code_pass(weir, echo):
    async def talk(client):
        await (await client.ping())
        await client.close(4321, "enough")
        assert client.close_code == 4321
    with_client(weir, talk, "/closing")
    assert echo.code_of_closing("/closing") == 4321


def test_several_at_once_do_not_mix(weir):
    async def one(name):
        async with websockets.connect(f"ws://127.0.0.1:{weir.port()}/{name}") as client:
            for number in range(20):
                assert await echoed(client, f"{name} {number}") == f"{name} {number}"

    async def all_of_them():
        await asyncio.wait_for(asyncio.gather(*(one(f"peer{n}") for n in range(10))), PATIENCE)
    asyncio.run(all_of_them())


def test_a_silent_one_is_closed_after_its_time(echo):
    async def talk(client):
        assert await echoed(client, "hello") == "hello"
        with pytest.raises(websockets.ConnectionClosed):
            await client.recv()

    with WeirProcess(config(echo.address, "{ tunnel: 100ms }")) as weir:
        with_client(weir, talk, "/silent")


# --- the moment of the upgrade ------------------------------------------------------------------

UPGRADE = (b"GET /raw HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
           b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
AGREED = (b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
          b"Sec-WebSocket-Accept: ICX+Yqv66kxgM0FcWaLWlFLwTAI=\r\n\r\n")


def test_bytes_of_the_client_are_held_until_the_origin_agrees():
    asked, may_agree, held = threading.Event(), threading.Event(), []

    def script(connection):
        head = connection.read_head()
        assert "Upgrade: websocket" in head, head
        asked.set()
        assert may_agree.wait(PATIENCE)
        held.append(connection.has_nothing_to_read())
        connection.send(AGREED + b"from the origin")
        assert connection.read_exactly(14) == b"too early, but"
        assert connection.read_exactly(7) == b" then 2"
        connection.send(b"bye")

    with ScriptedOrigin(script) as origin, WeirProcess(config(origin.address)) as weir:
        with RawConnection(weir.port()) as client:
            client.send(UPGRADE + b"too early, but")
            assert asked.wait(PATIENCE)
            # A whole request and its answer on another connection: Weir has had its time to err.
            weir.status()
            may_agree.set()
            assert client.read_head().status == 101
            assert client.read_exactly(15) == b"from the origin"
            client.send(b" then 2")
            assert client.read_exactly(3) == b"bye"
            assert client.at_end()
    assert held == [True]


def test_an_origin_that_declines_answers_like_any_other():
    def script(connection):
        while connection.read_head() is not None:
            connection.answer(b"no sockets here", "426 Upgrade Required",
                              ["Upgrade: websocket", "Connection: Upgrade"])

    with ScriptedOrigin(script) as origin, WeirProcess(config(origin.address)) as weir:
        with RawConnection(weir.port()) as client:
            client.send(UPGRADE)
            response = client.read_response()
            assert (response.status, response.body) == (426, b"no sockets here")


def test_a_101_to_another_protocol_is_a_bad_gateway():
    def script(connection):
        while connection.read_head() is not None:
            connection.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
                            b"Upgrade: something-else\r\n\r\n")

    with ScriptedOrigin(script) as origin, WeirProcess(config(origin.address)) as weir:
        with RawConnection(weir.port()) as client:
            client.send(UPGRADE)
            assert client.read_response().status == 502


def test_a_101_that_nobody_asked_for_is_a_bad_gateway():
    def script(connection):
        connection.read_head()
        connection.send(AGREED)
        connection.await_close()

    with ScriptedOrigin(script) as origin, WeirProcess(config(origin.address)) as weir:
        with RawConnection(weir.port()) as client:
            response = client.ask()
            assert (response.status, response.reason_code()) == (502, "bad_gateway")


def test_an_upgrade_to_http_2_is_never_forwarded():
    heads = []

    def script(connection):
        heads.append(connection.read_head())
        connection.answer(b"plain")

    with ScriptedOrigin(script) as origin, WeirProcess(config(origin.address)) as weir:
        with RawConnection(weir.port()) as client:
            response = client.ask(headers=["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c",
                                           "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"])
            assert response.body == b"plain"
    assert not [line for line in heads[0] if line.lower().startswith(("upgrade:", "http2-"))]


def test_each_side_may_close_its_half_of_a_tunnel():
    def script(connection):
        connection.read_head()
        connection.send(AGREED)
        got = connection.read_until(b"last words")
        assert connection.socket.recv(1) == b""  # the client's half is closed, ours is open
        connection.send(b"heard " + got)

    with ScriptedOrigin(script) as origin, WeirProcess(config(origin.address)) as weir:
        with RawConnection(weir.port()) as client:
            client.send(UPGRADE)
            assert client.read_head().status == 101
            client.send(b"last words")
            client.finish_sending()
            assert client.read_to_end() == b"heard last words"
