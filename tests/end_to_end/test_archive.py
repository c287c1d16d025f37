"""What the commands say of an archive, and what other programs read in it."""

import json
import random
import subprocess
import time

import h5py
import netCDF4
import numpy as np
import pytest
import xarray

from conftest import SAMPLED, SMALL, command, copy, environment, meander


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    folder = tmp_path_factory.mktemp("archive")
    (folder / "study.toml").write_text(SMALL)
    meander("run", "study.toml", "-o", "a.h5", ranks=2, cwd=folder)
    return folder / "a.h5"


def test_xarray_finds_named_dimensions_and_coordinates(archive):
    dataset = xarray.open_dataset(archive, engine="h5netcdf")
    assert dataset.transitions.dims == ("width", "depth", "sigma_w", "activation", "realization", "layer")
    assert list(dataset.activation.values) == ["hard_tanh", "relu"]
    assert list(dataset.layer.values) == [1, 2, 3, 4, 5]
    assert dataset.attrs["filetype"] == "meander_study" and list(dataset.attrs["version"]) == [1, 0]
    assert "realization" not in dataset.transitions_theory.dims
    shallow = dataset.transitions.sel(width=20, depth=2, sigma_w=3.0, activation="hard_tanh")
    assert shallow.sel(layer=[1, 2]).notnull().all() and shallow.sel(layer=[3, 4, 5]).isnull().all()
    for name, variable in dataset.data_vars.items():
        assert "units" in variable.attrs and "long_name" in variable.attrs, name
    assert (dataset.status == 1).all()


def test_netcdf4_and_h5py_read_the_same(archive):
    with h5py.File(archive) as plain, netCDF4.Dataset(archive) as netcdf:
        assert netcdf["transitions"].dimensions == ("width", "depth", "sigma_w", "activation", "realization", "layer")
        np.testing.assert_array_equal(netcdf["length"][...].filled(np.nan), plain["length"][...])
        assert netcdf["activation"][:].tolist() == ["hard_tanh", "relu"]
        assert np.ma.count_masked(netcdf["transitions"][...]) > 0


def test_the_archived_study_runs_again(archive, tmp_path):
    with h5py.File(archive) as file:
        (tmp_path / "again.toml").write_text(file.attrs["study"])
    printed = meander("run", tmp_path / "again.toml", "-o", copy(archive, tmp_path / "a.h5"))
    assert "(" in printed
    assert meander("check", tmp_path / "a.h5")


def test_a_note_added_with_h5py_costs_a_warning_and_not_the_archive(archive, tmp_path):
    noted = copy(archive, tmp_path / "noted.h5")
    with h5py.File(noted, "a") as file:
        file.attrs["note"] = "width 20 looks odd"
        file["my_weights"] = np.arange(3.0)
        file["comment"] = "as text"
        file.create_group("mine")["inner"] = b"fixed"
    for arguments in (["show", noted], ["status", noted], ["merge", tmp_path / "out.h5", noted, archive]):
        printed = meander(*arguments)
        assert printed.count("its seal is gone") == 1, printed
    assert "its seal is gone" not in meander("show", tmp_path / "out.h5")
    meander("check", noted, code=1)
    (tmp_path / "study.toml").write_text(SMALL)
    printed = meander("run", tmp_path / "study.toml", "-o", noted, "--set", "realizations=4", ranks=3)
    assert printed.count("its seal is gone") == 1, printed
    meander("check", noted)


def test_check_finds_any_flipped_byte(archive, tmp_path):
    meander("check", archive)
    content = bytearray(archive.read_bytes())
    chance = random.Random(5)
    positions = [chance.randrange(len(content)) for _ in range(25)] + [0, 9, len(content) - 1]
    for position in positions:
        damaged = bytearray(content)
        damaged[position] ^= 1 << chance.randrange(8)
        path = tmp_path / "damaged.h5"
        path.write_bytes(damaged)
        done = subprocess.run(command("check", path), env=environment(), capture_output=True, text=True)
        assert done.returncode in (1, 3), f"byte {position}: {done.stdout}{done.stderr}"


def test_show_is_short_and_names_everything(archive):
    printed = meander("show", archive)
    assert len(printed.splitlines()) < 40
    for word in ("small", "transitions", "width", "20", "31", "hard_tanh", "length"):
        assert word in printed


def test_status_counts(archive):
    status = json.loads(meander("status", archive, "--json"))
    assert "done" in json.dumps(status) and "48" in meander("status", archive)


def test_status_while_a_run_goes_on(study, tmp_path):
    path = study(SAMPLED.replace("samples = 200", "samples = 20000").replace("[20, 31]", "[200]"))
    out = tmp_path / "out.h5"
    job = subprocess.Popen(command("run", path, "-o", out, "--checkpoint", "0.05", "--quiet", ranks=2), env=environment())
    try:
        printed = ""
        deadline = time.monotonic() + 60
        while job.poll() is None and "done" not in printed and time.monotonic() < deadline:
            done = subprocess.run(command("status", out), env=environment(), capture_output=True, text=True)
            assert done.returncode in (0, 1, 3), done.stderr
            printed = done.stdout if done.returncode != 3 else ""
        assert "done" in printed and "running" in printed
    finally:
        job.wait(timeout=120)


def test_export_measures_again_bit_for_bit(study, tmp_path):
    text = SMALL + "[readout]\nsigma = 1.0\n"
    path = study(text)
    meander("run", path, "-o", tmp_path / "a.h5", "--quiet")
    cell = "width=31,depth=5,sigma_w=3.0,activation=relu,realization=2"
    meander("export", path, "--cell", cell, "-o", tmp_path / "net.h5")
    again = study(
        'measure = "transitions"\n[network]\nfile = "net.h5"\n[curve]\nfile = "net.h5"\nsamples = 200\n', name="again.toml"
    )
    meander("run", again, "-o", tmp_path / "b.h5", "--quiet")
    a = xarray.load_dataset(tmp_path / "a.h5", engine="h5netcdf").sel(width=31, depth=5, sigma_w=3.0, activation="relu", realization=2)
    b = xarray.load_dataset(tmp_path / "b.h5", engine="h5netcdf").isel(realization=0)
    for name in ("input_length", "length", "transitions", "sign_changes", "pieces", "patterns", "readout_sign_changes"):
        np.testing.assert_array_equal(a[name], b[name], err_msg=name)


@pytest.mark.parametrize("line", ["help", "list", "list transitions", "list trajectory_length"])
def test_help_and_lists(line):
    arguments = ["--help"] if line == "help" else line.split()
    assert len(meander(*arguments)) > 200


def test_list_as_json():
    keys = {key["name"]: key for key in json.loads(meander("list", "transitions", "--json"))["keys"]}
    assert keys["sigma_w"]["description"] and keys["samples"]["default"] == "1000"


def test_plan(study):
    plan = json.loads(meander("plan", study(SMALL), "--ranks", 100000, "--json"))
    assert plan["tasks"] >= 48 and 0 < plan["efficiency"] <= 1 and plan["core_hours"] > 0
    assert "efficiency" in meander("plan", study(SMALL))
