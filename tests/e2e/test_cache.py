"""The cache in front of nginx and of origins that follow a script."""

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
        assert ask(port, "/a").body == body
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
