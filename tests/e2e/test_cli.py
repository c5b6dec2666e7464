"""The command line and the life of a process, with real processes."""

import json
import os
import signal
import socket
import stat
import subprocess

import pytest

from program import weir_command
from weir_process import PATIENCE, ROOT, binary

HELLO = """\
listeners: [{ address: "127.0.0.1:0" }]
routes: [{ respond: { body: "hello\\n" } }]
"""

SHOP = """\
listeners:
  - { address: "127.0.0.1:0", name: front }
routes:
  - { name: api, match: { host: shop.example, path: /api/*, method: [POST] }, reverse_proxy: api }
  - { name: pages, match: { host: shop.example }, respond: { body: pages } }
upstreams:
  api: { endpoints: ["127.0.0.1:9"] }
"""


def with_port(port, body="hello"):
    return (f'listeners: [{{ address: "127.0.0.1:{port}" }}]\n'
            f'routes: [{{ respond: {{ body: "{body}" }} }}]\n')


# --- running -------------------------------------------------------------------------------------


def test_run_serves_and_says_where(start):
    weir = start(HELLO)
    assert weir.curl() == "hello\n"
    ready = weir.events("ready")[0]
    assert ready["listeners"] == f"127.0.0.1:{weir.port()}"
    assert ready["pid"] == str(weir.process.pid)
    assert f"try: curl http://127.0.0.1:{weir.port()}/" in weir.output()


@pytest.mark.parametrize("engine", ["epoll", "io_uring"])
def test_run_serves_with_each_engine(launch, engine):
    weir = launch("run", "weir.yaml", "--engine", engine, config=HELLO)
    if engine == "io_uring" and not weir.starts():
        assert "worker 0 cannot be started" in weir.log()
        pytest.skip("the kernel refuses io_uring")
    weir.wait_ready()
    assert weir.status()["engine"] == engine
    assert weir.curl() == "hello\n"


def test_requests_are_balanced_over_the_origins(start):
    origins = [f"127.0.0.1:{start(HELLO.replace('hello', name)).port()}" for name in "abc"]
    weir = start('listeners: [{ address: "127.0.0.1:0" }]\n'
                 "routes: [{ reverse_proxy: origins }]\n"
                 f"upstreams: {{ origins: {{ endpoints: {json.dumps(origins)} }} }}\n")
    assert {weir.curl() for _ in range(20)} == {"a\n", "b\n", "c\n"}


def test_the_quickstart_is_a_good_configuration():
    assert weir_command("check", ROOT / "examples/quickstart.yaml").returncode == 0


def test_an_address_in_use_is_told_with_its_place(launch):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        weir = launch("run", "weir.yaml", config=with_port(port))
        assert weir.wait_exit() == 1
    assert "weir.yaml:1:24: error W1501" in weir.log()
    assert f"cannot listen on 127.0.0.1:{port}: address_in_use" in weir.log()
    assert "choose another address" in weir.log()
    assert not weir.control.exists()


def test_a_wrong_configuration_does_not_start(launch):
    weir = launch("run", "weir.yaml", config="listeners: [{ adress: 1 }]\n")
    assert weir.wait_exit() == 1
    assert 'did you mean "address"?' in weir.log()


def test_a_second_process_on_the_same_socket_is_refused_by_name(start):
    first = start(HELLO)
    result = weir_command("run", first.folder / "weir.yaml", "--control", first.control)
    assert result.returncode == 1
    assert f"process {first.process.pid} is running there" in result.stderr
    assert first.curl() == "hello\n"


def test_the_socket_of_a_dead_process_is_replaced(start, launch):
    first = start(HELLO)
    first.process.kill()
    first.wait_exit()
    assert first.control.exists()
    again = launch("run", "weir.yaml", config=HELLO, control=first.control).wait_ready()
    assert again.curl() == "hello\n"


def test_a_file_that_is_no_socket_is_left_alone(launch, folder):
    treasure = folder / "treasure"
    treasure.write_text("gold")
    weir = launch("run", "weir.yaml", config=HELLO, control=treasure)
    assert weir.wait_exit() == 1
    assert "not a socket" in weir.log()
    assert treasure.read_text() == "gold"


def test_the_control_socket_is_for_its_user_alone(start):
    weir = start(HELLO)
    assert stat.S_IMODE(weir.control.stat().st_mode) == 0o600
    weir.signal(signal.SIGTERM)
    assert weir.wait_exit() == 0
    assert not weir.control.exists()


