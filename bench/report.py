"""What a run says: tables for the terminal, build/bench/last.json, docs/benchmarks.md."""

import dataclasses
import datetime
import json
import math
import os
import pathlib
import platform
import time

import bars as bars_module
import contenders as contenders_module
import picks
import scenarios
import scrape

BUSY = 0.15  # of all cores, before the bench begins: more than this deserves a warning


def machine():
    """What a reader needs to know of the machine."""
    model = "unknown"
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    system = platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {"processor": model, "cores": os.cpu_count(), "memory_gib": round(pages / 2**30),
            "system": system, "kernel": platform.release()}


def busy_share(seconds=0.5):
    """How busy all cores are just now, from 0 to 1: others' work makes figures noisy."""
    def snapshot():
        fields = pathlib.Path("/proc/stat").read_text().splitlines()[0].split()[1:9]
        counts = [int(field) for field in fields]
        return sum(counts), counts[3] + counts[4]

    all_before, idle_before = snapshot()
    time.sleep(seconds)
    all_after, idle_after = snapshot()
    return 1 - (idle_after - idle_before) / max(1, all_after - all_before)


def versions(chosen):
    found = {name: contenders_module.version(each) for name, each in chosen.items()}
    return {name: text for name, text in found.items() if text}


def _grid(rows, markdown):
    """Rows of cells as a table; the first row is the head, the first column is text."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for number, row in enumerate(rows):
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        lines.append("| " + " | ".join(cells) + " |" if markdown else "  " + "  ".join(cells))
        if number == 0 and markdown:
            marks = ["-" * widths[0]] + ["-" * (width - 1) + ":" for width in widths[1:]]
            lines.append("| " + " | ".join(marks) + " |")
    return "\n".join(lines)


def _timed_rows(scenario, results):
    per_gb, tells_bytes = bool(scenario.bytes_per_request), scenario.tells_bytes
    peer = bars_module.cheapest(results, bars_module.ALL_PEERS)
    first = "nginx, one route" if scenario.name == "routes" else peer
    head = ["", "user us", "system us", "total us", "to the better peer", "requests/s", "p99 ms"]
    rows = [head + (["s per GB"] if per_gb else []) + (["bytes sent"] if tells_bytes else [])]
    for label, result in results.items():
        median = result["median"]
        ratio = "" if first not in results else f"{bars_module.ratio(results, label, first):.2f}"
        row = [label, f"{median['user_us']:.2f}", f"{median['system_us']:.2f}",
               f"{median['total_us']:.2f}", ratio, f"{median['requests_per_second']:,.0f}",
               "" if math.isnan(median["p99_us"]) else f"{median['p99_us'] / 1000:.2f}"]
        if per_gb:
            row.append(f"{median['total_us'] * 1e3 / scenario.bytes_per_request:.3f}")
        if tells_bytes:
            row.append(f"{median['bytes']:,.0f}")
        rows.append(row)
    if scenario.name == "routes":
        rows[0][4] = "to nginx, one route"
    return rows


def tables(results, markdown=False):
    """[(title, table)] of everything measured."""
    found = []
    for scenario in scenarios.TIMED:
        if results.get(scenario.name):
            rows = _timed_rows(scenario, results[scenario.name])
            found.append((scenario.title, _grid(rows, markdown)))
    if results.get("hang"):
        rows = [["", "requests", "failed", "p50 ms", "p99 ms", "longest ms"]]
        for name, it in results["hang"].items():
            each = it["median"]
            rows.append([name, f"{each['requests']:,.0f}", f"{each['failed']:,.0f}",
                         *(f"{each[key] / 1000:,.1f}" for key in ("p50_us", "p99_us", "max_us"))])
        seconds = next(iter(results["hang"].values()))["median"]["seconds"]
        found.append((f"One of three origins hangs for {seconds:.0f} s under load",
                      _grid(rows, markdown)))
    for name, kind in (("idle", "idle connections"), ("idle-tls", "idle TLS connections"),
                       ("idle-tunnels", "idle tunnels")):
        if not results.get(name):
            continue
        each = results[name]
        count = int(next(iter(each.values()))["median"]["connections"])
        rows = [["", "bytes per connection"]]
        rows += [[name, f"{it['median']['bytes_per_connection']:,.0f}"]
                 for name, it in each.items()]
        found.append((f"{count:,} {kind}, one request made on each", _grid(rows, markdown)))
    if results.get("tls-threads"):
        rows = [["", "one thread us", "two threads us", "ratio"]]
        for name, it in results["tls-threads"].items():
            one, two = it["median"]["one_us"], it["median"]["two_us"]
            rows.append([name, f"{one:.1f}", f"{two:.1f}", f"{two / one:.2f}"])
        found.append(("Weir's part of a TLS handshake, by one thread and by two at once",
                      _grid(rows, markdown)))
    if results.get("scrape"):
        rows = [["", "worker us per request", "p99 ms", "a scrape ms", "its KiB"]]
        for name, it in results["scrape"].items():
            each = it["median"]
            rows.append([name, f"{each['worker_us']:.2f}", f"{each['p99_us'] / 1000:.2f}",
                         f"{each['scrape_ms']:.0f}", f"{each['scrape_bytes'] / 1024:,.0f}"])
        found.append((f"Scrapes of {scrape.ENDPOINTS:,} endpoints, one a second, under load",
                      _grid(rows, markdown)))
    if results.get("picks"):
        rows = [["", *(f"{size:,} endpoints, ns" for size in picks.SIZES), "more, of a request"]]
        request = results.get("keep-alive", {}).get("weir", {}).get("median", {}).get("total_us")
        for name, it in results["picks"].items():
            few, *_, many = times = [it["median"][f"ns_{size}"] for size in picks.SIZES]
            share = f"{(many - few) / request / 10:+.2f} %" if request else ""
            rows.append([name, *(f"{time:.0f}" for time in times), share])
        found.append(("A pick of an endpoint, by balancer", _grid(rows, markdown)))
    if results.get("instructions"):
        rows = [["", "instructions per request"]]
        rows += [[name, f"{it['median']['instructions_per_request']:,.0f}"]
                 for name, it in results["instructions"].items()]
        found.append(("User instructions per request under callgrind", _grid(rows, markdown)))
    return found


def bars_table(results, markdown=False):
    rows = [["bar", "limit", "figure", "against", "to the floor", "met"]]
    for bar in bars_module.all_bars(results):
        shape = "{:.0f}" if bar.limit > 10 else "{:.2f}"
        figure = "not measured" if bar.figure is None else shape.format(bar.figure)
        floor = "" if bar.floor_ratio is None else f"{bar.floor_ratio:.2f} ({bar.floor})"
        met = {None: "-", True: "yes", False: "no"}[bar.met]
        rows.append([bar.text, shape.format(bar.limit), figure, bar.against, floor, met])
    return _grid(rows, markdown)


def text(results, with_bars=True):
    parts = [f"{title}\n{table}\n" for title, table in tables(results)]
    return "\n".join(parts + ([f"Bars\n{bars_table(results)}\n"] if with_bars else []))


def write_json(path, run, results):
    path.parent.mkdir(parents=True, exist_ok=True)
    met = [{**dataclasses.asdict(bar), "met": bar.met} for bar in bars_module.all_bars(results)]
    path.write_text(json.dumps({**run, "bars": met, "scenarios": results}, indent=1) + "\n")


_METHOD = """\
## How to read it

