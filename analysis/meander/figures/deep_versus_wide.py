"""The figure of `deep_versus_wide` (Poole et al. 2016, figure 5): outputs along the circle at three depths, the errors of
every frequency for depth and for width, and the lengths of hidden layers against the bound on shallow ones."""

from __future__ import annotations

import json
import textwrap
from dataclasses import dataclass, replace

import numpy as np
from matplotlib import rc_context
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from meander import archive, statistics
from meander.archive import ArchiveError
from meander.figures.base import series
from meander.figures.base.drawing import OKABE_ITO, STYLE
from meander.figures.base.series import prepare

LEFT, BETWEEN, RIGHT, EDGE, TITLE, NOTE = 0.72, 0.62, 0.95, 0.1, 0.22, 0.13
PANEL_WIDTH, ACTIVITY_HEIGHT, HEAT_HEIGHT, LENGTH_HEIGHT, AXIS = 2.7, 0.95, 1.7, 1.9, 0.5
COLOURS = "viridis"
FREQUENCY = "frequency [per rad of the angle]"
DEEP, WIDE = OKABE_ITO[0], OKABE_ITO[1]


@dataclass
class Network:
    """One cell of the sweep."""

    at: dict
    width: int  # of the first layer
    depth: int  # weight layers, the linear outputs among them
    neurons: int  # hidden ones


def drawing(dataset, request):
    """Curves of an array that the request names, averaged over phases; else None."""
    if not request.arrays and request.against is None:
        return None
    request = replace(request, arrays=request.arrays or ("length",))
    data = dataset.copy()
    for name in request.arrays:
        if name in data and "phase" in data[name].dims:
            data[name] = archive.usable(data, name).mean("phase").assign_attrs(data[name].attrs)
    if request.against is None and any(name in data and "frequency" in data[name].dims for name in request.arrays):
        made = prepare(data.drop_dims("layer").rename(frequency="layer"), request)
        made.xlabel = FREQUENCY
        return made
    return prepare(data, request)


def picture(dataset, request):
    """The Figure, and its notes."""
    data, notes = _one_of_the_rest(series.select(dataset, request.select))
    networks = _networks(data)
    if not networks:
        raise ArchiveError("nothing to draw: no finished cell among the chosen ones")
    deep, wide = _groups(networks)
    repeats = data.sizes.get("realization", 1)
    first = f"Means over {repeats} networks and both phases" if repeats > 1 else "One network of each kind; means over both phases"
    notes.insert(0, first + "; the first network's outputs." if "activity" in data else first + ".")
    if "length" in data:
        notes.insert(1, "Bars: 95 % intervals of the mean length." if repeats > 1 else "Lengths of one network: no interval.")
    notes.extend(series.left_out(data))
    with rc_context(STYLE):
        return _paint(data, networks, deep, wide, notes), notes


def _one_of_the_rest(data):
    """The first value of every sweep key other than those that make networks deep or wide."""
    notes = []
    for dim in archive.sweep_dimensions(data):
        if dim in ("width", "depth", "widths", "point") or data.sizes[dim] < 2:
            continue
        notes.append(f"{series.cell_text(data, dim, 0)}; --select chooses others.")
        data = data.isel({dim: [0]})
    return data, notes


def _networks(data):
    errors = archive.usable(data, "mean_angular_error")
    dims = [dim for dim in archive.sweep_dimensions(data) if dim in data.dims]
    found = []
    for index in np.ndindex(*(data.sizes[dim] for dim in dims)):
        at = dict(zip(dims, index))
        if not errors.isel(at).notnull().any():
            continue
        cell = data.isel(at)
        if "widths" in dims:
            widths = json.loads(str(cell["widths"].values))
            found.append(Network(at, widths[0], len(widths), sum(widths[:-1])))
        elif "width" in cell.coords and "depth" in cell.coords:
            width, depth = int(cell["width"]), int(cell["depth"])
            found.append(Network(at, width, depth, width * (depth - 1)))
        else:
            found.append(Network(at, 0, data.sizes["layer"], 0))
    return found


def _groups(networks):
    """Networks of one width by depth, and networks of one hidden layer by width."""
    widths = {network.width: sum(other.width == network.width for other in networks) for network in networks}
    most = max(widths, key=lambda width: (widths[width], width))
    deep = sorted((n for n in networks if n.width == most or n.depth == 1), key=lambda n: n.depth)
    deep = [n for i, n in enumerate(deep) if i == 0 or n.depth != deep[i - 1].depth]
    wide = sorted((n for n in networks if n.depth == 2), key=lambda n: n.width)
    return deep, wide


