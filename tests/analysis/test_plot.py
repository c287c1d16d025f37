"""Figures and the command: what is drawn, what is said, and that the same input gives the same bytes."""

import os
import pathlib
import subprocess
import sys
import xml.etree.ElementTree

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

import meander
from conftest import MISSING_INTEGER, length_archive, transitions_archive, write_archive
from meander.archive import FAILED, OUT_OF_RANGE
from meander.figures import Request, draw
from meander.plot import main

ANALYSIS = pathlib.Path(__file__).resolve().parents[2] / "analysis"


def figure_of(path, *arrays, **request):
    return draw(meander.open(path), Request(arrays=arrays, **request))


def lines(axes, kind):
    return [line for line in axes.get_lines() if line.get_gid() == kind]


def labels(axes):
    return [line.get_label() for line in lines(axes, "measured")]


def failing(capsys, *arguments):
    """The one line that the command says when it refuses."""
    assert main([str(argument) for argument in arguments]) == 3
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    return captured.err


def test_one_line_per_sigma_w_with_theory_dashed(transitions):
    figure, notes = figure_of(transitions)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["width = 100", "width = 500"]
    dataset = meander.open(transitions).squeeze()
    for axes, width in zip(figure.axes, (100, 500)):
        assert labels(axes) == ["1", "2", "4"]
        assert axes.get_yscale() == "log"
        for line, sigma_w in zip(lines(axes, "measured"), (1.0, 2.0, 4.0)):
            expected = dataset["transitions"].sel(width=width, sigma_w=sigma_w).mean("realization")
            np.testing.assert_allclose(line.get_ydata(), expected)
            np.testing.assert_array_equal(line.get_xdata(), np.arange(1, 9))
        theory = lines(axes, "theory")
        assert len(theory) == 3
        assert all(line.is_dashed() for line in theory)
        np.testing.assert_allclose(theory[2].get_ydata(), 400 * 2.0 ** np.arange(1, 9))
        assert len(axes.collections) == 3  # the shaded intervals
    assert figure.axes[0].get_ylabel() == "switches of linear piece"
    assert notes == ["Means over 16 networks; bands: 95 % intervals of the mean."]


def test_shaded_interval_is_that_of_the_mean(lengths):
    figure, _ = figure_of(lengths, "length", "growth", select=(("width", "100"), ("sigma_w", "2")))
    logarithmic, linear = (axes.collections[0].get_paths()[0].vertices for axes in figure.axes)
    at_layer_5 = {}
    for name in ("length", "growth"):
        at_layer_5[name] = meander.mean_interval(meander.open(lengths)[name].sel(width=100, sigma_w=2.0, layer=5).squeeze())
    drawn = linear[linear[:, 0] == 5][:, 1]
    table = at_layer_5["growth"]
    assert (drawn.min(), drawn.max()) == pytest.approx((float(table["low"]), float(table["high"])))
    drawn = logarithmic[logarithmic[:, 0] == 5][:, 1]
    table = at_layer_5["length"]
    relative = float((table["high"] - table["mean"]) / table["mean"])  # symmetric in the logarithm
    assert np.log(drawn.max() / drawn.min()) == pytest.approx(2 * relative)


def test_length_and_growth_with_bounds(lengths):
    figure, _ = figure_of(lengths)
    assert len(figure.axes) == 4  # two arrays by two widths
    assert [axes.get_yscale() for axes in figure.axes] == ["log", "log", "linear", "linear"]
    assert [len(lines(axes, "bound")) for axes in figure.axes] == [0, 0, 8, 8]
    assert all(line.is_dashed() for line in lines(figure.axes[2], "bound"))  # any broken line, for matplotlib
    np.testing.assert_allclose(lines(figure.axes[0], "theory")[3].get_ydata(), 20 * 1.8 ** np.arange(1, 9))
    np.testing.assert_allclose(lines(figure.axes[2], "theory")[3].get_ydata(), 1.8)


