"""Sessions that last, through TCP listeners: over reloads, thousands at a time, with servers that
speak first, and what becomes of them when a side breaks off or has too many."""

import contextlib
import resource
import smtplib
import socket
import subprocess

import pytest

from databases import Postgres, Redis
from echo_server import EchoServer
from http_client import RawConnection
from origins import ScriptedOrigin
from test_tcp import config, metrics
from weir_process import PATIENCE, WeirProcess


TUNNELS = 10_000
OTHER_DESCRIPTORS = 1000  # of this process, and of Weir


def tunnels():
    """Ten thousand; where nobody may raise the limit, as many as there are descriptors for."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = 2 * TUNNELS + OTHER_DESCRIPTORS
    if hard < needed:
        with contextlib.suppress(ValueError, PermissionError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (needed, needed))
            return TUNNELS
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return min(TUNNELS, (hard - OTHER_DESCRIPTORS) // 2)


def test_thousands_of_tunnels_at_a_time_live_through_a_reload():
    count = tunnels()
    listener = f"upstream: o, limits: {{ max_connections: {count} }}"
    with EchoServer() as old, EchoServer(b"?") as new:
        with WeirProcess(config(listener, {"o": old.address})) as weir:
            clients = [RawConnection(weir.port()) for _ in range(count)]
            for client in clients:
                assert client.read_exactly(1) == b"!"
            assert metrics(weir)['weir_tunnels_open{listener="main"}'] == count
            with pytest.raises(ConnectionResetError), RawConnection(weir.port()) as one_more:
                one_more.read_to_end()
            assert weir.reload(config(listener, {"o": new.address})).returncode == 0
            for number, client in enumerate(clients):
                client.send(str(number).encode())
            for number, client in enumerate(clients):
                assert client.read_exactly(len(str(number))) == str(number).encode()
                client.close()


class PsqlSession:
    """psql, told what to do line by line."""

    def __init__(self, port):
        self._psql = subprocess.Popen(
            ["psql", "-h", "127.0.0.1", "-p", str(port), "-U", "weir", "-d", "postgres", "-At"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def ask(self, command):
        self._psql.stdin.write(command + "\n")
        self._psql.stdin.flush()
        return self._psql.stdout.readline().strip()

    def end(self):
        rest, _ = self._psql.communicate(timeout=PATIENCE)
        assert self._psql.returncode == 0, rest
        return rest


def test_a_session_of_postgres_with_its_transaction_lives_through_reloads():
    with Postgres() as one, Postgres() as two:
        with WeirProcess(config("upstream: db", {"db": one.address})) as weir:
            session = PsqlSession(weir.port())
            backend = session.ask("SELECT pg_backend_pid();")
            assert session.ask("BEGIN;") == "BEGIN"
            assert session.ask("CREATE TABLE kept AS SELECT 7 AS number;") == "SELECT 1"
            for address in (two.address, one.address, two.address):
                assert weir.reload(config("upstream: db", {"db": address})).returncode == 0
            assert session.ask("SELECT number FROM kept;") == "7"
            assert session.ask("SELECT pg_backend_pid();") == backend
            assert session.ask("COMMIT;") == "COMMIT"
            other = PsqlSession(weir.port())
            assert "does not exist" in other.ask("SELECT number FROM kept;"), "it is the new server"
            other.end()
            session.end()


def test_a_subscription_of_redis_lives_through_a_reload():
    with Redis() as redis, EchoServer() as other:
        with WeirProcess(config("upstream: db", {"db": redis.address})) as weir:
            with RawConnection(weir.port()) as subscriber:
                subscriber.send(b"SUBSCRIBE news\r\n")
                answer = b"*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n"
                assert subscriber.read_exactly(len(answer)) == answer
                assert weir.reload(config("upstream: db", {"db": other.address})).returncode == 0
                subprocess.run(["redis-cli", "-p", str(redis.port), "PUBLISH", "news", "hello"],
                               check=True, capture_output=True, timeout=PATIENCE)
                told = b"*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$5\r\nhello\r\n"
                assert subscriber.read_exactly(len(told)) == told


def mail_server(connection):
    """As much of SMTP as a client needs to leave a message."""
    lines = connection.socket.makefile("rb")
    connection.send(b"220 mail.example ESMTP\r\n")
    for line in lines:
        word = line.split()[0].upper()
        if word == b"DATA":
            connection.send(b"354 go on\r\n")
            while lines.readline() != b".\r\n":
                pass
        connection.send({b"QUIT": b"221 bye\r\n"}.get(word, b"250 ok\r\n"))


@pytest.mark.parametrize("routes", [
    "upstream: mail",
    "routes: [{ match: { protocol: [tls, ssh] }, upstream: other }, { upstream: mail }]",
    "routes: [{ match: { sni: a.example }, upstream: other }, { upstream: mail }]"])
def test_mail_goes_through_wherever_the_client_waits_for_a_greeting(routes):
    with ScriptedOrigin(mail_server) as mail, EchoServer() as other:
        with WeirProcess(config(routes, {"mail": mail.address, "other": other.address})) as weir:
            with smtplib.SMTP("127.0.0.1", weir.port(), timeout=PATIENCE) as client:
                client.sendmail("a@example.com", ["b@example.com"], "Subject: x\r\n\r\ntext\r\n")


def test_a_reset_of_the_client_reaches_the_server_as_a_reset():
    ends = []

    def script(connection):
        connection.send(b"!")
        try:
            ends.append(connection.socket.recv(10))
        except ConnectionResetError:
            ends.append("reset")

    with ScriptedOrigin(script) as origin:
        with WeirProcess(config("upstream: o", {"o": origin.address})) as weir:
            client = RawConnection(weir.port())
            assert client.read_exactly(1) == b"!"
            client.reset()
            while not ends:
                pass
            assert ends == ["reset"]
            reset = 'weir_tunnels_ended_total{listener="main",reason="reset"}'
            while metrics(weir).get(reset) != 1:
                pass


def test_a_source_gets_no_more_connections_than_it_may_have():
    def connect_from(source, port):
        return socket.create_connection(("127.0.0.1", port), PATIENCE, source_address=(source, 0))

    with EchoServer() as origin:
        text = config("upstream: o, limits: { max_connections_per_client: 2 }", {"o": origin.address})
        with WeirProcess(text) as weir:
            with connect_from("127.0.0.1", weir.port()) as one:
                with connect_from("127.0.0.1", weir.port()) as two:
                    assert one.recv(1) == two.recv(1) == b"!"
                    with pytest.raises(ConnectionResetError):  # of connecting, or only then
                        with connect_from("127.0.0.1", weir.port()) as three:
                            three.recv(1)
                    with connect_from("127.0.0.2", weir.port()) as another:
                        assert another.recv(1) == b"!"
                    two.shutdown(socket.SHUT_WR)
                    assert two.recv(1) == b"", "ends with both of its ends"
                with connect_from("127.0.0.1", weir.port()) as four:
                    assert four.recv(1) == b"!"
