"""Runs the scheduler on a machine that SimGrid simulates and compares with the plan's simulator.

compare.py SMPIRUN PROGRAM RANKS/RANKS_PER_NODE/TASKS_PER_RANK/LARGEST_SECONDS...
"""

import os
import subprocess
import sys
import tempfile

CORES = 64
OPTIONS = ["--cfg=smpi/host-speed:1Gf", "--cfg=smpi/simulate-computation:no", "--cfg=smpi/coll-selector:ompi",
           "--log=root.thres:error"]

# Links do not share their bandwidth (FATPIPE): the scheduler's messages are of a few bytes, and SimGrid 3.32
# crashes in its solver of shared links with hundreds of such flows.
PLATFORM = """<?xml version='1.0'?>
<!DOCTYPE platform SYSTEM "https://simgrid.org/simgrid.dtd">
<platform version="4.1">
  <cluster id="c" prefix="node-" suffix="" radical="0-{last}" speed="1Gf" core="{cores}" bw="12.5GBps" lat="1us"
           sharing_policy="FATPIPE" loopback_bw="50GBps" loopback_lat="100ns"/>
</platform>
"""


def simulate(smpirun, program, ranks, per_node, tasks, largest):
    if per_node > CORES:
        raise ValueError(f"{per_node} ranks a node (a simulated one has {CORES} cores)")
    with tempfile.TemporaryDirectory() as folder:
        platform, hosts = os.path.join(folder, "platform.xml"), os.path.join(folder, "hosts")
        with open(platform, "w") as file:
            file.write(PLATFORM.format(last=(ranks - 1) // per_node, cores=CORES))
        with open(hosts, "w") as file:
            file.writelines(f"node-{rank // per_node}\n" for rank in range(ranks))
        done = subprocess.run([smpirun, "-np", str(ranks), "-platform", platform, "-hostfile", hosts, *OPTIONS,
                               program, str(tasks), str(largest), str(per_node)], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"smpirun ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return [float(number) for number in done.stdout.split()]


def main():
    smpirun, program, *cases = sys.argv[1:]
    wrong = 0
    print("  ranks  a node  a rank  largest [s]  simulated [s]  plan [s]  apart  efficiency  request [us]")
    for case in cases:
        numbers = case.split("/")
        ranks, per_node, tasks = (int(number) for number in numbers[:3])
        largest = float(numbers[3])
        _, all_tasks, done, load, run, plan, latency, service = simulate(smpirun, program, ranks, per_node, tasks, largest)
        apart = run / plan - 1.0
        # The plan leaves out naps of up to 0.2 ms while a rank waits for a refill, and that requests wait for each
        # other's three operations in turn: a few milliseconds on each of the last chunks, hence up to 2 % where the
        # whole takes seconds and 8 % where it takes tenths of one.
        good = done == all_tasks and -0.005 < apart < (0.02 if load > 1.0 else 0.08) and load <= run
        wrong += not good
        print(f"{ranks:7d}  {per_node:6d}  {tasks:6d}  {largest:11g}  {run:13.4f}  {plan:8.4f}  {100 * apart:4.1f} %"
              f"  {100 * load / run:8.2f} %  {1e6 * (latency + service):12.1f}{'' if good else '  <- wrong'}", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
