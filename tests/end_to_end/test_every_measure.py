"""What holds for every measure there is: numbers are missing only where arrays say so, and networks can be exported."""

import json

import h5py
import numpy as np
import pytest

from conftest import meander

SWEEP = "sigma_w = [0.0, 4.0, 1e30]\nsigma_b = 0.3\nwidth = 4\ndepth = 6\n"
TANH = 'activation = "tanh"\n'
MORE = {
    "phase_diagram": 'sigma_w = [0.0, 4.0, 1e30]\nsigma_b = 0.3\nactivation = ["tanh", "relu"]\n',
    "dichotomies": SWEEP + TANH + "[input]\ndimension = 3\n[dichotomies]\npoints = 3\n",
    "regions_2d": 'sigma_w = 4.0\nwidth = 4\ndepth = 2\nactivation = "relu"\n[input]\ndimension = 2\n',
    "deep_versus_wide": SWEEP + TANH + "[input]\ndimension = 3\n[deep_versus_wide]\noutputs = 5\nsamples = 50\nfrequencies = 4\n",
    "jacobian_spectrum": SWEEP + 'activation = ["tanh", "relu"]\nweights = "orthogonal"\n[jacobian_spectrum]\nbins = 5\nuniversal = true\n',
    "jacobian_extremes": SWEEP + 'activation = ["tanh", "relu"]\n[jacobian_extremes]\ncount = 2\n',
    "signal_propagation": SWEEP + 'activation = ["tanh", "relu", "gelu", "hard_tanh"]\nc0 = [1.0, 0.99, -1.0]\n[input]\ndimension = 3\n'
                          "[signal_propagation]\ngradients = true\nperturbations = true\n",
}
MEASURES = [entry["measure"] for entry in json.loads(meander("list", "--json"))]


@pytest.fixture
def study(tmp_path):
    def write(measure):
        path = tmp_path / "study.toml"
        rest = MORE.get(measure, SWEEP + TANH + "[input]\ndimension = 3\n")
        path.write_text(f'measure = "{measure}"\nseed = 3\n[sweep]\n{rest}')
        return path
    return write


def statuses(file, data):
    """The status of the cells that an array lies over, and how many of its dimensions are theirs."""
    names = [data.dims[k][0].name for k in range(data.ndim)]
    families = {}
    for name in file:
        if name == "status" or name.startswith("status_"):
            families[name] = [file[name].dims[k][0].name for k in range(file[name].ndim)]
    fitting = [name for name, own in families.items() if names[:len(own)] == own]
    most = max(len(families[name]) for name in fitting)
    # Families over the same cells cannot be told apart here: a cell counts as done where it is in all of them.
    done = np.all([file[name][()] == 1 for name in fitting if len(families[name]) == most], axis=0)
    return done, most


@pytest.mark.parametrize("measure", MEASURES)
def test_done_cells_hold_numbers_or_say_why_not(measure, study, tmp_path):
    """At no weights, in the chaotic phase and at an absurd gain. A run fails where a cell does."""
    meander("run", study(measure), "-o", tmp_path / "out.h5", "--quiet")
    looked_at = 0
    with h5py.File(tmp_path / "out.h5") as file:
        for name, data in file.items():
            scale = data.attrs.get("CLASS", b"") == b"DIMENSION_SCALE"
            if scale or data.dtype.kind != "f" or "seconds" in name or "event" in str(data.dims[0].keys()):
                continue
            if data.ndim == 0:
                continue
            done, cells = statuses(file, data)
            values = data[()].reshape(done.shape + (-1,))[done]
            looked_at += values.size
            if "undefined_where" not in data.attrs:
                assert not np.isnan(values).any(), name
            if "infinite_where" not in data.attrs:
                assert not np.isinf(values).any(), name
    assert looked_at > 0


@pytest.mark.parametrize("measure", MEASURES)
def test_network_of_every_measure_that_draws_one_is_exported(measure, study, tmp_path):
    path = study(measure)
    cell = "sigma_w=4.0"
    for name in ("relu", "tanh"):
        if f'"{name}", ' in path.read_text():
            cell += f",activation={name}"
    if "c0" in path.read_text():
        cell += ",c0=0.99"
    if measure == "phase_diagram":
        assert "draws no network" in meander("export", path, "--cell", cell, "-o", tmp_path / "net.h5", code=3)
        return
    meander("export", path, "--cell", cell, "-o", tmp_path / "net.h5")
    with h5py.File(tmp_path / "net.h5") as file:
        assert file["/layers/0/weight"].shape[0] == 4
    assert "dense" in meander("show", tmp_path / "net.h5")
