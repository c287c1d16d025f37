"""Synthetic archives, written with h5py exactly as the contract describes them."""

import pathlib
import sys

import h5py
import numpy as np
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "analysis"))

MISSING_INTEGER = np.iinfo(np.int64).min


def write_archive(path, measure, sweep, arrays, own=None, status=None, attributes=None, auxiliary=None, title="A study"):
    """`sweep` and `own`: name -> coordinate values (None: a dimension without coordinates; then its
    extent stands in `status`). `arrays`: name -> (dimensions, values, attributes)."""
    own = own or {}
    with h5py.File(path, "w") as file:
        file.attrs["filetype"] = "meander_study"
        file.attrs["version"] = np.array([1, 0], dtype=np.int64)
        file.attrs["measure"] = measure
        file.attrs["title"] = title
        file.attrs["study"] = f'measure = "{measure}"\n'
        for name, value in (attributes or {}).items():
            if value is None:
                del file.attrs[name]
            else:
                file.attrs[name] = value
        realizations = status.shape[-1]
        scales = {**sweep, "realization": np.arange(realizations), **own}
        for i, (name, values) in enumerate(scales.items()):
            if values is None:
                scale = file.create_dataset(name, data=np.zeros(status.shape[i], np.float32))
                scale.make_scale(f"This is a netCDF dimension but not a netCDF variable.{status.shape[i]:10d}")
                continue
            kind = h5py.string_dtype() if isinstance(values[0], str) else None
            scale = file.create_dataset(name, data=values, dtype=kind)
            scale.make_scale(name)
            scale.attrs["units"] = "1"
        for name, (dims, values) in (auxiliary or {}).items():
            _write(file, name, dims, np.asarray(values), {"units": "1"})
        cells = (*sweep, "realization")[: status.ndim]  # theory alone has no realizations
        flags = {"units": "1", "flag_values": np.arange(5, dtype=np.int8),
                 "flag_meanings": "missing done failed not_converged out_of_range"}
        _write(file, "status", cells, status.astype(np.int8), flags)
        _write(file, "seconds", cells, np.full(status.shape, 0.01), {"units": "s", "run_dependent": np.int8(1)})
        for name, (dims, values, described) in arrays.items():
            _write(file, name, dims, values, {"units": "1", "long_name": name.replace("_", " "), **described}, auxiliary)


def _write(file, name, dims, values, attributes, auxiliary=None):
    dataset = file.create_dataset(name, data=values)
    for i, dim in enumerate(dims):
        dataset.dims[i].attach_scale(file[dim])
    for key, value in attributes.items():
        dataset.attrs[key] = value
    if values.dtype == np.int64:
        dataset.attrs["_FillValue"] = np.array([MISSING_INTEGER])
    if auxiliary:
        dataset.attrs["coordinates"] = " ".join(auxiliary)


def growing(sweep, realizations, depth, rate, seed=1, spread=0.05, start=1.0):
    """Values start * rate(point)^layer with a log-normal scatter, and the noiseless theory."""
    grids = np.meshgrid(*[np.asarray(values) if not isinstance(values[0], str) else np.arange(len(values))
                          for values in sweep.values()], indexing="ij")
    factor = np.broadcast_to(rate(**dict(zip(sweep, grids))), grids[0].shape if grids else ())
    layer = np.arange(1, depth + 1)
    theory = start * np.asarray(factor, float)[..., None] ** layer
    noise = np.random.default_rng(seed).normal(size=(*theory.shape[:-1], realizations, depth))
    return theory[..., None, :] * np.exp(spread * noise - spread**2 / 2), theory


def transitions_archive(path, sweep=None, realizations=16, depth=8, spread=0.1, edit=None, rate=None, **more):
    """A study of `transitions`; `edit(arrays, status)` may spoil it before it is written."""
    if sweep is None:
        sweep = {"width": [100, 500], "depth": [depth], "sigma_w": [1.0, 2.0, 4.0], "sigma_b": [0.0],
                 "activation": ["hard_tanh"], "weights": ["gaussian"]}
    rate = rate or (lambda sigma_w=2.0, **_: np.sqrt(np.maximum(sigma_w, 1.0)))
    values, theory = growing(sweep, realizations, depth, rate, spread=spread, start=400.0)
    cells, point = (*sweep, "realization", "layer"), (*sweep, "layer")
    status = np.ones(values.shape[:-1], np.int8)
    arrays = {
        "transitions": (cells, np.rint(values).astype(np.int64), {"long_name": "switches of linear piece"}),
        "transitions_theory": (point, theory.copy(), {"long_name": "expected switches of linear piece"}),
        "sign_changes": (cells, np.rint(values / 2).astype(np.int64), {"long_name": "sign changes"}),
        "sign_changes_theory": (point, theory / 2, {}),
        "length": (cells, values / 30, {"long_name": "length"}),
        "input_length": (cells[:-1], np.full(values.shape[:-1], 400 / 30), {}),
    }
    if edit:
        edit(arrays, status)
    write_archive(path, "transitions", sweep, arrays, own={"layer": np.arange(1, depth + 1)}, status=status,
                  title="Transitions along a circle", **more)
    return path


def length_archive(path, realizations=16, depth=8, spread=0.02, sweep=None, edit=None):
    sweep = sweep or {"width": [100, 500], "depth": [depth], "sigma_w": [1.0, 2.0, 3.0, 4.0], "activation": ["hard_tanh"]}
    values, theory = growing(sweep, realizations, depth, lambda sigma_w, **_: 0.9 * np.sqrt(sigma_w), spread=spread, start=20.0)
    cells, point = (*sweep, "realization", "layer"), (*sweep, "layer")
    before = np.concatenate([np.full((*values.shape[:-1], 1), 20.0), values[..., :-1]], axis=-1)
    ratio = np.broadcast_to((theory / np.concatenate([np.full((*theory.shape[:-1], 1), 20.0), theory[..., :-1]], -1)),
                            theory.shape)
    status = np.ones(values.shape[:-1], np.int8)
    arrays = {
        "input_length": (cells[:-1], np.full(values.shape[:-1], 20.0), {"long_name": "length of the input curve"}),
        "length": (cells, values, {"long_name": "length"}),
        "growth": (cells, values / before, {"long_name": "growth per layer"}),
        "growth_theory": (point, ratio.copy(), {}),
        "growth_lower_bound": (point, 0.9 * ratio, {}),
        "growth_upper_bound": (point, np.broadcast_to(np.asarray(sweep["sigma_w"])[:, None, None], theory.shape).copy(), {}),
    }
    if edit:
        edit(arrays, status)
    write_archive(path, "trajectory_length", sweep, arrays, own={"layer": np.arange(1, depth + 1)}, status=status,
                  title="Length of a circle's image, layer by layer")
    return path


@pytest.fixture
def transitions(tmp_path):
    return transitions_archive(tmp_path / "transitions.h5")


@pytest.fixture
def lengths(tmp_path):
    return length_archive(tmp_path / "length.h5")
