"""Active health checks against real origins that die, hang, fail and come back."""

import json
import shutil
import subprocess
import threading
from concurrent import futures

import grpc
import pytest

from certificates import Certificates
from http_client import ask
from origins import Nginx, ScriptedOrigin, listening_socket
from program import weir_command
from weir_process import PATIENCE, scratch_dir

QUICK = "every: 1s, timeout: 1s"
HEALTH = 'location = /health { return 200 "ready\\n"; }'


def config(endpoints, health, more=""):
    listed = ", ".join(f'"{each}"' for each in endpoints)
    return f"""\
workers: 2
admin: 127.0.0.1:0
access_log: off
listeners: [{{ address: "127.0.0.1:0", name: front }}]
routes: [{{ reverse_proxy: api }}]
upstreams:
  api:
    endpoints: [{listed}]
    health: {{ {health} }}
    retries: {{ attempts: 1 }}
    {more}
"""


def admin(weir, path):
    bound = {each["name"]: each["bound"] for each in weir.status()["listeners"]}
    return ask(int(bound["admin"].rpartition(":")[2]), path).body.decode()


def endpoints(weir):
    """By address, what the admin listener tells of them."""
    return {each["endpoint"]: each for each in json.loads(admin(weir, "/endpoints"))["endpoints"]}


def available(weir):
    return {address for address, each in endpoints(weir).items() if each["available"]}


def names(weir, count=20):
    """Who answers; without retries, an endpoint that is down would be noticed."""
    answers = [ask(weir.port(), "/name") for _ in range(count)]
    assert {answer.status for answer in answers} == {200}
    return {answer.body.decode() for answer in answers}


@pytest.fixture(name="pair")
def pair_of_origins():
    with Nginx("one", server=HEALTH) as one, Nginx("two", server=HEALTH) as two:
        yield one, two


def test_an_origin_that_was_killed_is_out_until_it_is_back(start, pair):
    one, two = pair
    weir = start(config([one.address, two.address], QUICK))
    assert names(weir) == {"one", "two"}
    one.kill()
    out = weir.wait_event("endpoint_unhealthy")
    assert (out["upstream"], out["endpoint"]) == ("api", one.address)
    assert names(weir) == {"two"}
    told = endpoints(weir)[one.address]
    assert not told["available"]
    assert told["away"][0]["reason"] == "unhealthy"
    assert "connect_refused" in told["away"][0]["detail"]
    assert f'weir_endpoint_available{{upstream="api",endpoint="{one.address}"}} 0' in admin(
        weir, "/metrics")
    one.restart()
    weir.wait_event("endpoint_healthy")
    assert names(weir) == {"one", "two"}
    assert available(weir) == {one.address, two.address}


def test_an_origin_that_hangs_is_out_until_it_goes_on(start, pair):
    one, two = pair
    weir = start(config([one.address, two.address], QUICK))
    two.freeze()
    out = weir.wait_event("endpoint_unhealthy")
    assert out["endpoint"] == two.address
    assert "timeout" in out["reason"]
    assert names(weir) == {"one"}
    two.thaw()
    weir.wait_event("endpoint_healthy")
    assert names(weir) == {"one", "two"}


def test_status_and_body_decide(start):
    state = {"status": "200 OK", "body": b'{"status": "green"}'}

    def script(connection):
        while connection.read_head() is not None:
            connection.answer(state["body"], state["status"])

    with ScriptedOrigin(script) as sick, ScriptedOrigin(script_of_a_well_one) as well:
        weir = start(config([sick.address, well.address],
                            f"{QUICK}, path: /up, body_regex: '\"(green|yellow)\"'"))
        changes = [("503 Service Unavailable", state["body"], "status 503"),
                   ("200 OK", b'{"status": "red"}', "the body does not match")]
        for number, (status, body, reason) in enumerate(changes, 1):
            state.update(status=status, body=body)
            assert reason in weir.wait_event("endpoint_unhealthy", number)["reason"]
            assert available(weir) == {well.address}
            state.update(status="200 OK", body=b'{"status": "yellow"}')
            weir.wait_event("endpoint_healthy", number)


def script_of_a_well_one(connection):
    while connection.read_head() is not None:
        connection.answer(b'{"status": "green"}')


def test_each_endpoint_is_checked_once_whatever_the_workers(start):
    checked = threading.Semaphore(0)
    together = []

    def script(connection):
        together.append(1)
        assert len(together) == 1, "two checks at a time"
        connection.read_head()
        connection.answer()
        together.pop()
        checked.release()

    with ScriptedOrigin(script) as origin:
        text = config([origin.address], QUICK).replace("workers: 2", "workers: 8")
        start(text)
        for _ in range(4):
            assert checked.acquire(timeout=PATIENCE)


def test_tls_is_that_of_the_upstream(start):
    certificates = Certificates()
    cert, key = certificates.make("origin", "127.0.0.1")
    tls = f"ssl_certificate {cert}; ssl_certificate_key {key}; {HEALTH}"
    with Nginx("tls", listen="ssl", server=tls) as origin:
        weir = start(config([origin.address], QUICK, f"tls: {{ ca: {certificates.ca} }}"))
        assert endpoints_checked(weir)[origin.address]["health"]["last_failure"] == ""
        other = Certificates()
        weir.rewrite(config([origin.address], QUICK, f"tls: {{ ca: {other.ca} }}"))
        assert weir.command("reload").returncode == 0
        assert "tls_verify" in weir.wait_event("endpoint_unhealthy")["reason"]


def endpoints_checked(weir):
    """The same once every endpoint was checked."""
    while True:
        told = endpoints(weir)
        if all(each["health"]["last"] for each in told.values()):
            return told


