"""Reads an archive: checks that it is one, masks what is missing, and says which cells count."""

from __future__ import annotations

import builtins
import os

import numpy as np
import xarray as xr

FILETYPE = "meander_study"
MAJOR_VERSION = 1

MISSING, DONE, FAILED, NOT_CONVERGED, OUT_OF_RANGE = range(5)
STATUS_NAMES = ("missing", "done", "failed", "not converged", "out of range")

HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"


class ArchiveError(ValueError):
    """Something the user gave cannot be used; the message is one complete line."""


def open(path, arrays=None, allow_empty=False) -> xr.Dataset:  # noqa: A001 - the name users expect: meander.open
    """The archive at `path`, loaded into memory; the file is closed again before this returns.

    Missing values are NaN (integer arrays that have any become float). `arrays` names the arrays to
    load, for archives larger than memory; status arrays always come along. Raises ArchiveError where
    the file is missing, is not HDF5, is not an archive of a study, has a newer format than this
    package knows, or holds no finished cell (unless `allow_empty`).
    """
    path = os.fspath(path)
    _check_signature(path)
    try:
        with xr.open_dataset(path, engine="h5netcdf", phony_dims="sort") as lazy:
            _check_format(path, lazy.attrs)
            if arrays is not None:
                lazy = _only(path, lazy, arrays)
            dataset = lazy.load()
    except ArchiveError:
        raise
    except Exception as error:  # h5py, h5netcdf and xarray each raise their own kinds for a damaged file
        why = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ArchiveError(f"{path}: cannot be read ({why}); `meander check` says what is damaged") from error
    if not allow_empty and not _finished(dataset):
        raise ArchiveError(f"{path}: holds no finished cell ({_counts_text(dataset)}); "
                           "`meander run` with the same study continues it")
    return dataset


def decode_status(dataset: xr.Dataset, name: str = "status") -> xr.DataArray:
    """The status array as words: "done", "failed", ..."""
    status = dataset[name]
    meanings = status.attrs.get("flag_meanings")
    values = np.atleast_1d(status.attrs.get("flag_values", range(len(STATUS_NAMES))))
    words = [word.replace("_", " ") for word in str(meanings).split()] if meanings is not None else STATUS_NAMES
    table = dict(zip((int(value) for value in values), words))
    decoded = np.vectorize(lambda value: table.get(int(value), f"unknown {value}"), otypes=[object])(status.values)
    return status.copy(data=decoded)


def usable(dataset: xr.Dataset, name: str) -> xr.DataArray:
    """The array `name` as floats, NaN wherever a value must not enter a mean over realizations.

    Cells that failed, are missing or did not converge are left out. A cell that left the range of
    numbers at some layer keeps its earlier layers, but from there on the whole point is left out: a
    mean over the networks that happened to stay in range would be too small.
    """
    array = dataset[name].astype(float)
    status = dataset.get("status")
    if status is None or not set(status.dims) <= set(array.dims):
        return array
    array = array.where((status == DONE) | (status == OUT_OF_RANGE)).transpose(*dataset[name].dims)
    if "realization" in status.dims:
        censored = ((status == OUT_OF_RANGE) & array.isnull()).any("realization")
        array = array.where(~censored)
    return array.transpose(*dataset[name].dims)


def theory(dataset: xr.Dataset, name: str) -> xr.DataArray | None:
    """What theory says of the array `name`, or None where the archive holds nothing on it.

    That is the array `<name>_theory`; for `length` the theory of its growth is multiplied up over the
    layers from the measured length of the input curve.
    """
    if f"{name}_theory" in dataset:
        return dataset[f"{name}_theory"].astype(float)
    if name == "length" and {"growth_theory", "input_length"} <= set(dataset):
        growth = dataset["growth_theory"].astype(float)
        return growth.cumprod("layer", skipna=False) * usable(dataset, "input_length")
    return None


def sweep_dimensions(dataset: xr.Dataset) -> list[str]:
    """The study's sweep keys, in the study file's order."""
    status = dataset.get("status")
    if status is not None:
        return [dim for dim in status.dims if dim != "realization"]
    own = {"realization", "layer", "swept_layer", "index", "bin", "eps", "delta", "order", "parity", "law"}
    return [dim for dim in dataset.dims if dim not in own]


def _check_signature(path):
    if os.path.isdir(path):
        raise ArchiveError(f"{path}: is a directory, not an archive")
    if os.path.exists(path) and not os.path.isfile(path):  # a pipe would be waited for
        raise ArchiveError(f"{path}: is a pipe or a device, not an archive")
    try:
        with builtins.open(path, "rb") as file:
            start = file.read(len(HDF5_SIGNATURE))
    except FileNotFoundError:
        raise ArchiveError(f"{path}: no such file") from None
    except OSError as error:
        raise ArchiveError(f"{path}: cannot be read ({error.strerror})") from None
    if start != HDF5_SIGNATURE:
        raise ArchiveError(f"{path}: is not an HDF5 file")


def _check_format(path, attributes):
    filetype = _text(attributes.get("filetype", ""))
    if filetype != FILETYPE:
        found = f'its filetype is "{filetype}"' if filetype else "it has no attribute `filetype`"
        raise ArchiveError(f'{path}: is not an archive of a study ({found}, not "{FILETYPE}")')
    version = [int(number) for number in np.atleast_1d(attributes.get("version", []))]
    if not version:
        raise ArchiveError(f"{path}: is not an archive of a study (it has no attribute `version`)")
    if version[0] > MAJOR_VERSION:
        shown = ".".join(str(number) for number in version)
        raise ArchiveError(f"{path}: has format version {shown} (this package reads up to {MAJOR_VERSION}.x); "
                           "use a newer one")


def _only(path, dataset, arrays):
    unknown = [name for name in arrays if name not in dataset]
    if unknown:
        raise ArchiveError(f"{path}: has no array `{unknown[0]}` (it has {', '.join(map(str, dataset.data_vars))})")
    bookkeeping = [name for name in dataset.data_vars if str(name).startswith("status")]
    return dataset[list(dict.fromkeys([*arrays, *bookkeeping]))]


def _finished(dataset):
    names = [name for name in dataset.data_vars if name == "status" or str(name).startswith("status_")]
    return not names or any(bool((dataset[name] == DONE).any()) for name in names)


def _counts_text(dataset):
    status = dataset["status"].values if "status" in dataset else np.array([])
    counts = [(int((status == code).sum()), word) for code, word in enumerate(STATUS_NAMES)]
    return ", ".join(f"{count} {word}" for count, word in counts if count) or "it has no cells"


def _text(value):
    return value.decode() if isinstance(value, bytes) else str(value)
