"""Draws prepared curves: colours that colour-blind readers and grey printers keep apart, theory dashed,
intervals shaded, bounds dotted, and the legend beside the panels, where it covers nothing."""

from __future__ import annotations

import re
import textwrap

import matplotlib

matplotlib.use("Agg")

import numpy as np  # noqa: E402
from matplotlib.colors import to_rgb  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402
from matplotlib.lines import Line2D  # noqa: E402
from matplotlib.patches import Patch  # noqa: E402
from matplotlib.text import Text  # noqa: E402
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator, ScalarFormatter  # noqa: E402

from meander.terminal import printable  # noqa: E402

STYLE = {
    "font.family": "DejaVu Sans", "font.size": 8, "axes.titlesize": 8, "axes.labelsize": 8,
    "xtick.labelsize": 7, "ytick.labelsize": 7, "legend.fontsize": 7.5, "legend.title_fontsize": 8,
    "axes.spines.top": False, "axes.spines.right": False, "axes.linewidth": 0.7, "axes.grid": True,
    "grid.color": "#e4e4e4", "grid.linewidth": 0.5, "axes.axisbelow": True, "lines.solid_capstyle": "round",
    "xtick.major.width": 0.7, "ytick.major.width": 0.7, "xtick.minor.width": 0.5, "ytick.minor.width": 0.5,
    "svg.hashsalt": "meander", "svg.fonttype": "path", "savefig.dpi": 220,
}
OKABE_ITO = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999"]
MARKERS = ["o", "s", "^", "D", "v", "P", "X", "<", ">", "p"]

# Inches.
PANEL_WIDTH, PANEL_HEIGHT = 2.15, 1.85
LEFT, RIGHT, LEGEND, BETWEEN, ABOVE_ROW, AXIS = 0.66, 0.1, 1.12, 0.16, 0.2, 0.36
TITLE_LINE, NOTE_LINE, EDGE, ENTRY = 0.17, 0.13, 0.08, 0.142
LEGEND_CHARACTERS = 22  # longer labels are wrapped


def render(drawing) -> Figure:
    """The Figure; the same drawing gives the same bytes when saved with `save`."""
    with matplotlib.rc_context(STYLE):
        return _render(drawing)


def save(figure, path, kind):
    """Writes PNG, SVG or PDF without anything that changes from run to run."""
    nameless = {"png": {"Software": None}, "svg": {"Date": None, "Creator": None}, "pdf": {"CreationDate": None}}
    with matplotlib.rc_context(STYLE):
        figure.savefig(path, format=kind, metadata=nameless[kind])


def _render(drawing):
    grid, columns = _arrange(drawing)
    wide = columns == 1
    panel_width = 2.6 if wide else PANEL_WIDTH
    keyed = bool(drawing.colour_key) or _has(drawing, "theory") or _has(drawing, "bounds") or drawing.proportional
    legend_width, legend_height = _legend_size(drawing) if keyed else (RIGHT, 0.0)
    width = LEFT + columns * panel_width + (columns - 1) * BETWEEN + legend_width + EDGE
    title = textwrap.wrap(drawing.title, int(width * 14.5))
    notes = [line for note in drawing.notes for line in textwrap.wrap(note, int(width * 20))]
    top = EDGE + TITLE_LINE * len(title)
    bottom = AXIS + 0.06 + NOTE_LINE * len(notes) + EDGE
    lines = len(grid)
    titled = any(panel.title for row in drawing.rows for panel in row.panels)
    above = ABOVE_ROW if titled else 0.06
    row_height = PANEL_HEIGHT + above
    between_arrays = 0.12
    panels_height = lines * row_height + (lines - 1) * between_arrays
    bottom += max(0.0, above + legend_height - panels_height - AXIS)
    height = top + panels_height + bottom
    figure = Figure(figsize=(width, height), dpi=100)
    axes = []
    for r, (row, panels) in enumerate(grid):
        y = height - top - (r + 1) * row_height - r * between_arrays
        for c, panel in enumerate(panels):
            x = LEFT + c * (panel_width + BETWEEN)
            share = axes[0][2] if axes else None
            same = next((a for owner, _, a in axes if owner is row), None)
            ax = figure.add_axes((x / width, y / height, panel_width / width, PANEL_HEIGHT / height),
                                 sharex=share, sharey=same)
            axes.append((row, panel, ax))
            lowest = r == lines - 1 or c >= len(grid[r + 1][1])
            _draw_panel(ax, drawing, row, panel)
            _label_axes(ax, drawing, row, panel, first=c == 0, lowest=lowest)
    for row, panel, ax in axes:  # once all that share an axis have been drawn
        _scale_axes(ax, drawing, row, panel)
    for line, text in enumerate(title):
        figure.text(EDGE / width, 1 - (EDGE / 2 + TITLE_LINE * line) / height, text, va="top", fontsize=9, weight="bold")
    for line, text in enumerate(reversed(notes)):
        figure.text(EDGE / width, (EDGE + NOTE_LINE * line) / height, text, va="bottom", fontsize=6.5, color="#444444")
    if keyed:
        left = LEFT + columns * panel_width + (columns - 1) * BETWEEN + 0.1
        _legend(figure, drawing, left / width, 1 - (top + above) / height, height)
    for text in figure.findobj(Text):  # an SVG with a control character is no XML
        if printable(text.get_text()) != text.get_text():
            text.set_text(printable(text.get_text()))
    return figure