def _paint(data, networks, deep, wide, notes):
    activities = "activity" in data
    width = LEFT + 2 * PANEL_WIDTH + BETWEEN + RIGHT
    title = textwrap.wrap(str(data.attrs.get("title", "")), int(width * 14.5))
    notes = [line for note in notes for line in textwrap.wrap(note, int(width * 20))]
    top, bottom = EDGE + TITLE * len(title) + 0.16, 0.06 + NOTE * len(notes)
    has_length = any(network.depth > 1 for network in networks)
    heights = [ACTIVITY_HEIGHT] * activities + [HEAT_HEIGHT] + [LENGTH_HEIGHT] * has_length
    height = top + sum(heights) + (AXIS + 0.16) * len(heights) - 0.16 + bottom
    figure = Figure(figsize=(width, height), dpi=100)

    y = height - top

    def axes(x, wide_, tall):
        return figure.add_axes((x / width, (y - tall) / height, wide_ / width, tall / height))

    if activities:
        chosen = [deep[0], deep[len(deep) // 2], deep[-1]] if len(deep) > 2 else deep
        each = (2 * PANEL_WIDTH + BETWEEN - 0.42 * (len(chosen) - 1)) / len(chosen)
        for i, network in enumerate(chosen):
            _activity(axes(LEFT + i * (each + 0.42), each, ACTIVITY_HEIGHT), data, network, first=i == 0)
        y -= ACTIVITY_HEIGHT + AXIS + 0.16
    heats = [(deep, "depth", "deep", [n.depth for n in deep]), (wide, "width", "wide: one hidden layer", [n.width for n in wide])]
    heats = [heat for heat in heats if heat[0]]
    for i, (group, label, name, ticks) in enumerate(heats):
        _heat(axes(LEFT + i * (PANEL_WIDTH + BETWEEN), PANEL_WIDTH, HEAT_HEIGHT), data, group, label, name, ticks)
    bar = axes(LEFT + len(heats) * (PANEL_WIDTH + BETWEEN) - BETWEEN + 0.14, 0.11, HEAT_HEIGHT)
    colours = figure.colorbar(ScalarMappable(Normalize(0, 1), COLOURS), cax=bar)
    colours.set_label(r"error, $1 - \cos$")
    colours.outline.set_linewidth(0.5)
    y -= HEAT_HEIGHT + AXIS + 0.16
    if has_length:
        _lengths(axes(LEFT, 2 * PANEL_WIDTH + BETWEEN, LENGTH_HEIGHT), data, deep, wide)
    for line, text in enumerate(title):
        figure.text(EDGE / width, 1 - (EDGE / 2 + TITLE * line) / height, text, va="top", fontsize=9, weight="bold")
    for line, text in enumerate(reversed(notes)):
        figure.text(EDGE / width, (EDGE / 2 + NOTE * line) / height, text, va="bottom", fontsize=6.5, color="#444444")
    return figure


def _activity(ax, data, network, first):
    values = archive.usable(data, "activity").isel(network.at)
    if "realization" in values.dims:
        values = values.isel(realization=0)
    angle = data["angle"].values / np.pi
    for k in range(data.sizes["neuron"]):
        ax.plot(angle, values.isel(neuron=k).values, linewidth=0.8, color=OKABE_ITO[k % len(OKABE_ITO)], gid="activity")
    ax.set_title(f"depth {network.depth}", loc="left", pad=3)
    ax.set_xlabel(r"angle [$\pi$ rad]", labelpad=2)
    if first:
        ax.set_ylabel("output", labelpad=3)


def _heat(ax, data, group, label, name, ticks):
    errors = archive.usable(data, "angular_error").mean("phase")
    if "realization" in errors.dims:
        errors = errors.mean("realization", skipna=True)
    table = np.stack([errors.isel(network.at).transpose("frequency").values for network in group])
    edges = np.arange(table.shape[1] + 1) + 0.5
    ax.pcolormesh(edges, np.arange(len(group) + 1) - 0.5, table, cmap=COLOURS, vmin=0, vmax=1, rasterized=True)
    ax.set_yticks(range(len(group)), [f"{tick}" for tick in ticks])
    ax.grid(False)
    ax.set_title(name, loc="left", pad=3)
    ax.set_xlabel(FREQUENCY, labelpad=2)
    ax.set_ylabel(label, labelpad=3)
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))


def _lengths(ax, data, deep, wide):
    """Length of the last hidden layer's image against hidden neurons."""
    lengths = statistics.mean_interval(archive.usable(data, "length"))
    for group, colour, marker, name in ((deep, DEEP, "o", "deep"), (wide, WIDE, "s", "wide")):
        group = [network for network in group if network.depth > 1]
        if not group:
            continue
        order = sorted(group, key=lambda network: network.neurons)
        x = np.array([network.neurons for network in order])
        mean, high = (np.array([float(_last(lengths[key], n).squeeze()) for n in order]) for key in ("mean", "high"))
        low, high = series.positive_interval(mean, high)
        ax.errorbar(x, mean, yerr=np.nan_to_num([mean - low, high - mean]), color=colour, linestyle="none", marker=marker,
                    markersize=4, elinewidth=0.8, zorder=3, label=f"{name}, measured", gid="measured")
        if "length_theory" in data:
            theory = np.array([float(_last(data["length_theory"], n).squeeze()) for n in order])
            ax.plot(x, theory, color=colour, linestyle=(0, (4, 2)), linewidth=1.0, label=f"{name}, infinite width", gid="theory")
        if name == "wide":
            bound = archive.usable(data, "shallow_bound")
            bound = bound.mean("realization", skipna=True) if "realization" in bound.dims else bound
            limit = np.array([float(bound.isel(n.at).squeeze()) for n in order])
            if np.isfinite(limit).any():
                ax.plot(x, limit, color=colour, linestyle=(0, (1, 1.6)), linewidth=1.2, label="bound on one hidden layer",
                        gid="bound")
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlabel("hidden neurons", labelpad=2)
    ax.set_ylabel("length of the last\nhidden layer's image", labelpad=3)
    ax.legend(frameon=False, loc="upper left", bbox_to_anchor=(0.0, 1.0), ncols=2, handlelength=2.2)
    low, high = ax.get_ylim()
    ax.set_ylim(low, high * (high / low) ** 0.35)


def _last(values, network):
    return values.isel({dim: i for dim, i in network.at.items() if dim in values.dims}).sel(layer=network.depth - 1)
