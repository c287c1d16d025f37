"""Turns a dataset and a request into plain curves: which sweep key becomes colour, which become panels,
what is averaged, and what has to be said about cells that are missing."""

from __future__ import annotations

import json
import math
import tomllib
from dataclasses import dataclass, field

import numpy as np
import xarray as xr

from meander import archive, statistics
from meander.archive import ArchiveError

SYMBOLS = {"sigma_w": r"$\sigma_w$", "sigma_b": r"$\sigma_b$", "q0": r"$q^0$", "c0": r"$c^0$"}
BOUNDS = {"growth": ("growth_lower_bound", "growth_upper_bound"), "dichotomies": ("all_labelings",),
          "cells": ("cells_bound",)}
LINEAR = {"c", "growth", "exact"}
MOST_CURVES = 12  # in a panel; more cannot be told apart


@dataclass(frozen=True)
class Request:
    """What the user asked for; whatever is left out is chosen."""

    arrays: tuple[str, ...] = ()
    against: str | None = None
    select: tuple[tuple[str, str], ...] = ()
    max_panels: int = 12
    notes: tuple[str, ...] = ()


@dataclass
class Curve:
    label: str
    value: float  # of the colour key, or its index where that is not a number
    x: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    theory: np.ndarray | None = None
    bounds: list[np.ndarray] = field(default_factory=list)


@dataclass
class Panel:
    title: str
    curves: list[Curve]


@dataclass
class Row:
    """Panels of one array, side by side."""

    array: str
    ylabel: str
    log_y: bool
    panels: list[Panel]


@dataclass
class Drawing:
    title: str
    xlabel: str
    x_kind: str  # "layer", "linear" or "log"
    rows: list[Row]
    colour_key: str  # heading of the legend; empty with a single curve
    numeric_key: bool
    notes: list[str]
    columns: int | None = None  # of panels, where the panels' keys suggest it
    proportional: bool = False  # quantity against length: draw the straight line through the origin
    scatter: bool = False  # points that no line joins


def select(dataset: xr.Dataset, choices) -> xr.Dataset:
    """Keeps the named values of sweep keys, layers or realizations; a key named twice keeps both."""
    wanted: dict[str, list[str]] = {}
    for key, value in choices:
        wanted.setdefault(key, []).append(value)
    for key, values in wanted.items():
        if key not in dataset.dims:
            raise ArchiveError(f"--select {key}: no such dimension (there are {', '.join(_dimensions(dataset))})")
        indices = [_index(dataset, key, value) for value in values]
        dataset = dataset.isel({key: sorted(set(indices))})
    return dataset


def prepare(dataset: xr.Dataset, request: Request) -> Drawing:
    """The curves of the figure that `request` asks for. Raises ArchiveError where there are none."""
    for name in request.arrays:
        if name not in dataset:
            raise ArchiveError(f"--array {name}: no such array (there are {', '.join(map(str, dataset.data_vars))})")
    data = select(dataset, request.select)
    notes = list(request.notes)
    against = request.against or "layer"
    if against == "depth" and data.sizes.get("depth", 1) < 2:
        against = "layer"
    if against != "depth" and data.sizes.get("depth", 1) > 1:
        deepest = int(np.argmax(data["depth"].values))
        data = data.isel(depth=[deepest])
        notes.append(f"Networks of depth {_number(data['depth'].values[0])}; shallower ones are the beginnings of these.")
    axis = _axis_dimension(data, against, request.arrays)
    sweep = [dim for dim in archive.sweep_dimensions(data) if dim != axis and dim in data.dims]
    colour = colour_key(data, sweep)
    if colour and data.sizes[colour] > MOST_CURVES:
        shown = np.unique(np.linspace(0, data.sizes[colour] - 1, MOST_CURVES).round().astype(int))
        notes.append(f"{len(shown)} of {data.sizes[colour]} values of {heading(data, colour)} are drawn; "
                     "--select chooses others.")
        data = data.isel({colour: shown})
    others = [dim for dim in sweep if dim != colour and data.sizes[dim] > 1]
    arrays = request.arrays
    if len(arrays) > 1 and math.prod(data.sizes[dim] for dim in others) > 4:
        notes.append(f"{_label(arrays[1])} is left out for want of room; draw it with --array {arrays[1]}.")
        arrays = arrays[:1]
    rows = [_row(data, name, against, axis, colour, others, request.max_panels, notes) for name in arrays]
    rows = [row for row in rows if row.panels]
    if not rows:
        raise ArchiveError(f"nothing to draw: `{'`, `'.join(arrays)}` has no value in the chosen cells")
    notes[:0] = explanation(data, rows, against)
    notes.extend(left_out(data))
    if axis != "layer" and any("layer" in data[row.array].dims for row in rows):
        notes.insert(1, _which_layer(data, against))
    first = rows[0].panels[0].curves
    return Drawing(
        title=str(dataset.attrs.get("title", "")), xlabel=_xlabel(data, against),
        x_kind=_x_kind(against, axis, first[0].x), rows=rows,
        colour_key=heading(data, colour) if colour else "",
        numeric_key=bool(colour) and np.issubdtype(data[colour].dtype, np.number) and colour != "point",
        notes=notes, columns=_columns(data, others, rows), proportional=against == "length", scatter=against == "length")