def _arrange(drawing):
    """Lines of panels, each with the row it belongs to, and the number of columns."""
    if len(drawing.rows) > 1:
        columns = max(len(row.panels) for row in drawing.rows)
        return [(row, row.panels) for row in drawing.rows], columns
    row = drawing.rows[0]
    count = len(row.panels)
    columns = drawing.columns or (count if count <= 3 else 2 if count == 4 else 3 if count <= 9 else 4)
    return [(row, row.panels[i:i + columns]) for i in range(0, count, columns)], columns


def _draw_panel(ax, drawing, row, panel):
    colours = _colours(drawing)
    markers = _markers(drawing)
    for curve in panel.curves:
        colour, marker = colours[curve.value], markers[curve.value]
        finite = np.isfinite(curve.mean)
        joined = "none" if drawing.scatter else "-"
        every = 1 if drawing.scatter else max(1, len(curve.x) // 12)
        ax.plot(curve.x, curve.mean, linestyle=joined, color=colour, linewidth=1.3, marker=marker,
                markersize=3.4, markeredgewidth=0, markevery=every, zorder=3, gid="measured",
                label=curve.label)
        banded = finite & np.isfinite(curve.low)
        if banded.any():
            if drawing.scatter:
                error = [(curve.mean - curve.low)[banded], (curve.high - curve.mean)[banded]]
                ax.errorbar(curve.x[banded], curve.mean[banded], yerr=error, fmt="none", ecolor=colour, elinewidth=0.8,
                            zorder=2)
            else:
                ax.fill_between(curve.x, curve.low, curve.high, where=banded, color=colour, alpha=0.25, linewidth=0, zorder=2)
        if curve.theory is not None:
            ax.plot(curve.x, curve.theory, linestyle=(0, (4, 2)), color=_darker(colour), linewidth=1.0, zorder=4,
                    gid="theory")
        for bound in curve.bounds:
            ax.plot(curve.x, bound, linestyle=(0, (1, 1.6)), color=colour, linewidth=1.1, zorder=2.5, gid="bound")
    if drawing.proportional:
        _proportional(ax, panel)


def _label_axes(ax, drawing, row, panel, first, lowest):
    if panel.title and (row is drawing.rows[0] or not _same_panels(row, drawing.rows[0])):
        ax.set_title(panel.title, pad=3, loc="left")
    ax.tick_params(which="both", labelleft=first, labelbottom=lowest)
    if lowest:
        ax.set_xlabel(drawing.xlabel, labelpad=2)
    if first:
        ax.set_ylabel("\n".join(textwrap.wrap(row.ylabel, 34)), labelpad=3)


def _scale_axes(ax, drawing, row, panel):
    if row.log_y:
        ax.set_yscale("log", nonpositive="mask")
        log_ticks(ax.yaxis, ax.get_ylim())
    ax.margins(x=0.03)
    if drawing.x_kind == "layer":
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8, steps=[1, 2, 4, 5, 10]))
    elif drawing.x_kind == "log":
        ax.set_xscale("log")
        if drawing.proportional:
            log_ticks(ax.xaxis, ax.get_xlim())
        else:
            ax.set_xticks(_few(panel.curves[0].x))
            ax.xaxis.set_major_formatter(ScalarFormatter())
            ax.xaxis.set_minor_locator(NullLocator())


def log_ticks(axis, limits):
    """With fewer than two powers of ten in sight, 2 and 5 times them are labelled too."""
    low, high = np.log10(limits)
    if np.floor(high) - np.ceil(low) + 1 < 2:
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter(FuncFormatter(_plain_number))
        axis.set_minor_formatter(NullFormatter())


def _plain_number(value, _):
    if 1e-3 <= value < 1e5:
        return f"{value:g}"
    exponent = int(np.floor(np.log10(value) + 1e-9))
    return rf"${value / 10.0**exponent:g}\times10^{{{exponent}}}$"


def _same_panels(row, other):
    return [panel.title for panel in row.panels] == [panel.title for panel in other.panels]


def _few(values):
    """At most six of the values, the ends among them, for tick labels that do not touch."""
    values = np.unique(values)
    if len(values) <= 6:
        return values
    return values[np.unique(np.linspace(0, len(values) - 1, 6).round().astype(int))]


