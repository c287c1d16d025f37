"""Every study file of the repository runs at reduced size, and its figure is drawn."""

import os
import subprocess
import tomllib

import pytest
import xarray

from conftest import SOURCE, images_file, labels_file, meander

STUDIES = sorted((SOURCE / "studies").rglob("*.toml"))


def reduced(path, tmp_path):
    """Overrides that keep the study's shape and shrink its size."""
    study = tomllib.loads(path.read_text())
    sweep = study.get("sweep", {})
    overrides = {"realizations": "2"}
    if study["measure"] in ("geometry", "trajectory_length", "transitions"):
        overrides["curve.samples"] = "64"
    if study["measure"] == "phase_diagram":
        overrides["sweep.sigma_w"] = "[0.5, 1.0, 1.5, 2.5]"
    if "width" in sweep:
        overrides["sweep.width"] = "[6, 9]" if study["measure"] != "signal_propagation" else "9"
    if "depth" in sweep:
        overrides["sweep.depth"] = "[2, 3]" if isinstance(sweep["depth"], list) else "3"
    if "widths" in sweep:
        overrides["sweep.widths"] = "[[6], [3, 3], [2, 2, 2]]"
    if study["measure"] == "activation_spectrum" and "width" in sweep:
        # A narrow network leaves the basin of a polynomial activation.
        overrides |= {"sweep.width": "100", "input.dimension": "20", "activation_spectrum.pairs": "2"}
    if study["measure"] == "decision_boundary":
        overrides["decision_boundary.points"] = "2"
    if study["measure"] == "deep_versus_wide":
        overrides["sweep.point"] = "[{width = 20, depth = 1}, {width = 20, depth = 3}, {width = 20, depth = 4}, " \
            "{width = 10, depth = 2}, {width = 40, depth = 2}]"
        overrides |= {"deep_versus_wide.outputs": "6", "deep_versus_wide.samples": "64",
                      "deep_versus_wide.frequencies": "5", "input.dimension": "8"}
    if "component_layers" in study.get("geometry", {}):
        overrides["geometry.component_layers"] = "[1, 3]"
    if study["measure"] == "signal_propagation" and len(sweep["sigma_w"] if isinstance(sweep["sigma_w"], list) else []) > 4:
        overrides |= {"sweep.width": "12", "sweep.depth": "12", "realizations": "3"}
    if study["measure"] == "jacobian_extremes":
        overrides |= {"jacobian_extremes.ranks_per_task": "1", "jacobian_extremes.count": "3", "sweep.width": "[16, 24, 32]"}
    data = study.get("input", {})
    if "images" in data:
        overrides["input.images"] = f'"{images_file(tmp_path / "images.gz")}"'
    if "labels" in data:
        overrides["input.labels"] = f'"{labels_file(tmp_path / "labels.gz")}"'
    return [part for key, value in overrides.items() for part in ("--set", f"{key}={value}")]


@pytest.mark.parametrize("path", STUDIES, ids=lambda p: str(p.relative_to(SOURCE / "studies")))
def test_study_runs_and_draws(path, tmp_path):
    overrides = reduced(path, tmp_path)
    archive = tmp_path / "study.h5"
    meander("plan", path, *overrides)
    meander("run", path, *overrides, "-o", archive, "--quiet")
    assert (xarray.load_dataset(archive, engine="h5netcdf").status == 1).all()
    plot = os.environ["MEANDER_PLOT"]
    subprocess.run([plot, str(archive)], cwd=tmp_path, check=True, timeout=120)
    assert (tmp_path / "study.png").stat().st_size > 10_000
    assert (tmp_path / "study.svg").exists()
