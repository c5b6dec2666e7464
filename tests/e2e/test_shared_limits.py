"""Budgets that several processes share through a real Redis, which is killed under load."""

import os
import shutil
import signal
import socket
import subprocess
import threading
import time

import pytest

from certificates import Certificates
from http_client import RawConnection, ask
from origins import refusing_port
from test_limits import metric
from weir_process import PATIENCE, WeirProcess, scratch_dir

pytestmark = pytest.mark.skipif(shutil.which("redis-server") is None, reason="no redis-server")


class Redis:
    """A server on a Unix socket of its own; what it knew is gone after `kill`."""

    def __init__(self):
        self._dir = scratch_dir()
        self.path = self._dir / "redis.sock"
        self.start()

    def start(self):
        self._process = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", str(self.path), "--save", "",
             "--appendonly", "no", "--dir", str(self._dir)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + PATIENCE
        while self.command("PING") != "PONG":
            assert time.monotonic() < until, "Redis does not start"

    def command(self, *words):
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(PATIENCE)
                connection.connect(str(self.path))
                text = " ".join(words) + "\r\n"
                connection.sendall(text.encode())
                return connection.recv(65536).decode().strip().lstrip("+:")
        except OSError:
            return None

    def kill(self):
        self._process.kill()
        self._process.wait(PATIENCE)

    def hold(self, on):
        self._process.send_signal(signal.SIGSTOP if on else signal.SIGCONT)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.hold(False)
        self.kill()
        shutil.rmtree(self._dir, ignore_errors=True)


class SecureRedis:
    """A server that wants TLS, with a certificate of its clients, and a password."""

    PASSWORD = "correct horse"

    def __init__(self):
        self.certs = Certificates()
        self._dir = scratch_dir()
        self._cert, self._key = self.certs.make("redis", "127.0.0.1")
        until = time.monotonic() + PATIENCE
        while not self._started():  # somebody else may take the port
            assert time.monotonic() < until, "Redis does not start"

    def _started(self):
        with refusing_port() as port:
            self.port = port.getsockname()[1]
        self._process = subprocess.Popen(
            ["redis-server", "--port", "0", "--tls-port", str(self.port), "--bind", "127.0.0.1",
             "--tls-cert-file", str(self._cert), "--tls-key-file", str(self._key),
             "--tls-ca-cert-file", str(self.certs.ca), "--requirepass", self.PASSWORD,
             "--save", "", "--appendonly", "no", "--dir", str(self._dir)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while self._process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), PATIENCE).close()
                return True
            except ConnectionRefusedError:
                os.sched_yield()
        return False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait(PATIENCE)
        shutil.rmtree(self._dir, ignore_errors=True)


def config(redis, limit, more="", store=""):
    return f"""
workers: 2
listeners: [{{ address: "127.0.0.1:0", name: main }}]
admin: "127.0.0.1:0"
stores: {{ main: {{ redis: {{ address: "unix:{redis.path}" {store} }} }} }}
rate_limits: {{ shared: {{ {limit}, store: main {more} }} }}
routes: [{{ use: [{{ rate_limit: shared }}], respond: page }}]
"""


def wait_for(condition, what):
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until, what
        os.sched_yield()  # to the threads that make it come true


