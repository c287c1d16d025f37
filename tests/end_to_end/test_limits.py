"""Limits of a shell, a container or a batch job: they count as the machine's, and nothing waits for ever because of them."""

import os
import pathlib
import signal
import subprocess
import time

import pytest

from conftest import MPIRUN, SMALL, SOURCE, command, environment, meander

# Products of matrices from the first task on.
PRODUCTS = """
title = "products"
measure = "jacobian_spectrum"
seed = 7
[sweep]
width = [60]
depth = [2]
sigma_w = [1.5]
activation = ["tanh"]
"""


# Ends before `main`: of the loader, and of OpenBLAS, which gives itself SIGINT where a thread cannot start.
LIBRARIES = (127, -signal.SIGINT, 128 + signal.SIGINT)


def limited(kilobytes, *arguments, ranks=None, **variables):
    """Exit code and words of a command with so much address space a rank; it must not hang."""
    start = [] if ranks is None else [*MPIRUN, "-n", str(ranks)]
    settings = {name: value for name, value in environment().items() if name != "OPENBLAS_NUM_THREADS"}
    done = subprocess.run(
        [*start, "sh", "-c", f'ulimit -v {kilobytes}; exec "$@"', "sh", *command(*arguments)],
        env={**settings, **variables}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, check=False,
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("threads", [None, "1", "4"])
def test_no_limit_of_address_space_makes_a_run_hang(study, tmp_path, threads):
    """OpenBLAS asks for its workspace again and again where it is refused: before main, too, for threads of its own."""
    path, seen = study(PRODUCTS), set()
    variables = {} if threads is None else {"OPENBLAS_NUM_THREADS": threads}
    for kilobytes in (100_000, 200_000, 300_000, 400_000, 700_000):
        out = tmp_path / f"{kilobytes}.h5"
        code, said = limited(kilobytes, "run", path, "-o", out, "--quiet", **variables)
        assert code in (0, 1, 3, *LIBRARIES), f"{kilobytes}: exit code {code}: {said}"
        if code == 3:
            assert "OpenBLAS's workspace" in said or "of memory" in said, said
            assert not pathlib.Path(f"{out}.shards").exists() and not out.exists()
        seen.add(code)
    assert {0, 3} <= seen, seen


def test_nor_one_of_several_ranks(study, tmp_path):
    """Open MPI may crash as it starts (exit code 139), but ends."""
    path = study(PRODUCTS)
    for kilobytes in (250_000, 400_000, 600_000):
        code, said = limited(kilobytes, "run", path, "-o", tmp_path / f"{kilobytes}.h5", "--quiet", ranks=2)
        assert code in (0, 1, 3, 139, *LIBRARIES), f"{kilobytes}: exit code {code}: {said}"
    assert limited(1_500_000, "run", path, "-o", tmp_path / "out.h5", "--quiet", ranks=2)[0] == 0


@pytest.mark.parametrize("arguments", [("plan",), ("export", "--cell", "width=20,depth=2,sigma_w=1.5,activation=relu", "-o", "net.h5")])
def test_nor_of_other_commands_that_compute(study, tmp_path, arguments):
    name, *rest = arguments
    rest = [str(tmp_path / item) if item.endswith(".h5") else item for item in rest]
    codes = {limited(kilobytes, name, study(SMALL), *rest)[0] for kilobytes in (100_000, 200_000, 400_000)}
    assert {0, 3} <= codes <= {0, 1, 3, *LIBRARIES}, codes


@pytest.fixture
def group(request):
    """A control group of so many bytes; what is written to its `cgroup.procs` is in it."""
    for root, limit in (("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")):
        folder = pathlib.Path(root, f"meander-limits-{os.getpid()}")
        try:
            folder.mkdir()
            (folder / limit).write_text(str(request.param))
        except OSError:
            folder.exists() and folder.rmdir()
            continue
        yield folder / "cgroup.procs"
        for pid in (folder / "cgroup.procs").read_text().split():
            os.kill(int(pid), signal.SIGKILL)
        time.sleep(0.2)
        folder.rmdir()
        return
    pytest.skip("making a control group for memory needs root")


@pytest.mark.parametrize("group", [400 << 20], indirect=True)
def test_a_containers_memory_is_the_machines(study, tmp_path, group):
    wide = study(SMALL.replace("[20, 31]", "[9000]"))
    before = sorted(tmp_path.iterdir())
    done = subprocess.run(
        ["sh", "-c", f'echo $$ > {group}; exec "$@"', "sh", *command("run", wide, "-o", tmp_path / "out.h5", "--quiet")],
        env=environment(), capture_output=True, text=True, timeout=60, check=False,
    )
    assert done.returncode == 3 and "this machine has 0.4 GB" in done.stderr, done.stderr
    assert sorted(tmp_path.iterdir()) == before


V2 = "29 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw\n"
V1 = (
    "30 25 0:25 / /sys/fs/cgroup ro shared:9 - tmpfs tmpfs ro,mode=755\n"
    "40 30 0:35 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
    "41 30 0:36 {root} /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
)


def cores(folder, **files):
    """What cmake/setup.sh counts on a made-up system of 64 cores, with these files in proc/self and sys/fs/cgroup."""
    for name, text in files.items():
        inside = "proc/self" if name in ("cgroup", "mountinfo") else "sys/fs/cgroup"
        path = folder / inside / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    tools = folder / "tools"
    tools.mkdir(parents=True, exist_ok=True)
    (tools / "nproc").write_text("#!/bin/sh\necho 64\n")
    (tools / "nproc").chmod(0o755)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", '. "$root/cmake/setup.sh"; cores_below "$1"', "bash", folder],
        env={**environment(), "root": str(SOURCE), "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True, text=True, check=False,
    )
    assert done.returncode == 0 and not done.stderr, done.stderr
    return done.stdout.strip()


def test_a_containers_share_of_time_is_the_number_of_ranks(tmp_path):
    assert cores(tmp_path / "none") == "64"
    own, above = "a/b", "a"
    assert cores(tmp_path / "v2", cgroup="0::/a/b\n", mountinfo=V2, **{f"{own}/cpu.max": "max 100000\n"}) == "64"
    assert cores(tmp_path / "v2", **{f"{own}/cpu.max": "350000 100000\n"}) == "4"
    assert cores(tmp_path / "v2", **{f"{above}/cpu.max": "50000 100000\n"}) == "1"
    names = ("cpu,cpuacct/docker/x/cpu.cfs_quota_us", "cpu,cpuacct/docker/x/cpu.cfs_period_us")
    v1 = {"cgroup": "5:memory:/y\n4:cpu,cpuacct:/docker/x\n0::/\n", "mountinfo": V1.format(root="/")}
    assert cores(tmp_path / "v1", **v1, **dict(zip(names, ("-1\n", "100000\n")))) == "64"
    assert cores(tmp_path / "v1", **dict(zip(names, ("250000\n", "100000\n")))) == "3"
    inside = {"cgroup": "4:cpu,cpuacct:/docker/x\n", "mountinfo": V1.format(root="/docker/x")}
    names = [name.replace("docker/x/", "") for name in names]
    assert cores(tmp_path / "inside", **inside, **dict(zip(names, ("200000\n", "100000\n")))) == "2"


def test_what_files_hold_is_never_executed(tmp_path):
    hostile = f"a[$(touch${{IFS}}{tmp_path}/executed)]"
    for text in (f"{hostile} 100000\n", f"100000 {hostile}\n", "x\n", "-5 3\n", "1" * 40 + " 1\n", "08 09\n", "\n"):
        assert cores(tmp_path / "s", cgroup="0::/\n", mountinfo=V2, **{"cpu.max": text}) in ("64", "1"), text
    assert not (tmp_path / "executed").exists()


# Minutes of averages in one task that keeps nothing.
THEORY = """
title = "long theory"
measure = "geometry"
[sweep]
width = [10]
depth = [100]
sigma_w = [10.0]
activation = ["swish"]
[input]
dimension = 10
"""


def test_long_theory_stops(study, tmp_path):
    """In the middle of a task, soon after it is told to."""
    path, out = study(THEORY), tmp_path / "out.h5"
    job = subprocess.Popen(command("run", path, "-o", out, "--quiet"), env=environment(), stderr=subprocess.DEVNULL)
    time.sleep(3.0)
    assert job.poll() is None  # else too short a task to prove anything
    job.terminate()
    assert job.wait(timeout=20) == 2
    assert '"missing": 2' in meander("status", out, "--json")