def test_units_stand_on_the_axis(tmp_path):
    def edit(arrays, status):
        arrays["length"][2]["units"] = "rad"

    figure, _ = figure_of(length_archive(tmp_path / "a.h5", edit=edit), "length")
    assert figure.axes[0].get_ylabel() == "length [rad]"


@pytest.mark.parametrize("sigmas, activations", [(3, ["relu"]), (12, ["relu"]), (
    1, ["relu", "{ breakpoints = [-1, 1], slopes = [0, 1, 0], value = [0, 0] }"])])
def test_legend_covers_no_panel(tmp_path, sigmas, activations):
    sweep = {"sigma_w": np.linspace(1, 2, sigmas).tolist(), "activation": activations}
    figure, _ = figure_of(transitions_archive(tmp_path / "a.h5", sweep=sweep, realizations=2, depth=4))
    FigureCanvasAgg(figure).draw()
    for legend in figure.legends:
        box = legend.get_window_extent()
        assert not any(box.overlaps(axes.get_window_extent()) for axes in figure.axes)
        assert box.x1 <= figure.bbox.x1
        assert box.y0 >= 0
        assert not any(box.overlaps(text.get_window_extent()) for text in figure.texts)


def test_against_width_and_sigma_w(transitions):
    figure, notes = figure_of(transitions, against="sigma_w")
    (axes,) = figure.axes
    assert labels(axes) == ["100", "500"]
    assert axes.get_xlabel() == r"$\sigma_w$"
    np.testing.assert_array_equal(lines(axes, "measured")[0].get_xdata(), [1.0, 2.0, 4.0])
    np.testing.assert_allclose(lines(axes, "theory")[0].get_ydata(), 400 * np.array([1.0, 2.0, 4.0]) ** 4)
    assert "The last layer of each network." in notes
    figure, notes = figure_of(transitions, against="width", select=(("layer", "2"),))
    np.testing.assert_allclose(lines(figure.axes[0], "theory")[2].get_ydata(), 400 * 4.0)
    assert "Layer 2." in notes


def test_against_depth(tmp_path):
    def edit(arrays, status):  # a network of depth 4 has no layers 5 to 8
        arrays["transitions"][1][:, 0, :, :, 4:] = MISSING_INTEGER
        arrays["transitions_theory"][1][:, 0, :, 4:] = np.nan

    sweep = {"width": [100], "depth": [4, 8], "sigma_w": [2.0, 4.0]}
    path = transitions_archive(tmp_path / "a.h5", sweep=sweep, edit=edit)
    figure, _ = figure_of(path, against="depth")
    np.testing.assert_array_equal(lines(figure.axes[0], "measured")[1].get_xdata(), [4, 8])
    np.testing.assert_allclose(lines(figure.axes[0], "theory")[1].get_ydata(), 400 * 2.0 ** np.array([4, 8]))
    figure, notes = figure_of(path)
    assert len(figure.axes) == 1
    np.testing.assert_array_equal(lines(figure.axes[0], "measured")[1].get_xdata(), np.arange(1, 9))
    assert any(note.startswith("Networks of depth 8") for note in notes)


def test_against_length_is_a_straight_line(transitions):
    figure, notes = figure_of(transitions, against="length")
    axes = figure.axes[0]
    assert axes.get_xscale() == axes.get_yscale() == "log"
    (guide,) = lines(axes, "proportional")
    ratio = guide.get_ydata() / guide.get_xdata()
    assert ratio[0] == pytest.approx(ratio[1])
    assert ratio[0] == pytest.approx(30, rel=0.01)
    assert [line.get_linestyle() for line in lines(axes, "measured")] == ["None"] * 3
    assert "bars: 95 %" in notes[0]


