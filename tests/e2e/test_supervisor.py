"""Weir as a service: what it tells the service manager, and what that tells of a worker that hangs."""

import contextlib
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from supervisor import Supervisor, activate
from weir_process import PATIENCE

CONFIG = """
workers: 2
listeners: [{ address: "127.0.0.1:0" }]
routes: [{ respond: { body: "here\\n" } }]
"""


@pytest.fixture
def supervisor(folder):
    with Supervisor(str(folder / "notify")) as it:
        yield it


def test_readiness_is_told_when_requests_are_answered(launch, supervisor):
    weir = launch("run", "weir.yaml", config=CONFIG, env=supervisor.environment)
    message = supervisor.next()
    assert message["READY"] == "1"
    assert message["STATUS"] == "generation 1 of weir.yaml, 1 listeners, 2 workers"
    assert weir.curl() == "here\n"


def test_an_abstract_address_does_as_well(launch):
    with Supervisor(f"@weir-e2e-{os.getpid()}") as supervisor:
        launch("run", "weir.yaml", config=CONFIG, env=supervisor.environment)
        assert supervisor.next()["READY"] == "1"


def test_a_start_that_fails_is_never_ready(launch, supervisor):
    weir = launch("run", "weir.yaml", config="listeners: [{ addres: ':0' }]\n",
                  env=supervisor.environment)
    assert weir.wait_exit() == 1
    assert supervisor.is_silent_for(0)


def test_a_reload_is_told_from_its_beginning_to_its_end(launch, supervisor):
    weir = launch("run", "weir.yaml", config=CONFIG, env=supervisor.environment)
    supervisor.wait("READY")
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    weir.signal(signal.SIGHUP)
    began = supervisor.next()
    assert began["RELOADING"] == "1"
    assert int(began["MONOTONIC_USEC"]) >= before
    ended = supervisor.next()
    assert ended["READY"] == "1" and ended["STATUS"].startswith("generation 2 ")


def test_a_reload_that_is_refused_leaves_the_service_ready_and_says_so(launch, supervisor):
    weir = launch("run", "weir.yaml", config=CONFIG, env=supervisor.environment)
    supervisor.wait("READY")
    weir.rewrite("listeners: 3\n")
    assert weir.command("reload").returncode == 1
    assert supervisor.next()["RELOADING"] == "1"
    ended = supervisor.next()
    assert ended["READY"] == "1" and ended["STATUS"].startswith("a reload was refused; generation 1 ")


def test_the_end_is_told_with_the_time_that_it_may_take(launch, supervisor):
    weir = launch("run", "weir.yaml", "--drain-timeout", "100s", config=CONFIG,
                  env=supervisor.environment)
    supervisor.wait("READY")
    with weir.connect() as client:
        client.sendall(b"GET / HT")  # holds up the drain
        weir.signal(signal.SIGTERM)
        message = supervisor.next()
        assert message["STOPPING"] == "1"
        assert int(message["EXTEND_TIMEOUT_USEC"]) > 100_000_000
        assert message["STATUS"].startswith("drains")
    assert weir.wait_exit() == 0


PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT, WAIT_ALL = 17, 0x4206, 0x4207, 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long


@contextlib.contextmanager
def one_worker_that_hangs(pid):
    """One thread alone is stopped; the process and its control thread go on."""
    threads = (int(each) for each in os.listdir(f"/proc/{pid}/task"))
    worker = next(each for each in threads
                  if Path(f"/proc/{pid}/task/{each}/comm").read_text().startswith("worker"))
    if _libc.ptrace(PTRACE_SEIZE, worker, None, None) != 0:
        pytest.skip(f"the machine lets nobody stop a thread: {os.strerror(ctypes.get_errno())}")
    _libc.ptrace(PTRACE_INTERRUPT, worker, None, None)
    os.waitpid(worker, WAIT_ALL)
    try:
        yield
    finally:
        _libc.ptrace(PTRACE_DETACH, worker, None, None)