def statuses_of(ports, each):
    """What that many requests to every port get, all ports at a time, four connections to each."""
    statuses = []

    def work(port):
        with RawConnection(port) as connection:
            for _ in range(each // 4):
                statuses.append(connection.ask().status)

    threads = [threading.Thread(target=work, args=(port,)) for port in ports for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return statuses


def test_two_processes_share_one_budget_to_the_request():
    with Redis() as redis:
        text = config(redis, "rate: 100/d")
        with WeirProcess(text) as one, WeirProcess(text) as other:
            statuses = statuses_of([one.port(), other.port()], 200)
            assert sorted(statuses) == [200] * 100 + [429] * 300
            refused = ask(one.port())
            assert refused.get("RateLimit-Policy") == '"shared";q=100;w=86400'
            assert 1 <= int(refused.get("Retry-After")) <= 864
            counted = [metric(each, "weir_rate_limit_requests_total", limit="shared",
                              result="allowed") for each in (one, other)]
            assert sum(counted) == 100
            assert metric(one, "weir_store_connections", store="main") >= 1
        assert redis.command("KEYS", "weir:*").startswith("*1")


def test_a_server_with_tls_and_a_password_is_used_when_it_proves_who_it_is():
    with SecureRedis() as redis:
        cert, key = redis.certs.make("weir", "weir.example")

        def text(password, ca):
            return f"""
listeners: [{{ address: "127.0.0.1:0", name: main }}]
stores:
  main:
    redis:
      address: "127.0.0.1:{redis.port}"
      password: "{password}"
      timeout: 5s
      tls: {{ ca: {ca}, cert: {cert}, key: {key} }}
rate_limits: {{ shared: {{ rate: 3/d, store: main, on_failure: deny }} }}
routes: [{{ use: [{{ rate_limit: shared }}], respond: page }}]
"""

        with WeirProcess(text(redis.PASSWORD, redis.certs.ca)) as one:
            with WeirProcess(text(redis.PASSWORD, redis.certs.ca)) as other:
                statuses = [ask(each.port()).status for each in (one, other, one, other)]
                assert statuses == [200, 200, 200, 429]
        with WeirProcess(text("wrong", redis.certs.ca)) as weir:
            assert ask(weir.port()).status == 503
        with WeirProcess(text(redis.PASSWORD, Certificates().ca)) as weir:
            assert ask(weir.port()).status == 503, "another authority's certificate"


def test_keys_in_redis_tell_no_secrets_and_expire():
    with Redis() as redis:
        with WeirProcess(config(redis, "rate: 10/m, key: header.x-api-key")) as weir:
            assert ask(weir.port(), headers=["X-Api-Key: tell-nobody"]).status == 200
        keys = redis.command("KEYS", "*")
        assert "weir:" in keys and "tell" not in keys
        name = keys.split("\r\n")[-1]
        assert 0 < int(redis.command("PTTL", name)) <= 6000


@pytest.mark.parametrize("policy, expected", [("allow", 200), ("deny", 503), ("local", 200)])
def test_while_redis_is_away_the_policy_holds(policy, expected):
    with Redis() as redis:
        text = config(redis, "rate: 5/d", f", on_failure: {policy}")
        with WeirProcess(text) as weir:
            assert [ask(weir.port()).status for _ in range(6)] == [200] * 5 + [429]
            redis.kill()
            wait_for(lambda: ask(weir.port()).status == expected, f"no {expected}")
            if policy == "allow":
                assert {ask(weir.port()).status for _ in range(20)} == {200}
            if policy == "deny":
                assert {ask(weir.port()).status for _ in range(20)} == {503}
            if policy == "local":
                wait_for(lambda: ask(weir.port()).status == 429, "the local budget has no end")
            redis.start()
            # It knows nothing of before: its five are there again, and then no more.
            wait_for(lambda: ask(weir.port()).status
                     and redis.command("KEYS", "weir:*").startswith("*1"), "not asked again")
            wait_for(lambda: ask(weir.port()).status == 429, "Redis' budget has no end")
            assert metric(weir, "weir_store_calls_total", store="main", result="failed") >= 1


def test_no_request_fails_while_redis_is_killed_and_started_under_load():
    with Redis() as redis:
        text = config(redis, "rate: 100000/s, burst: 1000000")
        with WeirProcess(text) as weir:
            statuses, stop = [], threading.Event()

            def work():
                with RawConnection(weir.port()) as connection:
                    while not stop.is_set():
                        statuses.append(connection.ask().status)

            threads = [threading.Thread(target=work) for _ in range(4)]
            for thread in threads:
                thread.start()
            for _ in range(2):
                before = len(statuses)
                wait_for(lambda: len(statuses) > before + 200, "no requests")
                redis.kill()
                before = len(statuses)
                wait_for(lambda: len(statuses) > before + 200, "no requests without Redis")
                redis.start()
                wait_for(lambda: metric(weir, "weir_store_connections", store="main") >= 1,
                         "not connected again")
            stop.set()
            for thread in threads:
                thread.join()
            assert set(statuses) == {200}


def test_a_redis_that_hangs_holds_nobody_for_longer_than_its_timeout():
    with Redis() as redis:
        text = config(redis, "rate: 1000/s", ", on_failure: allow", ", timeout: 50ms")
        with WeirProcess(text) as weir:
            assert ask(weir.port()).status == 200
            redis.hold(True)
            # Each worker waits once; then it knows.
            assert {ask(weir.port()).status for _ in range(200)} == {200}
            assert metric(weir, "weir_store_connections", store="main") == 0
            redis.hold(False)
            wait_for(lambda: metric(weir, "weir_store_connections", store="main") >= 1,
                     "not connected again")
            assert ask(weir.port()).status == 200
