"""The figures of `phase_diagram`: heat maps over (sigma_w, sigma_b) with the critical line chi_1 = 1 over them
(Poole et al. 2016, figures 1 and 2), or, at one bias, depth scales against sigma_w^2 (Schoenholz et al. 2017)."""

from __future__ import annotations

import textwrap
from dataclasses import replace

import numpy as np
from matplotlib import colormaps, rc_context
from matplotlib.colors import LogNorm, Normalize, TwoSlopeNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from meander import archive
from meander.archive import ArchiveError
from meander.figures.base import series
from meander.figures.base.drawing import OKABE_ITO, STYLE, log_ticks
from meander.figures.base.series import prepare

SYMBOLS = {"q_star": r"$q^*$", "chi_1": r"$\chi_1$", "chi_2": r"$\chi_2$", "c_star": r"$c^*$", "xi_q": r"$\xi_q$",
           "xi_c": r"$\xi_c$", "basin_low": r"lower edge of the basin, $q$", "basin_high": r"upper edge of the basin, $q$",
           "layers_to_q_star": r"layers to $q^*$"}
ALONE = ("q_star", "layers_to_q_star", "xi_q", "c_star", "chi_1", "xi_c")
SEVERAL = ("q_star", "c_star", "chi_1", "xi_c")
SCALES = ("xi_c", "xi_q", "c_star")
LOGARITHMIC = {"xi_c", "xi_q", "chi_2", "basin_high", "basin_low"}
PANEL, ASPECT, BAR, GAP, LEFT, BETWEEN, AXIS, TITLE, NOTE, EDGE = 1.75, 0.85, 0.09, 0.06, 0.6, 0.74, 0.34, 0.2, 0.13, 0.08


def drawing(dataset, request):
    """Curves of any array where a key for the x axis is named; None for the pictures of this module."""
    if request.against is None or request.against == "sigma_w":
        return None
    found = prepare(dataset, replace(request, arrays=request.arrays or ("xi_c",)))
    found.notes[0] = "Infinite width."
    return found


def picture(dataset, request):
    """The Figure, and its notes."""
    for name in request.arrays:
        if name not in SYMBOLS or name not in dataset:
            known = ", ".join(name for name in SYMBOLS if name in dataset)
            raise ArchiveError(f"--array {name}: not an array over sigma_w (there are {known})")
    data = series.select(dataset, request.select)
    if "sigma_w" not in data.dims:
        raise ArchiveError("this archive is not a grid over sigma_w; name what lies along x with --against")
    flat = data.sizes.get("sigma_b", 1) < 2 or request.against == "sigma_w"
    notes = list(request.notes)
    with rc_context(STYLE):
        figure = _curves(data, request, notes) if flat else _maps(data, request, notes)
    return figure, notes


def _others(data, used):
    """The cells of the remaining sweep keys: title and indices."""
    dims = [dim for dim in archive.sweep_dimensions(data) if dim not in used and data.sizes[dim] > 1]
    fixed = {dim: 0 for dim in archive.sweep_dimensions(data) if dim not in used and data.sizes[dim] == 1}
    return [(title, {**fixed, **at}) for title, at in series.cells(data, dims)]


def _layer(data, name):
    """(title, array over the sweep), one for each value of an own dimension."""
    values = archive.usable(data, name)
    if "deviation" not in values.dims:
        return [(SYMBOLS[name], values)]
    return [(f"{SYMBOLS[name]} within {100 * float(d):g} %", values.sel(deviation=d)) for d in data["deviation"].values]


