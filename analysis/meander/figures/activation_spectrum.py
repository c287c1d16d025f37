"""The figures of `activation_spectrum` (a reinterpretation of Zhang et al. 2019): Hermite coefficients against order with
their parities and fitted decay; exponents against layer around the edge of chaos; designed activations with their basin;
and the length over which a mismatched correlation is forgotten, against xi_c."""

from __future__ import annotations

import math
import textwrap
from dataclasses import dataclass, field, replace

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from meander import archive, statistics
from meander.archive import ArchiveError
from meander.figures.base import series
from meander.figures.base.drawing import MARKERS, OKABE_ITO, STYLE
from meander.figures.base.series import prepare

LEFT, EDGE, TITLE, NOTE, BETWEEN = 0.66, 0.1, 0.2, 0.13, 0.16
PARITIES = (("even", OKABE_ITO[0], "o"), ("odd", OKABE_ITO[1], "s"))
FLOOR = 1e-11  # of sqrt(E phi^2): below it coefficients are zero to the accuracy of their computation


def drawing(dataset, request):
    """Curves of an array that the request names; None where the study suggests the picture."""
    if not request.arrays and request.against is None:
        return None
    request = replace(request, arrays=request.arrays or ("exponent",))
    names = [name for name in request.arrays if name in dataset]
    if request.against is None and names and all("order" in dataset[name].dims for name in names):
        request = replace(request, against="order")
    return prepare(dataset, request)


def picture(dataset, request):
    """The Figure that suits the study, and its notes."""
    data = series.select(dataset, request.select)
    page = _page(data, request)
    page.notes.extend(series.left_out(data))
    with rc_context(STYLE):
        return _paint(str(dataset.attrs.get("title", "")), page), page.notes


@dataclass
class Page:
    """Panels with the functions that draw them, and the legend beside."""

    panels: list  # (title, draw(ax), x label, y label)
    handles: list  # of the legend, groups of (heading, handles)
    notes: list[str]
    columns: int = 3
    panel: tuple[float, float] = (2.3, 1.9)
    share: bool = True  # one pair of axes for all panels
    scales: dict = field(default_factory=dict)  # passed to every Axes.set


def _page(data, request):
    if "design_chi_1" in data.dims or "design_chi_1" in data.coords:
        return _design_page(data, request)
    if "c0" in data.dims and "decay_length_theory" in data and data.sizes.get("sigma_w", 1) > 1:
        return _mismatch_page(data, request)
    if "exponent_theory" in data or "exponent" in data:
        return _exponent_page(data, request)
    return _spectrum_page(data, request)


# ---- spectra


def _spectrum_page(data, request):
    shaded = "variance" if data.sizes.get("variance", 1) > 1 else None
    keys = [dim for dim in data["coefficient"].dims if dim not in ("order", shaded) and data.sizes[dim] > 1]
    cells = list(series.cells(data, keys))
    notes = ["Circles: even orders, squares: odd orders; missing ones are zero. Dashes: the decay that fits best of "
             r"$n^{-p}$, $e^{-r\sqrt{n}}$ and $e^{-rn}$" + (", in words at the largest $q$." if shaded else ".")]
    cells = _limited(cells, request, notes)
    scale = float(np.nanmax(np.abs(data["coefficient"].values))) if np.isfinite(data["coefficient"].values).any() else 1.0
    panels = []
    for title, at in cells:
        part = data.isel(at).squeeze([dim for dim in keys if dim in data.isel(at).dims], drop=True)
        panels.append((title, lambda ax, part=part: _draw_spectrum(ax, part, shaded), "order $n$", r"$|f_n(q)|$"))
    parity = [Line2D([], [], color=colour, marker=marker, linestyle="none", markersize=4, label=f"{name} $n$")
              for name, colour, marker in PARITIES]
    parity.append(Line2D([], [], color="#333333", linestyle=(0, (4, 2)), linewidth=1.0, label="fitted decay"))
    groups = [("", parity)]
    if shaded:
        shades = _shades(data.sizes[shaded])
        groups.append((r"$q$", [Line2D([], [], color="#333333", alpha=shade, marker="o", linestyle="none", markersize=4,
                                       label=series.value_text(data, shaded, i)) for i, shade in enumerate(shades)]))
    lowest = 10.0 ** np.floor(np.log10(scale) - 10)
    return Page(panels, groups, notes, columns=4 if len(panels) > 6 else 3, panel=(1.85, 1.7),
                scales={"yscale": "log", "ylim": (lowest, 3 * scale)})


