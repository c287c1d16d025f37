"""The figures of `jacobian_spectrum`: densities of the eigenvalues lambda of JJ' with free probability's line, its
edge and its atoms, a panel a point of the sweep; or the fraction of singular values near 1, and others, against depth."""

from __future__ import annotations

import textwrap
from dataclasses import replace

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from meander import archive
from meander.figures.base import series
from meander.figures.base.drawing import OKABE_ITO, STYLE, log_ticks
from meander.figures.base.series import prepare

WIDTH, HEIGHT, LEFT, BETWEEN, ABOVE, BELOW, TITLE, NOTE, EDGE, LEGEND = 2.3, 1.75, 0.62, 0.5, 0.34, 0.42, 0.2, 0.13, 0.1, 1.3
BLUE, RED, GREEN, GREY = OKABE_ITO[0], "#222222", OKABE_ITO[1], "#777777"


def drawing(dataset, request):
    """Curves of one number a point against depth or another key; None where spectra are to be drawn."""
    if not request.arrays and request.against is None:
        if dataset.sizes.get("depth", 1) < 3:
            return None
        request = replace(request, against="depth")
    request = replace(request, arrays=request.arrays or ("fraction_near_one",))
    data = series.select(dataset, request.select)
    request = replace(request, select=())
    if "layer" in data.dims and request.arrays != ("slope_square",):
        data = data.drop_dims("layer")
        request = replace(request, against=request.against or "depth")
    if any("eps" in data[name].dims for name in request.arrays if name in data):
        eps = data["eps"].values
        if len(eps) > 1:
            request = replace(request, notes=(*request.notes, f"Within 1 ± {eps[0]:g}; --select eps=… chooses another."))
        else:
            request = replace(request, notes=(*request.notes, f"Singular values within 1 ± {eps[0]:g}."))
        data = data.isel(eps=0, drop=True)
    for name in request.arrays:  # by place and bin they are the spectra's
        if name in data and {"index", "bin"} & set(data[name].dims):
            raise archive.ArchiveError(f"`{name}` is drawn as a spectrum: leave --array and --against out")
    return prepare(data, request)


def picture(dataset, request):
    """The Figure of the spectra, and its notes."""
    data = series.select(dataset, request.select)
    sweep = archive.sweep_dimensions(data)
    cells = [dict(zip(sweep, at)) for at in np.ndindex(*(data.sizes[dim] for dim in sweep))]
    density = archive.usable(data, "density")
    panels = []
    for at in cells:
        measured = density.isel(at)
        if not bool(measured.notnull().any()):
            continue
        title = ", ".join(_name(data, dim, i) for dim, i in at.items() if data.sizes[dim] > 1)
        panels.append((title, data.isel(at), measured))
    if not panels:
        raise archive.ArchiveError("nothing to draw: no finished cell among the chosen ones")
    count = data.sizes.get("realization", 1)
    notes = [f"Histograms over {count} network{'s' if count > 1 else ''}, exact zeros left out; theory for infinite "
             "width, its atoms as stems that carry their weight.", *request.notes]
    if any("theory_valid" in part and int(part["theory_valid"].fillna(0)) == 0 for _, part, _ in panels):
        notes.append("Theory is grey where depth/width > 0.05: it does not hold there.")
    if len(panels) > request.max_panels:
        notes.append(f"{request.max_panels} of {len(panels)} panels are drawn; --select chooses others.")
        panels = panels[: request.max_panels]
    notes.extend(series.left_out(data))
    with rc_context(STYLE):
        return _paint(str(dataset.attrs.get("title", "")), panels, notes), notes


def _name(data, dim, i):
    """A point by its activation and weights, then the numbers in which points differ."""
    if dim != "point":
        return series.cell_text(data, dim, i)
    along = {str(name): data[name].values for name in data.coords if data[name].dims == ("point",) and name != "point"}
    words = [str(along.pop(name)[i]) for name in ("activation", "weights") if name in along]
    numbers = [f"{series.SYMBOLS.get(name, name)} = {values[i]:.3g}" for name, values in along.items()
               if len(np.unique(values)) > 1]
    return ", ".join([*words, *numbers])


