"""`./run` as a user calls it, less what it installs and builds: which figure it draws, what it says, what its ranks open."""

import os
import pathlib
import shutil
import signal
import subprocess
import time

import pytest

from conftest import MPIRUN, PROGRAM, SAMPLED, SMALL, SOURCE, command, environment, meander, open_to_networks, processes

# Some seconds of work.
LASTING = SAMPLED.replace("samples = 200", "samples = 20000").replace("[20, 31]", "[200]").replace("realizations = 3", "realizations = 50")


@pytest.fixture
def run(tmp_path):
    """A source tree of the script alone, in which nothing is left to install or build."""
    root = tmp_path / "source tree"
    (root / "cmake").mkdir(parents=True)
    (root / "build" / "release").mkdir(parents=True)
    shutil.copy(SOURCE / "run", root / "run")
    (root / "cmake" / "setup.sh").write_text(f". '{SOURCE}/cmake/setup.sh'\ninstall_packages() {{ :; }}\nbuild() {{ :; }}\n")
    (root / "build" / "release" / "meander").symlink_to(PROGRAM)
    (root / "build" / "release" / "meander-plot").symlink_to(pathlib.Path(os.environ["MEANDER_PLOT"]).resolve())
    return [root / "run"]


def settings():
    """What `./run` sets itself is not there before."""
    inherited = {name: value for name, value in environment().items() if not name.startswith("OMPI_MCA_")}
    return {**inherited, "MEANDER_RANKS": "2", "MPLBACKEND": "Agg"}


@pytest.mark.parametrize(
    "options, archive",
    [
        (["--timing", "r.json"], "study.h5"),
        (["--checkpoint", "5", "--set", "seed=3", "--quiet", "-oother.h5"], "other.h5"),
        (["--output", "spaces in it.h5", "--time-limit=500"], "spaces in it.h5"),
    ],
)
def test_the_figure_is_that_of_the_archive_that_was_written(run, study, tmp_path, options, archive):
    path = study(SMALL)
    done = subprocess.run([*run, path, *options], cwd=tmp_path, env=settings(), capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0 and done.stdout == "", done.stderr
    assert f"archive  {archive}\n" in done.stderr and "figure   " in done.stderr, done.stderr
    assert (tmp_path / archive).with_suffix(".png").exists(), sorted(tmp_path.iterdir())
    assert ("--timing" in options) == (tmp_path / "r.json").exists()


def test_no_figure_of_a_run_that_was_refused(run, study, tmp_path):
    meander("run", study(SMALL), "--quiet", cwd=tmp_path)
    done = subprocess.run([*run, tmp_path / "study.toml", "--set", "measure='none'"], cwd=tmp_path, env=settings(), capture_output=True, text=True, check=False)
    assert done.returncode == 3 and "figure" not in done.stderr and "archive  " not in done.stderr, done.stderr
    done = subprocess.run([*run, "x.toml", "--help"], cwd=tmp_path, env=settings(), capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "--timing" in done.stdout, done.stdout + done.stderr


def test_a_run_names_its_archive_on_standard_output_alone(study, tmp_path):
    for options, archive in ([], "study.h5"), (["-o", "a b.h5", "--quiet"], "a b.h5"):
        done = subprocess.run(command("run", study(SMALL), *options, ranks=2), cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False)
        assert done.returncode == 0 and done.stdout == f"{archive}\n", done.stdout


def wait_for_ranks(job, path, ranks):
    """Until all of them work."""
    end = time.monotonic() + 60
    while len(processes(path)) < ranks or not list(path.parent.glob("*.shards")):
        assert job.poll() is None and time.monotonic() < end
        time.sleep(0.05)
    time.sleep(0.3)
    return processes(path)


@pytest.mark.parametrize("start", ["run", "mpirun", "alone"])
def test_ranks_of_one_machine_listen_to_no_network(run, study, tmp_path, start):
    path = study(LASTING)
    begin = {"run": [*run, path], "mpirun": command("run", path, ranks=2), "alone": command("run", path)}[start]
    job = subprocess.Popen(begin, cwd=tmp_path, env=settings(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    ranks = wait_for_ranks(job, path, 1 if start == "alone" else 2)
    heard = [address for pid in ranks for address in open_to_networks(pid)]
    children = subprocess.run(["ps", "--ppid", ",".join(map(str, ranks)), "-o", "comm="], capture_output=True, text=True, check=False).stdout
    job.send_signal(signal.SIGUSR1 if start != "alone" else signal.SIGINT)
    printed = job.communicate(timeout=60)[1]
    assert job.returncode == 2, printed
    assert not heard, heard
    assert "orted" not in children, "Open MPI's own daemon listens"


@pytest.mark.parametrize("start", ["run", "mpirun", "mpirun of one", "alone"])
def test_a_death_that_nobody_can_report_is_reported(run, study, tmp_path, start):
    """mpirun -q keeps back that a rank was killed, and ends the others."""
    path = study(LASTING)
    begin = {"run": [*run, path, "--quiet"], "mpirun": command("run", path, "--quiet", ranks=3), "alone": command("run", path, "--quiet")}
    begin["mpirun of one"] = command("run", path, "--quiet", ranks=1)
    assert MPIRUN[1] == "-q"
    job = subprocess.Popen(begin[start], cwd=tmp_path, env=settings(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    ranks = wait_for_ranks(job, path, {"run": 2, "mpirun": 3}.get(start, 1))
    os.kill(ranks[-1], signal.SIGKILL)
    printed = job.communicate(timeout=60)[1]
    assert job.returncode in (128 + signal.SIGKILL, -signal.SIGKILL)
    lines = [line for line in printed.splitlines() if "died" in line]
    assert len(lines) == 1 and "run the same command again to go on" in lines[0], printed


def test_last_words_are_kept_to_themselves_where_a_run_ends_by_itself(study, tmp_path):
    refused = meander("run", study(SMALL), "--set", "seed=-1", cwd=tmp_path, ranks=2, code=3)
    assert "died" not in refused + meander("run", study(SMALL), cwd=tmp_path, ranks=2)
    assert "died" not in meander("run", study(SMALL), "-o", tmp_path / "none" / "out.h5", code=3)