def _draw_spectrum(ax, part, shaded):
    orders = part["order"].values
    shades = _shades(part.sizes[shaded]) if shaded else [1.0]
    labels = []
    for i, shade in enumerate(shades):
        one = part.isel({shaded: i}) if shaded else part
        one = one.squeeze(drop=True)
        f = np.abs(one["coefficient"].values)
        floor = FLOOR * math.sqrt(float(np.nansum(f**2)))
        for parity, (name, colour, marker) in enumerate(PARITIES):
            mine = (orders % 2 == parity) & (f > floor)
            ax.plot(orders[mine], f[mine], linestyle="none", marker=marker, markersize=2.6, markeredgewidth=0, color=colour,
                    alpha=shade, gid="coefficients", label=name)
            fit = _best_fit(one, f, orders, mine, name)
            if fit is None:
                continue
            x, y, text = fit
            ax.plot(x, y, linestyle=(0, (4, 2)), color=colour, linewidth=0.9, alpha=max(shade, 0.5), gid="fit")
            if i == len(shades) - 1:
                labels.append((colour, f"{name}: {text}"))
    for line, (colour, text) in enumerate(labels):
        ax.text(0.97, 0.95 - 0.11 * line, text, transform=ax.transAxes, ha="right", va="top", fontsize=6.5, color=colour)


def _best_fit(one, f, orders, mine, parity):
    """The curve of the law with the smallest residual, and the law in words; None where nothing was fitted."""
    residual = one["decay_residual"].sel(parity=parity).values
    if not np.isfinite(residual).any():
        return None
    law = int(np.nanargmin(residual))
    rate = float(one["decay"].sel(parity=parity).values[law])
    abscissa = (np.log, np.sqrt, lambda n: n)[law]
    start = _study_number(one, "fit_from", 4)
    used = mine & (orders >= start)
    x = orders[used].astype(float)
    # At the minimum of the gamma likelihood the mean of f_n^2 over its expectation is 1.
    height = 0.5 * np.log(np.mean(f[used] ** 2 * np.exp(2 * rate * abscissa(x))))
    text = (f"$n^{{-{rate:.2f}}}$", rf"$e^{{-{rate:.2f}\sqrt{{n}}}}$", f"$e^{{-{rate:.3f}n}}$")[law]
    return x, np.exp(height - rate * abscissa(x)), text


def _study_number(data, key, default):
    import tomllib

    try:
        return tomllib.loads(str(data.attrs.get("study", "")))["activation_spectrum"].get(key, default)
    except (tomllib.TOMLDecodeError, KeyError):
        return default


def _shades(count):
    return [1.0] if count == 1 else list(np.linspace(0.3, 1.0, count))


# ---- exponents against layer


def _exponent_page(data, request):
    name = "exponent" if "exponent" in data else "exponent_theory"
    sweep = [dim for dim in data[name].dims if dim not in ("layer", "realization") and data.sizes[dim] > 1]
    if "depth" in sweep:
        data = data.isel(depth=[int(np.argmax(data["depth"].values))])
        sweep.remove("depth")
    colour = series.colour_key(data, sweep)
    others = [dim for dim in sweep if dim != colour]
    notes = [_means(data) + " Zero is the edge of chaos."]
    cells = _limited(list(series.cells(data, others)), request, notes)
    values, handles = _colours(data, colour)
    panels = [(title, lambda ax, at=at: _draw_layers(ax, data.isel(at), "exponent", colour, values, zero=True), "layer",
               r"exponent $\frac{1}{2}\ln\chi_1(q^l)$") for title, at in cells]
    return Page(panels, [(series.heading(data, colour) if colour else "", handles), ("", _styles(data))], notes,
                columns=2 if len(panels) in (2, 4) else 3, panel=(2.6, 2.2))


def _draw_layers(ax, data, name, colour, colours, zero=False, every=None):
    """Theory as lines, means over networks as points with 95 % intervals."""
    if zero:
        ax.axhline(0.0, color="#888888", linewidth=0.9, zorder=1, gid="edge")
    layers = data["layer"].values
    every = every or max(1, len(layers) // 14)
    for i, shade in enumerate(colours):
        one = data.isel({colour: i}) if colour else data
        if f"{name}_theory" in one:
            ax.plot(layers, _profile(one[f"{name}_theory"]), color=shade, linewidth=1.2, zorder=2, gid="theory")
        if name not in one:
            continue
        values = archive.usable(one, name)
        values = values.squeeze([d for d in values.dims if d not in ("layer", "realization")], drop=True)
        table = statistics.mean_interval(values)
        chosen = np.arange(i % every, len(layers), every) if len(layers) > every else np.arange(len(layers))
        mean, low, high = (table[key].values[chosen] for key in ("mean", "low", "high"))
        ax.plot(layers[chosen], mean, linestyle="none", marker=MARKERS[i % len(MARKERS)], markersize=3.6, color=shade,
                markeredgewidth=0.4, markeredgecolor="white", zorder=4, gid="measured")
        bars = np.isfinite(low)
        ax.errorbar(layers[chosen][bars], mean[bars], yerr=[(mean - low)[bars], (high - mean)[bars]], fmt="none",
                    ecolor=shade, elinewidth=0.9, zorder=3)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6, steps=[1, 2, 4, 5, 10]))
    ax.margins(x=0.03)