def _maps(data, request, notes):
    cells = _others(data, ("sigma_w", "sigma_b"))
    arrays = request.arrays or (ALONE if len(cells) == 1 else SEVERAL)
    found = [panel for name in arrays for panel in [(name, *entry) for entry in _layer(data, name)]]
    if not request.arrays:  # one count of layers is enough beside the rest
        found = [panel for i, panel in enumerate(found) if panel[0] != "layers_to_q_star" or panel[0] != found[i - 1][0]]
    most = max(1, request.max_panels // len(found)) if len(cells) > 1 else 1
    if len(cells) > most:
        notes.append(f"{most} of {len(cells)} rows are drawn; --select chooses others, --max-panels allows more.")
        cells = cells[:most]
    panels = [(title, at, *panel) for title, at in cells for panel in found]
    columns = len(found) if len(cells) > 1 else min(3, len(found))
    has_line = any(np.isfinite(_line(data, at)[0]).any() for _, at, *_ in panels)
    notes.insert(0, "Infinite width. " + ("Line: χ₁ = 1, order to its left and chaos to its right. " if has_line else "")
                 + "Grey: no finite value.")
    figure, axes = _frame(str(data.attrs.get("title", "")), len(panels), columns, notes)
    for i, (ax, (title, at, name, symbol, values)) in enumerate(zip(axes, panels)):
        first = i % columns == 0
        _map(figure, ax, data, at, name, values)
        ax.set_title(symbol if len(cells) == 1 or i < columns else "", loc="left", pad=3)
        ax.set_ylabel((f"{title}\n" if title and first else "") + (r"$\sigma_b$" if first else ""), labelpad=2)
        if i + columns >= len(panels):
            ax.set_xlabel(r"$\sigma_w$", labelpad=1)
    return figure


def _map(figure, ax, data, at, name, values):
    part = values.isel(at).transpose("sigma_b", "sigma_w").sortby(["sigma_w", "sigma_b"])
    z = np.ma.masked_invalid(part.values.astype(float))
    norm, colours = _colours(name, z)
    mesh = ax.pcolormesh(part["sigma_w"], part["sigma_b"], z, norm=norm, cmap=colours, shading="nearest", rasterized=True)
    mesh.set_gid(name)
    ax.grid(False)
    critical, biases = _line(data, at)
    # White below black: to be seen on any colour.
    for colour, width in (("white", 2.2), ("black", 1.1)):
        ax.plot(critical, biases, color=colour, linewidth=width, gid="critical", zorder=3, scalex=False, scaley=False)
    ax.set(xlim=_ends(part["sigma_w"].values), ylim=_ends(part["sigma_b"].values))
    place = ax.get_position()
    width, _ = figure.get_size_inches()
    bar = figure.add_axes((place.x1 + GAP / width, place.y0, BAR / width, place.height))
    figure.colorbar(mesh, cax=bar)
    if isinstance(norm, LogNorm):
        log_ticks(bar.yaxis, (norm.vmin, norm.vmax))
    bar.tick_params(labelsize=6, length=2, pad=1.5)
    bar.grid(False)


def _ends(values):
    """The outer edges of the first and the last cell."""
    values = np.sort(values)
    if len(values) < 2:
        return values[0] - 0.5, values[0] + 0.5
    return values[0] - (values[1] - values[0]) / 2, values[-1] + (values[-1] - values[-2]) / 2


def _line(data, at):
    """The critical sigma_w over the biases, in these cells."""
    if "sigma_w_critical" not in data:
        return np.array([]), np.array([])
    line = data["sigma_w_critical"]
    line = line.isel({dim: i for dim, i in at.items() if dim in line.dims}).sortby("sigma_b")
    return line.values, line["sigma_b"].values


def _colours(name, z):
    finite = z.compressed()
    if finite.size == 0:
        return Normalize(0, 1), "viridis"
    low, high = float(finite.min()), float(finite.max())
    if name == "chi_1" and low < 1 < high:
        return TwoSlopeNorm(1.0, low, high), colormaps["RdBu_r"].with_extremes(bad="#dddddd")
    shades = colormaps["viridis"].with_extremes(bad="#dddddd")
    positive = finite[finite > 0]
    if name in LOGARITHMIC and _is_wide(positive):
        # The divergence on the line would leave everything else dark.
        return LogNorm(positive.min(), min(positive.max(), 100 * np.median(positive))), shades
    if name == "c_star":
        return Normalize(0.0, 1.0), shades
    return Normalize(low, high if high > low else low + 1), shades


def _is_wide(values):
    """Whether a logarithmic axis shows more."""
    values = values[np.isfinite(values) & (values > 0)]
    return values.size > 0 and values.max() > 10 * values.min()


def _curves(data, request, notes):
    keys = [dim for dim in archive.sweep_dimensions(data) if dim != "sigma_w" and data.sizes[dim] > 1]
    cells = _others(data, ("sigma_w",))
    if len(cells) > len(OKABE_ITO):
        notes.append(f"{len(OKABE_ITO)} of {len(cells)} curves are drawn; --select chooses others.")
        cells = cells[: len(OKABE_ITO)]
    arrays = request.arrays or SCALES
    found = [(name, *entry) for name in arrays for entry in _layer(data, name)]
    fixed = [series.cell_text(data, dim, 0) for dim in archive.sweep_dimensions(data)
             if dim != "sigma_w" and data.sizes[dim] == 1]
    notes.insert(0, f"Infinite width; {', '.join(fixed)}." if fixed else "Infinite width.")
    critical = [_critical_squares(data, at) for _, at in cells]
    if any(np.isfinite(value).any() for value in critical):
        notes.append("Dotted: where χ₁ = 1.")
    figure, axes = _frame(str(data.attrs.get("title", "")), len(found), min(3, len(found)), notes, legend=bool(keys))
    for ax, (name, symbol, values) in zip(axes, found):
        for (_, at), colour, places in zip(cells, OKABE_ITO, critical):
            curve = values.isel(at).sortby("sigma_w")
            y = np.where(np.isfinite(curve.values), curve.values, np.nan)
            ax.plot(curve["sigma_w"].values ** 2, y, color=colour, linewidth=1.2, gid="theory", zorder=3)
            for place in places[np.isfinite(places)]:
                if curve["sigma_w"].min() ** 2 <= place <= curve["sigma_w"].max() ** 2:
                    ax.axvline(place, color=colour, linewidth=0.8, linestyle=(0, (1, 1.6)), gid="critical", zorder=1)
        units = str(data[name].attrs.get("units", "1"))
        ax.set_ylabel(symbol + (f" [{units}]" if units != "1" else ""), labelpad=2)
        ax.set_xlabel(r"$\sigma_w^2$", labelpad=1)
        if name in LOGARITHMIC and _is_wide(values.values):
            ax.set_yscale("log", nonpositive="mask")
            log_ticks(ax.yaxis, ax.get_ylim())
        ax.margins(x=0.02)
    if keys:
        place = axes[min(3, len(found)) - 1].get_position()
        width, _ = figure.get_size_inches()
        handles = [Line2D([], [], color=colour, linewidth=1.2, label=title) for (title, _), colour in zip(cells, OKABE_ITO)]
        figure.legend(handles=handles, loc="upper left", frameon=False, borderaxespad=0, handlelength=1.4,
                      bbox_to_anchor=(place.x1 + 0.1 / width, place.y1))
    return figure


def _critical_squares(data, at):
    if "sigma_w_critical" not in data:
        return np.array([np.nan])
    line = data["sigma_w_critical"]
    return np.atleast_1d(line.isel({dim: i for dim, i in at.items() if dim in line.dims}).values) ** 2


def _frame(title, count, columns, notes, legend=False):
    """A Figure with `count` panels in rows of `columns`, each with room for a colour bar beside it."""
    rows = -(-count // columns)
    width = LEFT + columns * (PANEL + BETWEEN) + EDGE - 0.15 + (0.9 if legend else 0.0)
    lines = [line for note in notes for line in textwrap.wrap(note, int(width * 20))]
    panel_height = PANEL * ASPECT
    height = EDGE + TITLE + rows * (panel_height + TITLE) + (rows - 1) * 0.2 + AXIS + NOTE * len(lines) + EDGE
    figure = Figure(figsize=(width, height), dpi=100)
    axes = []
    for i in range(count):
        x = LEFT + (i % columns) * (PANEL + BETWEEN)
        y = height - EDGE - TITLE - (i // columns + 1) * (panel_height + TITLE) - (i // columns) * 0.2
        axes.append(figure.add_axes((x / width, y / height, PANEL / width, panel_height / height)))
    figure.text(EDGE / width, 1 - EDGE / 2 / height, title, va="top", fontsize=9, weight="bold")
    for line, text in enumerate(reversed(lines)):
        figure.text(EDGE / width, (EDGE + NOTE * line) / height, text, va="bottom", fontsize=6.5, color="#444444")
    return figure, axes