def test_failed_cells_are_omitted_and_counted(tmp_path):
    def edit(arrays, status):
        status[0, 0, 0, 0, 0, 0, :2] = FAILED
        arrays["transitions"][1][0, 0, 0, 0, 0, 0, :2] = MISSING_INTEGER
        arrays["transitions"][1][1, 0, 1] = MISSING_INTEGER
        status[1, 0, 1] = 0

    figure, notes = figure_of(transitions_archive(tmp_path / "a.h5", edit=edit))
    assert "18 of 96 cells are left out (16 missing, 2 failed)." in notes
    assert labels(figure.axes[0]) == ["1", "2", "4"]
    assert labels(figure.axes[1]) == ["1", "4"]
    texts = " ".join(text.get_text() for text in figure.texts)
    assert "18 of 96 cells" in texts


def test_overflow_is_noted(tmp_path):
    def edit(arrays, status):
        status[0, 0, 3, 0, 2] = OUT_OF_RANGE
        arrays["length"][1][0, 0, 3, 0, 2, 4:] = np.nan

    figure, notes = figure_of(length_archive(tmp_path / "a.h5", edit=edit), "length")
    assert any(note.startswith("1 of 128 networks left the range") for note in notes)
    assert np.isfinite(lines(figure.axes[0], "measured")[3].get_ydata()).sum() == 4


def test_smooth_activation_draws_sign_changes(tmp_path):
    def absent(arrays, status):
        for name in ("transitions", "transitions_theory"):
            del arrays[name]

    def masked(arrays, status):
        arrays["transitions"][1][:] = MISSING_INTEGER

    for edit in (absent, masked):
        figure, notes = figure_of(transitions_archive(tmp_path / "a.h5", edit=edit))
        assert figure.axes[0].get_ylabel() == "sign changes"
        assert any("no linear pieces" in note for note in notes)


def test_panels_without_values_are_named(tmp_path):
    def edit(arrays, status):
        arrays["transitions"][1][:, 1] = MISSING_INTEGER

    sweep = {"sigma_w": [1.0, 2.0], "activation": ["hard_tanh", "tanh"]}
    figure, notes = figure_of(transitions_archive(tmp_path / "a.h5", sweep=sweep, edit=edit))
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["hard tanh"]
    assert "transitions has no values for tanh." in notes


def test_stored_network_without_a_sweep(tmp_path):
    figure, notes = figure_of(transitions_archive(tmp_path / "a.h5", sweep={}, realizations=1))
    (axes,) = figure.axes
    assert len(lines(axes, "measured")) == 1
    assert len(lines(axes, "theory")) == 1
    assert len(axes.collections) == 0
    assert notes == ["One network per point: no interval."]


def test_point_dimension(tmp_path):
    path = transitions_archive(tmp_path / "a.h5", sweep={"width": [100], "point": [0, 1]},
                               rate=lambda **_: 1.5, auxiliary={"sigma_w": (("point",), np.array([1.2, 2.5])),
                                                                "sigma_b": (("point",), np.array([0.1, 0.3]))})
    figure, _ = figure_of(path)
    assert labels(figure.axes[0]) == [r"$\sigma_w$ = 1.2, $\sigma_b$ = 0.1", r"$\sigma_w$ = 2.5, $\sigma_b$ = 0.3"]
    figure, _ = figure_of(path, against="sigma_w")
    np.testing.assert_array_equal(lines(figure.axes[0], "measured")[0].get_xdata(), [1.2, 2.5])


def test_point_dimension_without_coordinates(tmp_path):
    status = np.ones((2, 3), np.int8)
    values = np.arange(1.0, 25.0).reshape(2, 3, 4)
    write_archive(tmp_path / "a.h5", "transitions", {"point": None},
                  {"transitions": (("point", "realization", "layer"), values, {})}, own={"layer": np.arange(1, 5)},
                  status=status, auxiliary={"sigma_w": (("point",), np.array([1.2, 2.5]))})
    figure, _ = figure_of(tmp_path / "a.h5")
    assert labels(figure.axes[0]) == [r"$\sigma_w$ = 1.2", r"$\sigma_w$ = 2.5"]


