"""Faults of the machine: what was computed is kept, and the message says what happened."""

import os
import pathlib
import shutil
import signal
import subprocess
import time

import h5py
import pytest

from conftest import MPIRUN, PROGRAM, SAMPLED, SMALL, assert_identical, command, copy, environment, library, meander, snapshot


def mounted(folder, options):
    """A small or read-only file system of its own, or a skip where mounting is not allowed."""
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True, check=False)
    if done.returncode != 0:
        pytest.skip("mounting a file system needs root")


@pytest.fixture
def small_disk(tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted(folder, "size=160k")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_full_disk(study, tmp_path, small_disk):
    path = study(SMALL.replace("realizations = 3", "realizations = 100"))
    out = small_disk / "out.h5"
    printed = meander("run", path, "-o", out, "--checkpoint", "0.05", code=1)
    assert "space" in printed.lower(), printed
    if out.exists():
        meander("check", out)
    subprocess.run(["mount", "-o", "remount,size=32m", str(small_disk)], check=True)
    meander("run", path, "-o", out, "--quiet")
    meander("run", path, "-o", tmp_path / "whole.h5", "--quiet")
    assert_identical(out, tmp_path / "whole.h5")


def test_full_disk_keeps_the_old_archive(study, small_disk):
    path = study(SMALL)
    out = small_disk / "out.h5"
    subprocess.run(["mount", "-o", "remount,size=4m", str(small_disk)], check=True)
    meander("run", path, "-o", out, "--set", "realizations=1", "--quiet")
    before = out.read_bytes()
    free = shutil.disk_usage(small_disk).free
    (small_disk / "ballast").write_bytes(b"x" * (free - 300 * 1024))
    meander("run", path, "-o", out, "--set", "realizations=200", code=1)
    assert out.read_bytes() == before
    (small_disk / "ballast").unlink()
    meander("run", path, "-o", out, "--set", "realizations=2", "--quiet")
    meander("check", out)


def test_a_disk_that_breaks_while_the_archive_is_written_loses_nothing(study, tmp_path, monkeypatch):
    """Rank 0 writes: all ranks end with its failure. (Every other call on every rank: test_agreement.py.)"""
    path, out = study(SMALL), tmp_path / "out.h5"
    meander("run", path, "-o", out, "--set", "realizations=1", "--quiet")
    before = out.read_bytes()
    with monkeypatch.context() as patch:
        failing = {"LD_PRELOAD": library("failing_writes"), "FAIL_RANK": "0", "FAIL_NAME": f"{tmp_path}/out.h5.tmp-", "FAIL_AFTER": "2"}
        for name, value in failing.items():
            patch.setenv(name, value)
        printed = meander("run", path, "-o", out, "--quiet", ranks=3, code=1, timeout=100)
    lines = [line for line in printed.splitlines() if "the archive could not be written" in line and "nothing that was there is changed" in line]
    assert len(lines) == 1, printed
    assert out.read_bytes() == before
    assert sorted(item.name for item in tmp_path.iterdir()) == ["out.h5", "out.h5.shards", "study.toml"]
    assert "(16 from before)" not in meander("run", path, "-o", out), "the shards hold what was computed"
    meander("run", path, "-o", tmp_path / "whole.h5", "--quiet")
    assert_identical(out, tmp_path / "whole.h5")


def test_a_crash_is_one_line(study, tmp_path):
    text = SAMPLED.replace("samples = 200", "samples = 200000").replace("[20, 31]", "[200]")
    path, out = study(text), tmp_path / "out.h5"
    job = subprocess.Popen(command("run", path, "-o", out, "--quiet"), env=environment(), stderr=subprocess.PIPE, text=True)
    while not pathlib.Path(f"{out}.shards").exists():
        assert job.poll() is None
    time.sleep(0.5)
    job.send_signal(signal.SIGSEGV)
    printed = job.communicate(timeout=60)[1]
    assert job.returncode == -signal.SIGSEGV
    assert printed.count("\n") == 1 and "SIGSEGV" in printed and "run the same command again" in printed, printed


# One task of a few numbers, and one of weights of 650 MB.
LARGE = """
title = "large"
measure = "transitions"
seed = 7
[sweep]
width = [20, 9000]
depth = 2
sigma_w = 1.5
activation = "relu"
[input]
dimension = 4
[curve]
samples = 4
[transitions]
method = "sampled"
"""


def status_of(out):
    with h5py.File(out) as file:
        return file["status"][()].ravel().tolist()


def test_a_task_that_finds_no_memory_is_a_failed_cell_and_can_be_tried_again(study, tmp_path):
    path, out = study(LARGE), tmp_path / "out.h5"
    start = subprocess.run(
        [*MPIRUN, "-n", "2", "sh", "-c", 'ulimit -v 1500000; exec "$@"', "sh", *command("run", path, "-o", out)],
        env=environment(), capture_output=True, text=True, timeout=120,
    )
    assert start.returncode == 1 and "1 failed" in start.stderr, start.stderr
    assert status_of(out) == [1, 2]
    assert "out of memory" in meander("status", out)
    meander("run", path, "-o", out, "--quiet", "--retry-failed")
    assert status_of(out) == [1, 1]


@pytest.fixture
def little_memory():
    """A control group whose processes get 400 MB together: the kernel kills the largest of them when they want more."""
    for root, limit in (("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")):
        group = pathlib.Path(root, f"meander-test-{os.getpid()}")
        try:
            group.mkdir()
            (group / limit).write_text(str(400 << 20))
        except OSError:
            group.exists() and group.rmdir()
            continue
        yield group / "cgroup.procs"
        for pid in (group / "cgroup.procs").read_text().split():
            os.kill(int(pid), signal.SIGKILL)
        time.sleep(0.2)
        group.rmdir()
        return
    pytest.skip("making a control group for memory needs root")


def test_a_rank_that_the_kernel_kills_for_memory_ends_the_job_and_can_be_resumed(study, tmp_path, little_memory):
    path, out, whole = study(LARGE), tmp_path / "out.h5", tmp_path / "whole.h5"
    # The limit holds, and is hidden from the run, which would refuse to start: as where others in the group take memory.
    hidden = f'echo $$ > {little_memory}; mount -t tmpfs none /sys/fs/cgroup; exec "$@"'
    start = subprocess.run(
        ["unshare", "--mount", "sh", "-c", hidden, "sh", "mpirun", *MPIRUN[2:],
         *command("run", path, "-o", out, "--checkpoint", "0.1", ranks=2)[len(MPIRUN):]],
        env=environment(), capture_output=True, text=True, timeout=120,
    )
    assert start.returncode == 128 + signal.SIGKILL, start.stderr
    assert "exited on signal 9" in start.stderr  # mpirun's own words; its -q keeps them back
    assert not out.exists()
    meander("run", path, "-o", out, "--quiet", ranks=2)
    meander("run", path, "-o", whole, "--quiet")
    assert_identical(out, whole)


def test_read_only_directory(study, tmp_path):
    folder = tmp_path / "fixed"
    folder.mkdir()
    mounted(folder, "ro")
    try:
        printed = meander("run", study(SMALL), "-o", folder / "out.h5", code=3)
        assert "fixed" in printed
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_task_that_overflows_is_out_of_range_and_the_rest_goes_on(study, tmp_path):
    import xarray

    text = SMALL.replace("[1.5, 3.0]", "[2.0, 1e60]")
    meander("run", study(text), "-o", tmp_path / "out.h5", "--quiet")
    dataset = xarray.load_dataset(tmp_path / "out.h5", engine="h5netcdf")
    huge = dataset.sel(sigma_w=1e60, activation="relu", depth=5)
    assert (huge.status == 1).all() or (huge.status == 4).all()
    text = SMALL.replace("[1.5, 3.0]", "[2.0, 1e80]")
    meander("run", study(text), "-o", tmp_path / "two.h5", "--quiet")
    dataset = xarray.load_dataset(tmp_path / "two.h5", engine="h5netcdf")
    assert (dataset.sel(sigma_w=1e80, activation="relu", depth=5).status == 4).all()
    assert (dataset.sel(sigma_w=2.0).status == 1).all()
    assert dataset.length.sel(sigma_w=1e80, activation="relu", depth=5).max() < 1e308


def test_damaged_shard_is_left_alone_and_done_again(study, tmp_path):
    path, out = study(SMALL), tmp_path / "out.h5"
    shards = pathlib.Path(f"{out}.shards")
    shards.mkdir()
    (shards / "broken.shard").write_bytes(b"torn")
    printed = meander("run", path, "-o", out)
    assert "broken.shard" in printed and out.exists()
    assert (shards / "broken.shard").read_bytes() == b"torn"
    meander("check", out)


def test_a_rank_that_dies_ends_the_job_and_can_be_resumed(study, tmp_path):
    text = SAMPLED.replace("samples = 200", "samples = 20000").replace("[20, 31]", "[200]")
    path, out = study(text), tmp_path / "out.h5"
    job = subprocess.Popen(command("run", path, "-o", out, "--checkpoint", "0.1", "--quiet", ranks=3), env=environment())
    while not pathlib.Path(f"{out}.shards").exists():
        assert job.poll() is None
    found = subprocess.run(["pgrep", "-f", f"^{PROGRAM} run {path}"], capture_output=True, text=True)
    victims = found.stdout.split()
    assert victims
    os.kill(int(victims[-1]), 9)
    assert job.wait(timeout=120) not in (0, 2, 3)
    before = snapshot(tmp_path)
    meander("run", path, "-o", out, "--quiet", ranks=2)
    assert copy(out, tmp_path / "copy.h5").exists() and before
    meander("check", out)
