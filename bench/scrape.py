"""What a scrape of many endpoints does to the workers: processor time of a request, with and without."""

import os
import pathlib
import statistics
import threading
import time
import urllib.request

import load
import processes

ENDPOINTS = 10_000
EVERY = 1.0  # seconds between scrapes: fifteen times as often as is usual
CONNECTIONS = 64

CONFIG = """
workers: 1
listeners:
  - address: "127.0.0.1:{port}"
  - address: "0.0.0.0:{origin}"
    routes: [{{ respond: {{ body: "used" }} }}]
admin: "127.0.0.1:{admin}"
routes:
  - match: {{ path: /1k }}
    respond: {{ body: "{body}" }}
  - reverse_proxy: many
upstreams:
  many:
    outliers: off
    endpoints: [{endpoints}]
"""


def _start(workshop, contender):
    port, admin, origin = processes.free_port(), processes.free_port(), processes.free_port()
    endpoints = ", ".join(f'"127.{1 + i // 62500}.{i // 250 % 250}.{1 + i % 250}:{origin}"'
                          for i in range(ENDPOINTS))
    path = workshop.directory / "scrape.yaml"
    path.write_text(CONFIG.format(port=port, admin=admin, origin=origin, body="x" * 1024, endpoints=endpoints))
    process = workshop.start("weir", [contender.program, "run", str(path), "--control",
                                      str(workshop.directory / "scrape.sock")], workshop.proxy_core)
    process.wait_until_it_listens(port, 30)
    return process, port, admin


def _threads(process):
    """{name: id} of the process."""
    tasks = pathlib.Path(f"/proc/{process.child.pid}/task")
    return {(each / "comm").read_text().strip(): int(each.name) for each in tasks.iterdir()}


def _spent(pid, thread):
    """Nanoseconds that a thread was on a processor."""
    return int(pathlib.Path(f"/proc/{pid}/task/{thread}/schedstat").read_text().split()[0])


class _Scraper:
    """Scrapes until it is stopped; keeps how long each took."""

    def __init__(self, admin):
        self.milliseconds, self.size = [], 0
        self._url = f"http://127.0.0.1:{admin}/metrics"
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self._thread.join()

    def once(self):
        began = time.monotonic()
        with urllib.request.urlopen(self._url, timeout=30) as answer:
            self.size = len(answer.read())
        self.milliseconds.append((time.monotonic() - began) * 1000)

    def _run(self):
        while not self._ended.wait(EVERY):
            self.once()


def _round(workshop, process, port, worker, scraper):
    pid = process.child.pid
    before = _spent(pid, worker)
    if scraper:
        with scraper:
            figures = load.run_wrk(workshop, port, path="/1k", connections=CONNECTIONS, seconds=4)
    else:
        figures = load.run_wrk(workshop, port, path="/1k", connections=CONNECTIONS, seconds=4)
    spent = _spent(pid, worker) - before
    return {"worker_us": spent / 1000 / figures["requests"], "p99_us": figures["p99_us"],
            "scrape_ms": statistics.median(scraper.milliseconds) if scraper else 0,
            "scrape_bytes": scraper.size if scraper else 0}


def run_scrape(workshop, contender, rounds, say):
    """{"not scraped" | "scraped every second": {"median": {}, "rounds": []}}. The worker has the
    proxy's core; the control thread, which writes what is scraped, shares the load's.
    """
    process, port, admin = _start(workshop, contender)
    results = {"not scraped": [], "scraped every second": []}
    try:
        # Each endpoint has figures of its own once it was used.
        load.run_wrk(workshop, port, path="/used", connections=CONNECTIONS, seconds=8, failures=True)
        threads = _threads(process)
        worker = threads["worker0"]
        for name, each in threads.items():
            core = workshop.load_core if each == process.child.pid else workshop.proxy_core
            os.sched_setaffinity(each, {core})
        for number in range(rounds):
            say(f"scrape: round {number + 1} of {rounds}")
            results["not scraped"].append(_round(workshop, process, port, worker, None))
            results["scraped every second"].append(
                _round(workshop, process, port, worker, _Scraper(admin)))
    finally:
        workshop.stop(process)
    return {label: {"median": {key: statistics.median(one[key] for one in each) for key in each[0]},
                    "rounds": each} for label, each in results.items()}
