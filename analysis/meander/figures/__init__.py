"""Figures: one module per measure, found by the archive's attribute `measure`."""

from __future__ import annotations

from dataclasses import replace

from meander.archive import ArchiveError
from meander.figures import (
    activation_spectrum,
    decision_boundary,
    deep_versus_wide,
    dichotomies,
    geometry,
    jacobian_extremes,
    jacobian_spectrum,
    phase_diagram,
    regions_2d,
    scaling,
    signal_propagation,
    trajectory_length,
    transitions,
)
from meander.figures.base.drawing import render
from meander.figures.base.series import Request, prepare

MEASURES = {
    "activation_spectrum": activation_spectrum,
    "decision_boundary": decision_boundary,
    "deep_versus_wide": deep_versus_wide,
    "dichotomies": dichotomies,
    "geometry": geometry,
    "jacobian_extremes": jacobian_extremes,
    "jacobian_spectrum": jacobian_spectrum,
    "phase_diagram": phase_diagram,
    "regions_2d": regions_2d,
    "signal_propagation": signal_propagation,
    "trajectory_length": trajectory_length,
    "transitions": transitions,
}


def draw(dataset, request: Request | None = None):
    """The matplotlib Figure for the dataset's measure, and the notes written beneath it.

    A measure without a module of its own gets the usual picture: its arrays over layers, each with its theory.
    Raises ArchiveError where nothing can be drawn.
    """
    request = request or Request()
    measure = str(dataset.attrs.get("measure", ""))
    if measure == "scaling":
        return scaling.figure(dataset, request)
    module = MEASURES.get(measure)
    if hasattr(module, "drawing"):
        drawing = module.drawing(dataset, request)
        return (render(drawing), drawing.notes) if drawing is not None else module.picture(dataset, request)
    if module is not None:
        request = module.choose(dataset, request)
    else:
        request = usual(dataset, request)
    drawing = prepare(dataset, request)
    return render(drawing), drawing.notes


def usual(dataset, request: Request) -> Request:
    """The request with the arrays over layers that it leaves open: those with theory beside them, else all of numbers.

    Raises ArchiveError where the archive has no such array.
    """
    if request.arrays:
        return request
    over_layers = [name for name, array in dataset.data_vars.items()
                   if array.dims[-1:] == ("layer",) and array.dtype.kind in "if" and not name.endswith("_theory")]
    with_theory = [name for name in over_layers if f"{name}_theory" in dataset]
    if not over_layers:
        raise ArchiveError(f'no figure is known for the measure "{dataset.attrs.get("measure", "")}" (it has no module in '
                           "meander.figures, and no array over layers alone) name an array with --array")
    return replace(request, arrays=tuple(with_theory or over_layers))


__all__ = ["MEASURES", "Request", "draw", "usual"]
