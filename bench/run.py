#!/usr/bin/python3
"""Measures Weir beside nginx, HAProxy, h2o, nghttpx and floor programs. See bench/README.md."""

import sys

sys.dont_write_bytecode = True

import argparse
import json
import os
import pathlib
import resource
import shutil
import signal

import callgrind
import contenders as contenders_module
import hang
import load
import picks
import processes
import report
import scenarios
import scrape
import threads

ROOT = pathlib.Path(__file__).resolve().parent.parent
CREEP = ROOT / "bench" / "creep.json"
CREEP_LIMIT = 1.10  # of the stored figure
NAMES = [scenario.name for scenario in scenarios.TIMED] + [
    "hang", "idle", "idle-tls", "idle-tunnels", "tls-threads", "picks", "scrape", "instructions"]


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="rounds per scenario (7)")
    parser.add_argument("--seconds", type=float, default=2.0,
                        help="length of one round of one contender (2)")
    parser.add_argument("--scenarios", default=",".join(NAMES), metavar="A,B",
                        help="which of: " + ", ".join(NAMES))
    parser.add_argument("--proxies", metavar="A,B", help="which contenders, by name (all)")
    parser.add_argument("--binaries", type=pathlib.Path, default=ROOT / "build" / "release",
                        help="where weir and the floor programs are (build/release)")
    parser.add_argument("--engine", default="auto", choices=("auto", "epoll", "io_uring"),
                        help="how Weir waits (auto)")
    parser.add_argument("--smoke", action="store_true",
                        help="a mini version: every scenario yields figures, no creep; no JSON")
    parser.add_argument("--store-creep", action="store_true",
                        help="store Weir's instructions per request as the figure to guard")
    parser.add_argument("--write-docs", action="store_true", help="write docs/benchmarks.md")
    options = parser.parse_args()
    options.scenarios = options.scenarios.split(",")
    for name in options.scenarios:
        if name not in NAMES:
            parser.error(f"no scenario {name}; there are {', '.join(NAMES)}")
    if options.rounds < 1 or options.seconds < 0.2:
        parser.error("at least one round, at least 0.2 seconds")
    return options


def choose(options, known):
    """The contenders to measure. One that is absent is left out with a line that says so."""
    names = options.proxies.split(",") if options.proxies else list(known)
    chosen = {}
    for name in names:
        if name not in known:
            raise processes.BenchError(f"no contender {name}; there are {', '.join(known)}")
        if known[name].is_here():
            chosen[name] = known[name]
        else:
            print(f"skipped: {name} ({known[name].program} is not there)")
    if options.smoke and "weir" in names and "weir" not in chosen:
        raise processes.BenchError("the smoke test needs Weir: build the release first")
    return chosen


