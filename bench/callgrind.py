"""User instructions per request, counted by callgrind: the same to within a percent each time."""

import re
import time

import contenders as contenders_module
import load
import processes


def _instructions(workshop, contender, origin, count):
    """All instructions of a run of `count` requests, start and end of the process included."""
    out = workshop.directory / f"callgrind-{contender.name}-{count}.out"
    wrapper = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", "-q"]
    process, port = contenders_module.start(workshop, contender, origin, wrapper=wrapper)
    load.requests_in_turn(port, count)
    # Under valgrind a signal that comes while the program computes is handled before the next wait
    # begins, which then waits all the same. So let the program come to rest first.
    time.sleep(0.3)
    if not workshop.stop(process, 30):
        raise processes.BenchError(f"{contender.name} did not end under callgrind")
    try:
        found = re.search(r"^(?:totals|summary): (\d+)", out.read_text(), re.MULTILINE)
    except OSError:
        found = None
    if not found:
        raise processes.BenchError(f"callgrind counted nothing:\n{process.log_tail()}")
    return int(found.group(1))


def instructions_per_request(workshop, contender, origin, count):
    """The difference between runs of `count` and `2 * count` requests, per request.

    One connection, one request at a time: so every request takes the same way through the loop.
    """
    once = _instructions(workshop, contender, origin, count)
    twice = _instructions(workshop, contender, origin, 2 * count)
    return (twice - once) / count


def run_instructions(workshop, chosen, origins, count, say):
    results = {}
    for name in ("weir", "nginx", "forwarder"):
        if name in chosen:
            say(f"instructions: {name}")
            figure = instructions_per_request(workshop, chosen[name], origins["plain"], count)
            results[name] = {"median": {"instructions_per_request": figure}, "rounds": []}
    return results
