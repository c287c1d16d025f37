"""The figure of `meander scale`: speed-up and efficiency against ranks, and where the time went."""

from __future__ import annotations

import textwrap

import matplotlib
import numpy as np

from meander.archive import FAILED, ArchiveError
from meander.figures.base.drawing import OKABE_ITO, STYLE
from meander.statistics.speedup import STAGES, mode, scaling, spread

COLOURS = {"computing": OKABE_ITO[0], "scheduling": OKABE_ITO[1], "preparing": OKABE_ITO[5], "writing": OKABE_ITO[2]}


def figure(dataset, request):
    """The Figure and its notes. Nothing of it can be chosen."""
    if request.arrays or request.against or request.select:
        raise ArchiveError("the figure of a scaling archive has no choices; leave --array, --against and --select out")
    from matplotlib.figure import Figure

    table = scaling(dataset)
    notes = [f"{mode(dataset).capitalize()} scaling: medians and ranges over {table.sizes['repeat']} repeats."]
    failed = int((dataset["status"] == FAILED).sum()) if "status" in dataset else 0
    if failed:
        notes.append(f"{failed} runs failed and are left out.")
    with matplotlib.rc_context(STYLE):
        drawn = Figure(figsize=(7.2, 2.9), dpi=100)
        axes = drawn.subplots(1, 3)
        drawn.subplots_adjust(left=0.07, right=0.98, bottom=0.25, top=0.85, wspace=0.32)
        _speedup(axes[0], table)
        _efficiency(axes[1], table)
        _split(axes[2], table)
        title = textwrap.shorten(str(dataset.attrs.get("title", "")), 100, placeholder=" …")
        drawn.text(0.01, 0.97, title, va="top", fontsize=9, weight="bold")
        drawn.text(0.01, 0.02, " ".join(notes), va="bottom", fontsize=6.5, color="#444444")
    return drawn, notes


def _points(ax, table, name, scale=1.0):
    ranks = table["ranks"].values.astype(float)
    middle, low, high = (scale * values for values in spread(table[name]))
    ax.errorbar(ranks, middle, yerr=[middle - low, high - middle], color=OKABE_ITO[0], marker="o", markersize=3.4,
                linewidth=1.3, elinewidth=0.8, capsize=2, zorder=3, gid="measured")
    ax.set_xscale("log", base=2)
    ax.set_xticks(ranks, [f"{rank:g}" for rank in ranks])
    ax.minorticks_off()
    ax.set_xlabel("ranks", labelpad=2)
    return ranks


def _speedup(ax, table):
    ranks = _points(ax, table, "speedup")
    ax.plot(ranks, ranks / ranks[0], linestyle=(0, (4, 2)), color="#333333", linewidth=1.0, gid="ideal", label="ideal")
    ax.set_yscale("log", base=2)
    ax.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    ax.set_ylabel(f"speed-up over {ranks[0]:g} rank{'' if ranks[0] == 1 else 's'}", labelpad=3)
    ax.legend(frameon=False)


def _efficiency(ax, table):
    _points(ax, table, "efficiency", 100.0)
    ax.axhline(100.0, linestyle=(0, (4, 2)), color="#333333", linewidth=1.0, gid="ideal")
    ax.set_ylim(0.0, max(110.0, 105.0 * float(table["efficiency"].max())))
    ax.set_ylabel("efficiency [%]", labelpad=3)


def _split(ax, table):
    """Bars of the median shares, scaled to a whole."""
    shares = np.array([np.nanmedian(table[f"{stage}_share"].transpose("ranks", "repeat").values, axis=1)
                       for stage in STAGES])
    shares = 100.0 * shares / shares.sum(axis=0)
    place = np.arange(table.sizes["ranks"])
    below = np.zeros(len(place))
    for stage, share in zip(STAGES, shares):
        ax.bar(place, share, 0.7, bottom=below, color=COLOURS[stage], label=stage, gid=stage)
        below = below + share
    ax.set_xticks(place, [f"{int(rank)}" for rank in table["ranks"].values])
    ax.set_xlabel("ranks", labelpad=2)
    ax.set_ylabel("share of the time [%]", labelpad=3)
    ax.set_ylim(0, 100)
    ax.grid(False)
    ax.legend(frameon=False, ncols=2, loc="lower center", bbox_to_anchor=(0.5, 0.99), handlelength=0.8,
              columnspacing=0.8, handletextpad=0.4, fontsize=6.5)