def _row(data, name, against, axis, colour, others, max_panels, notes):
    y = _at(data, archive.usable(data, name), name, against, axis)
    theory = archive.theory(data, name) if against != "length" else None
    bounds = [data[bound] for bound in BOUNDS.get(name, ()) if bound in data and against != "length"]
    parts = {"theory": theory, **{f"bound{i}": bound for i, bound in enumerate(bounds)}}
    parts = {key: _at(data, value.astype(float), name, against, axis) for key, value in parts.items() if value is not None}
    table = statistics.mean_interval(y)
    for key, value in parts.items():
        if "realization" in value.dims:
            value = value.where(y.notnull()).mean("realization") if "realization" in y.dims else value.isel(realization=0)
        table[key] = value
    if against == "length":
        table["x"] = statistics.mean_interval(archive.usable(data, "length"))["mean"]
    panels, empty = [], []
    for title, at in cells(data, others):
        part = table.isel(at)
        curves = [curve for curve in _curves(data, part, colour, axis, against, len(bounds)) if curve is not None]
        if curves:
            panels.append(Panel(title, curves))
        else:
            empty.append(title or name)
    if empty and panels:
        notes.append(f"{_label(name)} has no values for {'; '.join(empty[:3])}{'; …' if len(empty) > 3 else ''}.")
    if len(panels) > max_panels:
        notes.append(f"{max_panels} of {len(panels)} panels are drawn; --select chooses others.")
        panels = panels[:max_panels]
    values = np.concatenate([curve.mean for panel in panels for curve in panel.curves]) if panels else np.array([])
    values = values[np.isfinite(values)]
    log_y = name not in LINEAR and values.size > 0 and (values > 0).any() and not (values < 0).any()
    if log_y:
        positive_intervals(panels)
    return Row(name, ylabel(data, name), bool(log_y), panels)


def positive_intervals(panels):
    """On a logarithmic axis: the same standard error, symmetric in the logarithm, so never below zero."""
    for panel in panels:
        for curve in panel.curves:
            curve.low, curve.high = positive_interval(curve.mean, curve.high)


def positive_interval(mean, high):
    """Both ends of the interval that is symmetric in the logarithm, from its upper end where it is symmetric about the mean.

    (For networks that scatter log-normally it also covers better.)
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        factor = np.exp((high - mean) / mean)
        return mean / factor, mean * factor


def _columns(data, others, rows):
    """With two keys among the panels, one of them runs across, if it fits and no panel is missing."""
    if len(others) != 2 or len(rows) != 1 or len(rows[0].panels) != math.prod(data.sizes[dim] for dim in others):
        return None
    across = data.sizes[others[1]]
    return across if across <= 4 else None


def _at(data, array, name, against, axis):
    """The array with the figure's x axis as its only dimension of its own."""
    if "layer" not in array.dims:
        if axis == "layer":
            raise ArchiveError(f"`{name}` has no layers; draw it --against one of {', '.join(archive.sweep_dimensions(data))}")
        return array
    if axis == "layer":
        return array
    if against == "depth":
        return array.sel(layer=data["depth"].astype(int))
    if array.sizes["layer"] == 1:
        return array.isel(layer=0)
    if "widths" in data.dims:
        counts = [len(json.loads(str(text))) for text in data["widths"].values]
        return array.sel(layer=xr.DataArray(counts, dims="widths", coords={"widths": data["widths"]}))
    if "depth" in data.dims and int(data["depth"].values[0]) in data["layer"].values:
        return array.sel(layer=int(data["depth"].values[0]))
    return array.isel(layer=-1)


