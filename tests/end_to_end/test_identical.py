"""The same study gives the same archive, however it was computed."""

import pathlib
import random
import signal
import subprocess
import time

import numpy as np
import pytest
import xarray

from conftest import SMALL, assert_identical, command, copy, environment, meander


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The archive of SMALL from one process: what every other way is held against."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "study.toml").write_text(SMALL)
    meander("run", "study.toml", "-o", "whole.h5", cwd=folder)
    return folder / "whole.h5"


@pytest.mark.parametrize("ranks", [1, 2, 3, 4])
def test_rank_counts(study, tmp_path, whole, ranks):
    meander("run", study(SMALL), "-o", tmp_path / "a.h5", ranks=ranks)
    assert_identical(whole, tmp_path / "a.h5")
    assert not (tmp_path / "a.h5.shards").exists()


def test_every_rank_a_node(study, tmp_path, whole, monkeypatch):
    monkeypatch.setenv("MEANDER_PRETEND_NODES", "1")
    meander("run", study(SMALL), "-o", tmp_path / "a.h5", ranks=3)
    assert_identical(whole, tmp_path / "a.h5")


def test_halves_of_the_sweep_merge_to_the_whole(study, tmp_path, whole):
    path = study(SMALL)
    low, high, out = tmp_path / "low.h5", tmp_path / "high.h5", tmp_path / "out.h5"
    meander("run", path, "--set", "sweep.sigma_w=[1.5]", "-o", low, ranks=2)
    meander("run", path, "--set", "sweep.sigma_w=[3.0]", "-o", high)
    meander("merge", out, low, high)
    assert_identical(whole, out)
    out.unlink()
    meander("merge", out, high, low)
    assert_identical(whole, out)


def test_parts_of_a_job_array_merge_to_the_whole(study, tmp_path, whole):
    path = study(SMALL)
    parts = [tmp_path / f"part{i}.h5" for i in (1, 2, 3)]
    for i, part in enumerate(parts, start=1):
        meander("run", path, "--part", f"{i}/3", "-o", part)
    done = [int((xarray.open_dataset(p, engine="h5netcdf").status == 1).sum()) for p in parts]
    assert sum(done) == 48 and all(done)
    meander("merge", tmp_path / "out.h5", *parts)
    assert_identical(whole, tmp_path / "out.h5")


def test_extension_computes_only_what_is_new(study, tmp_path, whole):
    path, out = study(SMALL), tmp_path / "out.h5"
    meander("run", path, "--set", "sweep.sigma_w=[3.0]", "--set", "realizations=2", "-o", out)
    printed = meander("run", path, "-o", out, ranks=2)
    assert_identical(whole, out)
    seconds = xarray.open_dataset(out, engine="h5netcdf").seconds
    assert seconds.notnull().all(), printed


def test_a_smaller_sweep_loses_nothing(study, tmp_path, whole):
    path, out = study(SMALL), tmp_path / "out.h5"
    copy(whole, out)
    meander("run", path, "--set", "sweep.width=[20]", "-o", out)
    dataset = xarray.open_dataset(out, engine="h5netcdf")
    assert (dataset.status == 1).all() and list(dataset.width) == [20, 31]


SLOWER = SMALL.replace("samples = 200", "samples = 12000").replace("[20, 31]", "[60, 131]").replace("realizations = 3", "realizations = 6")
SLOWER += '[transitions]\nmethod = "sampled"\n'  # exact counts of so small networks are over too soon


@pytest.fixture(scope="module")
def slower(tmp_path_factory):
    folder = tmp_path_factory.mktemp("slower")
    (folder / "study.toml").write_text(SLOWER)
    start = time.monotonic()
    meander("run", "study.toml", "-o", "whole.h5", "--quiet", ranks=2, cwd=folder)
    return folder / "whole.h5", time.monotonic() - start