class HealthService(grpc.GenericRpcHandler):
    """grpc.health.v1.Health/Check by hand: the status of each service it knows."""

    def __init__(self, statuses):
        self.statuses = statuses

    def service(self, details):
        if details.method == "/grpc.health.v1.Health/Check":
            return grpc.unary_unary_rpc_method_handler(self.check)
        return None

    def check(self, request, call):
        name = request[2:].decode() if request else ""
        if name not in self.statuses:
            call.abort(grpc.StatusCode.NOT_FOUND, "unknown service")
        return bytes([8, self.statuses[name]])


SERVING, NOT_SERVING = 1, 2


def test_grpc_servers_are_asked_by_their_health_protocol(start):
    service = HealthService({"": SERVING, "shop.Cart": SERVING})
    server = grpc.server(futures.ThreadPoolExecutor(4), handlers=[service])
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        weir = start(config([address], f"type: grpc, service: shop.Cart, {QUICK}",
                            "protocol: http2"))
        assert endpoints_checked(weir)[address]["available"]
        service.statuses["shop.Cart"] = NOT_SERVING
        assert weir.wait_event("endpoint_unhealthy")["reason"] == "NOT_SERVING"
        service.statuses["shop.Cart"] = SERVING
        weir.wait_event("endpoint_healthy")
        del service.statuses["shop.Cart"]
        assert weir.wait_event("endpoint_unhealthy", 2)["reason"] == "gRPC status 5"
    finally:
        server.stop(None).wait(PATIENCE)


class Redis:
    """Debian's redis-server, on a port that was free a moment ago."""

    def __init__(self):
        holder = listening_socket()
        self.port = holder.getsockname()[1]
        holder.close()
        self.folder = scratch_dir()
        self.process = None
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            ["redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--save", "",
             "--dir", str(self.folder)], stdout=subprocess.DEVNULL)

    def kill(self):
        self.process.kill()
        self.process.wait(PATIENCE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


def test_redis_is_asked_in_its_own_words(start):
    check = f'type: tcp, send: "PING\\r\\n", expect: "+PONG", {QUICK}'
    with Redis() as redis:
        address = f"127.0.0.1:{redis.port}"
        weir = start(config([address], check))
        # It may have been asked before it listened.
        while not endpoints(weir)[address]["health"]["passed"]:
            pass
        if weir.events("endpoint_unhealthy"):
            weir.wait_event("endpoint_healthy")
        before = len(weir.events("endpoint_unhealthy"))
        redis.kill()
        weir.wait_event("endpoint_unhealthy", before + 1)
        redis.start()
        weir.wait_event("endpoint_healthy", before + 1)
        weir.rewrite(config([address], check.replace("+PONG", "+POMP")))
        assert weir.command("reload").returncode == 0
        assert "timeout" in weir.wait_event("endpoint_unhealthy", before + 2)["reason"]


def test_a_program_of_the_user_decides(start, folder):
    program = folder / "check"
    program.write_text(f'#!/bin/sh\necho "$1 $WEIR_PORT" > {folder}/asked\ntest -e {folder}/well\n')
    program.chmod(0o755)
    (folder / "well").touch()
    weir = start(config(["127.0.0.1:7"],
                        f'type: exec, command: [{program}, "{{address}}"], every: 1s'))
    assert endpoints_checked(weir)["127.0.0.1:7"]["available"]
    assert (folder / "asked").read_text() == "127.0.0.1:7 7\n"
    (folder / "well").unlink()
    assert weir.wait_event("endpoint_unhealthy")["reason"] == "program: exit status 1"
    (folder / "well").touch()
    weir.wait_event("endpoint_healthy")


def test_a_program_that_hangs_is_killed_and_counts_as_a_failure(start, folder):
    program = folder / "check"
    program.write_text(f"#!/bin/sh\necho $$ >> {folder}/pids\nsleep 1000 & wait\n")
    program.chmod(0o755)
    weir = start(config(["127.0.0.1:7"], f"type: exec, command: [{program}], {QUICK}"))
    assert weir.wait_event("endpoint_unhealthy")["reason"] == "program: timeout"
    weir.close()
    left = subprocess.run(["pgrep", "-f", str(program)], capture_output=True, check=False)
    assert left.stdout == b"", "programs go with Weir"


def test_a_reload_keeps_what_is_known(start, pair):
    one, two = pair
    two.kill()
    text = config([one.address, two.address], "every: 1h")
    weir = start(text)
    weir.wait_event("endpoint_unhealthy")
    weir.rewrite(text.replace("workers: 2", "workers: 3"))
    assert weir.command("reload").returncode == 0
    assert names(weir) == {"one"}
    assert endpoints(weir)[two.address]["health"]["failed"] == 1, "the next is due in an hour"
    weir.rewrite(text.replace("every: 1h", "every: 2h"))
    assert weir.command("reload").returncode == 0
    while endpoints(weir)[two.address]["health"]["failed"] == 1:
        pass
    assert names(weir) == {"one"}
    weir.rewrite(text.replace("health: { every: 1h }", "health: off"))
    assert weir.command("reload").returncode == 0
    assert available(weir) == {one.address, two.address}
    two.restart()


def test_a_wrong_section_is_refused_with_what_to_write(folder):
    wrong = {"type: tcp, path: /up": 'a check of type tcp has no "path"',
             "type: exec, command: [/nowhere/check]": "/nowhere/check cannot be run",
             "body_regex: '(a'": "no regular expression of RE2"}
    for health, message in wrong.items():
        (folder / "weir.yaml").write_text(config(["127.0.0.1:7"], health))
        result = weir_command("check", folder / "weir.yaml")
        assert result.returncode == 1
        assert message in result.stderr