def test_the_watchdog_is_fed_until_one_worker_hangs(launch, folder):
    with Supervisor(str(folder / "watchdog"), watchdog_usec=200_000) as supervisor:
        weir = launch("run", "weir.yaml", config=CONFIG, env=supervisor.environment)
        for _ in range(3):
            supervisor.wait("WATCHDOG")
        with one_worker_that_hangs(weir.process.pid):
            assert weir.status()["workers"] == 2  # the control thread is well
            assert supervisor.is_silent_for(1)  # five times what the supervisor would wait
        supervisor.wait("WATCHDOG")


def test_nobody_is_told_of_life_who_did_not_ask(launch, supervisor):
    weir = launch("run", "weir.yaml", config=CONFIG, env=supervisor.environment)
    supervisor.wait("READY")
    assert weir.curl() == "here\n"
    assert supervisor.is_silent_for(0.3)


def listening(address=("127.0.0.1", 0)):
    made = socket.socket()
    made.bind(address)
    made.listen()
    return made


def activated(*sockets, names=()):
    """A configuration whose first listener is the first socket, and how it is started."""
    port = sockets[0].getsockname()[1]
    config = f"""
workers: 2
listeners: [{{ name: main, address: "127.0.0.1:{port}" }}]
routes: [{{ respond: {{ body: "here\\n" }} }}]
"""
    wrapper, descriptors = activate(sockets, names)
    return config, {"wrapper": wrapper, "pass_fds": descriptors}


def test_clients_that_came_before_the_process_are_served_by_it(launch):
    with listening() as passed:
        waiting = socket.create_connection(passed.getsockname())
        waiting.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        config, options = activated(passed, names=["web"])
        weir = launch("run", "weir.yaml", config=config, **options).wait_ready()
        with waiting:
            assert waiting.makefile("rb").read().endswith(b"here\n")
        assert "service manager" not in weir.log()
        # Reloads, with more workers too, keep it; so does the end, for whoever is started next.
        weir.rewrite(config.replace("workers: 2", "workers: 4"))
        assert weir.command("reload").returncode == 0
        for _ in range(8):
            assert weir.curl() == "here\n"
        weir.signal(signal.SIGTERM)
        assert weir.wait_exit() == 0
        socket.create_connection(passed.getsockname()).close()


def test_a_socket_that_no_listener_wants_is_told(launch):
    with listening() as passed, listening() as other:
        config, options = activated(passed, other, names=["web", "old"])
        weir = launch("run", "weir.yaml", config=config, **options).wait_ready()
        port = other.getsockname()[1]
        weir.wait_line(f"the service manager listens on 127.0.0.1:{port}")


def test_what_does_not_listen_is_told_and_closed(launch):
    with listening() as passed, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        config, options = activated(passed, datagrams, names=["web", "dns"])
        weir = launch("run", "weir.yaml", config=config, **options).wait_ready()
        weir.wait_line("the socket dns of the service manager")
        assert weir.curl() == "here\n"


def test_systemd_itself_passes_sockets_on(launch):
    if shutil.which("systemd-socket-activate") is None:
        pytest.skip("systemd is not there")
    with listening() as probe:
        port = probe.getsockname()[1]
    config = f"""
listeners: [{{ address: "127.0.0.1:{port}" }}]
routes: [{{ respond: {{ body: "here\\n" }} }}]
"""
    # It listens, and starts the program with the first client.
    weir = launch("run", "weir.yaml", config=config,
                  wrapper=["systemd-socket-activate", f"--listen=127.0.0.1:{port}"])
    weir.wait_line("Listening on")
    answer = subprocess.run(["curl", "-sS", f"http://127.0.0.1:{port}/"], capture_output=True, text=True,
                            timeout=PATIENCE, check=True).stdout
    assert answer == "here\n"
    assert "service manager" not in weir.log()