def test_widths_and_weights_as_text(tmp_path):
    sweep = {"widths": ["[500, 50, 500]", "[50, 500]"], "weights": ["gaussian", "orthogonal"]}

    def edit(arrays, status):
        arrays["transitions"][1][1, ..., 2:] = MISSING_INTEGER

    path = transitions_archive(tmp_path / "a.h5", sweep=sweep, depth=3, edit=edit, rate=lambda **_: 2.0)
    figure, _ = figure_of(path)
    assert labels(figure.axes[0]) == ["[500, 50, 500]", "[50, 500]"]
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["weights gaussian", "weights orthogonal"]
    figure, _ = figure_of(path, select=(("widths", "[50, 500]"),))
    assert np.isfinite(lines(figure.axes[0], "measured")[0].get_ydata()).sum() == 2


def test_no_theory(tmp_path):
    figure, _ = figure_of(transitions_archive(tmp_path / "a.h5", edit=lambda arrays, _: arrays.pop("transitions_theory")))
    assert lines(figure.axes[0], "theory") == []


def test_theory_that_depends_on_the_draw_is_averaged(tmp_path):
    def edit(arrays, status):
        dims, values, described = arrays["transitions_theory"]
        cells = arrays["transitions"][0]
        drawn = np.repeat(values[..., None, :], 16, axis=-2) * np.linspace(0.5, 1.5, 16)[:, None]
        arrays["transitions_theory"] = (cells, drawn, described)

    figure, _ = figure_of(transitions_archive(tmp_path / "a.h5", edit=edit))
    np.testing.assert_allclose(lines(figure.axes[0], "theory")[2].get_ydata(), 400 * 2.0 ** np.arange(1, 9))


def test_panels_are_capped(tmp_path):
    sweep = {"width": list(range(10, 25)), "sigma_w": [1.0, 2.0]}
    path = transitions_archive(tmp_path / "a.h5", sweep=sweep, realizations=2, depth=3)
    figure, notes = figure_of(path)
    assert len(figure.axes) == 12
    assert "12 of 15 panels are drawn; --select chooses others." in notes
    assert len(figure_of(path, max_panels=4)[0].axes) == 4


def test_many_lines_are_thinned(tmp_path):
    sweep = {"sigma_w": np.linspace(1, 5, 41).tolist()}
    figure, notes = figure_of(transitions_archive(tmp_path / "a.h5", sweep=sweep, realizations=2, depth=3))
    assert len(lines(figure.axes[0], "measured")) == len(figure.legends[0].get_texts()) == 12
    assert (labels(figure.axes[0])[0], labels(figure.axes[0])[-1]) == ("1", "5")
    assert r"12 of 41 values of $\sigma_w$ are drawn; --select chooses others." in notes


def test_two_panel_keys_make_a_grid(tmp_path):
    sweep = {"width": [10, 20, 30], "sigma_w": [1.0, 2.0], "activation": ["relu", "hard_tanh"]}
    figure, _ = figure_of(transitions_archive(tmp_path / "a.h5", sweep=sweep, realizations=2, depth=3))
    corners = [axes.get_position() for axes in figure.axes]
    assert len({round(corner.x0, 6) for corner in corners}) == 2
    assert len({round(corner.y0, 6) for corner in corners}) == 3
    assert figure.axes[0].get_title(loc="left") == "width = 10, relu"


def test_tables_have_short_labels_that_stay_apart(tmp_path):
    sweep = {"weights": ["gaussian", '{ law = "student_t", dof = 4 }', "{ odd"],
             "activation": ["{ expression = \"x * erf(x) + 0.000000000000000000000000001 * x\" }",
                            "{ expression = \"x * erf(x) + 0.000000000000000000000000001 * x^2\" }"]}
    path = transitions_archive(tmp_path / "a.h5", sweep=sweep, realizations=2, depth=3, rate=lambda **_: 2.0)
    figure, _ = figure_of(path)
    assert labels(figure.axes[0]) == ["gaussian", "student t, dof 4", "{ odd"]
    figure, _ = figure_of(path, select=(("weights", "gaussian"),))
    measured = lines(figure.axes[0], "measured")
    assert len({line.get_color() for line in measured}) == 2  # though their labels are cut to the same


