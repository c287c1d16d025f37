"""The figures of `geometry`: curvature, metric and Grassmannian length against layer (Poole et al. 2016, figure 4), or,
where the archive holds principal components, the winding circles with their autocorrelation (figure 3)."""

from __future__ import annotations

import textwrap
from dataclasses import replace

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from meander import archive, statistics
from meander.figures.base import series
from meander.figures.base.drawing import OKABE_ITO, STYLE

CLOUD, PLOT, HEIGHT, LEFT, BETWEEN, EDGE, TITLE, NOTE = 1.75, 2.3, 1.75, 0.62, 0.62, 0.1, 0.2, 0.13
MOST_LAYERS = 4  # of the autocorrelation


def drawing(dataset, request):
    """Curves against layer; None where the archive holds principal components and no array is asked for."""
    if "principal_components" in dataset and not request.arrays and request.against is None:
        return None
    if not request.arrays:
        arrays = [name for name in ("curvature", "metric", "grassmannian_length", "length")
                  if name in dataset and bool(dataset[name].notnull().any())]
        if len(arrays) == 4:
            arrays = arrays[:3]
        if request.against not in (None, "layer", "depth"):
            arrays = arrays[:1]
        request = replace(request, arrays=tuple(arrays))
    return series.prepare(dataset, request)


def picture(dataset, request):
    """The Figure, and its notes: a row a cell of the sweep, its circles layer by layer, then its autocorrelation."""
    chosen = series.select(dataset, request.select)
    cells = list(series.cells(chosen, [dim for dim in archive.sweep_dimensions(chosen)]))
    several = [dim for dim in archive.sweep_dimensions(chosen) if chosen.sizes[dim] > 1]
    notes = [*request.notes, "Circles: first three principal components of one network's pre-activations, the angle as "
             "colour; bars: the first five singular values as a fraction of the sum of all."]
    networks = chosen.sizes.get("realization", 1)
    if "autocorrelation" in chosen:
        measured = f"mean over {networks} networks (points, 95 % intervals)" if networks > 1 else \
            "one network (points, no interval)"
        notes.append(f"Autocorrelation: {measured}, theory at infinite width (lines).")
    if len(cells) > request.max_panels:
        notes.append(f"{request.max_panels} of {len(cells)} rows are drawn; --select chooses others.")
        cells = cells[: request.max_panels]
    titles = [", ".join(series.cell_text(chosen, dim, at[dim]) for dim in several) for _, at in cells]
    with rc_context(STYLE):
        return _paint(str(dataset.attrs.get("title", "")), chosen, [at for _, at in cells], titles, notes), notes


def _paint(title, data, cells, titles, notes):
    layers = data["component_layer"].values
    plots = "autocorrelation" in data
    width = 2 * EDGE + len(layers) * CLOUD + (LEFT + PLOT + 0.75 if plots else 0.0)
    title = textwrap.wrap(title, int(width * 14.5))
    lines = [line for note in notes for line in textwrap.wrap(note, int(width * 20))]
    top, bottom = EDGE + TITLE * len(title) + 0.1, EDGE + NOTE * len(lines) + 0.42
    row = HEIGHT + 0.28
    height = top + bottom + len(cells) * row
    figure = Figure(figsize=(width, height), dpi=100)
    for r, (at, name) in enumerate(zip(cells, titles)):
        y = height - top - (r + 1) * row
        here = data.isel(at)
        for c, layer in enumerate(layers):
            left = EDGE + c * CLOUD
            ax = figure.add_axes((left / width, y / height, CLOUD / width, HEIGHT / height), projection="3d")
            _cloud(ax, here, c)
            figure.text((left + 0.08) / width, (y + HEIGHT + 0.04) / height, f"layer {layer}" + (f", {name}" if name else ""),
                        fontsize=8)
            _bars(figure.add_axes(((left + CLOUD - 0.42) / width, (y + 0.03) / height, 0.36 / width, 0.34 / height)), here, c)
        if plots:
            left = 2 * EDGE + len(layers) * CLOUD + LEFT
            ax = figure.add_axes((left / width, (y + 0.06) / height, PLOT / width, (HEIGHT - 0.06) / height))
            _similarity(ax, here, last=r == len(cells) - 1, legend=r == 0)
    for line, text in enumerate(title):
        figure.text(EDGE / width, 1 - (EDGE / 2 + TITLE * line) / height, text, va="top", fontsize=9, weight="bold")
    for line, text in enumerate(reversed(lines)):
        figure.text(EDGE / width, (EDGE + NOTE * line) / height, text, va="bottom", fontsize=6.5, color="#444444")
    return figure


