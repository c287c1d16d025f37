"""The figure of `trajectory_length`: length against layer, and its growth between the bounds."""

from __future__ import annotations

from dataclasses import replace


def choose(dataset, request):
    """Fills in what the request leaves open."""
    if request.arrays:
        return request
    arrays = [name for name in ("length", "growth") if name in dataset]
    if request.against not in (None, "layer", "depth"):
        arrays = arrays[:1]
    return replace(request, arrays=tuple(arrays))
