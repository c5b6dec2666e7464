"""The examples for Prometheus and Grafana ask only for what there is, and promtool likes them."""

import json
import re
import shutil
import subprocess
import urllib.request

import pytest
import yaml

from weir_process import PATIENCE, ROOT

RULES = ROOT / "examples" / "prometheus"
BOARD = ROOT / "examples" / "grafana" / "weir.json"
GUIDE = ROOT / "docs" / "guides" / "alerts.md"
# What Prometheus adds by itself.
ADDED = {"instance", "job"}
WORDS = {"sum", "by", "rate", "increase", "changes", "histogram_quantile", "topk", "count", "max", "or", "and",
         "on", "vector", "le", "without"}


def documented():
    """The labels of each metric, from the reference (which is written by the program)."""
    found = {"up": set()}
    for line in (ROOT / "docs" / "reference" / "metrics.md").read_text().splitlines():
        if not line.startswith("| `"):
            continue
        name, kind, labels = (part.strip(" `") for part in line.split("|")[1:4])
        found[name] = {label.strip() for label in labels.split(",") if label.strip()}
        if kind == "histogram":
            found[name + "_bucket"] = found[name] | {"le"}
            found[name + "_sum"] = found[name + "_count"] = found[name]
    return found


def rules():
    for path in ("weir.rules.yaml", "weir.alerts.yaml"):
        for group in yaml.safe_load((RULES / path).read_text())["groups"]:
            yield from group["rules"]


def recorded():
    """The labels of what rules record: those that they group by."""
    found = {}
    for rule in rules():
        if "record" in rule:
            grouped = re.findall(r"by \(([^)]*)\)", rule["expr"])
            found[rule["record"]] = {label.strip() for group in grouped for label in group.split(",")} - {"le"}
    return found


def panels():
    for panel in json.loads(BOARD.read_text())["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target


def expressions():
    """(where, expression, labels that texts beside it use)"""
    for rule in rules():
        texts = " ".join(rule.get("annotations", {}).values())
        yield rule.get("alert") or rule["record"], rule["expr"], set(re.findall(r"\$labels\.(\w+)", texts))
    for title, target in panels():
        yield title, target["expr"], set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))


def metrics_of(expression):
    """The names in an expression, each with the labels that its selector names."""
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', '""', re.sub(r"\[[^\]]*\]", "", expression))
    for name, _, selector in re.findall(r"([a-zA-Z_:][\w:]*)(\{([^}]*)\})?", re.sub(r"(?:by|on) \([^)]*\)", "", bare)):
        if name not in WORDS and "_" in name or name == "up":
            yield name, set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selector))


EXPRESSIONS = list(expressions())


@pytest.mark.parametrize("where, expression, used", EXPRESSIONS, ids=[each[0] for each in EXPRESSIONS])
def test_an_expression_names_metrics_and_labels_that_exist(where, expression, used):
    known = {**documented(), **recorded()}
    names = list(metrics_of(expression))
    assert names, where
    there = set()
    for name, labels in names:
        assert name in known, f"{where}: there is no metric {name}"
        assert labels <= known[name] | ADDED, f"{where}: {name} has no {labels - known[name] - ADDED}"
        there |= known[name] | ADDED
    for group in re.findall(r"(?:by|on) \(([^)]*)\)", expression):
        used |= {label.strip() for label in group.split(",")}
    assert used <= there, f"{where}: none of its metrics has {used - there}"


ALL = """
workers: 1
listeners: [{ name: main, address: "127.0.0.1:0" }]
tcp: [{ address: "127.0.0.1:0", upstream: api }]
routes:
  - match: { path: /cached/* }
    use: [{ cache: { } }]
    respond: { body: x }
  - reverse_proxy: api
upstreams:
  api:
    endpoints: ["127.0.0.1:1"]
    health: { path: / }
    breaker: { }
admin: "127.0.0.1:0"
"""


def scraped(weir):
    port = next(each["bound"].rpartition(":")[2] for each in weir.status()["listeners"]
                if each["name"] not in ("main",) and "admin" in each["name"])
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=PATIENCE) as answer:
        return answer.read().decode()


def test_a_running_weir_has_every_metric_that_is_asked_for(start):
    weir = start(ALL)
    weir.curl("/")
    text, known = scraped(weir), documented()
    for name, labels in re.findall(r"^(\w+)\{(.*)\} ", text, re.MULTILINE):
        assert set(re.findall(r'(\w+)="', re.sub(r'"(?:[^"\\]|\\.)*"', '""', labels))) <= known[name], name
    families = set(re.findall(r"^# TYPE (\S+) ", text, re.MULTILINE))
    asked = {name for _, expression, _ in EXPRESSIONS for name, _ in metrics_of(expression)}
    missing = {re.sub(r"_(bucket|sum|count)$", "", name) for name in asked} - families
    assert missing <= {"up", *recorded()}


def promtool(*arguments):
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not there")
    done = subprocess.run(["promtool", *arguments], cwd=RULES, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_takes_the_configuration_and_its_rules():
    promtool("check", "config", "prometheus.yaml")


def test_alerts_fire_when_they_should():
    promtool("test", "rules", "weir.test.yaml")


def test_every_alert_is_tested_has_a_summary_and_a_place_in_the_guide():
    tested = set(re.findall(r"alertname: (\w+)", (RULES / "weir.test.yaml").read_text()))
    headings = re.findall(r"^## (\w+)$", GUIDE.read_text(), re.MULTILINE)
    alerts = [rule for rule in rules() if "alert" in rule]
    assert headings == [rule["alert"] for rule in alerts]
    for rule in alerts:
        assert rule["alert"] in tested
        assert rule["annotations"]["summary"]
        assert rule["annotations"]["runbook_url"] == f"docs/guides/alerts.md#{rule['alert'].lower()}"


def test_panels_of_the_dashboard_lie_side_by_side():
    places = set()
    for panel in json.loads(BOARD.read_text())["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & places and at["x"] + at["w"] <= 24, panel["title"]
        places |= cells
        assert panel["type"] == "row" or panel["description"], panel["title"]
