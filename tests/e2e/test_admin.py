"""The admin listener and the access log, with real processes, files and pipes."""

import json
import os
import re
import shutil
import subprocess
import time

import pytest

from http_client import RawConnection, ask
from weir_process import PATIENCE

SHOP = """\
workers: 2
admin: 127.0.0.1:0
listeners:
  - {{ address: "127.0.0.1:0", name: front }}
  - {{ address: "unix:{folder}/origin.sock", name: origin, routes: [{{ name: origin, respond: hello }}] }}
routes:
  - {{ name: shop, match: {{ path: /shop/* }}, reverse_proxy: api }}
  - {{ name: dead, match: {{ path: /dead }}, reverse_proxy: nowhere }}
upstreams:
  api: {{ endpoints: ["unix:{folder}/origin.sock"] }}
  nowhere: {{ endpoints: ["unix:{folder}/nobody.sock"] }}
"""

LOGGED = """\
workers: {workers}
admin: 127.0.0.1:0
listeners: [{{ address: "127.0.0.1:0", name: front }}]
routes: [{{ name: all, respond: {{ body: hello }} }}]
access_log: {{ file: {file}, format: '{format}' }}
"""

SAMPLE = re.compile(r"([a-z_]+)((?:\{(?:[a-z]+=\"(?:[^\"\\\n]|\\[\\n\"])*\",?)*\})?) (\S+)")


def port_of(weir, name):
    bound = {each["name"]: each["bound"] for each in weir.status()["listeners"]}
    return int(bound[name].rpartition(":")[2])


def admin(weir, path):
    return ask(port_of(weir, "admin"), path)


def metrics(weir):
    """Every sample as it is written, with its value."""
    response = admin(weir, "/metrics")
    assert response.status == 200
    assert response.get("Content-Type").startswith("text/plain; version=0.0.4")
    samples = {}
    for line in response.body.decode().splitlines():
        if line.startswith("# "):
            assert re.fullmatch(r"# (HELP|TYPE) [a-z_]+ .+", line), line
            continue
        found = SAMPLE.fullmatch(line)
        assert found, line
        samples[found[1] + found[2]] = float(found[3])
    return samples