def test_command_writes_both_formats_beside_the_stem(transitions, tmp_path, monkeypatch, capsys):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert main([str(transitions)]) == 0
    assert capsys.readouterr().out == "transitions.png\ntransitions.svg\n"
    assert pathlib.Path("transitions.png").read_bytes().startswith(b"\x89PNG")
    assert "<svg" in pathlib.Path("transitions.svg").read_text()


@pytest.mark.parametrize("arguments, written", [
    (["-o", "f.png"], ["f.png"]), (["-o", "f"], ["f.png", "f.svg"]), (["-o", "f.v2"], ["f.v2.png", "f.v2.svg"]),
    (["-o", "f.png", "--format", "svg,pdf"], ["f.svg", "f.pdf"]), (["--format", "png"], ["transitions.png"])])
def test_where_it_writes(transitions, tmp_path, monkeypatch, capsys, arguments, written):
    monkeypatch.chdir(tmp_path)
    assert main([str(transitions), *arguments]) == 0
    assert capsys.readouterr().out.split() == written
    assert all(os.path.getsize(path) > 1000 for path in written)


def test_same_archive_same_bytes(transitions, tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(ANALYSIS)}
    for name in ("one", "two"):  # separate processes: hash seeds differ
        subprocess.run([sys.executable, "-m", "meander", transitions, "-o", tmp_path / name], check=True, env=environment,
                       stdout=subprocess.DEVNULL)
    for kind in ("png", "svg"):
        assert (tmp_path / f"one.{kind}").read_bytes() == (tmp_path / f"two.{kind}").read_bytes()
    assert b"<dc:date>" not in (tmp_path / "one.svg").read_bytes()


def test_control_characters_reach_neither_figures_nor_terminals(tmp_path, capsys):
    archive = transitions_archive(tmp_path / "odd.h5", attributes={"title": "red \x1b[31m, turned \u202e round"})
    assert main([str(archive), "-o", str(tmp_path / "odd\x1b[31m.svg"), "--format", "svg"]) == 0
    printed = capsys.readouterr()
    assert printed.err == "" or "Glyph" not in printed.err
    assert printed.out.endswith("odd\\x1b[31m.svg\n") and "\x1b" not in printed.out
    xml.etree.ElementTree.parse(tmp_path / "odd\x1b[31m.svg")
    figure, _ = figure_of(archive)
    assert "red \\x1b[31m, turned \\u202e round" in " ".join(text.get_text() for text in figure.texts)


def test_pipes_are_not_waited_for(tmp_path, capsys):
    os.mkfifo(tmp_path / "pipe.h5")
    assert "not an archive" in failing(capsys, tmp_path / "pipe.h5")