def test_the_default_socket_lies_in_the_runtime_directory(folder):
    config = folder / "weir.yaml"
    config.write_text(HELLO)
    environment = {**os.environ, "RUNTIME_DIRECTORY": str(folder / "run")}
    with subprocess.Popen([binary(), "run", str(config)], stderr=subprocess.PIPE,
                          stdout=subprocess.DEVNULL, text=True, env=environment) as process:
        try:
            assert any('"ready"' in line for line in process.stderr)
            assert (folder / "run/weir.sock").exists()
            result = weir_command("stop", env=environment)
            assert result.returncode == 0, result.stderr
            assert process.wait(PATIENCE) == 0
        finally:
            process.kill()
    assert not (folder / "run").exists()


# --- reload --------------------------------------------------------------------------------------


def test_a_reload_puts_the_new_configuration_in_force(start):
    weir = start(HELLO)
    port = weir.port()
    weir.rewrite(HELLO.replace("hello", "good day"))
    result = weir.command("reload")
    assert result.returncode == 0, result.stderr
    assert "generation 2" in result.stdout
    assert weir.port() == port
    assert weir.curl() == "good day\n"


def test_a_refused_reload_says_why_and_changes_nothing(start):
    weir = start(HELLO)
    weir.rewrite("listeners: [{ adress: 1 }]\n")
    result = weir.command("reload")
    assert result.returncode == 1
    assert "weir.yaml:1:15: error W1203" in result.stderr
    assert 'did you mean "address"?' in result.stderr
    assert "generation 1" in result.stderr
    assert weir.curl() == "hello\n"
    assert len(weir.events("reload_refused")) == 1


def test_a_reload_that_cannot_bind_is_refused(start):
    weir = start(HELLO)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        weir.rewrite(with_port(taken.getsockname()[1]))
        result = weir.command("reload")
    assert result.returncode == 1
    assert "W1501" in result.stderr
    assert weir.curl() == "hello\n"


def test_sighup_reloads(start):
    weir = start(HELLO)
    weir.rewrite(HELLO.replace("hello", "good day"))
    weir.signal(signal.SIGHUP)
    weir.wait_event("reloaded")
    assert weir.curl() == "good day\n"
    weir.rewrite("nonsense")
    weir.signal(signal.SIGHUP)
    assert "error W" in weir.wait_event("reload_refused")["diagnostics"]
    assert weir.curl() == "good day\n"


def test_reloads_at_the_same_time_are_done_one_after_the_other(start):
    weir = start(HELLO)
    asks = [subprocess.Popen([binary(), "reload", "--control", str(weir.control)],
                             stdout=subprocess.PIPE, text=True) for _ in range(5)]
    texts = [ask.communicate(timeout=PATIENCE)[0] for ask in asks]
    assert all(ask.returncode == 0 for ask in asks)
    assert weir.status()["generation"] == 6
    assert all("is in force" in text for text in texts)


def test_a_change_of_workers_goes_both_ways(start):
    weir = start("workers: 3\n" + HELLO)
    for workers in (1, 4, 2):
        weir.rewrite(f"workers: {workers}\n" + HELLO)
        assert weir.command("reload").returncode == 0
        assert weir.status()["workers"] == workers
        assert {weir.curl() for _ in range(5)} == {"hello\n"}
    while weir.status()["retiring_workers"] > 0:  # they end as soon as they are empty
        pass


# --- the end -------------------------------------------------------------------------------------


def test_sigterm_ends_an_idle_process_at_once(start):
    weir = start(HELLO)
    with weir.connect() as idle:
        idle.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert idle.recv(4096).startswith(b"HTTP/1.1 200")
        weir.signal(signal.SIGTERM)
        assert weir.wait_exit() == 0
        assert idle.recv(4096) == b""
    assert weir.events("draining") and weir.events("ended")


SLOW = """\
listeners: [{ address: "127.0.0.1:0" }]
routes: [{ reverse_proxy: origin }]
upstreams: { origin: { endpoints: ["127.0.0.1:%d"] } }
"""


@pytest.fixture
def held(start):
    """A process with one request under way, whose origin answers when the test wants it to."""
    with socket.create_server(("127.0.0.1", 0)) as origin:
        weir = start(SLOW % origin.getsockname()[1], "--drain-timeout", "60s")
        client = weir.connect()
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        served, _ = origin.accept()
        assert served.recv(4096).startswith(b"GET / HTTP/1.1")
        with client, served:
            yield weir, client, served


