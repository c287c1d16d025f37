"""The figure of `decision_boundary`: the largest and smallest principal curvatures from the output back to the input, on
an axis that is logarithmic on both sides of zero (Poole et al. 2016, figure 4G), beside the theory of their rms."""

from __future__ import annotations

import textwrap
from dataclasses import replace

import numpy as np
import xarray as xr
from matplotlib import rc_context
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from meander import archive, statistics
from meander.archive import ArchiveError
from meander.figures.base import series
from meander.figures.base.drawing import OKABE_ITO, STYLE
from meander.figures.base.series import prepare

PANEL_WIDTH, PANEL_HEIGHT, LEFT, LEGEND, EDGE, TITLE, NOTE = 2.9, 2.5, 0.72, 1.5, 0.1, 0.22, 0.13
ENDS = (("curvature_largest", OKABE_ITO[0], "largest"), ("curvature_smallest", OKABE_ITO[1], "smallest"))


def drawing(dataset, request):
    """Curves of an array that the request names, averaged over boundary points, its first index; else None."""
    if not request.arrays and request.against is None:
        return None
    request = replace(request, arrays=request.arrays or ("curvature_rms",))
    data = dataset.copy()
    for name in request.arrays:
        if name in data and "boundary_point" in data[name].dims:
            attributes = data[name].attrs
            kept = archive.usable(data, name)
            kept = kept.isel(index=0) if "index" in kept.dims else kept
            data[name] = kept.mean("boundary_point", skipna=True).assign_attrs(attributes)
    return prepare(data, request)


def picture(dataset, request):
    """The Figure, and its notes: one panel a point of the sweep."""
    data = series.select(dataset, request.select)
    keys = [dim for dim in archive.sweep_dimensions(data) if data.sizes[dim] > 1]
    cells = [cell for cell in series.cells(data, keys) if _has_values(data, cell[1])]
    if not cells:
        raise ArchiveError("nothing to draw: no finished cell among the chosen ones")
    networks, points = data.sizes.get("realization", 1), data.sizes["boundary_point"]
    several = f"over {networks} networks of {points} points each" if networks > 1 else f"over {points} points of one network"
    # Between networks where there are several; points of one network say nothing of other networks.
    bands = "; bands: 95 % intervals of the mean." if networks > 1 else \
        "; bands: 95 % intervals of this network's mean over its boundary." if points > 1 else "; no interval."
    notes = [f"Means {several}{bands}"]
    notes.extend(series.left_out(data))
    if len(cells) > request.max_panels:
        notes.append(f"{request.max_panels} of {len(cells)} panels are drawn; --select chooses others.")
        cells = cells[: request.max_panels]
    with rc_context(STYLE):
        return _paint(data, cells, notes), notes


def _has_values(data, at):
    return bool(archive.usable(data, "curvature_largest").isel(at).notnull().any())


def _profile(data, name, at):
    """Mean and interval of an array over layers 0 (the input) .. depth, its other own dimensions kept."""
    parts = [archive.usable(data, name + "_input").expand_dims(layer=[0]), archive.usable(data, name)]
    values = xr.concat(parts, "layer", coords="minimal", compat="override", join="override").isel(at)
    # Points of one network are not independent: where there are several, each counts once.
    if data.sizes.get("realization", 1) > 1:
        values = values.mean("boundary_point", skipna=True)
    else:
        values = values.isel(realization=0, drop=True).rename(boundary_point="realization")
    values = values.squeeze([dim for dim in values.dims if dim not in ("layer", "index", "realization")], drop=True)
    return statistics.mean_interval(values)


def _theory(data, name, at):
    if f"{name}_theory" not in data:
        return None
    parts = [data[f"{name}_input_theory"].expand_dims(layer=[0]), data[f"{name}_theory"]]
    values = xr.concat(parts, "layer", coords="minimal", compat="override", join="override").isel(at)
    return values.squeeze([dim for dim in values.dims if dim != "layer"], drop=True).transpose("layer").values


