"""Clients and origins that are slow, silent, rude or gone. Timeouts are short; none is measured."""

import http.client
import json
import threading

import pytest

from http_client import RawConnection, ask
from origins import Nginx, ScriptedOrigin, refusing_port
from weir_process import PATIENCE, WeirProcess


def config(*addresses, listener="", upstream=""):
    endpoints = ", ".join(f'"{address}"' for address in addresses)
    return f"""
workers: 2
listeners: [{{ address: "127.0.0.1:0", name: main, {listener} }}]
routes: [{{ reverse_proxy: origin }}]
upstreams: {{ origin: {{ endpoints: [{endpoints}], {upstream} }} }}
"""


def never_answers(connection):
    connection.read_head()
    connection.await_close()


# --- slow and silent clients --------------------------------------------------------------------

RESPOND = """
listeners: [{{ address: "127.0.0.1:0", name: main, {listener} }}]
routes: [{{ respond: hello }}]
"""


def test_a_head_that_does_not_end_gets_408():
    with WeirProcess(RESPOND.format(listener="timeouts: { header: 50ms }")) as weir:
        with RawConnection(weir.port()) as client:
            client.send(b"GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ")
            response = client.read_response()
            assert (response.status, response.reason_code()) == (408, "header_timeout")
            client.try_finish_sending()
            assert client.at_end()


def test_a_head_that_drips_gets_408_all_the_same():
    with WeirProcess(RESPOND.format(listener="timeouts: { header: 100ms }")) as weir:
        with RawConnection(weir.port()) as client:
            client.send(b"GET / HTTP/1.1\r\nHost: a\r\n")
            stop = threading.Event()

            def drip():
                while not stop.wait(0.01) and client.try_send(b"X: y\r\n"):
                    pass

            dripping = threading.Thread(target=drip)
            dripping.start()
            response = client.read_response()
            stop.set()
            dripping.join(PATIENCE)
            assert response.status == 408


def test_a_silent_connection_is_closed_without_a_word():
    with WeirProcess(RESPOND.format(listener="timeouts: { idle: 50ms }")) as weir:
        with RawConnection(weir.port()) as fresh:
            assert fresh.at_end()
        with RawConnection(weir.port()) as used:
            assert used.ask().status == 200
            assert used.at_end()


SLOW = "min_rate: { per_second: 10KB, grace: 1s }"


def test_an_upload_below_the_minimum_rate_gets_408():
    gone = threading.Event()

    def script(connection):
        never_answers(connection)
        gone.set()

    with ScriptedOrigin(script) as origin:
        with WeirProcess(config(origin.address, listener=SLOW)) as weir:
            with RawConnection(weir.port()) as client:
                client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nfew")
                response = client.read_response()
                assert (response.status, response.reason_code()) == (408, "slow_peer")
            assert gone.wait(PATIENCE), "the origin was left waiting"


def test_a_client_that_does_not_read_is_cut_off():
    gone = threading.Event()

    def script(connection):
        connection.read_head()
        try:
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
            while True:
                connection.send(bytes(1 << 20))
        except ConnectionError:
            gone.set()

    with ScriptedOrigin(script) as origin:
        with WeirProcess(config(origin.address, listener=SLOW)) as weir:
            with RawConnection(weir.port(), receive_buffer=4096) as client:
                client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                assert gone.wait(PATIENCE), "the download was kept open"


def test_a_slow_origin_is_not_the_clients_fault():
    answer = threading.Event()

    def script(connection):
        connection.read_head()
        assert answer.wait(PATIENCE)
        connection.answer(b"at last")

    with ScriptedOrigin(script) as origin:
        with WeirProcess(config(origin.address, listener=SLOW)) as weir:
            with RawConnection(weir.port()) as patient, RawConnection(weir.port()) as slow:
                patient.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                slow.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n1")
                assert slow.read_response().status == 408  # so the patient one has waited as long
                answer.set()
                assert patient.read_response().body == b"at last"


# --- clients that leave -------------------------------------------------------------------------

@pytest.mark.parametrize("leave", ["close", "reset"])
def test_a_client_that_leaves_while_waiting_takes_its_request_along(leave):
    asked, gone = threading.Event(), threading.Event()

    def script(connection):
        connection.read_head()
        asked.set()
        connection.await_close()
        gone.set()

    with ScriptedOrigin(script) as origin, WeirProcess(config(origin.address)) as weir:
        client = RawConnection(weir.port())
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert asked.wait(PATIENCE)
        getattr(client, leave)()
        assert gone.wait(PATIENCE)


def test_a_client_that_leaves_with_bytes_unread_takes_its_request_along():
    asked, gone = threading.Event(), threading.Event()

    def script(connection):
        connection.read_head()
        asked.set()
        connection.await_close()
        gone.set()

    with ScriptedOrigin(script) as origin, WeirProcess(config(origin.address)) as weir:
        client = RawConnection(weir.port())
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /next HTTP/1.1\r\nHost: a\r\n\r\n")
        assert asked.wait(PATIENCE)
        client.close()
        assert gone.wait(PATIENCE)


