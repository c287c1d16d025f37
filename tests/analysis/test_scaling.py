"""Speed-up, efficiency and the figure of scaling archives, against times that were made up."""

import h5py
import numpy as np
import pytest

import meander
from meander.figures import Request, draw
from meander.plot import main

RANKS = [4, 1, 2]  # not in order
STAGES = {"computing": 0.9, "scheduling": 0.04, "preparing": 0.01, "writing": 0.05}


def scaling_archive(path, wall, weak=False):
    """`wall` over (ranks, repeat); NaN is a run that failed."""
    wall = np.asarray(wall, float)
    with h5py.File(path, "w") as file:
        mode = "weak" if weak else "strong"
        file.attrs.update({"filetype": "meander_study", "version": np.array([1, 0]), "measure": "scaling", "title": "T",
                           "study": f'measure = "scaling"\n[scaling]\nmode = "{mode}"\n'})
        for name, values in {"ranks": RANKS, "repeat": np.arange(wall.shape[1])}.items():
            file.create_dataset(name, data=values).make_scale(name)
        arrays = {"wall": wall, **{name: share * wall for name, share in STAGES.items()},
                  "status": np.where(np.isnan(wall), 2, 1).astype(np.int8)}
        for name, values in arrays.items():
            dataset = file.create_dataset(name, data=values)
            for i, dim in enumerate(("ranks", "repeat")):
                dataset.dims[i].attach_scale(file[dim])
    return path


# One rank takes 8 s and then, on a slower machine, 16 s: everything else slows down with it.
WALL = [[2.5, 5.0], [8.0, 16.0], [4.0, 8.0]]


def test_runs_are_compared_within_their_repeat(tmp_path):
    table = meander.scaling(meander.open(scaling_archive(tmp_path / "s.h5", WALL)))
    assert list(table.ranks.values) == [1, 2, 4]
    np.testing.assert_allclose(table.speedup, [[1, 1], [2, 2], [3.2, 3.2]])
    np.testing.assert_allclose(table.efficiency, [[1, 1], [1, 1], [0.8, 0.8]])
    for stage, share in STAGES.items():
        np.testing.assert_allclose(table[f"{stage}_share"], share)


def test_weak_scaling_counts_the_work_done(tmp_path):
    wall = [[10.0], [8.0], [8.0]]
    table = meander.scaling(meander.open(scaling_archive(tmp_path / "s.h5", wall, weak=True)))
    np.testing.assert_allclose(table.efficiency.squeeze(), [1, 1, 0.8])
    np.testing.assert_allclose(table.speedup.squeeze(), [1, 2, 3.2])


def test_without_the_fewest_ranks_in_a_repeat_its_median_counts(tmp_path):
    wall = [[2.0, 2.0, 2.0], [8.0, np.nan, 12.0], [4.0, 4.0, 6.0]]
    table = meander.scaling(meander.open(scaling_archive(tmp_path / "s.h5", wall)))
    np.testing.assert_allclose(table.speedup.sel(ranks=2), [2.0, 2.5, 2.0])
    assert np.isnan(table.speedup.sel(ranks=1)[1])


def test_rank_counts_that_never_ran_are_left_out(tmp_path):
    wall = [[2.0], [np.nan], [4.0]]
    path = scaling_archive(tmp_path / "s.h5", wall)
    table = meander.scaling(meander.open(path))
    assert list(table.ranks.values) == [2, 4]
    np.testing.assert_allclose(table.speedup.squeeze(), [1.0, 2.0])
    assert "1 runs failed" in meander.scaling_text(meander.open(path))


def test_table(tmp_path, capsys):
    assert main([str(scaling_archive(tmp_path / "s.h5", WALL)), "--table"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("strong scaling")
    assert lines[-1].split()[:7] == ["4", "2", "3.75", "3.20", "80.0", "%", "("]
    assert lines[-1].split()[-8:] == ["90.0", "%", "4.0", "%", "1.0", "%", "5.0", "%"]


def test_figure(tmp_path):
    figure, notes = draw(meander.open(scaling_archive(tmp_path / "s.h5", WALL)))
    speedup, efficiency, split = figure.axes
    ideal = [line for line in speedup.get_lines() if line.get_gid() == "ideal"]
    np.testing.assert_allclose(ideal[0].get_ydata(), [1, 2, 4])
    assert efficiency.get_ylim()[0] == 0.0
    tops = [bar.get_y() + bar.get_height() for bar in split.patches]
    assert max(tops) == pytest.approx(100.0)
    assert [text.get_text() for text in split.get_legend().get_texts()] == list(STAGES)
    assert notes == ["Strong scaling: medians and ranges over 2 repeats."]


def test_what_cannot_be_drawn(tmp_path, transitions, capsys):
    path = scaling_archive(tmp_path / "s.h5", WALL)
    with pytest.raises(meander.ArchiveError, match="no choices"):
        draw(meander.open(path), Request(arrays=("wall",)))
    assert main([str(transitions), "--table"]) == 3
    assert "not an archive of `meander scale`" in capsys.readouterr().err
