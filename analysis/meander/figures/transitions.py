"""The figure of `transitions`: switches of linear piece against layer, or sign changes where the
activation has no linear pieces."""

from __future__ import annotations

from dataclasses import replace

from meander.figures.base.series import select


def choose(dataset, request):
    """Fills in what the request leaves open."""
    if request.arrays:
        return request
    chosen = select(dataset, request.select)
    if "transitions" in chosen and bool(chosen["transitions"].notnull().any()):
        return replace(request, arrays=("transitions",))
    note = "The activation has no linear pieces that switch: sign changes are drawn."
    return replace(request, arrays=("sign_changes",), notes=(*request.notes, note))