@pytest.mark.parametrize("leave", ["close", "reset"])
def test_an_upload_cut_short_never_looks_whole_to_the_origin(leave):
    got = []
    began, gone = threading.Event(), threading.Event()

    def script(connection):
        connection.read_head()
        began.set()
        got.append(connection.await_close())
        gone.set()

    with ScriptedOrigin(script) as origin, WeirProcess(config(origin.address)) as weir:
        client = RawConnection(weir.port())
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")
        assert began.wait(PATIENCE)
        getattr(client, leave)()
        assert gone.wait(PATIENCE)
    assert not got[0].endswith(b"0\r\n\r\n"), got


def test_a_download_given_up_ends_at_the_origin_too():
    gone = threading.Event()

    def script(connection):
        connection.read_head()
        try:
            connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            while True:
                connection.send(b"1000\r\n" + bytes(4096) + b"\r\n")
        except ConnectionError:
            gone.set()

    with ScriptedOrigin(script) as origin, WeirProcess(config(origin.address)) as weir:
        with RawConnection(weir.port()) as client:
            client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            client.read_head()
            client.read_chunk()
        assert gone.wait(PATIENCE)


# --- origins that fail --------------------------------------------------------------------------

def refused_by(weir, status, reason, **request):
    response = ask(weir.port(), **request)
    assert (response.status, response.reason_code()) == (status, reason)


def test_an_origin_that_refuses_is_a_502_with_its_reason():
    with refusing_port() as holder:
        address = "127.0.0.1:%d" % holder.getsockname()[1]
        with WeirProcess(config(address)) as weir:
            refused_by(weir, 502, "connect_refused")
            refused_by(weir, 502, "connect_refused", method="POST", body=b"x")


def test_an_origin_that_is_silent_is_a_504():
    with ScriptedOrigin(never_answers) as origin:
        with WeirProcess(config(origin.address, upstream="response_timeout: 50ms")) as weir:
            refused_by(weir, 504, "response_timeout")
            refused_by(weir, 504, "response_timeout", method="POST", body=b"x")


def test_a_post_is_never_sent_twice():
    posts = []

    def script(connection):
        posts.append(connection.read_head()[0])
        connection.read_exactly(1)
        connection.reset()

    with ScriptedOrigin(script) as one, ScriptedOrigin(script) as two:
        with WeirProcess(config(one.address, two.address)) as weir:
            refused_by(weir, 502, "reset", method="POST", body=b"x")
    assert len(posts) == 1


def test_a_get_that_is_lost_goes_to_another_endpoint():
    def lose(connection):
        connection.read_head()
        connection.reset()

    def keep(connection):
        while connection.read_head() is not None:
            connection.answer(b"kept")

    with ScriptedOrigin(lose) as bad, ScriptedOrigin(keep) as good:
        with WeirProcess(config(bad.address, good.address)) as weir:
            for _ in range(10):
                assert ask(weir.port()).body == b"kept"


BROKEN_HEADS = {
    "not_http": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "length_and_chunked": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    "two_lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "a_folded_line": b"HTTP/1.1 200 OK\r\nX-A: b\r\n c\r\nContent-Length: 0\r\n\r\n",
    "a_bare_cr": b"HTTP/1.1 200 OK\r\nX-A: b\rSet-Cookie: c\r\nContent-Length: 0\r\n\r\n",
    "an_empty_name": b"HTTP/1.1 200 OK\r\n: b\r\nContent-Length: 0\r\n\r\n",
    "a_head_without_end": b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 100000,
    "a_status_of_two_digits": b"HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n",
    "another_version": b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
}


@pytest.mark.parametrize("answer", BROKEN_HEADS.values(), ids=BROKEN_HEADS.keys())
def test_an_answer_that_is_not_http_is_a_502(answer):
    def script(connection):
        connection.read_head()
        connection.send(answer)
        connection.await_close()

    with ScriptedOrigin(script) as origin, WeirProcess(config(origin.address)) as weir:
        response = ask(weir.port(), method="POST", body=b"x")
        assert response.status == 502
        assert response.reason_code()


STRAY = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong"


def test_bytes_behind_a_response_are_never_taken_for_another():
    def script(connection):
        while (head := connection.read_head()) is not None:
            connection.read_body(head)
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nright" + STRAY)

    with ScriptedOrigin(script) as origin, WeirProcess(config(origin.address)) as weir:
        with RawConnection(weir.port()) as client:
            for _ in range(20):
                assert client.ask().body == b"right"


