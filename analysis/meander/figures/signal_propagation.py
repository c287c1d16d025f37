"""The figures of `signal_propagation`: the length and correlation maps with their iteration (Poole et al. 2016, figures 1
and 2), depth scales fitted to networks against sigma_w^2 (Schoenholz et al. 2017), or any array against layer."""

from __future__ import annotations

import textwrap
from dataclasses import replace

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from meander import archive, statistics
from meander.archive import ArchiveError
from meander.statistics import depth_scales
from meander.figures.base import series
from meander.figures.base.drawing import MARKERS, OKABE_ITO, STYLE, log_ticks

PANEL, HEIGHT, LEFT, LEGEND, EDGE, TITLE, NOTE = 2.5, 2.1, 0.62, 1.15, 0.1, 0.2, 0.13
SYMBOLS = {"q": "q", "c": "c"}
STARTS = {"q": "q0", "c": "c0"}
MANY = 5  # values of sigma_w that make a curve of depth scales


def drawing(dataset, request):
    """Curves against layer; None where the sweep asks for one of this module's pictures."""
    data = series.select(dataset, request.select)
    if not request.arrays and request.against is None and (_mapped(data) or _scaled(data)):
        return None
    if not request.arrays:
        arrays = [name for name in ("gradient", "perturbation_growth") if name in dataset]
        request = replace(request, arrays=tuple(arrays or ["c"]))
    return series.prepare(dataset, request)


def picture(dataset, request):
    """The Figure, and its notes."""
    data = series.select(dataset, request.select)
    notes = list(request.notes)
    with rc_context(STYLE):
        figure = _scales(data, notes) if _scaled(data) else _maps(data, _mapped(data), notes)
    return figure, notes


def _mapped(data):
    """`q` or `c` where the sweep holds enough starting values to show the map."""
    for name, start in STARTS.items():
        if data.sizes.get(start, 1) >= 4 and np.issubdtype(data[start].dtype, np.number) and data.sizes["layer"] >= 2:
            return name
    return None


def _scaled(data):
    return data.sizes.get("sigma_w", 1) >= MANY and data.sizes.get("realization", 1) >= 2 and _mapped(data) is None


def _maps(data, name, notes):
    """Left: layer 2 against layer 1 from every start; right: layer by layer from three of them."""
    start = STARTS[name]
    others = [dim for dim in archive.sweep_dimensions(data) if dim != start and data.sizes[dim] > 1]
    if len(others) > 1:
        raise ArchiveError(f"the map of {name} has room for one more sweep key (there are {', '.join(others)}); choose "
                           "with --select")
    fixed = {dim: 0 for dim in archive.sweep_dimensions(data) if dim != start and dim not in others}
    cells = list(series.cells(data, others))
    n = data.sizes.get("realization", 1)
    points = f"means over {n} random networks with 95 % intervals" if n > 1 else "one random network, no interval"
    notes.insert(0, f"Points: {points}; lines: theory at infinite width.")
    figure, left, right = _two_panels(data, notes)
    shown = _shown(data[start].values, name)
    top = 0.0
    for i, (title, at) in enumerate(cells):
        here = data.isel({**fixed, **at})
        table = statistics.mean_interval(archive.usable(here, name))
        theory = here[f"{name}_theory"]
        theory = theory.mean("realization") if "realization" in theory.dims else theory
        colour = OKABE_ITO[i % len(OKABE_ITO)]
        order = np.argsort(theory.isel(layer=0).values)
        x, y = theory.isel(layer=0).values[order], theory.isel(layer=1).values[order]
        left.plot(x, y, color=colour, linewidth=1.1, gid="theory")
        _points(left, x, table.isel(layer=1, **{start: order}), colour, MARKERS[i])
        top = max(top, np.nanmax(x) if name == "c" else np.nanmax(y) * 1.35)
        for k in shown:
            layers = data["layer"].values
            right.plot(layers, theory.isel({start: k}).values, color=colour, linewidth=1.1, gid="theory")
            _points(right, layers, table.isel({start: k}), colour, MARKERS[i])
    reach = (-0.02, 1.03) if name == "c" else (0, top)
    left.plot(reach, reach, color="#999999", linewidth=0.8, linestyle=(0, (1, 1.6)), zorder=1)
    left.set(xlim=reach, ylim=reach, xlabel=f"${name}^1$", ylabel=f"${name}^2$")
    left.set_title("one layer", loc="left", pad=3)
    quantity = "mean square $q^l$" if name == "q" else "correlation $c^l$"
    right.set(xlabel="layer $l$", ylabel=quantity, ylim=(0, None) if name == "q" else reach)
    starts = ", ".join(f"{data[start].values[k]:g}" for k in shown)
    right.set_title(f"from {series.SYMBOLS[start]} = {starts}", loc="left", pad=3)
    _legend(figure, right, [title for title, _ in cells])
    return figure


