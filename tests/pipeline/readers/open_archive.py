"""Opens an archive with every reader that people use, and compares what they see.

Called with the archive that write_example_archive made (invented measure, one failed and one
missing cell)."""

import sys

import h5py
import netCDF4
import numpy as np
import xarray

path = sys.argv[1]


def check_dataset(data):
    assert data.transitions.dims == ("point", "activation", "realization", "layer"), data.transitions.dims
    assert data.q_star.dims == ("point",), data.q_star.dims
    # The parameters of a point are coordinates, and a text stays a text.
    for name in ("sigma_w", "width", "activation", "layer", "realization", "side"):
        assert name in data.coords, (name, list(data.coords))
    assert data.sigma_w.dims == ("point",)
    np.testing.assert_array_equal(data.sigma_w, [0.5, 1.5, 2.5])
    assert list(data.activation.values) == ["relu", "{ breakpoints = [-1.0, 1.0], slopes = [0.0, 1.0, 0.0] }"]
    assert "event" not in data.variables and data.sizes["event"] == data.event_count.sum()
    # Missing is not zero, and a number that is there is not touched.
    assert list(np.unique(data.status)) == [0, 1, 2]
    done = (data.status == 1).values
    assert np.isnan(data.input_length.values[~done]).all() and np.isfinite(data.input_length.values[done]).all()
    assert np.isnan(data.transitions.values[~done]).all()
    assert np.isnan(data.exact.values[~done]).all() and (data.exact.values[done] == 1).all()
    assert data.transitions.dtype.kind == "f" and np.nanmin(data.transitions) >= 0
    # Units must not make xarray see times.
    assert data.seconds.dtype == np.float64 and data.seconds.attrs["run_dependent"] == 1
    for name, variable in data.variables.items():
        assert variable.attrs.get("units") and variable.attrs.get("long_name"), name
    failed = data.status.values == 2
    message = data.error_message.values[data.error_code.values[failed][0]]
    assert message == "out of memory: 3 GiB", message
    assert data.error_code.attrs["flag_meanings"].split() == ["none", "out_of_memory_3_GiB"]
    assert data.status.attrs["flag_meanings"].split()[1] == "done"
    assert data.attrs["filetype"] == "meander_study" and list(data.attrs["version"]) == [1, 0]
    assert data.attrs["title"] == "A title with an umlaut: ä"
    assert data.attrs["study"].startswith("title = ")


for engine in ("h5netcdf", "netcdf4"):
    with xarray.open_dataset(path, engine=engine) as data:
        check_dataset(data)

with netCDF4.Dataset(path) as data:
    assert data.variables["transitions"].dimensions == ("point", "activation", "realization", "layer")
    assert np.ma.count_masked(data.variables["input_length"][:]) == 2
    assert data.variables["activation"][0] == "relu"

with h5py.File(path) as data:
    transitions = data["transitions"]
    assert [d.label or d[0].name for d in transitions.dims] == ["/point", "/activation", "/realization", "/layer"]
    assert transitions.compression == "gzip" and transitions.shuffle and transitions.fletcher32
    assert data["activation"].asstr()[0] == "relu"