def wait_for(probe, what):
    """Until `probe` gives something: counts and lines come at the end of a request, which its
    client does not see."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = probe()
        if found:
            return found
    raise AssertionError(f"{what} never came")


def wait_metric(weir, sample, value):
    wait_for(lambda: metrics(weir).get(sample) == value, f"{sample} = {value}")


def wait_lines(path, count):
    def lines():
        text = path.read_text() if path.exists() else ""
        found = text.splitlines()
        return found if len(found) >= count and text.endswith("\n") else None
    return wait_for(lines, f"{count} lines of {path}")


# --- the admin listener --------------------------------------------------------------------------


def test_metrics_count_what_went_through(start, folder):
    weir = start(SHOP.format(folder=folder))
    with RawConnection(port_of(weir, "front")) as client:
        for _ in range(3):
            assert client.ask("/shop/1").body == b"hello"
        assert client.ask("/dead").status == 502
        assert client.ask("/elsewhere").status == 404
        wait_metric(weir, 'weir_requests_total{route="",upstream="",status="4xx"}', 1)
        samples = metrics(weir)
        assert samples['weir_connections_open{listener="front"}'] == 1
    assert samples['weir_requests_total{route="shop",upstream="api",status="2xx"}'] == 3
    assert samples['weir_requests_total{route="dead",upstream="nowhere",status="5xx"}'] == 1
    assert samples['weir_request_duration_seconds_count{route="shop"}'] == 3
    assert samples['weir_upstream_response_seconds_count{upstream="api"}'] == 3
    assert samples['weir_sent_bytes_total{route="shop"}'] == 15
    assert samples['weir_errors_total{reason="connect_refused",origin="upstream"}'] == 1
    assert samples['weir_errors_total{reason="no_route",origin="weir"}'] == 1
    assert samples['weir_pool_leases_total{upstream="api",source="opened"}'] == 1
    assert samples['weir_pool_leases_total{upstream="api",source="reused"}'] == 2
    assert samples["weir_workers"] == 2
    assert samples["weir_ready"] == 1
    assert samples["weir_config_generation"] == 1
    assert samples["process_resident_memory_bytes"] > 1 << 20
    assert samples["process_open_fds"] > 5
    assert samples["process_start_time_seconds"] <= time.time()
    wait_metric(weir, 'weir_connections_open{listener="front"}', 0)


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_has_no_objections(start, folder):
    weir = start(SHOP.format(folder=folder))
    ask(port_of(weir, "front"), "/shop/1")
    text = admin(weir, "/metrics").body
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True,
                          check=False)
    assert done.returncode == 0, done.stderr


def test_counts_survive_reloads_and_fewer_workers(start, folder):
    weir = start(SHOP.format(folder=folder))
    for _ in range(20):
        ask(port_of(weir, "front"), "/shop/1")
    sample = 'weir_requests_total{route="shop",upstream="api",status="2xx"}'
    wait_metric(weir, sample, 20)
    weir.rewrite(SHOP.format(folder=folder).replace("workers: 2", "workers: 1"))
    assert weir.command("reload").returncode == 0
    wait_metric(weir, "weir_workers", 1)
    weir.rewrite("listeners: nonsense")
    assert weir.command("reload").returncode == 1
    samples = metrics(weir)
    assert samples[sample] == 20
    assert samples["weir_config_generation"] == 2
    assert samples['weir_config_reloads_total{result="ok"}'] == 1
    assert samples['weir_config_reloads_total{result="failed"}'] == 1
    assert samples["weir_config_last_reload_ok"] == 0


def test_health_and_readiness(start, folder):
    weir = start(SHOP.format(folder=folder))
    assert admin(weir, "/healthz").json() == {"healthy": True}
    ready = admin(weir, "/readyz")
    assert (ready.status, ready.json()) == (200, {"ready": True})


def test_unready_says_why(start, folder):
    weir = start(SHOP.format(folder=folder).replace(f"unix:{folder}/nobody.sock", "no-such-name.invalid:80"))
    response = admin(weir, "/readyz")
    assert response.status == 503
    assert response.json() == {"ready": False,
                               "reasons": [{"code": "no_endpoints", "upstream": "nowhere"}]}
    weir.rewrite(SHOP.format(folder=folder))
    assert weir.command("reload").returncode == 0
    assert admin(weir, "/readyz").status == 200


def test_config_is_the_effective_one(start, folder):
    weir = start(SHOP.format(folder=folder))
    config = admin(weir, "/config").json()
    assert [each["name"] for each in config["listeners"]] == ["front", "origin"]
    assert config["upstreams"]["api"]["pool"]["max_idle"] == 1024


def test_the_pages_of_the_admin_listener_are_only_read(start, folder):
    weir = start(SHOP.format(folder=folder))
    with RawConnection(port_of(weir, "admin")) as client:
        refused = client.ask("/metrics", method="POST", headers=["Content-Type: application/json"])
        assert (refused.status, refused.get("Allow")) == (405, "GET, HEAD")
        assert client.ask("/healthz", method="HEAD").get("Content-Length") == "17"
        missing = client.ask("/metrics/none")
        assert (missing.status, missing.reason_code()) == (404, "not_found")
        assert client.ask("/").status == 421, "shop.example could be made to resolve to this machine"
        client.send(b"GET / HTTP/1.1\r\nHost: [::1]:9901\r\n\r\n")
        for link in client.read_response().json()["links"]:
            assert client.ask(link).status == 200


def test_an_admin_listener_that_is_open_to_all_is_refused(launch, folder):
    weir = launch("run", "weir.yaml",
                  config=SHOP.format(folder=folder).replace("admin: 127.0.0.1:0", 'admin: ":0"'))
    assert weir.wait_exit() == 1
    assert "weir.yaml:2:8: error W1407" in weir.log()


# --- the access log ------------------------------------------------------------------------------


def test_json_lines(start, folder):
    weir = start(LOGGED.format(workers=1, file=folder / "log", format="json"))
    response = ask(port_of(weir, "front"), "/a?b=\"c\"", headers=['User-Agent: "quoted"'])
    assert response.status == 200
    entry = json.loads(wait_lines(folder / "log", 1)[0])
    assert entry["route"] == "all"
    assert entry["listener"] == "front"
    assert entry["status"] == 200
    assert entry["target"] == '/a?b="c"'
    assert entry["user_agent"] == '"quoted"'
    assert entry["bytes_out"] == 5
    assert entry["client_ip"] == "127.0.0.1"
    assert len(entry["request_id"]) == 32


def test_combined_lines_on_standard_output(start):
    weir = start(LOGGED.format(workers=1, file="stdout", format="combined"))
    ask(port_of(weir, "front"), "/a", headers=["Referer: http://b.example/", "User-Agent: c"])
    line = wait_lines(weir.folder / "stdout", 1)[0]
    assert re.fullmatch(r'127\.0\.0\.1 - - \[[^]]+\] "GET /a HTTP/1\.1" 200 5 '
                        r'"http://b\.example/" "c"', line), line


def test_a_template_of_ones_own(start, folder):
    weir = start(LOGGED.format(workers=1, file=folder / "log", format="${method} ${path} ${status}"))
    ask(port_of(weir, "front"), "/a")
    assert wait_lines(folder / "log", 1) == ["GET /a 200"]


def test_every_line_is_there_at_the_end(start, folder):
    weir = start(LOGGED.format(workers=2, file=folder / "log", format="${path}"))
    port = port_of(weir, "front")
    for connection in range(10):
        with RawConnection(port) as client:
            for number in range(20):
                client.ask(f"/{connection}/{number}")
    weir.close()
    lines = (folder / "log").read_text().splitlines()
    assert sorted(lines) == sorted(f"/{c}/{n}" for c in range(10) for n in range(20))
    for connection in range(10):
        mine = [line for line in lines if line.startswith(f"/{connection}/")]
        assert mine == [f"/{connection}/{number}" for number in range(20)]


def test_a_reload_rotates_the_file(start, folder):
    log = folder / "log"
    config = LOGGED.format(workers=2, file=log, format="${path}")
    weir = start(config)
    port = port_of(weir, "front")
    with RawConnection(port) as client:
        for turn in range(2):
            client.ask(f"/before/{turn}")
            wait_lines(log, 1)
            log.rename(folder / f"log.{turn}")
            client.ask(f"/moved/{turn}")  # to the file that was moved
            wait_lines(folder / f"log.{turn}", 2)
            assert weir.command("reload").returncode == 0
    assert not any("drop" in line for line in weir.log().splitlines())
    weir.close()
    for turn in range(2):
        assert (folder / f"log.{turn}").read_text() == f"/before/{turn}\n/moved/{turn}\n"
    assert log.read_text() == ""


def test_a_reload_changes_the_format_and_turns_the_log_off(start, folder):
    weir = start(LOGGED.format(workers=1, file=folder / "log", format="one ${path}"))
    port = port_of(weir, "front")
    ask(port, "/a")
    wait_lines(folder / "log", 1)
    weir.rewrite(LOGGED.format(workers=1, file=folder / "log", format="two ${path}"))
    assert weir.command("reload").returncode == 0
    ask(port, "/b")
    wait_lines(folder / "log", 2)
    weir.rewrite(re.sub("access_log.*", "access_log: off",
                        LOGGED.format(workers=1, file="-", format="-")))
    assert weir.command("reload").returncode == 0
    ask(port, "/c")
    weir.close()
    assert (folder / "log").read_text() == "one /a\ntwo /b\n"


def test_a_file_that_cannot_be_opened_is_an_error_of_the_configuration(launch, start, folder):
    bad = LOGGED.format(workers=1, file=folder / "no" / "log", format="json")
    weir = launch("run", "weir.yaml", config=bad)
    assert weir.wait_exit() == 1
    assert "weir.yaml:5:21: error W1502" in weir.log()
    assert "No such file or directory" in weir.log()
    good = start(LOGGED.format(workers=1, file=folder / "log", format="${path}"))
    good.rewrite(bad)
    refused = good.command("reload")
    assert refused.returncode == 1
    assert "W1502" in refused.stderr + refused.stdout
    ask(port_of(good, "front"), "/still")
    assert wait_lines(folder / "log", 1) == ["/still"]


def test_a_blocked_reader_costs_lines_and_no_request(start, folder):
    pipe = folder / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        weir = start(LOGGED.format(workers=1, file=pipe, format="${path} " + "x" * 8000))
        with RawConnection(port_of(weir, "front")) as client:
            for number in range(250):  # 2 MB of lines: the buffer and the pipe hold 1.1 MB
                assert client.ask(f"/{number}").body == b"hello"
        dropped = wait_for(lambda: metrics(weir)["weir_access_log_dropped_lines_total"], "a drop")
        taken = metrics(weir)["weir_access_log_lines_total"]
        assert taken + dropped >= 250
        weir.wait_event("access_log_drops_lines")
        os.set_blocking(reader, True)
        with open(os.dup(reader), encoding="ascii") as lines:
            for _ in range(100):
                assert re.fullmatch(r"/[0-9]* x{8000}\n", lines.readline())
        assert len(weir.events("access_log_drops_lines")) == 1
    finally:
        os.close(reader)


def test_a_full_disk_costs_lines_and_no_request(start):
    weir = start(LOGGED.format(workers=1, file="/dev/full", format="${path}"))
    for number in range(3):
        assert ask(port_of(weir, "front"), f"/{number}").status == 200
    failed = weir.wait_event("access_log_write_failed")
    assert failed["reason"] == "No space left on device"
    assert metrics(weir)["weir_access_log_write_errors_total"] >= 1
