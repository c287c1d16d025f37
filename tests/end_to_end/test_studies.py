"""Every study file of the repository runs at test size, gives the bits that it gave before, and its figure is drawn."""

import json
import os
import subprocess

import pytest
import xarray

import digests
from conftest import meander

CASES = {case: (path, options) for case, path, options in digests.cases()}
PART, PARTS = (int(number) for number in os.environ.get("MEANDER_PART", "1/1").split("/"))


@pytest.mark.parametrize("case", list(CASES)[PART - 1 :: PARTS])
def test_study_runs_and_draws(case, tmp_path):
    path, options = CASES[case]
    options = options(path, tmp_path)
    archive = tmp_path / "study.h5"
    meander("plan", path, *options)
    meander("run", path, *options, "-o", archive, "--quiet")
    assert (xarray.load_dataset(archive, engine="h5netcdf").status == 1).all()
    assert digests.differences(case, archive) == []
    plot = os.environ["MEANDER_PLOT"]
    subprocess.run([plot, str(archive)], cwd=tmp_path, check=True, timeout=120)
    assert (tmp_path / "study.png").stat().st_size > 10_000
    assert (tmp_path / "study.svg").exists()


def test_every_digest_belongs_to_a_study():
    assert json.loads(digests.REFERENCE.read_text())["studies"].keys() == CASES.keys()
