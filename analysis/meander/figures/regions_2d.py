"""The figures of `regions_2d`: the picture of the regions, boundaries coloured by the layer that makes them
(Raghu et al. 2017, figure 1), or numbers of regions against layer or, at equal neurons, against depth."""

from __future__ import annotations

import json
import textwrap
import tomllib
from dataclasses import replace

import numpy as np
from matplotlib import rc_context
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from meander import archive
from meander.figures.base import series
from meander.figures.base.drawing import OKABE_ITO, STYLE
from meander.figures.base.series import prepare

PANEL, EDGE, LEGEND, BETWEEN, TITLE, NOTE = 2.3, 0.1, 0.75, 0.14, 0.2, 0.13


def drawing(dataset, request):
    """Curves of the numbers of regions; None where the archive holds the picture and no array is asked for."""
    if "edge_layer" in dataset and not request.arrays and request.against is None:
        return None
    data = series.select(dataset, request.select)
    request = replace(request, select=(), arrays=request.arrays or ("cells",))
    if request.against is None and data.sizes.get("widths", 1) > 1:
        depths = [len(json.loads(str(text))) for text in data["widths"].values]
        if len(set(depths)) == len(depths):
            data = data.assign_coords(depth=("widths", depths)).swap_dims(widths="depth")
            data = data.drop_vars("widths").sortby("depth")
            request = replace(request, against="depth")
    return prepare(data, request)


def picture(dataset, request):
    """The Figure, and its notes: one panel a cell of the sweep, or one a layer where there is a single cell."""
    cells = _cells(dataset, series.select(dataset, request.select))
    notes = list(request.notes)
    depth = dataset.sizes["layer"]
    if len(cells) == 1:
        title, edges, counts = cells[0]
        panels = [(f"layer{'s' if l > 1 else ''} 1{f' to {l}' if l > 1 else ''}: {counts[l - 1]:.0f} regions",
                   [edge for edge in edges if edge[4] <= l]) for l in range(1, len(counts) + 1)]
    else:
        panels = [(f"{title}: {counts[-1]:.0f} regions" if title else f"{counts[-1]:.0f} regions", edges)
                  for title, edges, counts in cells]
    notes.insert(0, "Boundaries between linear regions, by the layer whose neuron makes them.")
    if len(panels) > request.max_panels:
        notes.append(f"{request.max_panels} of {len(panels)} panels are drawn; --select chooses others.")
        panels = panels[: request.max_panels]
    with rc_context(STYLE):
        return _paint(str(dataset.attrs.get("title", "")), panels, depth, _range(dataset), notes), notes


def _range(dataset):
    """Of s and t, as the study has it."""
    study = tomllib.loads(str(dataset.attrs.get("study", "")))
    return tuple(study.get("regions_2d", {}).get("range", (-1.0, 1.0)))


def _cells(dataset, chosen):
    """Title, boundaries (s0, t0, s1, t1, layer) and counts of every finished cell that was chosen."""
    status = dataset["status"]
    counts = np.nan_to_num(dataset["edge_count"].transpose(*status.dims).values.ravel()).astype(int)
    ends = np.cumsum(counts)
    names = ("edge_s0", "edge_t0", "edge_s1", "edge_t1", "edge_layer")
    table = np.stack([dataset[name].values for name in names], axis=1)
    found = []
    for flat, at in enumerate(np.ndindex(status.shape)):
        where = dict(zip(status.dims, at))
        if status.values[at] != archive.DONE or not _is_chosen(dataset, chosen, where):
            continue
        cells = dataset["cells"].isel(where).values.astype(float)
        titles = [series.cell_text(dataset, dim, i) for dim, i in where.items()
                  if dim != "realization" and dataset.sizes[dim] > 1]
        if dataset.sizes.get("realization", 1) > 1:
            titles.append(f"network {where['realization']}")
        found.append((", ".join(titles), table[ends[flat] - counts[flat]: ends[flat]], cells[np.isfinite(cells)]))
    if not found:
        raise archive.ArchiveError("nothing to draw: no finished cell among the chosen ones")
    return found


def _is_chosen(dataset, chosen, where):
    for dim, i in where.items():
        if dim in dataset.coords:
            if dataset[dim].values[i] not in chosen[dim].values:
                return False
        elif i >= chosen.sizes[dim]:
            return False
    return True


def _paint(title, panels, depth, square, notes):
    columns = min(len(panels), 3 if len(panels) != 4 else 2)
    rows = -(-len(panels) // columns)
    width = 2 * EDGE + columns * PANEL + (columns - 1) * BETWEEN + LEGEND
    panels = [(textwrap.fill(name, 38), edges) for name, edges in panels]
    above = TITLE + NOTE * max(name.count("\n") for name, _ in panels)
    top, bottom = EDGE + TITLE, EDGE + NOTE * len(notes) + 0.08
    height = top + bottom + rows * (PANEL + above)
    figure = Figure(figsize=(width, height), dpi=100)
    colours = [OKABE_ITO[l % len(OKABE_ITO)] for l in range(depth)]
    for i, (name, edges) in enumerate(panels):
        x = EDGE + (i % columns) * (PANEL + BETWEEN)
        y = height - top - (i // columns + 1) * (PANEL + above)
        ax = figure.add_axes((x / width, y / height, PANEL / width, PANEL / height))
        edges = np.asarray(edges, float).reshape(-1, 5)
        thin = 1.5 if len(edges) < 400 else 0.7
        for layer in range(depth, 0, -1):
            mine = edges[edges[:, 4] == layer]
            ax.add_collection(LineCollection(mine[:, :4].reshape(-1, 2, 2), colors=colours[layer - 1],
                                             linewidths=thin * (1 - 0.5 * (layer - 1) / max(depth, 2)),
                                             zorder=depth + 1 - layer, gid=f"layer {layer}"))
        ax.set(xlim=square, ylim=square, xticks=[], yticks=[])
        ax.grid(False)
        ax.spines[["top", "right"]].set_visible(True)
        ax.set_title(name, loc="left", pad=3)
    figure.text(EDGE / width, 1 - EDGE / 2 / height, title, va="top", fontsize=9, weight="bold")
    for line, text in enumerate(reversed(notes)):
        figure.text(EDGE / width, (EDGE + NOTE * line) / height, text, va="bottom", fontsize=6.5, color="#444444")
    handles = [Line2D([], [], color=colour, linewidth=1.5, label=str(l + 1)) for l, colour in enumerate(colours)]
    figure.legend(handles=handles, title="layer", loc="upper left", frameon=False, borderaxespad=0, handlelength=1.4,
                  alignment="left", bbox_to_anchor=((width - LEGEND - EDGE + 0.12) / width, 1 - (top + above) / height))
    return figure
