"""Every pair of protocols: what goes in on one side comes out on the other, whatever each speaks."""

import base64
import hashlib
import os
import threading

import pytest

from protocols import CLIENTS, ORIGINS, Reset
from weir_process import PATIENCE, WeirProcess

SIZES = [0, 1, 16 * 1024, (1 << 20) + 12345]
PAIRS = [(client, origin) for client in CLIENTS for origin in ORIGINS]
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = base64.b64encode(
    hashlib.sha1((KEY + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()


def config(address, protocol):
    return f"""
workers: 1
listeners: [{{ address: "127.0.0.1:0", name: main }}]
routes: [{{ reverse_proxy: origin }}]
upstreams: {{ origin: {{ endpoints: ["{address}"], {protocol} }} }}
"""


class Pair:
    """A client, Weir and an origin whose answers a test sets."""

    def __init__(self, client, origin):
        self.answers = {}
        self.origin = ORIGINS[origin](self._answer)
        self._weir = WeirProcess(config(self.origin.address, self.origin.config))
        self._make_client = CLIENTS[client]
        self._clients = []
        self._client = None

    def _answer(self, ask):
        self.answers[ask.path.split("?")[0]](ask)

    def client(self):
        self._clients.append(self._make_client(self._weir.port()))
        return self._clients[-1]

    def request(self, method, path, answer, **options):
        """Sends the head; `answer(ask)` is what the origin does."""
        self.answers[path] = answer
        if self._client is None:
            self._client = self.client()
        return self._client.request(method, path, **options)

    def __enter__(self):
        self._weir.__enter__()
        self.origin.__enter__()
        return self

    def __exit__(self, *failure):
        for client in self._clients:
            client.close()
        try:
            self._weir.__exit__(*failure)
        finally:
            self.origin.__exit__(*failure)


@pytest.fixture(scope="module", params=PAIRS, ids=[f"{a}-to-{b}" for a, b in PAIRS])
def pair(request):
    with Pair(*request.param) as made:
        yield made


def answer_with(body, length=True, fields=(), trailers=()):
    def answer(ask):
        ask.body.read()
        ask.respond(200, fields, len(body) if length else None)
        if body:
            ask.send(body)
        ask.finish(trailers)
    return answer


def echo(ask):
    """As it comes."""
    ask.respond(200)
    while piece := ask.body.piece():
        ask.send(piece)
    ask.finish(ask.body.trailers)


# --- bodies ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("length", [True, False], ids=["length", "no-length"])
def test_a_response_arrives_as_it_was_sent(pair, size, length):
    body = os.urandom(size)
    call = pair.request("GET", f"/down-{size}-{length}", answer_with(body, length)).wait_head()
    assert call.status == 200
    assert call.body.read() == body
    if length:
        assert call.fields.get("content-length") == str(size)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("length", [True, False], ids=["length", "no-length"])
def test_a_request_arrives_as_it_was_sent(pair, size, length):
    sent, got = os.urandom(size), []

    def answer(ask):
        got.append((ask.fields.get("content-length"), ask.body.read()))
        ask.respond(204, length=0)
        ask.finish()

    call = pair.request("POST", f"/up-{size}-{length}", answer, length=size if length else None)
    if size:
        call.send(sent)
    if size or not length:
        call.finish()
    assert call.wait_head().status in (200, 204)
    assert got[0][1] == sent
    if length and size:
        assert got[0][0] == str(size)


def test_both_bodies_flow_at_the_same_time(pair):
    sent = os.urandom(1 << 20)
    call = pair.request("POST", "/echo", echo, length=None)
    writer = threading.Thread(target=lambda: (call.send(sent), call.finish()), daemon=True)
    writer.start()
    assert call.wait_head().body.read() == sent
    writer.join(PATIENCE)


def test_head_has_no_body_but_its_length(pair):
    def answer(ask):
        ask.respond_to_head(1234)

    call = pair.request("HEAD", "/head", answer).wait_head()
    assert call.fields.get("content-length") == "1234"
    assert call.body.read() == b""


def test_many_requests_at_once_get_their_own_answers(pair):
    def answer(ask):
        data = ask.body.read()
        ask.respond(200, length=len(data))
        ask.send(data)
        ask.finish()

    calls = []
    for i in range(50):
        text = f"request {i} ".encode() * 500
        call = pair.request("POST", f"/own-{i}", answer, length=len(text))
        call.send(text)
        call.finish()
        calls.append((call, text))
    for call, text in calls:
        assert call.wait_head().body.read() == text


# --- fields and trailers --------------------------------------------------------------------------


def test_fields_pass_and_those_of_the_connection_do_not(pair):
    seen = []

    def answer(ask):
        seen.append(ask.fields)
        ask.respond(200, [("X-Answer", "1"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")], 0)
        ask.finish()

    call = pair.request("GET", "/fields", answer, fields=[("X-Asked", "yes"), ("Cookie", "c=3")])
    call.wait_head()
    assert seen[0].get("x-asked") == "yes"
    assert seen[0].get("cookie") == "c=3"
    assert (seen[0].get("host") or seen[0].get(":authority")) == "shop.example"
    for name in ("connection", "keep-alive", "transfer-encoding", "upgrade"):
        assert seen[0].get(name) is None
    assert call.fields.get("x-answer") == "1"
    assert [v for n, v in call.fields if n.lower() == "set-cookie"] == ["a=1", "b=2"]


def test_trailers_of_a_response(pair):
    call = pair.request("GET", "/trailers", answer_with(b"body", False, trailers=[("x-sum", "42")]),
                        fields=[("TE", "trailers")])
    assert call.wait_head().body.read() == b"body"
    assert call.body.trailers.get("x-sum") == "42"


def test_trailers_of_a_request(pair):
    seen = []

    def answer(ask):
        seen.append((ask.body.read(), ask.body.trailers))
        ask.respond(200, length=0)
        ask.finish()

    call = pair.request("POST", "/request-trailers", answer, length=None)
    call.send(b"body")
    call.finish([("x-sum", "43")])
    call.wait_head()
    assert seen[0][0] == b"body"
    assert seen[0][1].get("x-sum") == "43"


# --- interim and early responses ------------------------------------------------------------------


def test_interim_responses_come_before_the_answer(pair):
    def answer(ask):
        ask.interim(103, [("Link", "</style.css>; rel=preload")])
        ask.respond(200, length=0)
        ask.finish()

    call = pair.request("GET", "/hints", answer).wait_head()
    assert call.status == 200
    assert [status for status, _ in call.interims] == [103]
    assert call.interims[0][1].get("link") == "</style.css>; rel=preload"


def test_100_continue_lets_the_body_come(pair):
    def answer(ask):
        assert ask.body.read() == b"waited"
        ask.respond(200, length=0)
        ask.finish()

    call = pair.request("POST", "/continue", answer, fields=[("Expect", "100-continue")], length=6)
    call.send(b"waited")
    call.finish()
    assert call.wait_head().status == 200


def test_an_early_response_does_not_wait_for_the_upload(pair):
    done = threading.Event()

    def answer(ask):
        ask.body.piece()
        ask.respond(403, length=2)
        ask.send(b"no")
        ask.finish()
        done.wait(PATIENCE)

    call = pair.request("POST", "/early", answer, length=None)
    call.send(b"a first piece")
    call.wait_head()
    assert call.status == 403
    assert call.body.piece() == b"no"
    done.set()
    call.reset()


def test_events_arrive_one_by_one(pair):
    go = threading.Semaphore(0)

    def answer(ask):
        ask.respond(200, [("Content-Type", "text/event-stream")])
        for i in range(5):
            assert go.acquire(timeout=PATIENCE)
            ask.send(f"data: {i}\n\n".encode())
        ask.finish()

    call = pair.request("GET", "/events", answer)
    go.release()
    call.wait_head()
    for i in range(5):
        assert call.body.piece() == f"data: {i}\n\n".encode()
        go.release()
    assert call.body.piece() == b""


# --- resets ---------------------------------------------------------------------------------------


def bystander(pair, path):
    """A request that is under way while another one is cut: (finish it, the call)."""
    go = threading.Event()

    def answer(ask):
        ask.respond(200)
        ask.send(b"first ")
        go.wait(PATIENCE)
        ask.send(b"second")
        ask.finish()

    call = pair.request("GET", path, answer).wait_head()
    assert call.body.piece() == b"first "
    return go, call


def test_a_client_that_leaves_is_noticed_by_its_origin_alone(pair):
    left = threading.Event()

    def answer(ask):
        ask.respond(200)
        ask.send(b"begun")
        try:
            while True:
                ask.send(b"x" * 1000)
                if ask.body.piece() == b"":
                    threading.Event().wait(0.01)
        except Reset:
            left.set()
            raise

    go, other = bystander(pair, "/stays-1")
    call = pair.request("POST", "/leaves", answer, length=None).wait_head()
    call.body.piece()
    call.reset()
    assert left.wait(PATIENCE), "the origin was never told"
    go.set()
    assert other.body.read() == b"second"


def test_an_origin_that_resets_cuts_its_client_alone(pair):
    def answer(ask):
        ask.respond(200, length=1000)
        ask.send(b"half")
        ready.wait(PATIENCE)
        ask.reset()

    ready = threading.Event()
    go, other = bystander(pair, "/stays-2")
    call = pair.request("GET", "/cut", answer).wait_head()
    assert call.body.piece() == b"half"
    ready.set()
    with pytest.raises(Reset):
        call.body.read()
    go.set()
    assert other.body.read() == b"second"


def test_an_origin_that_resets_before_its_answer_gives_502(pair):
    call = pair.request("POST", "/reset", lambda ask: ask.reset(), length=2)
    call.send(b"up")
    call.finish()
    assert call.wait_head().status == 502


# --- WebSocket ------------------------------------------------------------------------------------


def websocket_fields():
    return [("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Key", KEY)]


def accept_and_echo(ask):
    assert ask.upgrade == "websocket"
    key = ask.fields.get("sec-websocket-key", "")
    accept = hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
    ask.accept_upgrade([("Sec-WebSocket-Accept", base64.b64encode(accept).decode())])
    while piece := ask.body.piece():
        ask.send(piece)
    ask.finish()


def test_a_websocket_passes_both_ways(pair):
    client = pair.client()
    pair.answers["/chat"] = accept_and_echo
    call = client.request("GET", "/chat", websocket_fields(), length=None, upgrade="websocket")
    assert call.wait_head().status == client.upgraded
    assert call.fields.get("sec-websocket-accept") == (ACCEPT if client.upgraded == 101 else None)
    for i in range(20):
        message = os.urandom(1 + 700 * i)
        call.send(message)
        got = b""
        while len(got) < len(message):
            got += call.body.piece()
        assert got == message
    call.finish()
    assert call.body.piece() == b"", "the origin ends when its client has"


def test_a_wrong_accept_is_no_websocket(pair):
    def answer(ask):
        ask.accept_upgrade([("Sec-WebSocket-Accept", "AAAAAAAAAAAAAAAAAAAAAAAAAAA=")])
        try:
            ask.body.read()
        except Reset:
            pass

    if "protocol: http2" in pair.origin.config:
        pytest.skip("HTTP/2 has no accept")
    client = pair.client()
    pair.answers["/wrong"] = answer
    call = client.request("GET", "/wrong", websocket_fields(), length=None, upgrade="websocket")
    assert call.wait_head().status == 502
