"""Figures: one module per measure, found by the archive's attribute `measure`."""

from __future__ import annotations

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

    A measure without a module of its own is drawn where the request names an array over layers.
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
    elif not request.arrays:
        raise ArchiveError(f'no figure is known for the measure "{measure}" (known: {", ".join(sorted(MEASURES))}); '
                           "name an array with --array")
    drawing = prepare(dataset, request)
    return render(drawing), drawing.notes


__all__ = ["MEASURES", "Request", "draw"]
