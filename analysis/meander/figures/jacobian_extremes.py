"""The figure of `jacobian_extremes`: the largest singular value with the edge that free probability predicts, and the
smallest, against width, depth or another key; of a single point all values by their place."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from meander import archive
from meander.archive import ArchiveError
from meander.figures.base import series
from meander.figures.base.series import prepare

ENDS = ("largest", "smallest")


def drawing(dataset, request):
    """Points with intervals over networks; theory as lines."""
    chosen = series.select(dataset, request.select)
    request = replace(request, select=(), arrays=request.arrays or tuple(name for name in ENDS if name in chosen))
    data = _with_edge(_converged(chosen))
    if "layer" in data.dims and not any(name in data and "layer" in data[name].dims for name in request.arrays):
        data = data.drop_dims("layer")
    against = request.against or _axis(data)
    if against == "layer":
        return prepare(data, replace(request, against=against))
    if against is None or against == "index":
        made = prepare(_by_place(data), replace(request, against=None))
        made.xlabel = "place, counted from that end of the spectrum"
    else:
        if "index" in data.dims:
            data = data.isel(index=0, drop=True)
        made = prepare(data, replace(request, against=against))
        if against == "width":
            made.x_kind = "log"
    made.scatter = True
    made.notes[:] = [note.replace("bands:", "bars:") for note in made.notes] + _accuracy(chosen)
    return made


def _converged(data):
    """Cells that did not converge hold only values that did: they count."""
    if "status" not in data:
        return data
    status = data["status"]
    return data.assign(status=status.where(status != archive.NOT_CONVERGED, archive.DONE))


def _with_edge(data):
    if "lambda_max_theory" not in data or "largest" not in data:
        return data
    data = data.copy()
    data["largest"].attrs["long_name"] = "largest singular value"
    data["largest_theory"] = np.sqrt(data["lambda_max_theory"])
    if "smallest" in data:
        data["smallest"].attrs["long_name"] = "smallest nonzero singular value"
    return data


def _axis(data):
    """The key for the x axis: width or depth where there are several, else another number; None for a single point."""
    several = [dim for dim in archive.sweep_dimensions(data) if data.sizes.get(dim, 1) > 1]
    numbers = [dim for dim in several if dim in data.coords and np.issubdtype(data[dim].dtype, np.number)]
    for wanted in ("width", "depth", *numbers):
        if wanted in numbers:
            return wanted
    return None


def _by_place(data):
    if "index" not in data.dims:
        raise ArchiveError("the archive has no singular values by place")
    data = data.rename(index="layer").assign_coords(layer=np.arange(1, data.sizes["index"] + 1))
    for end in ENDS:
        if end in data:
            data[end].attrs["long_name"] = f"{end} singular values"
    if "largest_theory" in data:
        data["largest_theory"] = data["largest_theory"].expand_dims(layer=data["layer"])
    return data


def _accuracy(dataset):
    """What the residuals say, relative to the largest value found, and how many cells lack values."""
    notes = []
    worst = [float(np.nanmax(dataset[f"residual_{end}"] / np.abs(dataset["largest"]).max("index")))
             for end in ENDS if f"residual_{end}" in dataset and "largest" in dataset
             and bool(dataset[f"residual_{end}"].notnull().any())]
    if worst:
        notes.append(f"Residuals are at most {max(worst):.0e} of the largest singular value.")
    if "status" in dataset:
        count = int((dataset["status"] == archive.NOT_CONVERGED).sum())
        if count:
            notes.append(f"{count} of {dataset['status'].size} cells lack values that did not converge.")
    return notes