@pytest.mark.parametrize("engine", ["auto", "epoll"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_bytes_that_come_on_an_idle_connection_spoil_it(engine, method):
    strayed = threading.Semaphore(0)

    def script(connection):
        while (head := connection.read_head()) is not None:
            connection.read_body(head)
            connection.answer(b"right")
            connection.send(STRAY)
            strayed.release()

    with ScriptedOrigin(script) as origin:
        with WeirProcess(config(origin.address), "--engine", engine) as weir:
            with RawConnection(weir.port()) as client:
                for _ in range(20):
                    assert client.ask(method=method, body=b"x" * (method == "POST")).body == b"right"
                    assert strayed.acquire(timeout=PATIENCE)


@pytest.mark.parametrize("end", ["close", "reset"])
@pytest.mark.parametrize("framing", ["Content-Length: 100", "Transfer-Encoding: chunked"])
def test_a_body_cut_short_is_not_made_whole(end, framing):
    def script(connection):
        connection.read_head()
        connection.send(f"HTTP/1.1 200 OK\r\n{framing}\r\n\r\n5\r\nhello\r\n".encode())
        if end == "reset":
            connection.reset()

    with ScriptedOrigin(script) as origin, WeirProcess(config(origin.address)) as weir:
        with RawConnection(weir.port()) as client:
            client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            try:
                got = client.read_to_end()
            except ConnectionResetError:
                return
            assert b"\r\n0\r\n\r\n" not in got
            if not got.startswith(b"HTTP/1.1 200"):  # it may have been lost before the head went out
                assert got.startswith(b"HTTP/1.1 502")


def test_a_body_that_stalls_is_given_up():
    def script(connection):
        connection.read_head()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello")
        connection.await_close()

    with ScriptedOrigin(script) as origin:
        with WeirProcess(config(origin.address, upstream="idle_timeout: 50ms")) as weir:
            with RawConnection(weir.port()) as client:
                client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                assert client.read_head().status == 200
                assert client.read_exactly(5) == b"hello"
                assert client.at_end()


def test_an_origin_that_does_not_read_an_upload_is_given_up():
    def script(connection):
        connection.read_head()
        release.wait(PATIENCE)

    release = threading.Event()
    with ScriptedOrigin(script) as origin:
        with WeirProcess(config(origin.address, upstream="response_timeout: 1s, idle_timeout: 1s")) as weir:
            with RawConnection(weir.port()) as client:
                client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n")
                stop = threading.Event()

                def push():
                    while not stop.is_set() and client.try_send(bytes(1 << 18)):
                        pass

                pushing = threading.Thread(target=push)
                pushing.start()
                response = client.read_response()
                stop.set()
                client.reset()
                pushing.join(PATIENCE)
                release.set()
                assert response.status == 504
                assert response.reason_code() in ("response_timeout", "idle_timeout")


def test_a_pooled_connection_that_the_origin_closed_costs_no_request():
    def script(connection):
        for _ in range(3):  # then it closes, as origins with a limit of requests do
            head = connection.read_head()
            if head is None:
                return
            connection.read_body(head)
            connection.answer(b"ok")

    with ScriptedOrigin(script) as origin, WeirProcess(config(origin.address)) as weir:
        with RawConnection(weir.port()) as client:
            for _ in range(30):
                assert client.ask().body == b"ok"


# --- origins that die and come back -------------------------------------------------------------

class Load:
    """Clients that ask on and on; every answer is counted by what it was."""

    def __init__(self, weir, clients=8):
        self._port = weir.port()
        self._stop = threading.Event()
        self._changed = threading.Condition()
        self.counts = {}
        self.broken = []
        self._threads = [threading.Thread(target=self._ask_on) for _ in range(clients)]
        for thread in self._threads:
            thread.start()

    def _ask_on(self):
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)
        while not self._stop.is_set():
            try:
                connection.request("GET", "/small")
                response = connection.getresponse()
                body = response.read()
            except (OSError, http.client.HTTPException) as failure:
                self.broken.append(repr(failure))
                return
            kind = response.status
            if kind != 200:
                kind = (kind, json.loads(body)["error"]["code"])
            with self._changed:
                self.counts[kind] = self.counts.get(kind, 0) + 1
                self._changed.notify_all()

    def total(self):
        return sum(self.counts.values())

    def wait_for(self, more, kind=None):
        """Waits for `more` further answers, of one kind if it is given."""
        def count():
            return self.total() if kind is None else self.counts.get(kind, 0)
        with self._changed:
            aim = count() + more
            assert self._changed.wait_for(lambda: count() >= aim or self.broken, PATIENCE)
        assert not self.broken, self.broken

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join(PATIENCE)


def test_gets_never_fail_while_one_of_two_origins_dies_and_returns():
    with Nginx("one") as one, Nginx("two") as two:
        with WeirProcess(config(one.address, two.address)) as weir, Load(weir) as load:
            load.wait_for(200)
            for _ in range(3):
                one.kill()
                load.wait_for(200)
                one.restart()
                load.wait_for(200)
            del two
        assert set(load.counts) == {200}, load.counts
        assert not load.broken


def test_without_another_origin_errors_have_reasons_and_service_returns():
    with Nginx() as only:
        with WeirProcess(config(only.address)) as weir, Load(weir) as load:
            load.wait_for(100, 200)
            only.kill()
            load.wait_for(20, (502, "connect_refused"))
            only.restart()
            load.wait_for(100, 200)
        allowed = {200, (502, "connect_refused"), (502, "reset"), (502, "truncated")}
        assert set(load.counts) <= allowed, load.counts
        assert not load.broken
