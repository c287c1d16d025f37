"""Both ends of a Jacobian's singular values as a user measures them: groups of ranks, storages, resumption, and the sizes
that are refused."""

import itertools
import json

import numpy as np
import pytest
import xarray

from conftest import assert_identical, meander, snapshot

STUDY = """
measure = "{measure}"
seed = 5
realizations = 2
[sweep]
width = [96, 160]
depth = 3
sigma_w = 1.1
sigma_b = 0.1
activation = ["tanh", "relu"]
weights = ["gaussian", "orthogonal"]
[input]
q0 = 0.8
"""
OWN = STUDY.format(measure="jacobian_extremes") + '[jacobian_extremes]\ncount = 4\n'
ENDS = ("largest", "smallest")


def dataset(path):
    return xarray.load_dataset(path, engine="h5netcdf")


@pytest.fixture(scope="module")
def ends(tmp_path_factory):
    """The first and the last nonzero singular values of `jacobian_spectrum`."""
    folder = tmp_path_factory.mktemp("spectrum")
    (folder / "whole.toml").write_text(STUDY.format(measure="jacobian_spectrum"))
    meander("run", folder / "whole.toml", "-o", folder / "whole.h5", "--quiet", ranks=2)
    whole = dataset(folder / "whole.h5")
    largest = whole.singular_values.values[..., :4]
    smallest = np.full_like(largest, np.nan)
    for at in np.ndindex(smallest.shape[:-1]):
        rank = int(whole["rank"].values[at])
        smallest[at] = whole.singular_values.values[at][rank - 4:rank][::-1]
    return {"largest": largest, "smallest": smallest, "rank": whole["rank"].values,
            "edge": whole.lambda_max_theory.values}


def assert_ends(path, ends, tolerance=1e-9):
    found = dataset(path)
    assert (found.status == 1).all()
    for end in ENDS:
        np.testing.assert_allclose(found[end].values, ends[end], rtol=tolerance)
    np.testing.assert_array_equal(found["rank"].values, ends["rank"])
    np.testing.assert_allclose(found.lambda_max_theory.values, ends["edge"], rtol=1e-14)
    return found


@pytest.mark.parametrize("ranks, group", [(1, 1), (2, 1), (2, 2), (4, 1), (4, 2)])
def test_any_number_of_ranks_and_groups_finds_the_ends(study, tmp_path, ends, ranks, group):
    path, out = study(OWN), tmp_path / "out.h5"
    meander("run", path, "-o", out, "--quiet", "--set", f"jacobian_extremes.ranks_per_task={group}", ranks=ranks)
    found = assert_ends(out, ends)
    assert (found.residual_largest <= 1e-8 * found.largest).all()
    meander("check", out)
    if ranks > 1 and group == 1:
        meander("run", path, "-o", tmp_path / "one.h5", "--quiet")
        assert_identical(out, tmp_path / "one.h5")


@pytest.mark.parametrize("storage", ["double", "single", "regenerated"])
@pytest.mark.parametrize("solver", ["trlanczos", "randomized"])
def test_storages_and_solvers_agree(study, tmp_path, ends, storage, solver):
    path, out = study(OWN), tmp_path / "out.h5"
    meander("run", path, "-o", out, "--quiet", "--set", f'jacobian_extremes.storage="{storage}"', "--set",
            f'jacobian_extremes.solver="{solver}"', ranks=2)
    found = dataset(out)
    # Slopes of zero have no inverse: only the largest are there, and the status says so.
    relu = found.sel(activation="relu")
    assert (relu.status == 3).all() and relu.smallest.isnull().all() and relu.largest.notnull().all()
    tanh = found.sel(activation="tanh")
    assert (tanh.status == 1).all()
    # Single weights are off by 6e-8 of each; reflectors are single anyway.
    tolerance = 1e-4 if storage == "single" else 1e-8
    at = list(found.activation.values).index("tanh")
    axis = found.largest.dims.index("activation")
    for end in ENDS:
        np.testing.assert_allclose(tanh[end].values, np.take(ends[end], at, axis), rtol=tolerance)
    np.testing.assert_allclose(found.largest.values, ends["largest"], rtol=1e-6 if storage == "single" else 1e-9)
    assert (found.storage == ["double", "single", "regenerated"].index(storage) + 1).all()
    assert (found.adjoint_error < 1e-10).all()


def test_goes_on_where_it_stopped(study, tmp_path, ends):
    path, out = study(OWN), tmp_path / "out.h5"
    group = ["--set", "jacobian_extremes.ranks_per_task=2"]
    meander("run", path, "-o", out, "--quiet", *group, "--set", "sweep.width=[96]", ranks=2)
    meander("run", path, "-o", out, "--quiet", *group, ranks=4)
    assert_ends(out, ends)
    meander("check", out)
    before = out.read_bytes()
    meander("run", path, "-o", out, "--quiet", *group, ranks=3)  # nothing is left to divide
    assert out.read_bytes() == before