- Every proxy has one worker, pinned to one core; the load and the origin share another. All
  addresses are loopback. The load is wrk, for HTTP/2 h2load, for handshakes and idle TLS
  connections `bench/load/tls.cc`, which makes sure that each is what it is called.
- TLS is 1.3 with TLS_AES_128_GCM_SHA256 and X25519, which is all that the load offers, and the same
  self-signed ECDSA P-256 certificate for all. Each server sends as many session tickets as it does
  by default: nginx and HAProxy two, Weir one.
- All contenders of a scenario run in the same rounds, one after the other, so that the mood of the
  machine falls on all of them alike. A figure is the median over the rounds; a ratio is the median
  of the ratios within a round, so it can differ a little from the quotient of two medians.
- Processor time is that of all processes and threads of the proxy during a round, divided by the
  requests answered. The kernel's work for its sockets is part of it. The split into user and system
  comes from the kernel's ticks and is coarser than the sum.
- The peers are Debian's packages with upstream connections kept, no log, bodies streamed, and
  X-Forwarded-For and X-Forwarded-Proto set: see `bench/configs`. Of the usual settings for large
  bodies each has those that were cheapest in a trial (HAProxy: splice; nginx: unbuffered, 256 KB).
- The origin is nginx, for uploads `bench/floor/epoll_answer.cc`, which answers when it has read the
  whole body.
- `forwarder` and `relay-*` are floor programs (`bench/floor`): the least that can do the job at
  all, without the duties of a proxy. `relay-*` pass bytes and know no HTTP.
- Memory per idle connection is what the resident anonymous and shared memory of the process grows
  by, divided by the number of connections.
- With two threads at once a handshake may cost more than with one by as much as the two cores get in
  each other's way, and by locks of OpenSSL's that both want (`src/io/tls/tls_bench.cc`).
- A pick is what `src/cluster/balancer_bench.cc` measures: the balancer alone, one pick after the
  other. The last column is what a request more costs among 10 000 endpoints than among 10, as a part
  of Weir's time for a plain request; it is the processor's caches, not more steps.
- While one of three origins hangs, all have the same limits: a second for an answer, three attempts,
  where there are checks one each second. Failed is what got another status than 200 or no answer;
  latencies are those of wrk, which counts requests that waiting kept from being made.
- Instructions are those of a single connection that makes one request at a time, as the difference
  between two runs of different length, so start and end of the process do not count.
- A bar on total time against a peer is met by its ratio, or by being within 5 % of the cheapest
  floor program of the scenario.
"""


def write_docs(path, run, results):
    """Writes docs/benchmarks.md from a run."""
    at, seconds = run["machine"], run["options"]["seconds"]
    programs = ", ".join(f"{name} {version}" for name, version in run["versions"].items())
    lines = [
        "# Benchmarks", "",
        f"Measured on {run['date'][:10]}: {at['processor']}, {at['cores']} cores, "
        f"{at['memory_gib']} GiB, {at['system']}, Linux {at['kernel']}. {programs}.", "",
        "To repeat it: `make bench`. To write this page: `make bench BENCH_ARGS=--write-docs`. "
        f"This run made {run['options']['rounds']} rounds of {seconds:g} s per scenario and "
        "contender.", "",
        *(["The machine was busy with other work, so times are noisier than usual.", ""]
          if run["busy_before"] > BUSY else []),
        "## The bars", "", bars_table(results, markdown=True), ""]
    for title, table in tables(results, markdown=True):
        lines += [f"## {title}", "", table, ""]
    lines.append(_METHOD)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines))


def describe(options, chosen, busy):
    """The head of last.json: when, where, what and how."""
    now = datetime.datetime.now(datetime.timezone.utc)
    return {"date": now.isoformat(timespec="seconds"), "machine": machine(),
            "versions": versions(chosen), "busy_before": round(busy, 2),
            "options": {"rounds": options.rounds, "seconds": options.seconds}}
