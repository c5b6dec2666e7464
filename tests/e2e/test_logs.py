"""The two logs: where lines go, what they hide, and that every message is explained."""

import json
import re
import signal
import socket
import time

import pytest

from http_client import ask
from program import weir_command
from weir_process import PATIENCE, ROOT, WeirProcess


def config(log, more=""):
    return f"""
workers: 2
listeners: [{{ address: "127.0.0.1:0", name: main }}]
access_log: {log}
routes: [{{ respond: {{ body: hello }} }}]
{more}
"""


def lines_of(path):
    """Those of several workers stand in any order."""
    return path.read_text().splitlines()


def wait_lines(path, count):
    """They leave every second."""
    deadline = time.monotonic() + PATIENCE
    while len(lines_of(path)) < count:
        assert time.monotonic() < deadline, "a line never came"


class SyslogServer:
    def __init__(self, path=None):
        family = socket.AF_INET if path is None else socket.AF_UNIX
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.settimeout(PATIENCE)
        self._socket.bind(("127.0.0.1", 0) if path is None else str(path))
        self.address = (f"unix:{path}" if path is not None
                        else f"127.0.0.1:{self._socket.getsockname()[1]}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def next(self):
        return self._socket.recv(65536).decode()


def test_a_log_that_was_moved_away_is_opened_anew_on_sigusr1(folder):
    log = folder / "access.log"
    moved = folder / "access.log.1"
    with WeirProcess(config(f"{{ format: '${{path}}', file: {log} }}")) as weir:
        ask(weir.port(), "/before")
        wait_lines(log, 1)
        log.rename(moved)
        weir.signal(signal.SIGUSR1)
        weir.wait_log("access_log_reopened")
        ask(weir.port(), "/after")
    assert lines_of(moved) == ["/before"]
    assert lines_of(log) == ["/after"]


def test_a_log_that_cannot_be_opened_goes_on_where_it_went(folder):
    directory = folder / "logs"
    directory.mkdir()
    log = directory / "access.log"
    with WeirProcess(config(f"{{ format: '${{path}}', file: {log} }}")) as weir:
        ask(weir.port(), "/before")
        moved = folder / "moved"
        directory.rename(moved)
        weir.signal(signal.SIGUSR1)
        assert "cannot be opened" in weir.wait_log("access_log_not_reopened")["diagnostics"]
        ask(weir.port(), "/after")
    assert sorted(lines_of(moved / "access.log")) == ["/after", "/before"]


@pytest.mark.parametrize("over", ["unix", "udp"])
def test_each_line_is_a_message_of_syslog(folder, over):
    with SyslogServer(folder / "log" if over == "unix" else None) as server:
        log = (f"{{ format: '${{method}} ${{path}}', "
               f"syslog: {{ address: \"{server.address}\", facility: local3, tag: edge }} }}")
        with WeirProcess(config(log)) as weir:
            for path in ("/one", "/two"):
                ask(weir.port(), path)
            messages = {server.next(), server.next()}
    pattern = (r"<158>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z \S+ edge (\d+) access - "
               r"(GET /(?:one|two))")
    found = [re.fullmatch(pattern, message) for message in messages]
    assert all(found), messages
    assert {each[1] for each in found} == {str(weir.pid)}
    assert {each[2] for each in found} == {"GET /one", "GET /two"}


def test_syslog_without_a_server_is_refused_with_the_place(folder):
    (folder / "weir.yaml").write_text(config(f'{{ syslog: "unix:{folder}/nobody" }}'))
    done = weir_command("run", "weir.yaml", "--control", "weir.sock", cwd=folder)
    assert done.returncode == 1
    assert "cannot be opened" in done.stderr and "weir.yaml:4" in done.stderr


def test_personal_data_is_hidden_by_rule(folder):
    log = folder / "access.log"
    more = """
redact:
  client_ip: truncate
  query: token
  headers: [User-Agent]
  cookies: session
"""
    with WeirProcess(config(f"{{ file: {log} }}", more)) as weir:
        ask(weir.port(), "/a?token=secret&page=2",
            headers=["User-Agent: secret", "Referer: http://b.example/?token=secret"])
        wait_lines(log, 1)
        text = config(f"{{ format: '${{query.token}} ${{cookie.session}}', file: {log} }}", more)
        assert weir.reload(text).returncode == 0
        ask(weir.port(), "/b?token=secret", headers=["Cookie: session=secret"])
    first, second = lines_of(log)
    entry = json.loads(first)
    assert entry["client_ip"] == "127.0.0.0" and entry["client_port"] is None
    assert entry["target"] == "/a?token=***&page=2"
    assert entry["user_agent"] == "***" and entry["referer"] == "http://b.example/?token=***"
    assert second == "*** ***"
    assert "secret" not in first + second


def test_messages_are_text_or_left_out_as_configured(folder):
    log = f"{{ file: {folder / 'access.log'} }}"
    with WeirProcess(config(log)) as weir:
        for more in ("{ level: warning }", "{ format: text }", "{ format: json }"):
            assert weir.reload(config(log, f"log: {more}")).returncode == 0
            weir.signal(signal.SIGUSR1)
        weir.wait_log("access_log_reopened")
        text = weir.log_text()
    assert text.count("access_log_reopened") == 2, text
    assert len(re.findall(r"(?m)^\S+ info access_log_reopened$", text)) == 1, text


def test_every_message_that_the_sources_write_is_in_the_reference():
    table = weir_command("config", "logs").stdout
    codes = set(re.findall(r"(?m)^\| `([a-z_]+)` \|", table))
    written = set()
    for path in (ROOT / "src").rglob("*.cc"):
        if not path.name.endswith("_test.cc"):
            written |= set(re.findall(r'\blog\(\s*"([a-z_]+)"', path.read_text()))
    assert written and written <= codes
    assert codes - written <= {"repeated"}, "messages that nobody writes any more"