def test_one_end_alone(study, tmp_path, ends):
    for end, other in itertools.permutations(ENDS):
        out = tmp_path / f"{end}.h5"
        meander("run", study(OWN), "-o", out, "--quiet", "--set", f'jacobian_extremes.ends="{end}"')
        found = dataset(out)
        np.testing.assert_allclose(found[end].values, ends[end], rtol=1e-9)
        assert other not in found and f"residual_{other}" not in found


REFUSED = {
    "more values than the narrowest width": ({"count": "97"}, 1, ["study.toml", "'count' is 97", "96"]),
    "no values": ({"count": "0"}, 1, ["count"]),
    "no ranks": ({"ranks_per_task": "0"}, 1, ["ranks_per_task"]),
    "ranks that cannot be divided": ({"ranks_per_task": "2"}, 3, ["ranks_per_task", "2 or 4"]),
    "fewer ranks than a task": ({"ranks_per_task": "3"}, 2, ["ranks_per_task", "start 3"]),
    "cross for the smallest": ({"solver": '"cross"'}, 1, ["cross", "trlanczos", 'ends = "largest"']),
    "unknown solver": ({"solver": '"lanczos"'}, 1, ["trlanczos"]),
    "unknown storage": ({"storage": '"float"'}, 1, ["regenerated"]),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_run_is_refused_before_anything_is_touched(study, tmp_path, name):
    keys, ranks, words = REFUSED[name]
    text = STUDY.format(measure="jacobian_extremes") + "[jacobian_extremes]\n"
    path = study(text + "".join(f"{key} = {value}\n" for key, value in keys.items()))
    before = snapshot(tmp_path)
    printed = meander("run", path, "-o", tmp_path / "out.h5", ranks=ranks, code=3)
    for word in words:
        assert word in printed, printed
    line = 1 + text.count("\n")
    assert f"study.toml:{line}:" in printed, printed
    assert snapshot(tmp_path) == before and not (tmp_path / "out.h5.shards").exists()


def test_all_mistakes_are_told_at_once(study, tmp_path):
    path = study(OWN.replace("count = 4", 'count = 400\nsolver = "cross"').replace("q0 = 0.8", "q0 = 0.8\ndimension = 7"))
    printed = meander("run", path, "-o", tmp_path / "out.h5", code=3)
    assert printed.count("error:") == 3, printed


def test_more_than_memory_is_refused_with_what_would_fit(study, tmp_path):
    text = OWN.replace("[96, 160]", "2000000") + 'ends = "largest"\nsolver = "randomized"\n'
    printed = meander("run", study(text + 'storage = "double"\n'), "-o", tmp_path / "out.h5", code=3)
    assert "memory" in printed and 'storage = "regenerated"' in printed and "ranks_per_task" in printed, printed
    assert "study.toml:" in printed
    whole = meander("run", study(text.replace("randomized", "dense")), "-o", tmp_path / "out.h5", code=3)
    assert "memory" in whole and 'solver = "randomized"' in whole, whole


def test_a_plan_needs_neither_the_memory_nor_the_ranks_of_the_machine(study):
    text = OWN.replace("[96, 160]", "1048576") + 'ends = "largest"\nstorage = "regenerated"\nranks_per_task = 4096\n'
    printed = meander("plan", study(text), "--ranks", "8192")
    assert "shared by 4096 ranks" in printed and "core-hours" in printed
    plan = json.loads(meander("plan", study(text), "--ranks", "8192", "--json"))
    assert plan["ranks_per_task"] == 4096 and plan["largest_task_bytes"] < 3e9 and plan["core_hours"] > 100
    assert "8190" in meander("plan", study(text), "--ranks", "8190", code=3)


def test_products_that_cancel_are_rounding_and_no_fault_of_the_program(study, tmp_path):
    """Signs of equal sizes, slopes of very different ones: <J x, y> and <x, J'y> were all rounding, which failed a cell."""
    path = study(
        'measure = "jacobian_extremes"\nseed = 642\nrealizations = 3\n[sweep]\nwidth = 4\ndepth = 30\nsigma_w = 3\n'
        'sigma_b = 0.1\nactivation = "selu"\nweights = "rademacher"\n[jacobian_extremes]\ncount = 2\n'
    )
    meander("run", path, "-o", tmp_path / "out.h5", "--quiet")
    found = dataset(tmp_path / "out.h5")
    assert (found.status.values == 3).all(), found.error_message.values
    assert all("lost in rounding" in str(text) for text in found.error_message.values if str(text))
