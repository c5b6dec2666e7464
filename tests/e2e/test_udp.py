"""UDP listeners: DNS with real programs, a game-like echo, endpoints that die, floods from many
addresses, reloads, and two processes that agree about where a client goes."""

import os
import socket
import time

import pytest

from datagrams import Dnsmasq, UdpClient, UdpServer, dig, named
from http_client import ask
from weir_process import PATIENCE, WeirProcess


def config(listener, endpoints, upstream="", workers=2):
    addresses = ", ".join(f'"{address}"' for address in endpoints)
    return f"""
workers: {workers}
udp: [{{ address: "127.0.0.1:0", name: main, upstream: main, {listener} }}]
admin: "127.0.0.1:0"
upstreams:
  main: {{ endpoints: [{addresses}], {upstream} }}
"""


def metrics(weir):
    text = ask(weir.port("admin"), "/metrics").body.decode()
    return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1])
            for line in text.splitlines() if not line.startswith("#")}


def wait_for(condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():  # which asks the process, and so takes its time
        assert time.monotonic() < deadline, "it does not come about"


def test_dns_is_answered_through_weir(folder):
    with Dnsmasq(folder, "shop.test", "192.0.2.7") as one, \
            Dnsmasq(folder, "shop.test", "192.0.2.7") as two:
        with WeirProcess(config("replies: 1", [one.address, two.address])) as weir:
            for _ in range(20):
                done = dig(weir.port(), "shop.test")
                assert done.stdout.split() == ["192.0.2.7"], done.stdout + done.stderr
            # A session is over with its answer.
            open_now = 'weir_connections_open{listener="main"}'
            wait_for(lambda: metrics(weir)[open_now] == 0)
            told = metrics(weir)
            assert told['weir_connections_total{listener="main"}'] == 20
            assert told['weir_udp_datagrams_total{listener="main",direction="sent"}'] == 20


def test_dns_goes_on_when_a_server_dies(folder):
    with Dnsmasq(folder, "shop.test", "192.0.2.7") as one:
        dead = UdpServer(named("dead"))
        dead.close()
        upstream = "outliers: { connect_failures: 2 }"
        with WeirProcess(config("replies: 1", [one.address, dead.address], upstream)) as weir:
            for _ in range(10):
                done = dig(weir.port(), "shop.test")
                # dig says so where it had to ask twice: the first datagram was for the dead one.
                answers = [line for line in done.stdout.splitlines() if not line.startswith(";;")]
                assert answers == ["192.0.2.7"], done.stdout + done.stderr
            told = metrics(weir)
            refused = f'weir_endpoint_connect_failures_total{{upstream="main",endpoint="{dead.address}"}}'
            assert told[refused] >= 2


def test_a_game_keeps_its_server_and_finds_another_when_it_dies():
    with UdpServer(named("a")) as a, UdpServer(named("b")) as b:
        with WeirProcess(config("idle_timeout: 30s", [a.address, b.address])) as weir:
            with UdpClient(weir.port()) as player:
                first = player.ask(b"0").split(b":")[0]
                for i in range(200):
                    text = str(i).encode()
                    assert player.ask(text) == first + b":" + text
                (a if first == b"a" else b).close()
                other = b"b" if first == b"a" else b"a"
                assert player.ask_again(b"x") == other + b":x"
                assert player.ask_again(b"y") == other + b":y"


def test_bursts_of_many_clients_come_back_whole():
    with UdpServer(lambda data: [data]) as echo:
        with WeirProcess(config("idle_timeout: 30s", [echo.address])) as weir:
            players = [UdpClient(weir.port()) for _ in range(50)]
            for turn in range(20):
                for number, player in enumerate(players):
                    player.send(f"{turn}/{number}".encode() + b"x" * (turn * 60))
                for number, player in enumerate(players):
                    assert player.read().startswith(f"{turn}/{number}".encode())
            for player in players:
                player.socket.close()
            assert len({sender for sender, _ in echo.heard}) == 50


def test_large_datagrams_pass():
    with UdpServer(lambda data: [data]) as echo:
        with WeirProcess(config("", [echo.address])) as weir, UdpClient(weir.port()) as client:
            for size in (0, 1, 1472, 1473, 9000, 65507):
                data = os.urandom(size)
                assert client.ask(data) == data


def test_a_client_gets_at_most_a_multiple_of_what_it_sent():
    with UdpServer(lambda data: [b"x" * 500] * 4) as loud:
        with WeirProcess(config("amplification: 10", [loud.address])) as weir:
            with UdpClient(weir.port()) as client:
                client.send(b"q" * 100)
                assert len(client.read()) == 500
                assert len(client.read()) == 500
                name = 'weir_udp_dropped_datagrams_total{listener="main",reason="amplification"}'
                wait_for(lambda: metrics(weir)[name] == 2)


def test_a_flood_from_many_addresses_takes_places_from_itself():
    with UdpServer(lambda data: [data]) as echo:
        text = config("idle_timeout: 60s, limits: { max_sessions: 32 }", [echo.address], workers=1)
        with WeirProcess(text) as weir, UdpClient(weir.port()) as player:
            player.ask(b"1")
            player.ask(b"2")
            for last in range(1, 255):
                with UdpClient(weir.port(), f"127.0.1.{last}") as forged:
                    forged.send(b"flood")
            assert player.ask(b"3") == b"3"
            told = metrics(weir)
            assert told['weir_connections_open{listener="main"}'] <= 32
            assert told['weir_udp_sessions_ended_total{listener="main",reason="limit"}'] >= 200
            assert len({sender for sender, data in echo.heard if data in (b"1", b"2", b"3")}) == 1


def test_sessions_stay_over_a_reload():
    with UdpServer(lambda data: [data]) as echo:
        text = config("idle_timeout: 60s", [echo.address])
        with WeirProcess(text) as weir, UdpClient(weir.port()) as player:
            player.ask(b"1")
            for i in range(5):
                done = weir.reload(text.replace("60s", f"{61 + i}s"))
                assert done.returncode == 0, done.stderr
                assert player.ask(b"2") == b"2"
            assert len({sender for sender, _ in echo.heard}) == 1


def test_answers_leave_from_the_address_that_was_asked():
    with UdpServer(lambda data: [data]) as echo:
        text = config("", [echo.address]).replace('"127.0.0.1:0", name: main', '":0", name: main')
        with WeirProcess(text) as weir:
            for family, there in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET, "127.0.0.9"),
                                  (socket.AF_INET6, "::1")):
                with socket.socket(family, socket.SOCK_DGRAM) as client:
                    client.settimeout(PATIENCE)
                    client.connect((there, weir.port()))
                    client.send(b"whence")
                    assert client.recv(100) == b"whence"  # from nowhere else would it be heard


@pytest.mark.parametrize("workers", [1, 3])
def test_two_processes_choose_the_same_endpoint_for_a_client(workers):
    servers = [UdpServer(named(str(i))) for i in range(5)]
    try:
        addresses = [server.address for server in servers]
        first = config("", addresses, "balance: maglev", workers)
        second = config("", addresses, "balance: maglev", 4 - workers)
        with WeirProcess(first) as one, WeirProcess(second) as two:
            chosen = set()
            for last in range(1, 101):
                source = f"127.0.2.{last}"
                with UdpClient(one.port(), source) as a, UdpClient(two.port(), source) as b:
                    answer = a.ask(b"x")
                    assert b.ask(b"x") == answer
                    chosen.add(answer)
            assert len(chosen) == 5
    finally:
        for server in servers:
            server.close()