def _profile(array):
    return array.squeeze([dim for dim in array.dims if dim != "layer"], drop=True).values.astype(float)


# ---- designed activations


def _design_page(data, request):
    colour = "design_chi_1" if "design_chi_1" in data.dims and data.sizes["design_chi_1"] > 1 else None
    values, handles = _colours(data, colour)
    notes = ["Basin: the lengths from which the length map leads back to $q^*=1$; it ends at the cross. " + _means(data)]
    data = _first_of(data, ("design_chi_1", "q0"), notes)
    panels = [(r"activation $\phi$", lambda ax: _draw_activations(ax, data, colour, values), "$x$", r"$\phi(x)$"),
              ("length map and basin", lambda ax: _draw_maps(ax, data, colour, values), "$q$", "$V(q)$")]
    if "q_theory" in data:
        panels.append(("length", lambda ax: _draw_starts(ax, data, "q", colour, values), "layer", "$q^l$"))
        panels.append(("exponent", lambda ax: _draw_starts(ax, data, "exponent", colour, values, zero=True), "layer",
                       r"$\frac{1}{2}\ln\chi_1(q^l)$"))
    return Page(panels, [(r"designed $\chi_1$", handles), ("", _styles(data))], notes, columns=2, panel=(2.6, 2.1),
                share=False)


def _coefficients(data, colour, i):
    """c_n of a designed activation: its spectrum at q = q* = 1."""
    one = data["coefficient"].isel({colour: i}) if colour else data["coefficient"]
    one = one.isel({dim: 0 for dim in one.dims if dim != "order"}).values
    return one if np.isfinite(one).all() else None


def hermite_values(coefficients, x):
    """sum_n c_n He_n(x) / sqrt(n!)."""
    scaled = [c / math.sqrt(math.factorial(n)) for n, c in enumerate(coefficients)]
    return np.polynomial.hermite_e.hermeval(x, scaled)


def _draw_activations(ax, data, colour, colours):
    x = np.linspace(-4, 4, 401)
    for i, shade in enumerate(colours):
        c = _coefficients(data, colour, i)
        if c is not None:
            ax.plot(x, hermite_values(c, x), color=shade, linewidth=1.3, gid="activation")
    ax.set_ylim(-4, 4)


def _draw_maps(ax, data, colour, colours):
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)  # exact for these polynomials
    weights = weights / weights.sum()
    edges = []
    for i, shade in enumerate(colours):
        c = _coefficients(data, colour, i)
        if c is None:
            continue
        gain, floor = float(data["sigma_w"].values.ravel()[0]) ** 2, float(data["sigma_b"].values.ravel()[0]) ** 2 if "sigma_b" in data.coords else 0.0
        edge = data["basin_high"].isel({colour: i}) if colour else data["basin_high"]
        edge = float(edge.values.ravel()[0])
        edges.append(edge)
        q = np.linspace(0.0, 1.15 * edge if np.isfinite(edge) else 6.0, 300)
        length = [gain * (weights * hermite_values(c, np.sqrt(v) * nodes) ** 2).sum() + floor for v in q]
        ax.plot(q, length, color=shade, linewidth=1.3, gid="map")
        if np.isfinite(edge):
            ax.plot([edge], [edge], marker="X", markersize=6, color=shade, markeredgecolor="white", markeredgewidth=0.5,
                    zorder=5, gid="basin")
    finite = [edge for edge in edges if np.isfinite(edge)]
    top = 1.15 * max(finite) if finite else 6.0
    ax.plot([0, top], [0, top], color="#888888", linewidth=0.9, zorder=1)
    ax.plot([1], [1], marker="o", markersize=5, color="black", zorder=6, gid="fixed point")
    ax.set(xlim=(0, top), ylim=(0, top))


def _draw_starts(ax, data, name, colour, colours, zero=False):
    starts = [dim for dim in ("q0",) if data.sizes.get(dim, 1) > 1 and dim in data[f"{name}_theory"].dims]
    for _, at in series.cells(data, starts):
        _draw_layers(ax, data.isel(at), name, colour, colours, zero=zero, every=2)


