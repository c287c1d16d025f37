"""What `plan` says of memory covers what a run takes, and is not far above it: many small cells, few large ones, a deep network,
and coordinates of many realizations."""

import json

import h5py
import pytest

from conftest import meander, peak

PROPAGATION = """measure = "signal_propagation"
realizations = {realizations}
[sweep]
width = 2
depth = {depth}
sigma_w = 1.0
activation = "relu"
[input]
dimension = 2
q0 = 1.0
c0 = 0.5
"""

SPECTRUM = """measure = "jacobian_spectrum"
realizations = 60
[sweep]
width = 4
depth = 2
sigma_w = 1.5
sigma_b = 0.1
activation = "tanh"
[jacobian_spectrum]
bins = 100000
"""


EVENTS = """measure = "transitions"
realizations = {realizations}
[sweep]
width = 50
depth = 8
sigma_w = 3.0
activation = "hard_tanh"
[input]
dimension = 50
[transitions]
events = true
patterns = false
"""


@pytest.mark.parametrize("text, cells", [
    (PROPAGATION.format(realizations=100000, depth=1), 100001),
    (PROPAGATION.format(realizations=1, depth=200000), 2),
    (SPECTRUM, 61),
    (EVENTS.format(realizations=128), 129),
], ids=["many_cells", "depth", "large_cells", "ragged"])
def test_a_run_takes_what_its_plan_says(tmp_path, study, text, cells):
    path = study(text)
    plan = json.loads(meander("plan", path, "--json"))
    assert plan["tasks"] == cells
    megabytes, _ = peak("run", path, "-o", tmp_path / "a.h5", "--quiet", code=0)
    planned = plan["bytes_per_rank"] / 1e6
    assert megabytes < planned < 4 * megabytes


def test_results_and_their_writing_take_memory_of_a_few_units(tmp_path, study):
    """Twice as many cells, no more memory: neither their tasks nor their records are held, nor the archive's arrays."""
    taken = []
    for realizations in (200000, 400000):
        megabytes, _ = peak("run", study(PROPAGATION.format(realizations=realizations, depth=1)), "-o", tmp_path / f"{realizations}.h5", "--quiet", code=0)
        taken.append(megabytes)
    assert taken[1] < taken[0] + 20 and taken[1] < 200, taken


def test_ragged_arrays_are_written_a_few_cells_at_a_time(tmp_path, study):
    """Their lengths are in no shape: a unit that counted shapes alone held all of them."""
    taken = []
    for realizations in (128, 512):
        megabytes, _ = peak("run", study(EVENTS.format(realizations=realizations)), "-o", tmp_path / f"{realizations}.h5", "--quiet", code=0)
        taken.append(megabytes)
    with h5py.File(tmp_path / "512.h5") as archive:
        raw = 40e-6 * archive["event_t"].shape[0]
    assert taken[1] < taken[0] + raw / 4, (taken, raw)


def test_a_plan_of_very_many_cells_is_quick_and_says_how_sure_it_is(study):
    many = study(PROPAGATION.format(realizations=2000000000, depth=1))
    megabytes, printed = peak("plan", many, code=0)
    assert megabytes < 200
    points = 'measure = "phase_diagram"\n[sweep]\nsigma_w = { linspace = [0.5, 3.0, 10000] }\nsigma_b = { linspace = [0.0, 1.0, 10000] }\nactivation = "tanh"\n'
    megabytes, printed = peak("plan", study(points), code=0)
    assert megabytes < 200
    plan = json.loads(meander("plan", study(points), "--json"))
    assert plan["sampled_points"] < 3e5 and 0.0 <= plan["core_hours_standard_error"] < 0.01 * plan["core_hours"]