def _paint(data, cells, notes):
    columns = min(len(cells), 3)
    rows = -(-len(cells) // columns)
    width = LEFT + columns * PANEL_WIDTH + (columns - 1) * 0.16 + LEGEND
    title = textwrap.wrap(str(data.attrs.get("title", "")), int(width * 14.5))
    notes = [line for note in notes for line in textwrap.wrap(note, int(width * 20))]
    above = 0.22 if cells[0][0] else 0.08
    top, bottom = EDGE + TITLE * len(title), 0.46 + NOTE * len(notes)
    height = top + bottom + rows * (PANEL_HEIGHT + above)
    figure = Figure(figsize=(width, height), dpi=100)
    count, first = data.sizes["index"], None
    for i, (name, at) in enumerate(cells):
        x = LEFT + (i % columns) * (PANEL_WIDTH + 0.16)
        y = height - top - (i // columns + 1) * (PANEL_HEIGHT + above)
        ax = figure.add_axes((x / width, y / height, PANEL_WIDTH / width, PANEL_HEIGHT / height), sharex=first, sharey=first)
        first = first or ax
        smallest = _panel(ax, data, at)
        ax.set_title(name, loc="left", pad=3)
        ax.tick_params(labelleft=i % columns == 0, labelbottom=i + columns >= len(cells))
        if i + columns >= len(cells):
            ax.set_xlabel("layer (0: the input)", labelpad=2)
        if i % columns == 0:
            ax.set_ylabel("principal curvature [1 / length of $h^l$]", labelpad=3)
        if i == 0:
            threshold = 10.0 ** np.floor(np.log10(smallest)) if smallest > 0 else 1.0
            ax.set_yscale("symlog", linthresh=threshold, linscale=0.4)
            ax.yaxis.set_minor_locator(NullLocator())
    for line, text in enumerate(title):
        figure.text(EDGE / width, 1 - (EDGE / 2 + TITLE * line) / height, text, va="top", fontsize=9, weight="bold")
    for line, text in enumerate(reversed(notes)):
        figure.text(EDGE / width, (EDGE / 2 + NOTE * line) / height, text, va="bottom", fontsize=6.5, color="#444444")
    _legend(figure, count, "curvature_rms_theory" in data, (width - LEGEND + 0.1) / width, 1 - (top + above) / height)
    return figure


def _panel(ax, data, at):
    """Draws one point of the sweep; the smallest magnitude of a mean that is not zero."""
    magnitudes = []
    for name, colour, _ in ENDS:
        table = _profile(data, name, at)
        layers = table["layer"].values
        for k in range(table.sizes["index"]):
            line = table.isel(index=k)
            shade = _shade(colour, k, table.sizes["index"])
            ax.plot(layers, line["mean"].values, color=shade, linewidth=1.2, marker="o", markersize=3, markeredgewidth=0,
                    zorder=4 - k / 100, gid="measured")
            ax.fill_between(layers, line["low"].values, line["high"].values, color=shade, alpha=0.25, linewidth=0, zorder=2)
            magnitudes.append(np.abs(line["mean"].values))
    rms = _profile(data, "curvature_rms", at)
    for sign in (1, -1):
        ax.plot(rms["layer"].values, sign * rms["mean"].values, linestyle="none", marker="D", markersize=3,
                markerfacecolor="white", markeredgecolor="#333333", markeredgewidth=0.8, zorder=4, gid="rms")
        theory = _theory(data, "curvature_rms", at)
        if theory is not None:
            ax.plot(rms["layer"].values, sign * theory, linestyle=(0, (4, 2)), color="#333333", linewidth=1.0, zorder=3,
                    gid="theory")
    magnitudes.append(rms["mean"].values)
    ax.axhline(0, color="#999999", linewidth=0.6, zorder=1)
    ax.xaxis.get_major_locator().set_params(integer=True)
    values = np.concatenate([np.ravel(m) for m in magnitudes])
    values = values[np.isfinite(values) & (values > 0)]
    return values.min() if values.size else 0.0


def _shade(colour, k, count):
    """Paler from the extreme curvature on."""
    part = 0.6 * k / max(count - 1, 1)
    return tuple(part + (1 - part) * channel for channel in to_rgb(colour))


def _legend(figure, count, has_theory, left, top):
    number = "" if count == 1 else f"{count} "
    handles = [Line2D([], [], color=colour, linewidth=1.3, marker="o", markersize=3, label=f"{number}{name}")
               for _, colour, name in ENDS]
    handles.append(Line2D([], [], linestyle="none", marker="D", markersize=3, markerfacecolor="white",
                          markeredgecolor="#333333", label="± rms of all"))
    if has_theory:
        handles.append(Line2D([], [], linestyle=(0, (4, 2)), color="#333333", linewidth=1.0, label="± rms, theory"))
    figure.legend(handles=handles, title="curvatures", loc="upper left", frameon=False, borderaxespad=0, handlelength=1.6,
                  alignment="left", bbox_to_anchor=(left, top))
