"""`meander scale`: rank counts side by side, in one archive that opens like any other."""

import json
import os
import subprocess

import h5py
import numpy as np
import pytest
import xarray

from conftest import SMALL, command, environment, meander, snapshot

STAGES = ("preparing", "computing", "scheduling", "writing")


def opened(path):
    return xarray.open_dataset(path, engine="h5netcdf").load()


@pytest.fixture(scope="module")
def scaled(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scale")
    (folder / "study.toml").write_text(SMALL)
    printed = meander("scale", "study.toml", "--ranks", "1,2", "--repeats", "2", "-o", "s.h5", cwd=folder)
    return folder, printed


def test_the_archive(scaled):
    folder, printed = scaled
    dataset = opened(folder / "s.h5")
    assert dataset.wall.dims == ("ranks", "repeat") and dataset.wall.shape == (2, 2)
    assert list(dataset.ranks.values) == [1, 2] and list(dataset.repeat.values) == [0, 1]
    assert dataset.attrs["filetype"] == "meander_study" and dataset.attrs["measure"] == "scaling"
    assert (dataset.status == 1).all() and (dataset.tasks == 64).all()
    np.testing.assert_allclose(sum(dataset[stage] for stage in STAGES), dataset.wall, rtol=1e-9)
    np.testing.assert_allclose(dataset.efficiency, dataset.computing / dataset.wall, rtol=1e-9)
    assert (dataset.computing_least <= dataset.computing).all() and (dataset.computing <= dataset.computing_most).all()
    assert (dataset.launching > 0).all() and (dataset.computing > 0).all()
    assert dataset.wall.attrs["units"] == "s"
    meander("check", folder / "s.h5")
    assert "4 of 4 cells done" in meander("show", folder / "s.h5")
    assert sorted(path.name for path in folder.iterdir()) == ["s.h5", "study.toml"], "scratch files are left"


def test_runs_are_interleaved(scaled):
    order = [line.split(":")[0] for line in scaled[1].splitlines() if line.startswith("repeat ")]
    assert order == ["repeat 1 of 2, 1 rank", "repeat 1 of 2, 2 ranks", "repeat 2 of 2, 1 rank", "repeat 2 of 2, 2 ranks"]


def test_the_figure_and_the_table(scaled, tmp_path):
    plot = os.environ["MEANDER_PLOT"]
    done = subprocess.run([plot, scaled[0] / "s.h5", "--table"], capture_output=True, text=True, check=True)
    assert "strong scaling" in done.stdout and len(done.stdout.splitlines()) == 5
    subprocess.run([plot, scaled[0] / "s.h5", "-o", tmp_path / "s.png"], check=True, stdout=subprocess.DEVNULL)
    assert (tmp_path / "s.png").stat().st_size > 10000


def test_it_goes_on_where_it_was(study, tmp_path):
    study(SMALL)
    meander("scale", "study.toml", "--ranks", "1", "--repeats", "1", cwd=tmp_path)
    first = opened(tmp_path / "study_strong.h5")
    printed = meander("scale", "study.toml", "--ranks", "1,2", "--repeats", "1", cwd=tmp_path)
    assert "1 runs" in printed
    both = opened(tmp_path / "study_strong.h5")
    assert float(both.wall.sel(ranks=1, repeat=0)) == float(first.wall.sel(ranks=1, repeat=0))
    assert (both.status == 1).all() and both.wall.shape == (2, 1)
    printed = meander("scale", "study.toml", "--ranks", "1,2", "--repeats", "1", "--mode", "weak", "-o", "study_strong.h5",
                      cwd=tmp_path, code=3)
    assert "another study, mode or launcher" in printed


def test_parts_of_a_job_array_are_merged(study, tmp_path):
    study(SMALL)
    for part in (1, 2):
        meander("scale", "study.toml", "--ranks", "1,2", "--repeats", "2", "--part", f"{part}/2", "-o", f"{part}.h5",
                cwd=tmp_path)
    assert list(opened(tmp_path / "2.h5").status.values.ravel()) == [0, 1, 0, 1]
    meander("merge", "all.h5", "1.h5", "2.h5", cwd=tmp_path)
    assert (opened(tmp_path / "all.h5").status == 1).all()


def test_weak_scaling_multiplies_realizations(study, tmp_path):
    study(SMALL)
    meander("scale", "study.toml", "--ranks", "1,2", "--repeats", "1", "--mode", "weak", "--set", "realizations=2",
            cwd=tmp_path)
    tasks = opened(tmp_path / "study_weak.h5").tasks.sel(repeat=0).values
    theory = 16  # tasks that do not depend on the draw
    assert list(tasks) == [16 * 2 + theory, 16 * 4 + theory]


def test_a_run_that_fails_is_a_failed_cell(study, tmp_path):
    study(SMALL)
    launcher = tmp_path / "launcher"
    launcher.write_text('#!/bin/sh\n[ "$1" = 2 ] && { echo "no room for 2 ranks" >&2; exit 9; }\nshift\nexec "$@"\n')
    launcher.chmod(0o755)
    printed = meander("scale", "study.toml", "--ranks", "1,2,3", "--repeats", "1", "--launcher", f"{launcher} {{ranks}}",
                      "-o", "s.h5", cwd=tmp_path, code=1)
    assert "no room for 2 ranks" in printed
    with h5py.File(tmp_path / "s.h5") as file:
        assert list(file["status"][:, 0]) == [1, 2, 2]
    status = meander("status", "s.h5", cwd=tmp_path)
    assert "exit code 9: no room for 2 ranks" in status
    assert "started 1 ranks instead of 3" in status


def test_what_a_failed_run_says_of_itself_comes_before_its_launcher(study, tmp_path):
    study(SMALL)
    launcher = tmp_path / "launcher"
    launcher.write_text(
        "#!/bin/sh\n{ echo 'loading modules'; echo 'meander: rank 1: error: no room for its shard';\n"
        "echo '-----'; echo 'the job was ended'; echo '-----'; } >&2\nexit 134\n"
    )
    launcher.chmod(0o755)
    meander("scale", "study.toml", "--ranks", "1", "--repeats", "1", "--launcher", f"{launcher} {{ranks}}", "-o", "s.h5",
            cwd=tmp_path, code=1)
    assert "exit code 134: meander: rank 1: error: no room for its shard" in meander("status", "s.h5", cwd=tmp_path)


def test_bad_input_touches_nothing(study, tmp_path):
    study(SMALL)
    (tmp_path / "other.h5").write_text("not an archive")
    before = snapshot(tmp_path)
    for arguments, message in [
        (("--ranks", "1,1"), "stands there twice"),
        (("--ranks", "0"), "--ranks"),
        (("--ranks", "1", "--mode", "medium"), "--mode"),
        (("--ranks", "1", "--launcher", "mpirun -n 2"), "{ranks}"),
        (("--ranks", "1", "--launcher", "no-such-launcher {ranks}"), "no such program"),
        (("--ranks", "1", "-o", "nowhere/s.h5"), "nowhere"),
        (("--ranks", "1", "-o", "other.h5"), "other.h5"),
        (("--ranks", "1", "--set", "sweep.wdth=3"), "wdth"),
    ]:
        assert message in meander("scale", "study.toml", *arguments, cwd=tmp_path, code=3)
    assert snapshot(tmp_path) == before


def test_the_report_of_a_run(study, tmp_path):
    study(SMALL)
    meander("run", "study.toml", "--timing", "r.json", ranks=3, cwd=tmp_path)
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["ranks"] == 3 and len(report["busy_seconds"]) == 3 and report["tasks"] == 64
    stages = report["prepare_seconds"] + report["work_seconds"] + report["write_seconds"]
    assert abs(stages - report["wall_seconds"]) < 1e-9
    assert max(report["busy_seconds"]) <= report["work_seconds"]


@pytest.mark.parametrize("name", ["strong", "weak"])
def test_the_studies_run(name, tmp_path):
    source = os.path.join(os.environ["MEANDER_SOURCE"], "studies", "scaling", f"{name}.toml")
    meander("scale", source, "--mode", name, "--ranks", "2", "--repeats", "1", "--set", "curve.samples=300", cwd=tmp_path)
    assert float(opened(tmp_path / f"{name}_{name}.h5").wall.min()) > 0
    done = subprocess.run(command("plan", source.replace(name, "cluster"), "--ranks", "1024", "--json"),
                          env=environment(), capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["efficiency"] > 0.9