def _shown(starts, name):
    """Three starting values: the ends and the middle, or the paper's correlations."""
    wanted = (0.2, 0.5, 0.8) if name == "c" else starts[[0, len(starts) // 2, -1]]
    return np.unique([int(np.abs(starts - value).argmin()) for value in wanted])


def _points(ax, x, table, colour, marker):
    error = np.nan_to_num((table["high"] - table["mean"]).values)
    ax.errorbar(x, table["mean"].values, yerr=error, fmt=marker, markersize=2.8, color=colour, elinewidth=0.9,
                markeredgewidth=0, gid="measured")


def _scales(data, notes):
    """Fitted depth scales with their intervals against sigma_w^2, theory as lines."""
    others = [dim for dim in archive.sweep_dimensions(data) if dim != "sigma_w" and data.sizes[dim] > 1]
    if len(others) > 1:
        raise ArchiveError(f"depth scales have room for one more sweep key (there are {', '.join(others)}); choose with "
                           "--select")
    fixed = {dim: 0 for dim in archive.sweep_dimensions(data) if dim != "sigma_w" and dim not in others}
    found = depth_scales(data)
    n = data.sizes["realization"]
    notes.insert(0, f"Points: exponentials fitted to the mean correlation of {n} networks, bars: 95 % intervals (of what the "
                 "dashed line is at infinite width), open where they end at the frame; thin dashed: the same fit to theory's "
                 "correlations; lines: theory of the exponent itself.")
    reach = _reach(found)
    figure, left, right = _two_panels(data, notes)
    cells = list(series.cells(data, others))
    for i, (title, at) in enumerate(cells):
        here = found.isel({**fixed, **at})
        x, colour = here["sigma_w"].values ** 2, OKABE_ITO[i % len(OKABE_ITO)]
        left.plot(x, here["xi_theory"].where(np.isfinite(here["xi_theory"])).values, color=colour, linewidth=1.1, gid="theory")
        left.plot(x, here["xi_same_fit"].values, color=colour, linewidth=0.7, linestyle=(0, (3, 2)))
        low, middle, high = (np.clip(here[key].values, *reach) for key in ("xi_low", "xi", "xi_high"))
        left.errorbar(x, middle, yerr=[np.nan_to_num(middle - low).clip(0), np.nan_to_num(high - middle).clip(0)],
                      fmt=MARKERS[i], markersize=3.2, color=colour, elinewidth=0.9, markeredgewidth=0, gid="measured")
        cell = data.isel({**fixed, **at})
        last = statistics.mean_interval(archive.usable(cell, "c").isel(layer=-1))
        _points(right, x, last, colour, MARKERS[i])
        right.plot(x, cell["c_star"].values, color=colour, linewidth=1.1, gid="theory")
    left.set_yscale("log")
    left.set_ylim(reach)
    log_ticks(left.yaxis, left.get_ylim())
    left.set(xlabel=r"$\sigma_w^2$", ylabel=r"depth scale $\xi_c$ [layers]")
    right.set(xlabel=r"$\sigma_w^2$", ylabel=f"correlation in layer {int(data['layer'].values[-1])}; line: $c^*$", ylim=(0, 1.04))
    _legend(figure, right, [title for title, _ in cells])
    return figure


def _reach(found):
    """Limits of the axis of depth scales: all scales, and the ends of intervals that are no more than a factor of five away."""
    scales = np.concatenate([found[name].values.ravel() for name in ("xi", "xi_same_fit", "xi_theory")])
    scales = scales[np.isfinite(scales) & (scales > 0)]
    low, high = (scales.min(), scales.max()) if scales.size else (1.0, 10.0)
    ends = np.concatenate([found[name].values.ravel() for name in ("xi_low", "xi_high")])
    ends = ends[(ends >= low / 5) & (ends <= 5 * high)]
    return 0.8 * np.append(ends, low).min(), 1.25 * np.append(ends, high).max()


def _two_panels(data, notes):
    width = 2 * (LEFT + PANEL) + LEGEND + EDGE
    title = textwrap.wrap(str(data.attrs.get("title", "")), int(width * 14.5))
    lines = [line for note in notes for line in textwrap.wrap(note, int(width * 20))]
    bottom = EDGE + NOTE * len(lines) + 0.42
    height = EDGE + TITLE * len(title) + 0.2 + HEIGHT + bottom
    figure = Figure(figsize=(width, height), dpi=100)
    axes = [figure.add_axes(((LEFT + i * (LEFT + PANEL)) / width, bottom / height, PANEL / width, HEIGHT / height))
            for i in range(2)]
    for line, text in enumerate(title):
        figure.text(EDGE / width, 1 - (EDGE / 2 + TITLE * line) / height, text, va="top", fontsize=9, weight="bold")
    for line, text in enumerate(reversed(lines)):
        figure.text(EDGE / width, (EDGE + NOTE * line) / height, text, va="bottom", fontsize=6.5, color="#444444")
    return figure, *axes


def _legend(figure, ax, titles):
    if len(titles) < 2:
        return
    handles = [Line2D([], [], color=OKABE_ITO[i % len(OKABE_ITO)], marker=MARKERS[i], markersize=3.2, markeredgewidth=0,
                      linewidth=1.1, label=title) for i, title in enumerate(titles)]
    ax.legend(handles=handles, loc="upper left", bbox_to_anchor=(1.0, 1.02), frameon=False, handlelength=1.8)