@pytest.mark.parametrize("attempt", range(3))
def test_killed_and_resumed(study, tmp_path, slower, attempt):
    """SIGKILL of every rank at a random moment, twice, then a run that finishes."""
    whole, wall = slower
    path, out = study(SLOWER), tmp_path / "out.h5"
    chance = random.Random()
    for _ in range(2):
        job = subprocess.Popen(
            command("run", path, "-o", out, "--checkpoint", "0.1", "--quiet", ranks=2),
            env=environment(),
            start_new_session=True,
        )
        time.sleep(chance.uniform(0.2, wall))
        subprocess.run(["pkill", "-KILL", "-f", f"meander run {path}"], check=False)
        job.wait(timeout=60)
    meander("run", path, "-o", out, "--quiet", ranks=3)
    assert_identical(whole, out)
    assert not pathlib.Path(f"{out}.shards").exists()


def test_results_on_disk_survive_a_kill(study, tmp_path, slower):
    """What a shard held when everything was killed is not computed again."""
    _, wall = slower
    path, out = study(SLOWER), tmp_path / "out.h5"
    job = subprocess.Popen(command("run", path, "-o", out, "--checkpoint", "0.05", "--quiet"), env=environment())
    shards = pathlib.Path(f"{out}.shards")
    deadline = time.monotonic() + 60
    while not list(shards.glob("*.shard")) and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.2)
    job.send_signal(signal.SIGKILL)
    job.wait(timeout=60)
    kept = meander("status", out, "--json")
    printed = meander("run", path, "-o", out)
    assert "(0 from before)" not in printed, kept


def test_signal_stops_cleanly_and_the_next_run_goes_on(study, tmp_path, slower):
    whole, wall = slower
    path, out = study(SLOWER), tmp_path / "out.h5"
    job = subprocess.Popen(command("run", path, "-o", out, ranks=2), env=environment(), start_new_session=True)
    shards = pathlib.Path(f"{out}.shards")
    deadline = time.monotonic() + 60
    while not shards.exists() and time.monotonic() < deadline:  # until the first tasks are under way
        time.sleep(0.01)
    time.sleep(0.2 * wall)
    job.send_signal(signal.SIGUSR1)
    code = job.wait(timeout=60)
    assert code == 2
    status = xarray.load_dataset(out, engine="h5netcdf").status
    assert 0 < int((status == 1).sum()) < status.size
    meander("run", path, "-o", out, ranks=2)
    assert_identical(whole, out)


@pytest.mark.parametrize("name", [signal.SIGTERM, signal.SIGINT])
def test_one_process_stops_on_terminate_and_interrupt(study, tmp_path, slower, name):
    path, out = study(SLOWER), tmp_path / "out.h5"
    job = subprocess.Popen(command("run", path, "-o", out, "--quiet"), env=environment(), start_new_session=True)
    while not list(tmp_path.glob("out.h5.shards/*.shard")):  # which is written before the first task
        assert job.poll() is None
        time.sleep(0.01)
    job.send_signal(name)
    assert job.wait(timeout=60) == 2
    assert out.exists()


def test_time_limit(study, tmp_path, slower):
    whole, _ = slower
    path, out = study(SLOWER), tmp_path / "out.h5"
    meander("run", path, "-o", out, "--time-limit", 0.3, "--quiet", code=2)
    meander("run", path, "-o", out, "--quiet", ranks=2)
    assert_identical(whole, out)


def test_common_noise_and_independent_noise(study, tmp_path):
    """Neighbouring cells share their draws unless the study asks otherwise."""
    text = SMALL.replace('activation = ["hard_tanh", "relu"]', 'activation = "relu"')
    meander("run", study(text), "-o", tmp_path / "common.h5")
    meander("run", study('coupling = "independent"\n' + text), "-o", tmp_path / "independent.h5")
    common = xarray.load_dataset(tmp_path / "common.h5", engine="h5netcdf")
    other = xarray.load_dataset(tmp_path / "independent.h5", engine="h5netcdf")
    # Bias-free ReLU networks that differ in sigma_w only are one network up to scale.
    np.testing.assert_array_equal(common.transitions.sel(sigma_w=1.5), common.transitions.sel(sigma_w=3.0))
    assert (other.transitions.sel(sigma_w=1.5).values != other.transitions.sel(sigma_w=3.0).values).any()
