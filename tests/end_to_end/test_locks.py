"""File systems without locks (NFS without lockd, DVS, Lustre without flock): a study runs all the same, and two runs do
not write one archive at once."""

import errno
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

from conftest import SAMPLED, SMALL, assert_identical, command, environment, library, meander

STUDY = SMALL.replace("realizations = 3", "realizations = 1")
LASTING = SAMPLED.replace("samples = 200", "samples = 100000").replace("realizations = 3", "realizations = 100")
REFUSALS = {"ENOLCK": errno.ENOLCK, "EOPNOTSUPP": errno.EOPNOTSUPP, "ENOTSUPP": 524, "ENOSYS": errno.ENOSYS}


def without_locks(number):
    return {**environment(), "LD_PRELOAD": library("refusing_locks"), "REFUSE_LOCKS": str(number)}


def run_without_locks(*arguments, ranks=None, number=errno.ENOLCK):
    return subprocess.run(
        command(*arguments, ranks=ranks), env=without_locks(number), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, timeout=60, check=False,
    )


@pytest.fixture
def lasting(study, tmp_path):
    """A run without locks that goes on until the test is over; its process and archive."""
    out = tmp_path / "out.h5"
    run = subprocess.Popen(command("run", study(LASTING), "-o", out, "--quiet", "--checkpoint", "0.1"), env=without_locks(errno.ENOLCK))
    held = pathlib.Path(f"{out}.shards") / "lock.held"
    deadline = time.monotonic() + 30
    while not (held.exists() and held.read_text()) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert held.exists()
    yield run, out
    run.kill()
    run.wait()


@pytest.mark.parametrize(("ranks", "refusal"), [(1, "EOPNOTSUPP"), (2, "ENOLCK"), (3, "ENOTSUPP"), (2, "ENOSYS")])
def test_a_study_runs_where_locks_are_refused(study, tmp_path, ranks, refusal):
    path, out, whole = study(STUDY), tmp_path / "out.h5", tmp_path / "whole.h5"
    meander("run", path, "-o", whole, "--quiet")
    done = run_without_locks("run", path, "-o", out, "--quiet", ranks=ranks, number=REFUSALS[refusal])
    assert done.returncode == 0, done.stdout
    assert done.stdout == f"{out}\n"
    assert_identical(whole, out)
    assert not pathlib.Path(f"{out}.shards").exists()
    merged = tmp_path / "merged.h5"
    done = run_without_locks("merge", merged, out, whole, number=REFUSALS[refusal])
    assert done.returncode == 0, done.stdout
    assert_identical(whole, merged)


def test_a_second_run_is_refused(lasting, tmp_path):
    run, out = lasting
    done = run_without_locks("run", tmp_path / "study.toml", "-o", out)
    assert done.returncode == 3, done.stdout
    assert f"another run writes this archive (process {run.pid} on " in done.stdout
    assert "lock.held" in done.stdout
    assert "another run writes" in meander("run", tmp_path / "study.toml", "-o", out, code=3)  # a host that has locks
    assert f"process {run.pid}" in run_without_locks("status", out).stdout
    assert run.poll() is None


def test_a_killed_run_is_gone_on_with(lasting, tmp_path):
    run, out = lasting
    run.send_signal(signal.SIGKILL)
    run.wait()
    held = pathlib.Path(f"{out}.shards") / "lock.held"
    assert held.exists()
    assert f"process {run.pid}" not in run_without_locks("status", out).stdout
    path = tmp_path / "study.toml"
    done = run_without_locks("run", path, "-o", out, "--quiet", "--time-limit", "1")
    assert done.returncode in (0, 2), done.stdout
    assert not held.exists()


def test_the_lock_of_another_host_stays(study, tmp_path):
    """Whether its run is over cannot be known here: the user says so."""
    path, out = study(STUDY), tmp_path / "out.h5"
    held = pathlib.Path(f"{out}.shards") / "lock.held"
    held.parent.mkdir()
    held.write_text("process 1 on elsewhere since 2026-01-01 00:00:00 UTC")
    done = run_without_locks("run", path, "-o", out)
    assert done.returncode == 3 and "process 1 on elsewhere" in done.stdout and f"remove {held}" in done.stdout
    assert held.read_text().startswith("process 1 on elsewhere")
    held.unlink()
    assert run_without_locks("run", path, "-o", out).returncode == 0


def test_many_runs_at_once_take_one_stale_lock(study, tmp_path):
    """Of runs that find a killed one's lock at the same moment one goes on at a time."""
    path, out = study(STUDY), tmp_path / "out.h5"
    held = pathlib.Path(f"{out}.shards") / "lock.held"
    held.parent.mkdir()
    over = subprocess.Popen([sys.executable, "-c", ""])
    over.wait()
    held.write_text(f"process {over.pid} on {os.uname().nodename} since 2026-01-01 00:00:00 UTC")
    runs = [
        subprocess.Popen(command("run", path, "-o", out, "--quiet"), env=without_locks(errno.ENOLCK), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for _ in range(4)
    ]
    printed = [run.communicate(timeout=60)[0] for run in runs]
    codes = [run.returncode for run in runs]
    assert 0 in codes and set(codes) <= {0, 3}, printed
    assert not held.parent.exists()
