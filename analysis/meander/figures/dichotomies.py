"""The figures of `dichotomies`: distinct labelings against depth, width or the depth that remains above the
swept layer, or against label flips beside the random walk."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import xarray as xr

from meander import archive, statistics
from meander.archive import ArchiveError
from meander.figures.base import series
from meander.figures.base.series import Curve, Drawing, Panel, Row, prepare

REMAINING, FLIPS = "remaining_depth", "label_flips"


def drawing(dataset, request):
    """The curves of the figure that the request asks for, or that the study suggests."""
    data = series.select(dataset, request.select)
    request = replace(request, select=())
    against = request.against or _suggested(data)
    if against in (FLIPS, "flips"):
        return _against_flips(data, request)
    request = replace(request, arrays=request.arrays or ("dichotomies",), against=against)
    if against == REMAINING:
        return _against_remaining(data, request)
    if against != "swept_layer" and "swept_layer" in data.dims:
        first = int(data["swept_layer"].values[0])
        if data.sizes["swept_layer"] > 1:
            note = f"Layer {first} is swept; --select swept_layer=… chooses another."
            request = replace(request, notes=(*request.notes, note))
        data = data.isel(swept_layer=0, drop=True)
    if against != "depth" and "depth" in data.dims:
        data = data.rename(depth="network_depth")  # no network's labels are those of a shallower one
    return _prepare(data, request)


def _suggested(data):
    if data.sizes.get("swept_layer", 1) > 1:
        several = [dim for dim in archive.sweep_dimensions(data) if data.sizes[dim] > 1]
        return REMAINING if set(several) <= {"depth"} and "depth" in data.dims else FLIPS
    key = max(("depth", "width"), key=lambda name: data.sizes.get(name, 1))
    if data.sizes.get(key, 1) > 1:
        return key
    several = [dim for dim in archive.sweep_dimensions(data)
               if data.sizes[dim] > 1 and np.issubdtype(data[dim].dtype, np.number)]
    return several[0] if several else "swept_layer" if "swept_layer" in data.dims else FLIPS


def _prepare(data, request):
    made = prepare(data, request)
    if request.against == REMAINING:
        made.x_kind = "layer"
    return made


def _against_remaining(data, request):
    """Every depth's curves, moved so that the last layer swept comes first."""
    if "depth" not in data.coords or "swept_layer" not in data.dims:
        raise ArchiveError("--against remaining_depth: the archive has no depth or sweeps one layer only")
    longest = int(data["depth"].values.max())
    parts = []
    for depth in data["depth"].values:
        part = data.sel(depth=[depth])
        part = part.sel(swept_layer=part["swept_layer"] <= depth)
        part = part.assign_coords(swept_layer=int(depth) - part["swept_layer"] + 1).rename(swept_layer=REMAINING)
        parts.append(part.reindex({REMAINING: np.arange(1, longest + 1)}))
    moved = xr.concat(parts, "depth", combine_attrs="override").rename(depth="network_depth")
    for name in data.data_vars:  # what no layer is swept for has kept its shape
        moved[name].attrs.update(data[name].attrs)
    moved[REMAINING].attrs = {"units": "layers"}
    return _prepare(moved, request)


def _against_flips(data, request):
    """One point for every swept layer and point of the sweep, the walk's expectation as theory."""
    sweep = [dim for dim in archive.sweep_dimensions(data)]
    colour = series.colour_key(data, sweep)
    others = [dim for dim in sweep if dim != colour and data.sizes[dim] > 1]
    names = ("dichotomies", FLIPS, "random_walk")
    means = {name: statistics.mean_interval(archive.usable(data, name)) for name in names}
    numeric = bool(colour) and np.issubdtype(data[colour].dtype, np.number)
    curves = []
    for i in range(data.sizes[colour] if colour else 1):
        at = {colour: i} if colour else {}
        pick = {name: table.isel(at) for name, table in means.items()}
        x = pick[FLIPS]["mean"].values.ravel()
        order = np.argsort(x)
        order = order[np.isfinite(x[order])]
        values = [pick["dichotomies"][key].values.ravel()[order] for key in ("mean", "low", "high")]
        if order.size == 0:
            continue
        label = series.value_text(data, colour, i) if colour else ""
        curves.append(Curve(label, float(data[colour].values[i]) if numeric else i, x[order], *values,
                            theory=pick["random_walk"]["mean"].values.ravel()[order]))
    if not curves:
        raise ArchiveError("nothing to draw: `dichotomies` has no value in the chosen cells")
    notes = series.explanation(data, [Row("dichotomies", "", True, [Panel("", curves)])], "length")
    notes[1:1] = ["Theory: the expectation of a random walk on the cube of labelings with as many flips."]
    if others:
        notes.append(f"Points of all values of {', '.join(series.heading(data, dim) for dim in others)}.")
    notes.extend(series.left_out(data))
    row = Row("dichotomies", series.ylabel(data, "dichotomies"), True, [Panel("", curves)])
    series.positive_intervals(row.panels)
    return Drawing(title=str(data.attrs.get("title", "")), xlabel=series.ylabel(data, FLIPS), x_kind="log", rows=[row],
                   colour_key=series.heading(data, colour) if colour else "", numeric_key=numeric,
                   notes=[*notes, *request.notes], scatter=True)