def _curves(data, part, colour, axis, against, bounds):
    count = data.sizes[colour] if colour else 1
    for i in range(count):
        line = part.isel({colour: i}) if colour else part
        line = line.squeeze(drop=True) if axis not in line.dims else line.squeeze([d for d in line.dims if d != axis], drop=True)
        mean = np.atleast_1d(line["mean"].values)
        if not np.isfinite(mean).any():
            yield None
            continue
        x = line["x"].values if against == "length" else (
            data[against].values if against in data.coords and data[against].dims == (axis,) else data[axis].values)
        order = np.argsort(x, kind="stable") if against != "length" else np.arange(len(x))
        pick = lambda key: np.atleast_1d(line[key].values)[order]  # noqa: E731
        theory = pick("theory") if "theory" in line and np.isfinite(line["theory"].values).any() else None
        limits = [pick(f"bound{k}") for k in range(bounds)]
        value = data[colour].values[i] if colour and np.issubdtype(data[colour].dtype, np.number) else i
        yield Curve(value_text(data, colour, i) if colour else "", float(value), np.asarray(x, float)[order], pick("mean"),
                    pick("low"), pick("high"), theory, [limit for limit in limits if np.isfinite(limit).any()])


def _axis_dimension(data, against, arrays):
    if against in ("layer", "length"):
        if against == "length" and "length" not in data:
            raise ArchiveError("--against length: the archive has no array `length`")
        if "layer" not in data.dims:
            raise ArchiveError(f"the archive has no layers; draw --against one of {', '.join(archive.sweep_dimensions(data))}")
        return "layer"
    if against in data.coords and data[against].ndim == 1:
        dimension = data[against].dims[0]
        if not np.issubdtype(data[against].dtype, np.number):
            raise ArchiveError(f"--against {against}: its values are not numbers")
        return dimension
    numbers = {str(name) for name in data.coords if data[name].ndim == 1 and np.issubdtype(data[name].dtype, np.number)}
    known = [name for name in _dimensions(data) if name in numbers]
    known += sorted(numbers - set(known))
    raise ArchiveError(f"--against {against}: no such key (there are {', '.join([*known, 'length'])})")


def colour_key(data, sweep):
    """Of the dimensions `sweep`, the one that becomes colour: sigma_w, a point, else the first of several numbers; or None."""
    several = [dim for dim in sweep if data.sizes[dim] > 1]
    for wanted in ("sigma_w", "point"):
        if wanted in several:
            return wanted
    numbers = [dim for dim in several if np.issubdtype(data[dim].dtype, np.number)]
    return (numbers or several or [None])[0]


def cells(data, dims):
    """Title and indices of every combination of the panels' keys."""
    for at in np.ndindex(*(data.sizes[dim] for dim in dims)):
        yield ", ".join(cell_text(data, dim, i) for dim, i in zip(dims, at)), dict(zip(dims, at))


def cell_text(data, dim, i):
    """What a panel's title says of value `i` of a key: `width = 100`, or the value alone where it speaks for itself."""
    value = value_text(data, dim, i)
    if dim in ("activation", "point"):
        return value
    return f"{heading(data, dim)} {value}" if _is_text(data, dim) else f"{heading(data, dim)} = {value}"


def explanation(data, rows, against):
    """The first note beneath a figure: means over how many networks, and what the bands or bars are."""
    curves = [curve for row in rows for panel in row.panels for curve in panel.curves]
    n = data.sizes.get("realization", 1)
    if n < 2:
        return ["One network per point: no interval."]
    shape = "bars" if against == "length" else "bands"
    text = f"Means over {n} networks"
    return [text + (f"; {shape}: 95 % intervals of the mean." if any(np.isfinite(c.low).any() for c in curves) else ".")]


def _which_layer(data, against):
    if against != "depth" and data.sizes["layer"] == 1:
        return f"Layer {int(data['layer'].values[0])}."
    return "The last layer of each network."