def test_a_drain_lets_requests_finish(held):
    weir, client, origin = held
    weir.signal(signal.SIGTERM)
    weir.wait_event("draining")
    assert weir.status()["phase"] == "draining"
    assert weir.command("reload").returncode == 1
    origin.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone")
    answer = b""
    while piece := client.recv(4096):
        answer += piece
    assert answer.endswith(b"\r\n\r\ndone")
    client.close()  # else it is given the time to read what it has not read
    assert weir.wait_exit() == 0


def test_a_second_signal_cuts(held):
    weir, client, _ = held
    weir.signal(signal.SIGTERM)
    weir.wait_event("draining")
    assert weir.process.poll() is None
    weir.signal(signal.SIGINT)
    assert weir.wait_exit() == 0
    client.settimeout(5)
    try:
        while client.recv(4096):
            pass
    except ConnectionResetError:
        pass


def test_drain_and_then_stop_over_the_control_socket(held):
    weir, _, _ = held
    result = weir.command("drain")
    assert result.returncode == 0
    assert "drains (open connections: 1, drain timeout: 1m)" in result.stdout
    assert weir.status()["phase"] == "draining"
    assert weir.command("stop").returncode == 0
    assert weir.wait_exit() == 0


def test_the_drain_timeout_is_kept(start):
    with socket.create_server(("127.0.0.1", 0)) as origin:
        weir = start(SLOW % origin.getsockname()[1], "--drain-timeout", "100ms")
        with weir.connect() as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            served, _ = origin.accept()
            with served:
                weir.signal(signal.SIGTERM)
                assert weir.wait_exit() == 0
        assert weir.events("drain_cut_short")


# --- commands without a process ------------------------------------------------------------------


def test_check_tells_good_from_bad(folder):
    good = folder / "good.yaml"
    good.write_text(SHOP)
    result = weir_command("check", good)
    assert result.returncode == 0
    assert "ok (1 listener, 2 routes, 1 upstream)" in result.stdout
    bad = folder / "bad.yaml"
    bad.write_text(SHOP.replace("reverse_proxy: api", "reverse_proxy: apo")
                   .replace("/api/*", "/api//x"))
    result = weir_command("check", bad)
    assert result.returncode == 1
    assert 'no upstream is named "apo"' in result.stderr
    assert "//" in result.stderr and "2 errors" in result.stderr
    entries = json.loads(weir_command("check", bad, "--json").stdout)
    assert {"severity", "code", "file", "line", "column", "message"} <= set(entries[0])


@pytest.mark.parametrize("what", [
    "match: { when: 'nonsense(' }, respond: {}",
    "match: { path_regex: '(' }, respond: {}",
    "redirect: { to: '${nonsense}' }",
    "respond: {}, response_headers: { set: { A: '${nonsense}' } }",
])
def test_check_compiles_expressions_regexes_and_templates(folder, what):
    config = folder / "weir.yaml"
    config.write_text('listeners: [{ address: ":0" }]\nroutes: [{ ' + what + " }]\n")
    result = weir_command("check", config)
    assert result.returncode == 1
    assert "weir.yaml:2:" in result.stderr


def test_check_reads_the_standard_input():
    assert weir_command("check", "-", input=HELLO).returncode == 0
    assert weir_command("check", "-", input="").returncode == 1


def test_an_unknown_user_is_an_error(folder):
    config = folder / "weir.yaml"
    config.write_text(HELLO + "user: nobody-of-that-name\n")
    result = weir_command("check", config)
    assert result.returncode == 1
    assert "weir.yaml:3:7: error W1505" in result.stderr


def test_dump_is_a_configuration_itself(folder):
    config = folder / "weir.yaml"
    config.write_text(SHOP)
    first = weir_command("config", "dump", config)
    assert first.returncode == 0
    assert "max_connections" in first.stdout
    config.write_text(first.stdout)
    assert weir_command("config", "dump", config).stdout == first.stdout
    assert json.loads(weir_command("config", "dump", config, "--json").stdout)["listeners"]


def test_schema_and_references_are_printed():
    assert "2020-12" in json.loads(weir_command("config", "schema").stdout)["$schema"]
    assert "## listener" in weir_command("config", "docs").stdout
    assert "## W1203" in weir_command("config", "codes").stdout
    assert "| `client_ip` |" in weir_command("config", "expressions").stdout


def test_a_wrong_command_line_is_told_apart():
    result = weir_command("rn", "x.yaml")
    assert (result.returncode, result.stdout) == (2, "")
    assert 'did you mean "run"?' in result.stderr
    assert weir_command("run").returncode == 2
    assert "--drain-timeout" in weir_command("run", "x", "--drain-timout", "1s").stderr
    assert weir_command("help", "run").returncode == 0
    assert weir_command("version").stdout.startswith("weir ")


