"""How the processor time of a TLS handshake grows when two threads make handshakes at once."""

import json
import statistics
import subprocess

import processes

KINDS = {"full_ecdsa": "full", "resumed": "resumed"}
REPETITIONS = 5
LEAST_SECONDS = 0.3


def run_threads(program, say):
    """{kind: {"median": {"one_us": ..., "two_us": ...}, "rounds": []}} from src/io/tls/tls_bench.cc.

    The repetitions are interleaved; times are those of the server's side alone, on the threads'
    own clocks, so that other programs do not count, but locks that are fought over do.
    """
    say("tls-threads")
    answer = subprocess.run(
        [program, f"--benchmark_filter=^({'|'.join(KINDS)})/", "--benchmark_format=json",
         f"--benchmark_repetitions={REPETITIONS}", f"--benchmark_min_time={LEAST_SECONDS}",
         "--benchmark_enable_random_interleaving=true"],
        capture_output=True, text=True, timeout=120, check=False)
    if answer.returncode != 0:
        raise processes.BenchError(f"{program} failed:\n{answer.stderr[-500:]}")
    times = {}
    for each in json.loads(answer.stdout)["benchmarks"]:
        if each["run_type"] == "iteration":
            kind = KINDS[each["name"].split("/")[0]]
            # The program divides by the number of threads.
            spent = each["real_time"] * each["threads"] / 1000
            times.setdefault((kind, each["threads"]), []).append(spent)
    return {kind: {"median": {"one_us": statistics.median(times[kind, 1]),
                              "two_us": statistics.median(times[kind, 2])}, "rounds": []}
            for kind in KINDS.values()}