def left_out(data):
    """Notes on cells that are missing, failed or not converged, and on those that left the range of numbers."""
    if "status" not in data:
        return
    status = data["status"].values
    total = status.size
    unusable = [(int((status == code).sum()), archive.STATUS_NAMES[code])
                for code in (archive.MISSING, archive.FAILED, archive.NOT_CONVERGED)]
    left_out = sum(count for count, _ in unusable)
    if left_out:
        why = ", ".join(f"{count} {word}" for count, word in unusable if count)
        yield f"{left_out} of {total} cells are left out ({why})."
    overflown = int((status == archive.OUT_OF_RANGE).sum())
    if overflown:
        yield f"{overflown} of {total} networks left the range of numbers; their points end at the layer before."


def _index(dataset, key, text):
    if key not in dataset.coords:
        position = int(text) if text.isdigit() else -1
        if not 0 <= position < dataset.sizes[key]:
            raise ArchiveError(f"--select {key}={text}: not an index below {dataset.sizes[key]}")
        return position
    values = dataset[key].values
    if np.issubdtype(values.dtype, np.number):
        try:
            near = np.isclose(values.astype(float), float(text), rtol=1e-9, atol=1e-12)
        except ValueError:
            near = np.zeros(len(values), bool)
    else:
        near = np.array([str(value) == text for value in values])
    if not near.any():
        shown = [_plain(value) for value in values[:12]] + (["…"] if len(values) > 12 else [])
        raise ArchiveError(f"--select {key}={text}: no such value (there are {', '.join(shown)})")
    return int(np.argmax(near))


def _dimensions(dataset):
    """The sweep keys in the study file's order, then the rest."""
    sweep = [str(dim) for dim in archive.sweep_dimensions(dataset)]
    return [*sweep, *sorted(str(dim) for dim in dataset.dims if dim not in sweep)]


def _is_text(data, dim):
    return dim in data.coords and not np.issubdtype(data[dim].dtype, np.number)


def value_text(data, dim, i):
    """Value `i` of a key as legends and titles write it: six digits, `student_t, dof 4` for a table, at most 40 letters."""
    along = [str(name) for name in data.coords if data[name].dims == (dim,) and name != dim]
    along.sort(key=lambda name: (list(SYMBOLS).index(name) if name in SYMBOLS else len(SYMBOLS), name))
    if dim == "point" and along:
        return ", ".join(f"{SYMBOLS.get(name, _label(name))} = {_plain(data[name].values[i])}" for name in along)
    if dim not in data.coords:
        return str(i)
    text = _table_text(_plain(data[dim].values[i])).replace("_", " ")
    return text if len(text) <= 40 else text[:39] + "…"


def _table_text(text):
    """`{ law = "student_t", dof = 4 }` as "student_t, dof 4"; any other text as it is."""
    if not text.startswith("{"):
        return text
    try:
        table = tomllib.loads(f"x = {text}")["x"]
    except tomllib.TOMLDecodeError:
        return text
    return ", ".join(str(value) if key in ("law", "expression") else f"{key} {value}" for key, value in table.items())


def heading(data, dim):
    """A key's name over a legend: its symbol where it has one."""
    if dim == "point":
        return "point"
    return SYMBOLS.get(dim, _label(dim))


def _label(name):
    return str(name).replace("_", " ")


def _plain(value):
    return _number(value) if isinstance(value, (int, float, np.number)) else str(value)


def _number(value):
    return f"{float(value):.6g}"


def _units(array):
    units = str(array.attrs.get("units", "1"))
    return "" if units in ("", "1") else f" [{units}]"


def ylabel(data, name):
    """An axis' text for an array: its long name and units."""
    return str(data[name].attrs.get("long_name", _label(name))) + _units(data[name])


def _xlabel(data, against):
    if against == "length":
        return str(data["length"].attrs.get("long_name", "length")) + _units(data["length"])
    return SYMBOLS.get(against, _label(against)) + (_units(data[against]) if against in data.coords else "")


def _x_kind(against, axis, x):
    if axis == "layer" and against != "length":
        return "layer"
    if against == "depth":
        return "layer"
    finite = x[np.isfinite(x)]
    if against == "length" or (finite.min() > 0 and finite.max() >= 8 * finite.min()):
        return "log"
    return "linear"