def _paint(title, panels, notes):
    columns = min(len(panels), 3 if len(panels) != 4 else 2)
    rows = -(-len(panels) // columns)
    width = LEFT + columns * WIDTH + (columns - 1) * BETWEEN + LEGEND + EDGE
    heading = textwrap.wrap(title, int(width * 14.5))
    footer = [line for note in notes for line in textwrap.wrap(note, int(width * 20))]
    top, bottom = EDGE + TITLE * len(heading), EDGE + NOTE * len(footer)
    height = top + bottom + rows * (HEIGHT + ABOVE + BELOW)
    figure = Figure(figsize=(width, height), dpi=100)
    for i, (name, part, measured) in enumerate(panels):
        x = LEFT + (i % columns) * (WIDTH + BETWEEN)
        y = height - top - (i // columns + 1) * (HEIGHT + ABOVE + BELOW) + BELOW
        ax = figure.add_axes((x / width, y / height, WIDTH / width, HEIGHT / height))
        _panel(ax, part, measured)
        ax.set_title(textwrap.fill(name, 44), loc="left", pad=3, fontsize=7.5)
        ax.set_xlabel(r"eigenvalue $\lambda$ of $JJ^{\top}$", labelpad=2)
        if i % columns == 0:
            ax.set_ylabel(r"density $\rho(\lambda)$", labelpad=3)
    for line, text in enumerate(heading):
        figure.text(EDGE / width, 1 - (EDGE / 2 + TITLE * line) / height, text, va="top", fontsize=9, weight="bold")
    for line, text in enumerate(reversed(footer)):
        figure.text(EDGE / width, (EDGE / 2 + NOTE * line) / height, text, va="bottom", fontsize=6.5, color="#444444")
    figure.legend(handles=_handles(figure), loc="upper left", frameon=False, borderaxespad=0, handlelength=1.6,
                  bbox_to_anchor=((width - LEGEND - EDGE + 0.12) / width, 1 - (top + ABOVE) / height))
    return figure


def _panel(ax, part, measured):
    centres = part["lambda"].values.astype(float)
    step = centres[1] - centres[0] if len(centres) > 1 else 2 * centres[0]
    edges = np.append(centres - step / 2, centres[-1] + step / 2)
    mean = measured.mean("realization").values if "realization" in measured.dims else measured.values
    ax.stairs(np.where(mean > 0, mean, np.nan), edges, fill=True, color=BLUE, alpha=0.35, linewidth=0, gid="measured")
    ax.stairs(np.where(mean > 0, mean, np.nan), edges, color=BLUE, linewidth=0.7)
    valid = "theory_valid" in part and int(part["theory_valid"].fillna(0)) == 1
    colour = RED if valid else GREY
    theory = part["density_theory"].values.astype(float)
    shown = np.isfinite(theory) & (theory > 0)
    if shown.any():
        ax.plot(centres, np.where(shown, theory, np.nan), color=colour, linewidth=1.2, gid="theory")
    tallest = 0.0
    if "density_universal" in part and part["density_universal"].notnull().any():
        limit = part["density_universal"].values.astype(float)
        tallest = np.nanmax(limit)
        ax.plot(centres, np.where(limit > 0, limit, np.nan), color=GREEN, linewidth=1.0, linestyle=(0, (4, 2)),
                gid="universal")
    positive = np.concatenate([mean[mean > 0], theory[shown]])
    positive = positive[positive > 1e-5 * positive.max()]
    steep = positive.max() > 12 * np.median(positive)
    low, high = (positive.min() / 1.6, positive.max() * 2.5) if steep else (0.0, max(positive.max(), tallest) * 1.15)
    ax.set_yscale("log" if steep else "linear")
    ax.set_ylim(low, high)
    ax.set_xlim(edges[0], edges[-1])
    top = high / 1.3 if steep else 0.95 * high
    edge = float(part["lambda_max_theory"])
    if np.isfinite(edge):
        ax.axvline(edge, color=colour, linewidth=0.8, linestyle=(0, (1, 1.5)), gid="edge")
    weight = float(part["atom_weight_theory"].fillna(0))
    if weight > 0:
        place = float(part["atom_theory"])
        ax.plot([place, place], [low, top], color=OKABE_ITO[3], linewidth=1.4, gid="atom")
        ax.annotate(f"{weight:.2g} ", (place, top), ha="right", va="top", fontsize=6.5, color=OKABE_ITO[3])
    zero = float(part["zero_weight_theory"].fillna(0))
    if zero > 0:
        ax.plot([0, 0], [low, top], color=OKABE_ITO[3], linewidth=2.4, gid="atom", clip_on=False)
        ax.annotate(f" {zero:.2g}", (0, top), ha="left", va="top", fontsize=6.5, color=OKABE_ITO[3])
    if steep:
        log_ticks(ax.yaxis, ax.get_ylim())


def _handles(figure):
    drawn = {artist.get_gid() for ax in figure.axes for artist in [*ax.get_lines(), *ax.patches]}
    handles = [("measured", Patch(facecolor=BLUE, alpha=0.35, edgecolor=BLUE, label="measured")),
               ("theory", Line2D([], [], color=RED, linewidth=1.2, label="free probability")),
               ("universal", Line2D([], [], color=GREEN, linewidth=1.0, linestyle=(0, (4, 2)), label="universal limit")),
               ("edge", Line2D([], [], color=RED, linewidth=0.8, linestyle=(0, (1, 1.5)), label="edge")),
               ("atom", Line2D([], [], color=OKABE_ITO[3], linewidth=1.6, label="atom, weight"))]
    return [handle for gid, handle in handles if gid in drawn]
