"""`meander status` on folders: what is done, running, waiting and failed, with Slurm's word for the jobs."""

import json
import pathlib
import subprocess

from conftest import SLOW, end_to_end

meander = end_to_end.meander
SMALL = end_to_end.SMALL


def status(folder):
    return {item["archive"]: item for item in json.loads(meander("status", folder, "--json"))}


def test_folder_of_runs(study, tmp_path):
    meander("run", study(SMALL), "-o", tmp_path / "done.h5", "--quiet")
    meander("run", study(SMALL), "-o", tmp_path / "half.h5", "--quiet", "--part", "1/2")
    text = SMALL.replace("[1.5, 3.0]", "[2.0, 1e80]") + '[transitions]\nmethod = "sampled"\n'
    meander("run", study(text), "-o", tmp_path / "wild.h5", "--quiet")
    (tmp_path / "notes.h5").write_bytes(b"not HDF5")
    found = status(tmp_path)
    assert {name: item["state"] for name, item in found.items()} == {
        "done.h5": "done",
        "half.h5": "stopped",
        "wild.h5": "done",
        "notes.h5": "unreadable",
    }
    assert found["done.h5"]["done"] == found["done.h5"]["cells"] > found["half.h5"]["done"] > 0
    shown = meander("status", tmp_path)
    assert "notes.h5" in shown
    failures = found["wild.h5"]["failures"]
    if failures:  # out of range with a reason: by parameter
        assert all("sigma_w = 1e+80" in failure["point"] or "sigma_w = 1e80" in failure["point"] for failure in failures)
        points = {}
        for failure in failures:
            points.setdefault(failure["message"], set()).add(failure["point"])
        assert "more point" in shown or max(map(len, points.values())) <= 3  # of each reason


def test_folder_without_archives(tmp_path):
    assert "no archive" in meander("status", tmp_path, code=3)


def test_jobs_with_their_state(cluster, site, study, tmp_path):
    archive = tmp_path / "out.h5"
    path = study(SLOW)
    options = ["--site", site(), "--yes", "--checkpoint", 0.3, "--ranks", 2]
    meander("submit", path, *options, "-o", archive)
    cluster.run("scontrol", "update", "PartitionName=short", "State=DOWN")
    waiting = ["--site", site("other.toml", partition='"short"', max_time='"00:02:00"'), "--yes", "--time", "00:02:00"]
    meander("submit", path, *waiting, "-o", tmp_path / "late.h5", "--array", 2)
    try:
        cluster.wait_until(lambda: status(tmp_path)["out.h5"]["done"] > 0, 60, "no cells")
        found = status(tmp_path)
        assert found["out.h5"]["state"] == "running" and found["out.h5"]["jobs"][0]["state"] == "RUNNING"
        assert found["late.h5"]["state"] == "waiting" and len(found["late.h5"]["jobs"]) == 3
        assert {job["reason"] for job in found["late.h5"]["jobs"]} >= {"PartitionDown"}
        shown = meander("status", tmp_path / "late.h5")
        assert "PENDING (PartitionDown)" in shown, shown
        shown = meander("status", archive)
        job = found["out.h5"]["jobs"][0]["id"]
        assert f"job {job} RUNNING" in shown and f", job {job}" in shown, shown
    finally:
        cluster.cancel_all()
        cluster.run("scontrol", "update", "PartitionName=short", "State=UP")


def test_what_gave_up_is_failed_and_says_why(cluster, site, study, tmp_path):
    program = tmp_path / "crashing"
    program.write_text(f'#!/bin/sh\n[ "$1" = run ] && kill -SEGV $$\nexec {end_to_end.PROGRAM} "$@"\n')
    program.chmod(0o755)
    where = site(program=f'"{program}"', max_tries="1")
    meander("submit", study(SMALL), "--site", where, "--yes", "--ranks", 1, "-o", tmp_path / "out.h5")
    cluster.wait_for_queue()
    item = status(tmp_path)["out.h5"]
    assert item["state"] == "failed" and "exit code 139" in item["jobs"][0]["last"]
    assert "gave up after 1 tries (exit code 139)" in meander("status", tmp_path)
    assert not pathlib.Path(tmp_path / "out.h5").exists()
    assert subprocess.run(["squeue", "--noheader"], capture_output=True, check=True).stdout == b""