# ---- mismatch


def _mismatch_page(data, request):
    colour = "c0" if data.sizes["c0"] > 1 else None
    name = "decay_length" if "decay_length" in data else "decay_length_theory"
    sweep = [dim for dim in data[name].dims if dim not in ("sigma_w", "c0", "realization") and data.sizes[dim] > 1]
    values, handles = _colours(data, colour)
    low, high = _study_number(data, "decay_range", (0.02, 0.2))
    notes = [_means(data).replace("means", "fits to means") + rf" Fitted to the layers where theory has {low:g} ≤ $|c^l-c^*|$ ≤ {high:g}."]
    cells = _limited(list(series.cells(data, sweep)), request, notes)
    panels = [(title, lambda ax, at=at: _draw_lengths(ax, data.isel(at), colour, values, (low, high)), series.SYMBOLS["sigma_w"],
               "decay length of $c^l-c^*$ [layers]") for title, at in cells]
    extra = [Line2D([], [], color="black", linewidth=1.2, label=r"$\xi_c$")] + _styles(data, "theory, same layers")
    heading = r"overlap $c^0$ of inputs" if colour else ""
    return Page(panels, [(heading, handles), ("", extra)], notes, columns=2, panel=(3.2, 2.6))


def _draw_lengths(ax, data, colour, colours, window):
    sigma_w = data["sigma_w"].values
    xi_c = data["xi_c"].squeeze([dim for dim in data["xi_c"].dims if dim != "sigma_w"], drop=True).values
    tops = [value for value in [*np.ravel(data["decay_length_theory"].values)] if np.isfinite(value) and value > 0]
    ax.plot(sigma_w, xi_c, color="black", linewidth=1.2, zorder=1, gid="xi_c")
    for i, shade in enumerate(colours):
        one = data.isel({colour: i}) if colour else data
        theory = one["decay_length_theory"].squeeze([d for d in one["decay_length_theory"].dims if d != "sigma_w"], drop=True)
        ax.plot(sigma_w, theory.values, color=shade, linestyle=(0, (4, 2)), linewidth=1.1, zorder=2, gid="theory")
        if "c" not in one:
            continue
        lengths = np.array([_length_of_mean(one.isel(sigma_w=[k]), window) for k in range(len(sigma_w))])
        mean, low, high = lengths.T
        ax.errorbar(sigma_w, mean, yerr=[mean - low, high - mean], fmt=MARKERS[i], markersize=4, color=shade, elinewidth=0.9,
                    markeredgewidth=0.4, markeredgecolor="white", zorder=4)
    ax.set_yscale("log")
    ax.set_ylim(0.7 * min(tops, default=1.0), 3.0 * max(tops, default=1.0))
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.yaxis.set_minor_formatter(NullFormatter())


def _length_of_mean(one, window):
    """The decay length of the mean of c over networks, with its interval, over the layers where theory lies in the window.

    A network's own fit is pulled down by fluctuations of c about c*, which its pairs share; the mean's is much less.
    The interval is Student's t of the rate, its error a jackknife over networks; infinite where the rate may be zero.
    """
    c = archive.usable(one, "c")
    c = c.squeeze([dim for dim in c.dims if dim not in ("layer", "realization")], drop=True)
    c = (c if "realization" in c.dims else c.expand_dims("realization")).transpose("realization", "layer").values
    c_star = float(one["c_star"].values.ravel()[0])
    distance = np.abs(_profile(one["c_theory"]) - c_star)
    near, far = window
    start = int(np.argmax(distance <= far))
    beyond = np.flatnonzero(distance[start:] < near)
    stop = start + (int(beyond[0]) if beyond.size else len(distance) - start)
    if not (distance <= far).any() or stop - start < 2:
        return np.nan, np.nan, np.nan
    layers = np.arange(stop - start) - (stop - start - 1) / 2
    mean, moved, count = statistics.perturbed_means(c[:, start:stop])
    side = np.sign(mean - c_star)

    def rate(values):
        with np.errstate(divide="ignore", invalid="ignore"):
            return -np.log(side * (values - c_star)) @ layers / (layers @ layers)

    value = rate(mean)
    half = float(statistics.student_factor(count.min(), 0.95) * statistics.jackknife_error(value, rate(moved)))
    longest = 1 / (value - half) if value > half else np.inf if np.isfinite(half) else np.nan
    return (1 / value, 1 / (value + half), longest) if value > 0 else (np.nan, np.nan, np.nan)


# ---- common