def test_verbs_without_a_process_say_so(folder):
    for verb in ("status", "reload", "drain", "stop"):
        result = weir_command(verb, "--control", folder / "nobody.sock")
        assert result.returncode == 1
        assert "no process answers at" in result.stderr


# --- explain -------------------------------------------------------------------------------------


def test_explain_answers_alike_from_a_file_and_from_the_process(start):
    weir = start(SHOP)
    question = ["explain", f"GET http://shop.example:{weir.port()}/api/x"]
    asked = weir.command(*question)
    assert asked.returncode == 0, asked.stderr
    assert "route pages" in asked.stdout
    assert "api (weir.yaml:4): the method is not POST" in asked.stdout
    offline = weir_command(*question, "--listener", "front", "--config", "weir.yaml",
                           cwd=weir.folder)
    assert offline.stdout == asked.stdout
    data = json.loads(weir.command(*question, "--json").stdout)
    assert data["listeners"] == [{"listener": "front", "route": "pages", "handler": "respond"}]


# --- one-liners ----------------------------------------------------------------------------------


def test_proxy_needs_no_file(start, launch):
    origin = start(HELLO)
    weir = launch("proxy", "--from", "127.0.0.1:0", "--to", f"localhost:{origin.port()}")
    weir.wait_ready()
    assert {weir.curl() for _ in range(6)} == {"hello\n"}
    assert weir.command("reload").returncode == 0


def test_proxy_prints_the_configuration_that_it_stands_for(folder):
    result = weir_command("proxy", "--from", "8080", "--to", "3000", "--to", "http://a.example/",
                          "--print")
    assert '":8080"' in result.stdout
    assert '"localhost:3000"' in result.stdout and '"a.example:80"' in result.stdout
    assert weir_command("check", "-", input=result.stdout).returncode == 0


def test_proxy_judges_its_addresses(tmp_path):
    result = weir_command("proxy", "--to", "local host:x", "--control", str(tmp_path / "weir.sock"))
    assert result.returncode == 1
    assert "command line:8:9: error" in result.stderr


def test_serve_needs_no_file(launch, folder):
    (folder / "page.html").write_text("<p>hello")
    weir = launch("serve", folder, "--listen", "127.0.0.1:0", "--listing").wait_ready()
    assert weir.curl("/page.html") == "<p>hello"
    assert '"page.html"' in weir.curl("/")
    assert weir.command("reload").returncode == 0
    assert weir.curl("/page.html") == "<p>hello"


def test_serve_prints_the_configuration_that_it_stands_for(folder):
    result = weir_command("serve", ".", "--print", cwd=folder)
    assert f'root: "{folder}/"' in result.stdout or f'root: "{folder}"' in result.stdout
    assert weir_command("check", "-", input=result.stdout).returncode == 0


def test_serve_tells_of_a_directory_that_is_not_there(tmp_path):
    result = weir_command("serve", tmp_path / "none", "--control", str(tmp_path / "weir.sock"))
    assert result.returncode == 1
    assert "No such file or directory" in result.stderr


# --- names and users -----------------------------------------------------------------------------


def test_an_unknown_name_does_not_keep_the_process_from_starting(start):
    weir = start('listeners: [{ address: "127.0.0.1:0" }]\nroutes: [{ reverse_proxy: a }]\n'
                 'upstreams: { a: { endpoints: ["nobody.invalid:80"] } }\n')
    assert weir.events("name_not_resolved")[0]["name"] == "nobody.invalid"
    assert weir.curl("/", "-o", "/dev/null", "-w", "%{http_code}") == "503"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_root_becomes_the_user_before_it_serves(start):
    weir = start(HELLO + "user: nobody\n")
    status = (f"/proc/{weir.process.pid}/status")
    with open(status, encoding="ascii") as file:
        lines = dict(line.rstrip().split(":", 1) for line in file)
    assert lines["Uid"].split() == ["65534"] * 4
    assert lines["Groups"].split() in (["65534"], [])
    assert weir.curl() == "hello\n"
    assert weir.command("status").returncode == 0


def test_too_few_descriptors_are_warned_about(start):
    import resource
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    config = "limits: { max_connections: 10000000 }\n" + HELLO
    if hard == resource.RLIM_INFINITY or hard > 20_000_000:
        pytest.skip("this machine allows as many as anyone could want")
    weir = start(config)
    assert "warning W1506" in weir.log()
    assert weir.curl() == "hello\n"


