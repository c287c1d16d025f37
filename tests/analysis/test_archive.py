"""Opening an archive: what is masked, and every error message."""

import h5py
import numpy as np
import pytest
import xarray as xr

import meander
from conftest import MISSING_INTEGER, transitions_archive
from meander.archive import DONE, FAILED, MISSING, OUT_OF_RANGE


def spoil(arrays, status):
    status[0, 0, 0, 0, 0, 0, 3] = FAILED
    status[1, 0, 2, 0, 0, 0, 5] = MISSING
    for at in ((0, 0, 0, 0, 0, 0, 3), (1, 0, 2, 0, 0, 0, 5)):
        for name in ("transitions", "sign_changes"):
            arrays[name][1][at] = MISSING_INTEGER


def test_dimensions_and_coordinates(transitions):
    dataset = meander.open(transitions)
    assert dataset["transitions"].dims == ("width", "depth", "sigma_w", "sigma_b", "activation", "weights", "realization",
                                           "layer")
    assert dataset["sigma_w"].values.tolist() == [1.0, 2.0, 4.0]
    assert dataset["activation"].values.tolist() == ["hard_tanh"]
    assert dataset["transitions"].sel(sigma_w=2.0, width=100).notnull().all()


def test_the_file_is_closed_again(transitions):
    meander.open(transitions)
    with h5py.File(transitions, "r+") as file:  # refused while a reader has it open
        file.attrs["title"] = "changed"
    assert meander.open(transitions).attrs["title"] == "changed"


def test_missing_integers_are_masked(tmp_path):
    dataset = meander.open(transitions_archive(tmp_path / "a.h5", edit=spoil))
    assert int(dataset["transitions"].isnull().sum()) == 2 * 8
    assert float(dataset["transitions"].min()) > 0


def test_status_in_words(tmp_path):
    words = meander.decode_status(meander.open(transitions_archive(tmp_path / "a.h5", edit=spoil)))
    assert sorted(set(words.values.ravel())) == ["done", "failed", "missing"]
    assert words.values[0, 0, 0, 0, 0, 0, 3] == "failed"


def test_only_some_arrays(transitions):
    assert set(meander.open(transitions, arrays=["length"]).data_vars) == {"length", "status"}
    with pytest.raises(meander.ArchiveError, match="has no array `lenght`"):
        meander.open(transitions, arrays=["lenght"])


def test_usable_leaves_out_what_is_not_done(tmp_path):
    def edit(arrays, status):  # a failed cell that still holds numbers
        status[0, 0, 0, 0, 0, 0, 3] = FAILED

    usable = meander.usable(meander.open(transitions_archive(tmp_path / "a.h5", edit=edit)), "transitions")
    assert np.isnan(usable.values[0, 0, 0, 0, 0, 0, 3]).all()
    assert int(usable.isnull().sum()) == 8


def test_usable_ends_where_one_network_overflows(tmp_path):
    def edit(arrays, status):
        status[0, 0, 2, 0, 0, 0, 1] = OUT_OF_RANGE
        arrays["length"][1][0, 0, 2, 0, 0, 0, 1, 5:] = np.nan

    usable = meander.usable(meander.open(transitions_archive(tmp_path / "a.h5", edit=edit)), "length").values
    assert np.isnan(usable[0, 0, 2, 0, 0, 0, :, 5:]).all()  # of every realization: the rest would be biased
    assert np.isfinite(usable[0, 0, 2, 0, 0, 0, :, :5]).all()
    assert np.isfinite(usable[1]).all()


def test_theory_of_length_multiplies_growth(lengths):
    dataset = meander.open(lengths)
    theory = meander.theory(dataset, "length").sel(sigma_w=4.0, width=100).isel(realization=0).squeeze()
    np.testing.assert_allclose(theory, 20.0 * 1.8 ** np.arange(1, 9), rtol=1e-12)
    assert meander.theory(dataset, "input_length") is None


def test_no_such_file(tmp_path):
    with pytest.raises(meander.ArchiveError, match="nothing.h5: no such file$"):
        meander.open(tmp_path / "nothing.h5")


def test_directory(tmp_path):
    with pytest.raises(meander.ArchiveError, match="is a directory"):
        meander.open(tmp_path)


@pytest.mark.parametrize("content", [b"", b"title = 'a study file'\n"])
def test_not_hdf5(tmp_path, content):
    (tmp_path / "a.h5").write_bytes(content)
    with pytest.raises(meander.ArchiveError, match="a.h5: is not an HDF5 file$"):
        meander.open(tmp_path / "a.h5")


@pytest.mark.parametrize("keep", [100, 2000, 20000])
def test_truncated(transitions, keep):
    content = transitions.read_bytes()
    assert len(content) > keep
    transitions.write_bytes(content[:keep])
    with pytest.raises(meander.ArchiveError, match="cannot be read .*meander check"):
        meander.open(transitions)


def test_not_an_archive(tmp_path):
    xr.Dataset({"a": ("x", [1.0])}).to_netcdf(tmp_path / "a.h5", engine="h5netcdf")
    with pytest.raises(meander.ArchiveError, match="is not an archive of a study .*no attribute `filetype`"):
        meander.open(tmp_path / "a.h5")
    network = transitions_archive(tmp_path / "b.h5", attributes={"filetype": "meander_network"})
    with pytest.raises(meander.ArchiveError, match='its filetype is "meander_network"'):
        meander.open(network)
    unversioned = transitions_archive(tmp_path / "c.h5", attributes={"version": None})
    with pytest.raises(meander.ArchiveError, match="no attribute `version`"):
        meander.open(unversioned)


def test_newer_version(tmp_path):
    minor = transitions_archive(tmp_path / "a.h5", attributes={"version": np.array([1, 7])})
    meander.open(minor)
    major = transitions_archive(tmp_path / "b.h5", attributes={"version": np.array([2, 0])})
    with pytest.raises(meander.ArchiveError, match=r"format version 2\.0 .*reads up to 1\.x"):
        meander.open(major)


def test_no_finished_cell(tmp_path):
    def edit(arrays, status):
        status[:] = MISSING
        status[0, 0, 0, 0, 0, 0, :2] = FAILED

    path = transitions_archive(tmp_path / "a.h5", edit=edit)
    with pytest.raises(meander.ArchiveError, match=r"no finished cell \(94 missing, 2 failed\)"):
        meander.open(path)
    assert not (meander.open(path, allow_empty=True)["status"] == DONE).any()