@pytest.mark.parametrize("redirection, code", [(">/dev/full", 1), (">&-", 1), ("2>/dev/full", 0), ("2>&-", 0)])
def test_output_that_cannot_be_written(transitions, tmp_path, redirection, code):
    environment = {**os.environ, "PYTHONPATH": str(ANALYSIS)}
    done = subprocess.run(["bash", "-c", f'exec "$@" {redirection}', "bash", sys.executable, "-m", "meander", transitions, "-o",
                           tmp_path / "f.png"], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert (tmp_path / "f.png").exists()
    if code:
        assert "standard output could not be written" in done.stderr and "Traceback" not in done.stderr
    else:
        assert done.stdout.endswith("f.png\n")


def test_select(transitions, tmp_path, capsys):
    assert main([str(transitions), "-o", str(tmp_path / "a.png"), "--select", "sigma_w=1,sigma_w=4.0,width=500"]) == 0
    figure, _ = figure_of(transitions, select=(("sigma_w", "1"), ("sigma_w", "4.0"), ("width", "500")))
    assert labels(figure.axes[0]) == ["1", "4"]


def test_error_messages_of_the_command(transitions, tmp_path, capsys):
    def says(*arguments):
        return failing(capsys, *arguments, "-o", tmp_path / "out.png")

    (tmp_path / "text.h5").write_text("no")
    assert "nothing.h5: no such file" in says(tmp_path / "nothing.h5")
    assert "is not an HDF5 file" in says(tmp_path / "text.h5")
    assert "--array lenghts: no such array (there are" in says(transitions, "--array", "lenghts")
    assert "--select sigma_w=3: no such value (there are 1, 2, 4)" in says(transitions, "--select", "sigma_w=3")
    assert "--select sigma_w=x: no such value" in says(transitions, "--select", "sigma_w=x")
    assert "--select activation=relu: no such value (there are hard_tanh)" in says(transitions, "--select", "activation=relu")
    assert "--select sigma: no such dimension (there are width" in says(transitions, "--select", "sigma=3")
    assert '--select: "sigma_w" is not KEY=VALUE' in says(transitions, "--select", "sigma_w")
    assert "--against sigma: no such key (there are width" in says(transitions, "--against", "sigma")
    assert "--against activation: its values are not numbers" in says(transitions, "--against", "activation")
    assert "`input_length` has no layers" in says(transitions, "--array", "input_length")
    assert '--format: unknown format "gif"' in says(transitions, "--format", "gif")
    assert "--max-panels: at least 1" in says(transitions, "--max-panels", "0")
    assert "unrecognized arguments: --colour" in says(transitions, "--colour")
    assert "the following arguments are required" in says()
    assert "no such directory" in failing(capsys, transitions, "-o", tmp_path / "none" / "out.png")
    assert not (tmp_path / "out.png").exists()


def test_measure_without_a_figure(tmp_path, capsys):
    path = transitions_archive(tmp_path / "a.h5", attributes={"measure": "weather"})
    with_theory, _ = figure_of(path)
    assert {axes.get_ylabel() for axes in with_theory.axes} >= {axes.get_ylabel() for axes in figure_of(path, "transitions")[0].axes}
    figure, _ = figure_of(path, "sign_changes")
    assert labels(figure.axes[0]) == ["1", "2", "4"]

    def without_layers(arrays, status):
        for name in list(arrays):
            if "layer" in arrays[name][0]:
                del arrays[name]

    bare = transitions_archive(tmp_path / "b.h5", attributes={"measure": "weather"}, edit=without_layers)
    assert 'no figure is known for the measure "weather"' in failing(capsys, bare)


def test_nothing_to_draw(tmp_path, capsys):
    def edit(arrays, status):
        for name in ("transitions", "sign_changes"):
            arrays[name][1][:] = MISSING_INTEGER

    path = transitions_archive(tmp_path / "a.h5", edit=edit)
    assert "nothing to draw: `sign_changes` has no value in the chosen cells" in failing(capsys, path)


def test_length_needs_the_array(tmp_path, capsys):
    path = transitions_archive(tmp_path / "a.h5", edit=lambda arrays, _: arrays.pop("length"))
    assert "--against length: the archive has no array `length`" in failing(capsys, path, "--against", "length")


def test_a_file_that_cannot_be_written(transitions, tmp_path, capsys):
    (tmp_path / "taken.png").mkdir()
    assert main([str(transitions), "-o", str(tmp_path / "taken"), "--format", "png"]) == 1
    error = capsys.readouterr().err
    assert "taken.png: cannot be written" in error
    assert error.count("\n") == 1


def test_notes_are_plain_on_the_terminal(tmp_path, capsys):
    sweep = {"sigma_w": np.linspace(1, 5, 41).tolist()}
    path = transitions_archive(tmp_path / "a.h5", sweep=sweep, realizations=2, depth=3)
    assert main([str(path), "-o", str(tmp_path / "a.png")]) == 0
    assert capsys.readouterr().err == "note: 12 of 41 values of sigma_w are drawn; --select chooses others.\n"
