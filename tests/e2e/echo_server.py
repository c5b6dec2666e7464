"""A server that speaks first and then echoes, for as many connections as there are descriptors."""

import select
import socket
import threading

from origins import listening_socket


class EchoServer:
    """One thread for all connections. `greeting` goes out as soon as one is accepted."""

    def __init__(self, greeting=b"!", listener=None):
        self._greeting = greeting
        self._listener = listener or listening_socket()
        self._listener.settimeout(None)
        self.port = self._listener.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        self.sources = []  # the peer of every connection that ever came
        self._wake, self._woken = socket.socketpair()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        poll, connections = select.epoll(), {}
        for each in (self._listener, self._woken):
            poll.register(each, select.EPOLLIN)
        while True:
            for number, _ in poll.poll():
                if number == self._woken.fileno():
                    for connection in connections.values():
                        connection.close()
                    return
                if number == self._listener.fileno():
                    connection, source = self._listener.accept()
                    self.sources.append(source)
                    connection.sendall(self._greeting)
                    connections[connection.fileno()] = connection
                    poll.register(connection, select.EPOLLIN)
                elif not self._echo(connections[number]):
                    connections.pop(number).close()

    @staticmethod
    def _echo(connection):
        try:
            data = connection.recv(65536)
            connection.sendall(data)
            return bool(data)
        except ConnectionError:
            return False

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._wake.close()
        self._thread.join()
        for each in (self._listener, self._woken):
            each.close()
