"""Writes the seeds of fuzz_network and fuzz_images anew: make_seeds.py FOLDER (tests/fuzz). Each stands for what a file may
be: old and new layout, layers of every kind, links, filters, curves. Files in `found_network` were found, not made; each mutation of one that hangs
would hang."""

import gzip
import pathlib
import struct
import sys

import h5py
import numpy as np

folder = pathlib.Path(sys.argv[1])


def network(name, version=(1, 1), **settings):
    file = h5py.File(folder / "seeds_network" / name, "w", **settings)
    file.attrs.update({"filetype": "meander_network", "version": list(version), "activation": "relu"})
    return file


for name, settings in (("old", {}), ("new", {"libver": "latest"})):
    with network(f"dense_{name}", (1, 0), **settings) as file:
        file["/layers/0/weight"], file["/layers/0/bias"] = np.eye(2, 3), np.ones(2)
        file["/layers/1/weight"] = np.ones((1, 2), "f4")
        file["/layers/1/bias"] = file["/layers/0/bias"][:1]
        file["/readout/weight"] = np.ones((1, 1), ">i2")
    with network(f"filters_{name}", **settings) as file:
        file.create_dataset("/layers/0/weight", data=np.eye(4), chunks=(2, 2), compression="gzip", shuffle=True, fletcher32=True)
        file.create_dataset("/layers/0/bias", data=np.zeros(4), chunks=(4,), scaleoffset=2)
    with network(f"links_{name}", **settings) as file:
        file["/layers/0/weight"] = np.eye(2)
        file["/layers/1"] = file["/layers/0"]
        file["/layers/2"] = h5py.SoftLink("/layers/1")
        file["/elsewhere"] = h5py.ExternalLink("other.h5", "/x")
    with network(f"layers_{name}", **settings) as file:
        file.attrs["input_shape"] = [1, 4, 4]
        kinds = ["convolution", "scale_shift", "add", "max_pool", "flatten"]
        for i, kind in enumerate(kinds):
            file.create_group(f"/layers/{i}").attrs["kind"] = kind
        file["/layers/0/weight"] = np.ones((1, 1, 3, 3), "f4")
        file["/layers/0"].attrs["padding"] = [1, 1, 1, 1]
        file["/layers/1/scale"], file["/layers/1/shift"] = np.ones(1), np.zeros(1)
        file["/layers/2"].attrs["from"] = -1
        file["/layers/3"].attrs["window"] = [2, 2]
    with network(f"curve_{name}", **settings) as file:
        for part in ("center", "u", "v"):
            file[f"/curve/{part}"] = np.ones(2)
        file["/curve"].attrs["kind"] = "arc"
        file["/curve/span"] = [0.0, 1.0]

images = struct.pack(">4B3I", 0, 0, 8, 3, 2, 2, 3) + bytes(range(12))
labels = struct.pack(">4BI", 0, 0, 8, 1, 4) + bytes(range(4))
for name, content in (("images", images), ("labels", labels), ("cifar", (b"\x03" + bytes(3072)) * 2)):
    (folder / "seeds_images" / name).write_bytes(content)
    (folder / "seeds_images" / f"{name}.gz").write_bytes(gzip.compress(content, mtime=0))
