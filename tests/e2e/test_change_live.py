"""The configuration changed while it is in force: over the admin listener and from the command line."""

import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import threading

import pytest

from certificates import Certificates
from http_client import RawConnection, ask
from program import weir_command
from weir_process import PATIENCE, WeirProcess, is_sanitized

UPDATES = 10000 if os.environ.get("WEIR_SOAK") else 300
TYPE = "Content-Type: application/json"

SITE = """\
workers: 2
admin: {admin}
listeners: [{{ address: "127.0.0.1:0", name: front }}]
routes:
  - {{ name: all, respond: {{ body: one }} }}
  - {{ name: api, match: {{ path: /api/* }}, reverse_proxy: api }}
upstreams:
  api: {{ endpoints: ["127.0.0.1:1", "127.0.0.1:2"] }}
"""


def site(admin="127.0.0.1:0"):
    return SITE.format(admin=admin)


def kept(folder):
    return site(f'{{ address: "127.0.0.1:0", versions: {{ directory: {folder}/versions }} }}')


def port_of(weir, name):
    bound = {each["name"]: each["bound"] for each in weir.status()["listeners"]}
    return int(bound[name].rpartition(":")[2])


def change(port, method, path, value=None, headers=()):
    body = b"" if value is None else json.dumps(value).encode()
    return ask(port, path, method, [TYPE, *headers], body)


def served(weir):
    return ask(port_of(weir, "front"), "/").body.decode()


# --- the command line ----------------------------------------------------------------------------


