"""Fixtures of the Slurm tests: one cluster for all of them, a site file for it, and studies of a few seconds."""

import importlib.util
import os
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE))

import cluster as slurm  # noqa: E402

_specification = importlib.util.spec_from_file_location("end_to_end", HERE.parent / "end_to_end" / "conftest.py")
end_to_end = importlib.util.module_from_spec(_specification)
_specification.loader.exec_module(end_to_end)

SITE = """
partition = "main"
cores_per_node = 2
memory_per_node_gb = 2.0
max_nodes = 3
max_time = "01:00:00"
launcher = "srun"
signal_lead = 20
max_tries = 3
environment = { OMPI_MCA_mpi_yield_when_idle = "1", OMPI_ALLOW_RUN_AS_ROOT = "1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM = "1", OMPI_MCA_osc = "^ucx" }
"""

# About 100 tasks of a tenth of a second: a job is caught in the middle of it.
SLOW = """
title = "slow"
measure = "transitions"
seed = 5
realizations = 50
[sweep]
width = [300]
depth = [6]
sigma_w = [2.0, 3.0]
activation = ["hard_tanh"]
[input]
dimension = 12
[curve]
samples = 3000
[transitions]
method = "sampled"
"""


def pytest_configure(config):
    config.addinivalue_line("markers", "long: takes minutes; run with MEANDER_LONG=1")


def pytest_collection_modifyitems(config, items):
    """Tests that take minutes are chosen by MEANDER_LONG=1; left out is not skipped."""
    if os.environ.get("MEANDER_LONG") == "1":
        return
    long = [item for item in items if item.get_closest_marker("long")]
    config.hook.pytest_deselected(items=long)
    items[:] = [item for item in items if item not in long]


@pytest.fixture(scope="session")
def one_cluster(tmp_path_factory):
    missing = slurm.missing_programs()
    if missing:
        pytest.skip(f"Slurm is not installed ({', '.join(missing)} missing)")
    started = slurm.Cluster(tmp_path_factory.mktemp("slurm"))
    try:
        started.start()
        yield started
    finally:
        started.stop()


@pytest.fixture
def cluster(one_cluster, monkeypatch):
    """The cluster with an empty queue and all nodes up, and this process's environment set for it."""
    for name, value in {**one_cluster.environment, **end_to_end.environment()}.items():
        monkeypatch.setenv(name, value)
    for name in ("OMPI_MCA_pml", "OMPI_MCA_btl"):  # ./check's own, for one machine; here are several nodes
        monkeypatch.delenv(name, raising=False)
    yield one_cluster
    one_cluster.cancel_all()
    one_cluster.wait_for_queue()
    one_cluster.restore_nodes()


@pytest.fixture
def site(tmp_path):
    """Writes a site file: the usual one with lines replaced or added."""

    def write(name="site.toml", **changes):
        lines = [line for line in SITE.strip().splitlines() if line.split(" ")[0] not in changes]
        lines += [f"{key} = {value}" for key, value in changes.items()]
        path = tmp_path / name
        path.write_text("\n".join(lines) + "\n")
        return path

    return write


@pytest.fixture
def study(tmp_path):
    def write(text=SLOW, name="study.toml"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory):
    """The archive of a study that ran without a cluster, each computed once."""
    made = {}

    def archive(text=SLOW):
        if text not in made:
            folder = tmp_path_factory.mktemp("undisturbed")
            (folder / "study.toml").write_text(text)
            made[text] = folder / "whole.h5"
            end_to_end.meander("run", folder / "study.toml", "-o", made[text], "--quiet", ranks=2)
        return made[text]

    return archive
