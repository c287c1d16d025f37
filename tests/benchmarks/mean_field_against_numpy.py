"""The phase diagram's kernel beside Gauss-Hermite quadrature in numpy, on one core, in one run: seconds per point
and errors of q*, chi_1 and c* (tanh).

    mean_field_against_numpy.py BENCH_MEAN_FIELD [--nodes 64,128,200,350] [--side 7] [--benchmark_out FILE]

numpy's version is what one writes for a notebook: q* by iterating the length map, chi_1 from the same nodes, and in
the chaotic phase c* by brentq on the correlation map, whose double integral is an n x n sum. It is timed on a coarse
grid over the same range (sigma_w = 1 .. 5, sigma_b = 0 .. 4), alternating with the kernel; the smallest time of each
counts, since the machine may be shared. Errors are against scipy's adaptive quadrature.
"""

import argparse
import json
import os
import subprocess
import time

for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(threads, "1")

import numpy as np  # noqa: E402
from scipy.integrate import quad  # noqa: E402
from scipy.optimize import brentq  # noqa: E402


class GaussHermite:
    def __init__(self, nodes):
        z, w = np.polynomial.hermite_e.hermegauss(nodes)
        self.z, self.w = z, w / np.sqrt(2 * np.pi)
        self.pairs = np.outer(self.w, self.w)

    def point(self, sigma_w, sigma_b):
        q = 1.0
        for _ in range(1000):
            new = sigma_w**2 * self.w @ np.tanh(np.sqrt(q) * self.z) ** 2 + sigma_b**2
            if abs(new - q) < 1e-12 * q:
                break
            q = new
        chi_1 = sigma_w**2 * self.w @ (1 - np.tanh(np.sqrt(q) * self.z) ** 2) ** 2
        if chi_1 <= 1:
            return q, chi_1, 1.0
        first = np.tanh(np.sqrt(q) * self.z)[:, None]

        def drift(c):
            second = np.tanh(np.sqrt(q) * (c * self.z[:, None] + np.sqrt(1 - c * c) * self.z[None, :]))
            return (sigma_w**2 * np.sum(self.pairs * first * second) + sigma_b**2) / q - c

        low, high = 0.0, 1 - 1e-6
        if drift(low) <= 0 or drift(high) >= 0:
            return q, chi_1, 0.0 if drift(low) <= 0 else 1.0
        return q, chi_1, brentq(drift, low, high, xtol=1e-12)


def gauss(f):
    """Adaptive, split where tanh bends."""
    value, _ = quad(lambda z: f(z) * np.exp(-z * z / 2) / np.sqrt(2 * np.pi), -13, 13, points=[-3, -1, -0.3, 0, 0.3, 1, 3],
                    epsabs=1e-14, epsrel=1e-13, limit=2000)
    return value


def truth(sigma_w, sigma_b):
    def drift(q):
        return sigma_w**2 * gauss(lambda z: np.tanh(np.sqrt(q) * z) ** 2) + sigma_b**2 - q

    q = brentq(drift, 1e-9, sigma_w**2 + sigma_b**2, xtol=1e-14, rtol=1e-14)
    return q, sigma_w**2 * gauss(lambda z: np.cosh(np.sqrt(q) * z) ** -4)


def kernel(program):
    text = subprocess.run([program, "--benchmark_filter=phase_diagram/tanh", "--benchmark_format=json"],
                          capture_output=True, text=True, check=True).stdout
    runs = [run for run in json.loads(text)["benchmarks"] if run.get("run_type") == "iteration"]
    return min(run["seconds_per_point"] for run in runs), max(run["worst_error"] for run in runs)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--nodes", default="64,128,200,350")
    parser.add_argument("--side", type=int, default=7)
    parser.add_argument("--benchmark_out", help="also write the ratios as Google Benchmark would")
    options = parser.parse_args()
    grid = [(w, b) for w in np.linspace(1.0, 5.0, options.side) for b in np.linspace(0.0, 4.0, options.side)]
    versions = {nodes: GaussHermite(nodes) for nodes in map(int, options.nodes.split(","))}
    own, own_error = np.inf, 0.0
    seconds = dict.fromkeys(versions, np.inf)
    for _ in range(3):
        time_taken, error = kernel(options.program)
        own, own_error = min(own, time_taken), max(own_error, error)
        for nodes, version in versions.items():
            start = time.perf_counter()
            for point in grid:
                version.point(*point)
            seconds[nodes] = min(seconds[nodes], (time.perf_counter() - start) / len(grid))
    exact = {point: truth(*point) for point in grid if point != (1.0, 0.0)}
    print(f"this kernel: {1e6 * own:.2f} us per point, largest difference from quadrature {own_error:.0e}")
    ratios = []
    for nodes, version in versions.items():
        found = {point: version.point(*point) for point in exact}
        q_error = max(abs(found[p][0] / exact[p][0] - 1) for p in exact)
        chi_error = max(abs(found[p][1] / exact[p][1] - 1) for p in exact)
        print(f"numpy, {nodes:3d} Gauss-Hermite nodes: {1e3 * seconds[nodes]:.2f} ms per point, "
              f"{seconds[nodes] / own:.0f} times slower; errors of q* {q_error:.0e}, of chi_1 {chi_error:.0e}")
        ratios.append({"name": f"phase_diagram_against_numpy/nodes:{nodes}", "times_faster": seconds[nodes] / own,
                       "label": f"its chi_1 is wrong by {chi_error:.0e}, ours by {own_error:.0e}"})
    # The most nodes come nearest to our accuracy.
    ratios[-1]["times_faster_at_least"] = 1000
    if options.benchmark_out:
        with open(options.benchmark_out, "w") as file:
            json.dump({"context": {"load_avg": os.getloadavg()}, "benchmarks": ratios}, file)


if __name__ == "__main__":
    main()
