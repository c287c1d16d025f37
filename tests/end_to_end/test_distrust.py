"""Files that somebody has prepared, changed or removed: a run believes none of them, and never says done too early."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

import h5py
import numpy as np
import pytest

from conftest import SAMPLED, SMALL, arrays, assert_identical, command, copy, environment, meander, seal, snapshot

# Seconds of work on one rank.
LASTING = SAMPLED.replace("samples = 200", "samples = 2000").replace("realizations = 3", "realizations = 40")
LONGER = LASTING.replace("samples = 2000", "samples = 10000")


def shards_of(out):
    return sorted(pathlib.Path(f"{out}.shards").glob("*.shard"))


def start(*arguments, ranks=None):
    return subprocess.Popen(command(*arguments, ranks=ranks), env=environment(), stderr=subprocess.PIPE,
                            stdout=subprocess.DEVNULL, text=True)


def wait_for_rows(job, out, rows=1):
    """Until shards hold so many rows, with the run going on."""
    while job.poll() is None:
        try:
            held = 0
            for path in shards_of(out):
                with h5py.File(path, "r", locking=False) as file:
                    held += file["family_0/cell"].shape[0]
            if held >= rows:
                return
        except OSError:  # renewed meanwhile
            pass
        time.sleep(0.01)
    raise AssertionError(f"the run was over before: {job.communicate()[1]}")


def killed_run(study, out, rows=20):
    """Shards of a run that was killed in its middle."""
    job = start("run", study, "-o", out, "--checkpoint", "0.05", "--quiet")
    wait_for_rows(job, out, rows)
    job.send_signal(signal.SIGKILL)
    job.wait(timeout=60)
    assert not out.exists() and shards_of(out)
    return shards_of(out)


def edit(path, dataset, change):
    with h5py.File(path, "r+", locking=False) as file:
        values = file[dataset][()]
        change(values)
        file[dataset][...] = values
    seal(path)


def swap(values):
    values[[0, 1]] = values[[1, 0]]


def put(index, value):
    def change(values):
        values[index] = value

    return change


TAMPERED = {
    "longer": ("arrays/transitions.extents", put((0, 0), 6)),
    "far longer": ("arrays/transitions.extents", put((0, 0), 2**40)),
    "negative": ("arrays/transitions.extents", put((0, 0), -3)),
    "negative count": ("arrays/length.count", put(1, -7)),
    "another count": ("arrays/length.count", put(1, 2**62)),
    "swapped cells": ("cell", swap),
    "zeroed key": ("key", put(0, 0)),
    "unknown status": ("status", put(0, 9)),
}


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """A study, the shards that a killed run left of it, and what it gives."""
    folder = tmp_path_factory.mktemp("killed")
    path = folder / "study.toml"
    path.write_text(LASTING)
    meander("run", path, "-o", folder / "whole.h5", "--quiet")
    killed_run(path, folder / "out.h5")
    return folder


@pytest.mark.parametrize("name, ranks", [*((name, None) for name in TAMPERED), ("longer", 2), ("swapped cells", 2)])
def test_a_tampered_shard_with_a_new_seal_is_a_damaged_one(killed, tmp_path, name, ranks):
    shutil.copytree(killed, tmp_path / "copy")
    out = tmp_path / "copy" / "out.h5"
    bad = shards_of(out)[0]
    dataset, change = TAMPERED[name]
    edit(bad, f"family_0/{dataset}", change)
    before = bad.read_bytes()
    printed = meander("run", tmp_path / "copy" / "study.toml", "-o", out, ranks=ranks)
    assert printed.count("damaged shard (") == 1 and bad.name in printed, printed
    assert_identical(out, killed / "whole.h5")
    assert bad.read_bytes() == before, "it is left alone"
    assert "damaged shard" in meander("merge", tmp_path / "m.h5", bad, code=3)
    assert not (tmp_path / "m.h5").exists() and not pathlib.Path(f"{tmp_path}/m.h5.shards").exists()


def test_a_tampered_archive_is_refused_before_anything_is_computed(study, tmp_path):
    path, out = study(SMALL), tmp_path / "out.h5"
    meander("run", path, "-o", out, "--quiet")
    for dataset, value in (("status", 9), ("error_code", 5), ("error_code", -1)):
        bad = copy(out, tmp_path / "bad.h5")
        edit(bad, dataset, put((0,) * 5, value))
        before = bad.read_bytes()
        assert f"'{dataset}'" in meander("check", bad, code=1)
        assert f"'{dataset}'" in meander("run", path, "-o", bad, "--set", "realizations=4", code=3)
        assert f"'{dataset}'" in meander("show", bad, code=3)
        assert "damaged" in meander("merge", tmp_path / "m.h5", bad, out, code=3)
        assert bad.read_bytes() == before and not shards_of(bad)


@pytest.mark.parametrize("ranks", [None, 2])
@pytest.mark.parametrize("removed", ["archive", "shards", "all"])
def test_what_is_removed_while_a_run_works_is_missed(study, tmp_path, removed, ranks):
    path, out = study(LASTING), tmp_path / "out.h5"
    shards = pathlib.Path(f"{out}.shards")
    meander("run", path, "-o", out, "--set", "realizations=10", "--quiet")
    old = 0
    if removed == "shards":
        out.unlink()
        killed_run(path, out, 30)
        old = len(shards_of(out))
    job = start("run", path, "-o", out, "--checkpoint", "0.05", ranks=ranks)
    while len(shards_of(out)) <= old:
        assert job.poll() is None
        time.sleep(0.005)
    if removed in ("archive", "all"):
        out.unlink()
    if removed in ("shards", "all"):
        shutil.rmtree(shards, ignore_errors=True)
    printed = job.communicate(timeout=120)[1]
    assert job.returncode == 1, printed
    assert "missing" in printed and "run again" in printed, printed
    with h5py.File(out) as file:
        missing = sum(int((file[name][()] == 0).sum()) for name in file if name.startswith("status"))
    assert missing > 0 and f"results of {missing} task" in printed, printed
    meander("run", path, "-o", out, "--quiet", ranks=ranks)
    meander("run", path, "-o", tmp_path / "whole.h5", "--quiet")
    assert_identical(out, tmp_path / "whole.h5")


def test_the_shards_of_this_very_run_can_be_removed(study, tmp_path):
    """They are still in memory, and written once more."""
    path, out = study(LASTING), tmp_path / "out.h5"
    job = start("run", path, "-o", out, "--checkpoint", "0.05")
    wait_for_rows(job, out, 20)
    shutil.rmtree(f"{out}.shards", ignore_errors=True)
    printed = job.communicate(timeout=120)[1]
    assert job.returncode == 0, printed
    meander("run", path, "-o", tmp_path / "whole.h5", "--quiet")
    assert_identical(out, tmp_path / "whole.h5")


def test_a_part_misses_what_others_had_done(study, tmp_path):
    path, out = study(LASTING), tmp_path / "out.h5"
    assert "328 of 656" in meander("run", path, "-o", out, "--part", "1/2")
    job = start("run", path, "-o", out, "--part", "2/2", "--checkpoint", "0.05")
    while not shards_of(out):
        assert job.poll() is None
        time.sleep(0.005)
    out.unlink()
    printed = job.communicate(timeout=120)[1]
    assert job.returncode == 1 and "results of 328 tasks are missing" in printed, printed


def test_a_prepared_link_is_not_followed(study, tmp_path):
    path, out = study(SMALL), tmp_path / "out.h5"
    victim = tmp_path / "victim"
    victim.write_text("precious")
    whole = tmp_path / "whole.h5"
    meander("run", path, "-o", whole, "--quiet")
    shards = pathlib.Path(f"{out}.shards")
    shards.mkdir()
    (shards / "lock").symlink_to(victim)
    assert "link" in meander("run", path, "-o", out, code=3)
    assert "link" in meander("merge", out, whole, code=3)
    (shards / "lock").unlink()
    (tmp_path / "elsewhere").mkdir()
    shards.rmdir()
    shards.symlink_to(tmp_path / "elsewhere")
    assert "link" in meander("run", path, "-o", out, code=3)
    assert victim.read_text() == "precious" and not list((tmp_path / "elsewhere").iterdir())
    shards.unlink()
    if os.geteuid() == 0:
        shards.mkdir(mode=0o777)
        os.chown(shards, 12345, 12345)
        assert "another user" in meander("run", path, "-o", out, code=3)
        assert not list(shards.iterdir())


def test_merge_and_run_replace_an_archive_under_its_lock(study, tmp_path):
    path, out = study(LONGER), tmp_path / "out.h5"
    for part in (1, 2):
        meander("run", path, "-o", tmp_path / f"part-{part}.h5", "--part", f"{part}/2", "--set", "realizations=10", "--quiet")
    parts = [tmp_path / "part-1.h5", tmp_path / "part-2.h5"]
    job = start("run", path, "-o", out, "--checkpoint", "0.05", "--quiet")
    wait_for_rows(job, out)
    assert "another run writes this archive" in meander("merge", "--update", out, *parts, code=3)
    assert job.wait(timeout=120) == 0
    assert "the output exists" in meander("merge", out, *parts, code=3)
    before = arrays(out)
    meander("merge", "--update", out, *parts)
    after = arrays(out)
    assert all(np.array_equal(before[name], after[name], equal_nan=name != "@study" and before[name].dtype.kind == "f")
               for name in before if not name.startswith("@"))
    assert not pathlib.Path(f"{out}.shards").exists()
    meander("merge", "--update", tmp_path / "new.h5", *parts)
    meander("run", path, "-o", tmp_path / "ten.h5", "--set", "realizations=10", "--quiet")
    assert_identical(tmp_path / "new.h5", tmp_path / "ten.h5")


@pytest.mark.parametrize("size", [190, 229, 248])
def test_long_names_work(study, tmp_path, size):
    path = study(SMALL)
    out = tmp_path / ("x" * (size - 3) + ".h5")
    meander("run", path, "-o", out, "--set", "realizations=1", "--quiet", ranks=2)
    meander("run", path, "-o", out, "--quiet", ranks=2)
    meander("merge", tmp_path / ("y" * (size - 3) + ".h5"), out)
    assert sorted(p.name for p in tmp_path.iterdir() if p.is_dir()) == []


def test_names_that_are_too_long_are_refused_at_the_start(study, tmp_path):
    path = study(SMALL)
    before = snapshot(tmp_path)
    for arguments in (["-o", tmp_path / ("x" * 250)], ["-o", tmp_path / ("x" * 240), "--fresh"], ["-o", tmp_path / ("x" * 300)]):
        assert "too long" in meander("run", path, *arguments, code=3)
    deep = tmp_path
    while len(str(deep)) < 3900:
        deep = deep / ("d" * 200)
    deep.mkdir(parents=True)
    assert "too long" in meander("run", path, "-o", deep / ("x" * 60), code=3)
    assert snapshot(tmp_path) == before


def test_a_long_path_works(study, tmp_path):
    deep = tmp_path
    while len(str(deep)) < 3500:
        deep = deep / ("d" * 200)
    deep.mkdir(parents=True)
    out = deep / "out.h5"
    meander("run", study(SMALL), "-o", "out.h5", "--quiet", "--set", "realizations=1", cwd=deep)
    meander("run", study(SMALL), "-o", out, "--quiet", ranks=2)
    assert "intact" in meander("check", out)


def test_a_long_host_name(study, tmp_path):
    """In a machine's name of its own, where the system lets us have one."""
    name = "h" * 63
    if subprocess.run(["unshare", "--uts", "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("a host name of one's own needs root")
    out = tmp_path / ("x" * 229)
    done = subprocess.run(["unshare", "--uts", "sh", "-c", f'hostname {name}; exec "$@"', "sh",
                           *command("run", study(SMALL), "-o", out, "--quiet")], env=environment(), capture_output=True,
                          text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert socket.gethostname() != name


def test_a_link_to_an_archive_stays_one(study, tmp_path):
    path = study(LONGER)
    far = tmp_path / "far"
    far.mkdir()
    link, other, target = tmp_path / "out.h5", tmp_path / "other.h5", far / "real.h5"
    link.symlink_to("far/real.h5")
    other.symlink_to(target)
    job = start("run", path, "-o", link, "--checkpoint", "0.05", "--quiet")
    wait_for_rows(job, target)
    assert "another run writes this archive" in meander("run", path, "-o", other, code=3), "one archive, one lock"
    assert "done" in meander("status", other)
    assert job.wait(timeout=120) == 0
    assert link.is_symlink() and target.is_file() and not target.is_symlink()
    assert [p.name for p in far.iterdir()] == ["real.h5"] and not pathlib.Path(f"{link}.shards").exists()
    assert "656 from before" in meander("run", path, "-o", other)
    meander("run", path, "-o", link, "--fresh", "--quiet", "--set", "realizations=1")
    assert link.is_symlink() and sorted(p.name for p in far.iterdir()) == ["real.h5", "real.h5.before-1"]
    link.unlink()
    link.symlink_to("out.h5")
    assert "circles" in meander("run", path, "-o", link, code=3)


def test_mode_and_group_stay(study, tmp_path):
    path, out = study(SMALL), tmp_path / "out.h5"
    meander("run", path, "-o", out, "--set", "realizations=1", "--quiet")
    out.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(out, 12345, 23456)
    owner = out.stat().st_uid, out.stat().st_gid
    meander("run", path, "-o", out, "--quiet")
    assert out.stat().st_mode & 0o777 == 0o640 and (out.stat().st_uid, out.stat().st_gid) == owner
    meander("merge", "--update", out, copy(out, tmp_path / "copy.h5"))
    assert out.stat().st_mode & 0o777 == 0o640 and (out.stat().st_uid, out.stat().st_gid) == owner


def test_a_write_protected_archive_is_refused_at_the_start(study, tmp_path):
    path, out = study(SMALL), tmp_path / "out.h5"
    meander("run", path, "-o", out, "--set", "realizations=1", "--quiet")
    part = copy(out, tmp_path / "part.h5")
    out.chmod(0o444)
    before = snapshot(tmp_path)
    for arguments in (["run", path, "-o", out], ["run", path, "-o", out, "--fresh"], ["merge", "--update", out, part]):
        assert "write-protected" in meander(*arguments, code=3)
    assert snapshot(tmp_path) == before and out.stat().st_mode & 0o777 == 0o444
    assert not pathlib.Path(f"{out}.shards").exists()


def test_runs_of_one_rank_beside_each_other(study, tmp_path):
    """Open MPI gives each of them the same name, and the first to end removes what the others have in /tmp."""
    path = study(SMALL)
    for _ in range(6):
        jobs = [start("run", path, "-o", tmp_path / f"{i}.h5", "--quiet", "--fresh", "--set", "realizations=1") for i in range(3)]
        printed = [job.communicate(timeout=60)[1] for job in jobs]
        assert [job.returncode for job in jobs] == [0, 0, 0], printed


def test_the_file_of_times_takes_the_place_of_nothing_else(study, tmp_path):
    """It is written last: over the archive, a study or data, it would lose them after all computing."""
    path, out = study(SMALL), tmp_path / "a.h5"
    meander("run", path, "-o", out, "--quiet")
    data, link, fifo = tmp_path / "data", tmp_path / "link", tmp_path / "fifo"
    data.write_bytes(b"\x00\x00\x08\x03")
    link.symlink_to(out)
    os.mkfifo(fifo)
    other = tmp_path / "b.h5"
    for place in (out, link, path, data, fifo, tmp_path, tmp_path / "none" / "r.json", other):
        before = snapshot(tmp_path)
        printed = meander("run", path, "-o", other, "--timing", place, code=3, timeout=20)
        assert printed.startswith(f"--timing {place}: error: ") and printed.count("\n") == 1, printed
        assert snapshot(tmp_path) == before
    for place in ("r.json", tmp_path / "r.json"):
        meander("run", path, "-o", out, "--timing", place, cwd=tmp_path)
    assert (tmp_path / "r.json").read_text().startswith("{")
    assert "it is the archive" in meander("run", path, "--timing", "study.h5", cwd=tmp_path, code=3)