def test_the_command_line_changes_and_goes_back(start):
    weir = start(site("off"))

    def config(*arguments):
        done = weir.command("config", *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert json.loads(config("get", "/routes/all/respond/body")) == "one"
    assert "version 2 is in force" in config("set", "/routes/all/respond/body", "two")
    assert served(weir) == "two"
    assert "nothing was changed" in config("set", "routes/all/respond/body", "three", "--dry-run")
    config("patch", "/upstreams/api", '{"connect_timeout": "2s", "endpoints": ["127.0.0.1:3"]}')
    assert config("diff", "2", "3") == (
        '/upstreams/api/endpoints/0/address: "127.0.0.1:1" -> "127.0.0.1:3"\n'
        '/upstreams/api/endpoints/1: {"address":"127.0.0.1:2"} -> nothing\n'
        '/upstreams/api/connect_timeout: nothing -> "2s"\n')
    config("unset", "/upstreams/api/connect_timeout")
    config("rollback", "1")
    assert served(weir) == "one"
    lines = config("versions").splitlines()
    assert len(lines) == 5 and lines[4].endswith("rollback to 1  (in force)")
    refused = weir.command("config", "set", "/upstreams/api/endpoints/0/weight", "0")
    assert refused.returncode == 1
    assert "/upstreams/api/endpoints/0/weight: error W1302" in refused.stderr
    brief = weir.command("config", "get", "--brief", "--json").stdout
    whole = weir_command("config", "dump", "/dev/stdin", input=brief)
    assert whole.returncode == 0, whole.stderr


def test_endpoints_are_drained_from_the_command_line(start):
    weir = start(site())
    done = weir.command("endpoint", "api", "127.0.0.1:1", "draining", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["state"] == "draining"
    assert weir.command("endpoint", "api", "127.0.0.1:9", "draining").returncode == 1


def test_the_file_wins_when_it_is_read_again_and_says_so(start):
    weir = start(site())
    port = port_of(weir, "admin")
    assert change(port, "PUT", "/config/routes/all/respond/body", "live").status == 200
    done = weir.command("reload")
    assert done.returncode == 0
    assert "`weir config rollback 2` brings them back" in done.stdout
    assert served(weir) == "one"
    change(port, "PUT", "/config/routes/all/respond/body", "live again")
    weir.signal(signal.SIGHUP)
    assert weir.wait_event("config_changes_superseded", 2)["superseded"] == "4"
    weir.wait_event("reloaded", 2)
    assert served(weir) == "one"


# --- over HTTP -----------------------------------------------------------------------------------


def test_listeners_come_and_go_over_the_api(start):
    weir = start(site())
    port = port_of(weir, "admin")
    added = change(port, "PUT", "/config/listeners/-", {"address": "127.0.0.1:0", "name": "more"})
    assert added.status == 200, added.body
    more = port_of(weir, "more")
    with RawConnection(more) as client:
        assert client.ask("/").body == b"one"
        assert change(port, "DELETE", "/config/listeners/more").status == 200
        assert client.at_end()
    with pytest.raises(ConnectionRefusedError):
        RawConnection(more)
    taken = socket.create_server(("127.0.0.1", 0))
    with taken:
        busy = f"127.0.0.1:{taken.getsockname()[1]}"
        refused = change(port, "PUT", "/config/listeners/-", {"address": busy})
    assert refused.status == 422
    assert refused.json()["problems"][0]["code"] == "W1501"
    assert refused.json()["problems"][0]["path"] == "/listeners/1/address"


def test_curl_does_what_the_guide_says(start):
    weir = start(site())
    base = f"http://127.0.0.1:{port_of(weir, 'admin')}"
    done = subprocess.run(
        ["curl", "-sS", "-X", "PATCH", "-H", TYPE, f"{base}/config", "-d",
         '{"upstreams": {"new": {"endpoints": ["10.0.0.4:80"]}}}'],
        capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["version"] == 2
    done = subprocess.run(["curl", "-sS", f"{base}/config/upstreams/api/endpoints/0"],
                          capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["weight"] == 1


def test_many_updates_leave_connections_counts_and_memory_as_they_were():
    with WeirProcess(site()) as weir, RawConnection(weir.port("front")) as client, \
            RawConnection(weir.port("admin")) as admin:
        def update(number):
            weight = 2 + number % 100
            body = json.dumps({"upstreams": {"api": {"endpoints": [
                {"address": "127.0.0.1:1", "weight": weight},
                {"address": f"127.0.0.1:{2 + number % 7}"}]}}}).encode()
            answer = admin.ask("/config", "PATCH", [TYPE], body)
            assert answer.status == 200, answer.body

        assert client.ask("/").body == b"one"
        for number in range(200):  # all versions that are kept, and what allocators keep
            update(number)
        before = weir.memory()
        for number in range(UPDATES):
            update(200 + number)
            if number % 50 == 0:
                assert client.ask("/").body == b"one"
        grown = weir.memory() - before
        told = dict(line.rsplit(" ", 1)
                    for line in ask(weir.port("admin"), "/metrics").body.decode().splitlines()
                    if not line.startswith("#"))
        assert int(told["weir_config_generation"]) == 201 + UPDATES
        assert told['weir_connections_open{listener="front"}'] == "1", "the one from before"
        assert int(told['weir_requests_total{route="all",upstream="",status="2xx"}']) >= 1 + UPDATES // 50 - 1
        if not is_sanitized():
            assert grown < 4 << 20, f"{grown} bytes more after {UPDATES} updates"


# --- versions on the disk ------------------------------------------------------------------------


def test_changes_survive_a_restart(start, folder):
    weir = start(kept(folder))
    assert change(port_of(weir, "admin"), "PUT", "/config/routes/all/respond/body", "two").status == 200
    weir.close()
    again = start(kept(folder))
    assert again.events("config_restored")[0]["version"] == "2"
    assert served(again) == "two"
    again.close()
    edited = start(kept(folder) + "# a comment is an edit\n")
    assert served(edited) == "one"
    assert len(ask(port_of(edited, "admin"), "/versions").json()["versions"]) == 3


def test_kill_9_leaves_the_old_state_or_the_new_one(start, folder):
    """Killed while changes are being made: what was answered is there at the next start, and at
    most the one that was under way besides."""
    acknowledged = "one"
    for turn in range(6):
        weir = start(kept(folder))
        found = served(weir)
        assert found in (acknowledged, attempted if turn > 0 else "one")
        port = port_of(weir, "admin")
        done = threading.Event()
        told = []

        def hammer():
            number = 0
            try:
                with RawConnection(port) as admin:
                    while True:
                        number += 1
                        value = f"{turn}-{number}"
                        told.append((value, False))
                        body = json.dumps(value).encode()
                        answer = admin.ask("/config/routes/all/respond/body", "PUT", [TYPE], body)
                        assert answer.status == 200, answer.body
                        told[-1] = (value, True)
                        if number == 5 + 3 * turn:
                            done.set()
            except (OSError, AssertionError):
                done.set()

        thread = threading.Thread(target=hammer)
        thread.start()
        assert done.wait(PATIENCE)
        weir.signal(signal.SIGKILL)
        weir.process.wait(PATIENCE)
        thread.join(PATIENCE)
        made = [value for value, answered in told if answered]
        assert made
        acknowledged, attempted = made[-1], told[-1][0]
        names = [path.name for path in (folder / "versions").iterdir()]
        for name in names:
            if name.endswith(".json"):
                json.loads((folder / "versions" / name).read_text())


def test_a_full_disk_refuses_the_change_and_nothing_else(launch, folder):
    def small_disk():
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    weir = launch("run", "weir.yaml", config=kept(folder), preexec_fn=small_disk).wait_ready()
    port = port_of(weir, "admin")
    large = change(port, "PUT", "/config/routes/all/respond/body", "x" * 5000)
    assert large.status == 507
    assert large.reason_code() == "version_not_kept"
    assert "File too large" in large.json()["problems"][0]["message"]
    assert served(weir) == "one"
    assert ask(port, "/config/routes/all/respond/body").json() == "one"
    assert change(port, "PUT", "/config/routes/all/respond/body", "two").status == 200
    assert served(weir) == "two"
    assert sorted(path.name for path in (folder / "versions").iterdir()) == [
        "000000000001.json", "000000000002.json"]


# --- who may -------------------------------------------------------------------------------------


def test_a_token_opens_an_address_that_others_reach(launch, folder):
    (folder / "token").write_text("correct-horse-battery\n")
    weir = launch("run", "weir.yaml",
                  config=site(f'{{ address: ":0", token_file: {folder}/token }}')).wait_ready()
    assert "warning W1407" in weir.log()
    port = port_of(weir, "admin")
    assert ask(port, "/config").status == 401
    assert change(port, "PUT", "/config/zone", "a", ["Authorization: Bearer wrong-horse-battery"]).status == 401
    token = "Authorization: Bearer correct-horse-battery"
    assert change(port, "PUT", "/config/zone", "a", [token]).status == 200
    assert b"correct-horse" not in ask(port, "/config", headers=[token]).body


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_client_certificates_open_it_as_well(launch, folder):
    certificates = Certificates()
    cert, key = certificates.make("admin", "localhost", "127.0.0.1")
    mine = certificates.make("operator", "operator.example")
    weir = launch("run", "weir.yaml", config=site(
        f'{{ address: ":0", tls: {{ certificates: [{{ cert: {cert}, key: {key} }}], '
        f'client_auth: {{ ca: {certificates.ca} }} }} }}')).wait_ready()
    url = f"https://localhost:{port_of(weir, 'admin')}/config/routes/all/respond/body"
    command = ["curl", "-sS", "--max-time", str(PATIENCE), "--cacert", str(certificates.ca), url]
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert refused.returncode != 0
    done = subprocess.run([*command, "--cert", str(mine[0]), "--key", str(mine[1])],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == "one"
    shutil.rmtree(certificates.dir, ignore_errors=True)


def test_a_socket_file_is_for_whom_its_directory_is_for(start, folder):
    weir = start(site(f"unix:{folder}/admin.sock"))
    done = subprocess.run(
        ["curl", "-sS", "--unix-socket", str(folder / "admin.sock"), "-X", "PUT", "-H", TYPE,
         "-d", '"two"', "http://weir/config/routes/all/respond/body"],
        capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["version"] == 2
    assert served(weir) == "two"


def test_clients_that_stall_hold_nobody_up(start):
    weir = start(site())
    port = port_of(weir, "admin")
    stalled = [RawConnection(port) for _ in range(40)]
    try:
        for number, each in enumerate(stalled):
            head = f"PUT /config/zone HTTP/1.1\r\nHost: localhost\r\n{TYPE}\r\nContent-Length: 99\r\n\r\n"
            each.send((head + '"ha')[:30 + 4 * number].encode())
        for number in range(5):
            assert change(port, "PUT", "/config/routes/all/respond/body", str(number)).status == 200
            assert served(weir) == str(number)
        assert weir.command("config", "versions").returncode == 0
    finally:
        for each in stalled:
            each.close()