def _first_of(data, kept, notes):
    """The data at the first value of every sweep key but `kept`."""
    others = [dim for dim in archive.sweep_dimensions(data) if dim not in kept and data.sizes[dim] > 1]
    if others:
        notes.append(f"Drawn at the first value of {', '.join(series.heading(data, dim) for dim in others)}; --select "
                     "chooses others.")
    return data.isel({dim: [0] for dim in others})


def _limited(cells, request, notes):
    if not cells:
        raise ArchiveError("nothing to draw: no finished cell among the chosen ones")
    if len(cells) > request.max_panels:
        notes.append(f"{request.max_panels} of {len(cells)} panels are drawn; --select chooses others.")
    return cells[: request.max_panels]


def _means(data):
    n = data.sizes.get("realization", 1)
    return f"Points: means over {n} networks with 95 % intervals." if n > 1 else (
        "Points: one network." if "exponent" in data else "Theory only: no networks.")


def _colours(data, colour):
    """One colour a value of the key, and the legend's handles."""
    if colour is None:
        return [OKABE_ITO[0]], []
    count = data.sizes[colour]
    if count <= 6:
        shades = [OKABE_ITO[k] for k in (0, 4, 2, 1, 3, 5)[:count]]
    else:
        import matplotlib

        shades = [tuple(shade) for shade in matplotlib.colormaps["viridis"](np.linspace(0.0, 0.85, count))]
    handles = [Line2D([], [], color=shade, marker=MARKERS[i % len(MARKERS)], markersize=3.8, linewidth=1.2,
                      label=series.value_text(data, colour, i)) for i, shade in enumerate(shades)]
    return shades, handles[::-1]


def _styles(data, theory="theory"):
    grey = "#555555"
    handles = [Line2D([], [], color=grey, linewidth=1.2, linestyle="-" if theory == "theory" else (0, (4, 2)), label=theory)]
    if "exponent" in data:
        handles.append(Line2D([], [], color=grey, marker="o", linestyle="none", markersize=3.8, label="networks"))
    return handles


def _paint(title, page):
    columns = min(len(page.panels), page.columns)
    rows = -(-len(page.panels) // columns)
    across, up = page.panel
    gap = BETWEEN if page.share else 0.62
    below = 0.0 if page.share else 0.34
    above = 0.22 if any(panel[0] for panel in page.panels) else 0.08
    labels = [handle.get_label() for _, handles in page.handles for handle in handles] + [name for name, _ in page.handles]
    legend = 0.55 + 0.07 * max((len(label.replace("$", "")) for label in labels), default=0)
    width = LEFT + columns * across + (columns - 1) * gap + legend + EDGE
    heading = textwrap.wrap(title, int(width * 12.5))
    notes = [line for note in page.notes for line in textwrap.wrap(note, int(width * 18))]
    top, bottom = EDGE + TITLE * len(heading), 0.44 + NOTE * len(notes)
    height = top + bottom + rows * (up + above) + (rows - 1) * (below if below else 0.1)
    figure = Figure(figsize=(width, height), dpi=100)
    first = None
    for i, (name, draw, xlabel, ylabel) in enumerate(page.panels):
        row, column = divmod(i, columns)
        x = LEFT + column * (across + gap)
        y = height - top - (row + 1) * (up + above) - row * (below if below else 0.1)
        ax = figure.add_axes((x / width, y / height, across / width, up / height),
                             sharex=first if page.share else None, sharey=first if page.share else None)
        first = first or ax
        draw(ax)
        lowest = i + columns >= len(page.panels)
        ax.set_title(textwrap.shorten(name, 60), loc="left", pad=3)
        if page.share:
            ax.tick_params(which="both", labelleft=column == 0, labelbottom=lowest)
        if lowest or not page.share:
            ax.set_xlabel(xlabel, labelpad=2)
        if column == 0 or not page.share:
            ax.set_ylabel(ylabel, labelpad=3)
    if page.scales and first is not None:
        first.set(**page.scales)
    for line, text in enumerate(heading):
        figure.text(EDGE / width, 1 - (EDGE / 2 + TITLE * line) / height, text, va="top", fontsize=9, weight="bold")
    for line, text in enumerate(reversed(notes)):
        figure.text(EDGE / width, (EDGE / 2 + NOTE * line) / height, text, va="bottom", fontsize=6.5, color="#444444")
    y = 1 - (top + above) / height
    for name, handles in page.handles:
        if not handles:
            continue
        figure.legend(handles=handles, title=name or None, loc="upper left", frameon=False, borderaxespad=0, alignment="left",
                      handlelength=1.9, labelspacing=0.35, bbox_to_anchor=((width - legend - EDGE + 0.12) / width, y))
        y -= (0.17 * (len(handles) + bool(name)) + 0.1) / height
    return figure
