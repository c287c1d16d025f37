"""Turns the benchmarks' JSON into the table of docs/performance.md.

    table.py [--into PAGE] RESULT.json ...

Results are what Google Benchmark writes with --benchmark_out. A row of the table is a counter that is named
`ratio` or `times_faster` or has `_over_` in its name; where the benchmark also reports `<counter>_at_least` or
`<counter>_at_most`, that is the goal beside it. With --into, the table replaces what stands between the page's
lines `<!-- table -->` and `<!-- end of table -->`; without, it is printed.
"""

import argparse
import json
import pathlib
import re
import sys
import time

BEGIN, END = "<!-- table -->", "<!-- end of table -->"
# What Google Benchmark appends to names: how it was told to run.
RUN_SUFFIXES = re.compile(r"/(iterations|repeats|min_time|manual_time|real_time|process_time|threads)(:[^/]*)?(?=/|$)")


def is_ratio(counter):
    goal = counter.endswith(("_at_least", "_at_most"))
    return not goal and (counter in ("ratio", "times_faster") or "_over_" in counter)


def goal_of(benchmark, counter):
    """The goal as text, and whether it is met (None where there is none)."""
    value = benchmark[counter]
    if f"{counter}_at_least" in benchmark:
        goal = benchmark[f"{counter}_at_least"]
        return f"≥ {goal:g}", value >= goal
    if f"{counter}_at_most" in benchmark:
        goal = benchmark[f"{counter}_at_most"]
        return f"≤ {goal:g}", value <= goal
    return "", None


def rows_of(results):
    for result in results:
        for benchmark in result["benchmarks"]:
            if benchmark.get("run_type") == "aggregate" and benchmark.get("aggregate_name") != "median":
                continue
            for counter in benchmark:
                if is_ratio(counter):
                    goal, met = goal_of(benchmark, counter)
                    name = f"`{RUN_SUFFIXES.sub('', benchmark['name'])}`"
                    verdict = {None: "", True: "met", False: "**missed**"}[met]
                    value = benchmark[counter]
                    text = f"{value:.3g}" if value < 1e3 else f"{value:.0f}"
                    yield name, benchmark.get("label", ""), f"`{counter}`", text, goal, verdict


def processor():
    """The processor's own name, with its family and model, since virtual machines shorten the name."""
    facts = {}
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        key, _, value = line.partition(":")
        facts.setdefault(key.strip(), value.strip())
    widest = next((name for name in ("avx512f", "avx2") if name in facts.get("flags", "").split()), "no AVX2")
    name = facts.get("model name", "unknown processor")
    return f"{name} (family {facts.get('cpu family')}, model {facts.get('model')}, {widest})"


def table(results):
    load = [result["context"]["load_avg"][0] for result in results if result.get("context", {}).get("load_avg")]
    lines = [
        f"Measured on {time.strftime('%Y-%m-%d', time.gmtime())}, {processor()}"
        + (f", load average {min(load):.1f} to {max(load):.1f}" if load else "")
        + ".",
        "",
        "| benchmark | path, peer | counter | value | goal | |",
        "|---|---|---|---:|---:|---|",
    ]
    lines += ["| " + " | ".join(row) + " |" for row in rows_of(results)]
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--into", type=pathlib.Path, metavar="PAGE")
    parser.add_argument("results", nargs="+", type=pathlib.Path, metavar="RESULT.json")
    arguments = parser.parse_args()
    text = table([json.loads(path.read_text()) for path in arguments.results])
    if arguments.into is None:
        print(text)
        return 0
    page = arguments.into.read_text()
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        print(f"{arguments.into} has no lines {BEGIN} and {END} (the table goes between them) add them", file=sys.stderr)
        return 3
    arguments.into.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