def _proportional(ax, panel):
    """The straight line through the origin that fits best in logarithms."""
    x = np.concatenate([curve.x for curve in panel.curves])
    y = np.concatenate([curve.mean for curve in panel.curves])
    good = np.isfinite(x) & np.isfinite(y) & (x > 0) & (y > 0)
    if good.any():
        slope = np.exp(np.mean(np.log(y[good] / x[good])))
        ends = np.array([x[good].min(), x[good].max()])
        ax.plot(ends, slope * ends, linestyle=(0, (4, 2)), color="#333333", linewidth=1.0, zorder=1.5, gid="proportional")


def _all_curves(drawing):
    """One curve for each value of the colour key, in its order."""
    found = {}
    for row in drawing.rows:
        for panel in row.panels:
            for curve in panel.curves:
                found.setdefault(curve.value, curve)
    return sorted(found.values(), key=lambda curve: curve.value)


def _colours(drawing):
    curves = _all_curves(drawing)
    if len(curves) == 1:
        return {curves[0].value: OKABE_ITO[0]}
    if not drawing.numeric_key and len(curves) <= len(OKABE_ITO):
        return {curve.value: OKABE_ITO[i] for i, curve in enumerate(curves)}
    # The yellow end is left out: it vanishes on paper.
    shades = matplotlib.colormaps["viridis"](np.linspace(0.0, 0.82, len(curves)))
    return {curve.value: tuple(shade) for curve, shade in zip(curves, shades)}


def _markers(drawing):
    return {curve.value: MARKERS[i % len(MARKERS)] for i, curve in enumerate(_all_curves(drawing))}


def _darker(colour):
    return tuple(0.4 * channel for channel in to_rgb(colour))


def _has(drawing, what):
    curves = [curve for row in drawing.rows for panel in row.panels for curve in panel.curves]
    return any(curve.theory is not None if what == "theory" else curve.bounds for curve in curves)


def _legend(figure, drawing, x, y, height):
    colours, markers = _colours(drawing), _markers(drawing)
    curves = _all_curves(drawing)
    if drawing.numeric_key:
        curves = curves[::-1]  # larger values lie higher in the panels, mostly
    line = "none" if drawing.scatter else "-"
    place = {"loc": "upper left", "bbox_to_anchor": (x, y), "frameon": False, "borderaxespad": 0, "handlelength": 1.9,
             "labelspacing": 0.35, "alignment": "left"}
    if drawing.colour_key:
        handles = [Line2D([], [], color=colours[c.value], marker=markers[c.value], linestyle=line, markersize=3.4,
                          markeredgewidth=0, linewidth=1.3, label=_wrapped(c.label)) for c in curves]
        legend = figure.legend(handles=handles, title=drawing.colour_key, **place)
        y -= _legend_height(figure, legend) + 0.12 / height
    handles = _style_handles(drawing)
    if handles:
        figure.legend(handles=handles, **{**place, "bbox_to_anchor": (x, y)})


def _style_handles(drawing):
    grey = "#555555"
    handles = []
    if _has(drawing, "theory") or _has(drawing, "bounds"):
        handles.append(Line2D([], [], color=grey, marker="o", markersize=3.4, linewidth=1.3, label="measured",
                              linestyle="none" if drawing.scatter else "-"))
    if _has(drawing, "theory"):
        handles.append(Line2D([], [], color="#222222", linestyle=(0, (4, 2)), linewidth=1.0, label="theory"))
    if _has(drawing, "bounds"):
        handles.append(Line2D([], [], color=grey, linestyle=(0, (1, 1.6)), linewidth=1.1, label="bounds"))
    if drawing.proportional:
        handles.append(Line2D([], [], color="#333333", linestyle=(0, (4, 2)), linewidth=1.0, label="∝ length"))
    elif any(np.isfinite(c.low).any() for row in drawing.rows for p in row.panels for c in p.curves):
        handles.append(Line2D([], [], color=grey, marker="|", markersize=8, markeredgewidth=0.8, linestyle="none",
                              label="95 % interval") if drawing.scatter
                       else Patch(facecolor=grey, alpha=0.3, linewidth=0, label="95 % interval"))
    return handles


def _legend_height(figure, legend):
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    return legend.get_window_extent(canvas.get_renderer()).height / figure.bbox.height


def _wrapped(label):
    return textwrap.fill(label, LEGEND_CHARACTERS + label.count("$") + 4 * label.count("\\"))


def _legend_size(drawing):
    """Inches that the legend's column takes, from its text."""
    lines = [line for curve in _all_curves(drawing) for line in _wrapped(curve.label).split("\n")] if drawing.colour_key else []
    longest = max((len(re.sub(r"\\[a-z]+", "s", line).replace("$", "")) for line in lines), default=0)
    entries = len(lines) + bool(lines) + len(_style_handles(drawing))
    return max(LEGEND, 0.5 + 0.066 * longest), ENTRY * entries + 0.2