def _cloud(ax, here, c):
    """The first realization's curve in three dimensions, or two where there are no more."""
    points = here["principal_components"].isel(component_layer=c).squeeze()
    points = points.isel(realization=0) if "realization" in points.dims else points
    points = points.transpose("component", "sample").values[:3]
    points = np.vstack([points, np.zeros((3 - len(points), points.shape[1]))])
    points = points[:, np.isfinite(points[0])]
    ax.set_axis_off()
    if not points.size:
        return
    import matplotlib

    colours = matplotlib.colormaps["twilight"](np.arange(points.shape[1]) / points.shape[1])
    colours[:, :3] *= 0.85  # the palest would vanish on paper
    closed = np.concatenate([points, points[:, :1]], axis=1)
    for i in range(points.shape[1]):
        ax.plot(*closed[:, i:i + 2], color=colours[i], linewidth=0.9, solid_capstyle="round")
    reach = np.abs(points).max() or 1.0
    ax.set(xlim=(-reach, reach), ylim=(-reach, reach), zlim=(-reach, reach))
    ax.set_box_aspect((1, 1, 1), zoom=1.35)


def _bars(ax, here, c):
    values = here["singular_value_fraction"].isel(component_layer=c).squeeze()
    values = values.mean("realization").values if "realization" in values.dims else values.values
    ax.bar(np.arange(1, len(values) + 1), values, color="#555555", width=0.7)
    ax.set(xticks=[], ylim=(0, 0.55), yticks=[0, 0.5])
    ax.tick_params(labelsize=5, length=1.5, pad=1)
    ax.grid(False)


def _similarity(ax, here, last, legend):
    measured = here["autocorrelation"].squeeze()
    table = statistics.mean_interval(archive.usable(here, "autocorrelation")).squeeze()
    layers = np.unique(np.concatenate([here["component_layer"].values, [1]]))[:MOST_LAYERS]
    for i, layer in enumerate(layers):
        line = table.sel(layer=layer)
        delta = measured["delta"].values
        every = max(1, len(delta) // 40)
        colour = OKABE_ITO[i % len(OKABE_ITO)]
        mean = line["mean"].values[::every]
        error = np.nan_to_num((line["high"] - line["mean"]).values[::every])
        ax.errorbar(delta[::every], mean, yerr=error, fmt="o", markersize=2.0, color=colour, elinewidth=0.8, gid="measured")
        if "autocorrelation_theory" in here:
            theory = here["autocorrelation_theory"].squeeze()
            theory = theory.isel(realization=0) if "realization" in theory.dims else theory
            ax.plot(delta, theory.sel(layer=layer).values, color=colour, linewidth=1.1, gid="theory")
    ax.set_ylabel(r"autocorrelation $q(\Delta\theta)\,/\,q(0)$")
    ax.set_xticks([0, np.pi / 2, np.pi], ["0", r"$\pi/2$", r"$\pi$"])
    ax.set_ylim(-1.05, 1.05)
    if last:
        ax.set_xlabel(r"angle $\Delta\theta$ [rad]", labelpad=2)
    if legend:
        handles = [Line2D([], [], color=OKABE_ITO[i], marker="o", markersize=2.5, linewidth=1.1, label=str(layer))
                   for i, layer in enumerate(layers)]
        ax.legend(handles=handles, title="layer", loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, handlelength=1.6)
