"""`meander scale` inside jobs: srun starts the ranks, and the elements of an array are merged into one archive."""

import h5py
import xarray

from conftest import end_to_end

meander = end_to_end.meander


def test_array_of_scaling_runs(cluster, study, tmp_path):
    study(end_to_end.SMALL)
    script = (
        f"{end_to_end.PROGRAM} scale study.toml --ranks 1,2,4 --repeats 2 --part $SLURM_ARRAY_TASK_ID/2"
        " -o part_$SLURM_ARRAY_TASK_ID.h5"
    )
    options = ["--array=1-2", "--ntasks=4", "--time=00:10:00", "--output=log_%a.txt"]
    cluster.run("sbatch", *options, "--wrap", script, cwd=tmp_path)
    cluster.wait_for_queue()
    logs = "\n".join(path.read_text() for path in tmp_path.glob("log_*.txt"))
    assert (tmp_path / "part_1.h5").exists() and (tmp_path / "part_2.h5").exists(), logs
    meander("merge", "all.h5", "part_1.h5", "part_2.h5", cwd=tmp_path)
    dataset = xarray.load_dataset(tmp_path / "all.h5", engine="h5netcdf")
    assert list(dataset.ranks.values) == [1, 2, 4] and list(dataset.repeat.values) == [0, 1]
    assert (dataset.status == 1).all() and (dataset.tasks == 64).all(), logs
    with h5py.File(tmp_path / "all.h5") as file:
        assert 'launcher = "srun -n {ranks}"' in file.attrs["study"]