def say(text):
    """One line of progress that overwrites the last; nothing where nobody looks."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\033[K{text}")
        sys.stderr.flush()


def start_origins(workshop, options, known):
    plain, http2 = contenders_module.start_nginx_origin(workshop)
    origins = {"plain": plain, "http2": http2}
    if "udp" in options.scenarios:
        origins["udp"] = contenders_module.start_udp_origin(workshop, load.DATAGRAMS)
    if "upload" in options.scenarios:
        if known["answer"].is_here():
            origins["upload"] = contenders_module.start_floor_origin(workshop, known["answer"])
        else:
            print(f"skipped: upload (its origin {known['answer'].program} is not there)")
            options.scenarios.remove("upload")
    return origins


def measure(workshop, options, chosen, origins, results):
    """Runs the scenarios into {scenario: {label: {"median": {...}, "rounds": [...]}}}."""
    for scenario in scenarios.TIMED:
        if scenario.name in options.scenarios:
            results[scenario.name] = scenarios.run_timed(
                workshop, scenario, chosen, origins, options.rounds, options.seconds, say)
    if "hang" in options.scenarios:
        results["hang"] = hang.run_hang(workshop, chosen, min(options.rounds, 3), options.seconds,
                                        say)
    if "idle" in options.scenarios:
        results["idle"] = scenarios.run_idle(workshop, chosen, origins, min(options.rounds, 3),
                                             options.idle_connections, say)
    if "idle-tls" in options.scenarios:
        results["idle-tls"] = scenarios.run_idle_tls(workshop, chosen, origins,
                                                     min(options.rounds, 3),
                                                     options.idle_connections, say)
    if "idle-tunnels" in options.scenarios:
        results["idle-tunnels"] = scenarios.run_idle_tunnels(workshop, chosen, origins,
                                                             min(options.rounds, 3),
                                                             options.idle_connections, say)
    if "tls-threads" in options.scenarios and not options.smoke:
        program = options.binaries.resolve() / "tls_bench"
        if program.exists():
            results["tls-threads"] = threads.run_threads(str(program), say)
        else:
            print(f"skipped: tls-threads ({program} is not there)")
    if "picks" in options.scenarios and not options.smoke:
        program = options.binaries.resolve() / "balancer_bench"
        if program.exists():
            results["picks"] = picks.run_picks(str(program), say)
        else:
            print(f"skipped: picks ({program} is not there)")
    if "scrape" in options.scenarios and not options.smoke and "weir" in chosen:
        results["scrape"] = scrape.run_scrape(workshop, chosen["weir"], min(options.rounds, 5), say)
    if "instructions" in options.scenarios:
        if shutil.which("valgrind"):
            results["instructions"] = callgrind.run_instructions(
                workshop, chosen, origins, options.counted_requests, say)
        else:
            print("skipped: instructions (valgrind is not there)")
    say("")


def set_sizes(options):
    """The smoke test takes seconds: one short round, Weir alone, few connections."""
    options.idle_connections = scenarios.IDLE_CONNECTIONS
    options.counted_requests = 1000
    if options.smoke:
        options.rounds, options.seconds = 1, 0.3
        options.idle_connections, options.counted_requests = 500, 300
        options.proxies = options.proxies or "weir"


def guard_against_creep(options, results):
    """Compares with, or stores, the figure in bench/creep.json. True: all is well."""
    figures = results.get("instructions", {}).get("weir")
    if figures is None:
        print("creep: skipped (Weir's instructions were not counted)")
        return True
    figure = figures["median"]["instructions_per_request"]
    if options.store_creep:
        CREEP.write_text(json.dumps({"weir": round(figure)}, indent=1) + "\n")
        print(f"creep: stored {figure:,.0f} instructions per request")
        return True
    stored = json.loads(CREEP.read_text())["weir"]
    if stored is None:
        print(f"creep: skipped (no figure stored yet; this run counted {figure:,.0f}; "
              "store it with bench/run.py --scenarios instructions --store-creep)")
        return True
    well = figure <= stored * CREEP_LIMIT
    print(f"creep: {figure:,.0f} instructions per request, stored {stored:,}, "
          f"{100 * (figure / stored - 1):+.1f} %: {'ok' if well else 'MORE THAN 10 % UP'}")
    if figure < stored / CREEP_LIMIT:
        print("creep: that is far less than stored; store the new figure with --store-creep")
    return well


def needed_tools(options):
    tools = {"nginx"}
    if "hang" in options.scenarios:
        tools.add("wrk")
    for scenario in scenarios.TIMED:
        if scenario.name not in options.scenarios:
            continue
        own = load.DATAGRAMS if scenario.setting.udp else load.HANDSHAKES
        tools.add(scenario.generator if scenario.generator in ("wrk", "h2load") else own)
        if scenario.setting.tls:
            tools.add("openssl")
    if "idle-tls" in options.scenarios:
        tools |= {load.HANDSHAKES, "openssl"}
    return sorted(tools)


def check_tools(options, chosen):
    needed = needed_tools(options)
    missing = [tool for tool in needed if shutil.which(tool) is None]
    if missing:
        raise processes.BenchError(f"not there: {', '.join(missing)}")
    if not chosen:
        raise processes.BenchError("nothing to measure")


def run(options):
    set_sizes(options)
    load.HANDSHAKES = str(options.binaries.resolve() / "load_tls")
    load.DATAGRAMS = str(options.binaries.resolve() / "load_udp")
    known = contenders_module.all_contenders(options.binaries.resolve(), options.engine)
    chosen = choose(options, known)
    check_tools(options, chosen)
    busy = report.busy_share()
    if busy > report.BUSY and not options.smoke:
        print(f"note: the machine is {busy:.0%} busy with other work; figures will be noisy")
    results, failure = {}, None
    with processes.Workshop() as workshop:
        contenders_module.make_certificate(workshop.directory)
        origins = start_origins(workshop, options, known)
        try:
            measure(workshop, options, chosen, origins, results)
        except (processes.BenchError, OSError) as error:
            failure = error  # what was measured before is shown all the same
    print(report.text(results, with_bars=not options.smoke))
    well = guard_against_creep(options, results)
    if not options.smoke:
        head = report.describe(options, chosen, busy)
        path = ROOT / "build" / "bench" / "last.json"
        report.write_json(path, head, results)
        print(f"figures: {path.relative_to(ROOT)}")
        if options.write_docs and failure is None:
            report.write_docs(ROOT / "docs" / "benchmarks.md", head, results)
            print("written: docs/benchmarks.md")
    if failure is not None:
        raise processes.BenchError(f"the run was cut short: {failure}")
    return 0 if well else 1


def main():
    options = parse_arguments()
    # Debian keeps nginx and haproxy in sbin, which is not on everybody's path.
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGHUP, lambda *_: sys.exit(129))
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        return run(options)
    except processes.BenchError as error:
        say("")
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        say("")
        return 130


if __name__ == "__main__":
    sys.exit(main())
