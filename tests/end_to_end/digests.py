"""Digests of every array that the example studies give at test size: any change of a bit is a decision.

`digests/reference.json` holds a SHA-256 for each array, and what its bits depend on besides meander: nothing, "blas"
(OpenBLAS picks other kernels on another processor) or "libm" (so does the C library). That was found by running every
study under several cores of OpenBLAS and with the C library's plain functions: see VARIANTS. Arrays that depend on
nothing have the same bits on every processor with multiply-add. The others have them where processor, OpenBLAS core and
C library are those of the reference; elsewhere they are held against `digests/values.npz`, within `tolerance` of the
array's largest magnitude.

A change of bits that is meant, with the measure's version raised, is written down with

    MEANDER_PROGRAM=build/release/meander MEANDER_SOURCE=. python3 tests/end_to_end/digests.py --write [NAME ...]

where NAME is a study as the failing test names it (all studies if none is given).
"""

import hashlib
import json
import os
import pathlib
import platform
import sys
import tempfile

import h5py
import numpy as np

from conftest import SOURCE, meander
from example_studies import STUDIES, name, test_options

FOLDER = SOURCE / "tests/end_to_end/digests"
REFERENCE = FOLDER / "reference.json"
VALUES = FOLDER / "values.npz"
# Beside the example studies: wider layers, both precisions, every law of the weights.
MORE_STUDIES = sorted(FOLDER.glob("*.toml"))

VARIANTS = {
    "blas": [{"OPENBLAS_CORETYPE": core} for core in ("Haswell", "SkylakeX", "Prescott")],
    "libm": [{"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2_Usable,-FMA_Usable,-AVX2,-FMA"}],
}

# Residuals are rounding itself; the direction of a singular vector is rounding's choice where values are equal or zero.
NOISE = ("residual", "adjoint_error", "area_error", "sampling_change", "principal_components")
TOLERANCE = {"double": 1e-9, "single": 1e-5}


def cases():
    """Name, study file and what finds its options, of every study with digests."""
    own = [(f"digests/{path.stem}", path, lambda path, folder: []) for path in MORE_STUDIES]
    return [(name(path), path, test_options) for path in STUDIES] + own


def run(path, options, archive):
    meander("run", path, *options, "-o", archive, "--quiet")


def arrays(archive):
    """Every array that two runs share, by name; strings as one line of text."""
    found = {}
    with h5py.File(archive, "r") as file:
        def visit(name, item):
            if not isinstance(item, h5py.Dataset) or item.attrs.get("run_dependent", 0):
                return
            values = item[()]
            if values.dtype.kind == "O":
                values = np.array("\n".join(text.decode() for text in values.ravel()))
            found[name] = values
        file.visititems(visit)
    return found


def digest(values):
    text = f"{values.dtype.str} {values.shape}\n".encode()
    return hashlib.sha256(text + np.ascontiguousarray(values).tobytes()).hexdigest()[:32]


def machine(archive):
    """What bits of BLAS and of the C library depend on."""
    with h5py.File(archive, "r") as file:
        return {"processor": file.attrs["processor"], "blas_core": file.attrs["blas_core"], "libc": " ".join(platform.libc_ver())}


def tolerance(archive):
    with h5py.File(archive, "r") as file:
        return TOLERANCE["single" if 'precision = "single"' in file.attrs["study"] else "double"]


def is_noise(name):
    return any(word in name for word in NOISE)


def largest(values):
    return np.max(np.abs(values[np.isfinite(values)]), initial=0.0)


def is_near(values, reference, within):
    """Equal where they are not finite, and elsewhere up to `within` times the largest."""
    if values.shape != reference.shape:
        return False
    finite = np.isfinite(reference)
    if not np.array_equal(finite, np.isfinite(values)) or not np.array_equal(values[~finite], reference[~finite], equal_nan=True):
        return False
    return bool(np.all(np.abs(values[finite] - reference[finite]) <= within * largest(reference)))


def differences(case, archive):
    """What of the study's archive is not as the reference has it, a line each."""
    reference = json.loads(REFERENCE.read_text())
    known = reference["studies"].get(case)
    if known is None:
        return [f"{case} has no digests: write them (see digests.py)"]
    found = arrays(archive)
    lines = [f"{name}: {'gone' if name in known else 'new'}" for name in sorted(known.keys() ^ found.keys())]
    same_machine = machine(archive) == reference["machine"]
    within = tolerance(archive)
    with np.load(VALUES) as kept:
        for name in sorted(known.keys() & found.keys()):
            if digest(found[name]) == known[name]["digest"]:
                continue
            depends = known[name]["depends_on"]
            if not depends or same_machine:
                lines.append(f"{name}: other bits")
            elif is_noise(name):
                if list(found[name].shape) != known[name]["shape"]:
                    lines.append(f"{name}: another shape")
            elif not is_near(found[name], kept[f"{case}/{name}"], within):
                lines.append(f"{name}: more than {within:g} of the largest away (it depends on {' and '.join(depends)})")
    return lines


def depends_on(path, options, plain):
    """For each array, which of VARIANTS change its bits."""
    depends = {name: [] for name in plain}
    for what, variants in VARIANTS.items():
        for variant in variants:
            with tempfile.TemporaryDirectory() as folder:
                archive = pathlib.Path(folder) / "study.h5"
                before = dict(os.environ)
                os.environ.update(variant)
                try:
                    run(path, options(path, pathlib.Path(folder)), archive)
                finally:
                    os.environ.clear()
                    os.environ.update(before)
                for name, values in arrays(archive).items():
                    if digest(values) != digest(plain[name]) and what not in depends[name]:
                        depends[name].append(what)
    return depends


def write(names):
    reference = json.loads(REFERENCE.read_text()) if REFERENCE.exists() else {"machine": None, "studies": {}}
    kept = {}
    if VALUES.exists():
        with np.load(VALUES) as values:
            kept = dict(values)
    all_cases = {case: (path, options) for case, path, options in cases()}
    for case in names or all_cases:
        path, options = all_cases[case]
        with tempfile.TemporaryDirectory() as folder:
            archive = pathlib.Path(folder) / "study.h5"
            run(path, options(path, pathlib.Path(folder)), archive)
            if names and machine(archive) != reference["machine"]:
                sys.exit("this machine is not the one of the other digests: write all of them")
            reference["machine"] = machine(archive)
            plain = arrays(archive)
        depends = depends_on(path, options, plain)
        reference["studies"][case] = {
            name: {"digest": digest(values), "shape": list(values.shape), "depends_on": depends[name]} for name, values in sorted(plain.items())}
        kept = {key: values for key, values in kept.items() if key.rpartition("/")[0] != case}
        kept |= {f"{case}/{name}": values for name, values in plain.items() if depends[name] and not is_noise(name)}
        print(case, flush=True)
    for studies in (reference["studies"], kept):
        for key in list(studies):
            if (key if studies is not kept else key.rpartition("/")[0]) not in all_cases:
                del studies[key]
    REFERENCE.write_text(as_text(reference))
    np.savez_compressed(VALUES, **kept)


def as_text(reference):
    """JSON with one array a line, so that a change shows as what it is."""
    studies = []
    for case, known in sorted(reference["studies"].items()):
        lines = [f"   {json.dumps(name)}: {json.dumps(entry)}" for name, entry in known.items()]
        studies.append(f"  {json.dumps(case)}: {{\n" + ",\n".join(lines) + "\n  }")
    return f'{{\n "machine": {json.dumps(reference["machine"])},\n "studies": {{\n' + ",\n".join(studies) + "\n }\n}\n"


if __name__ == "__main__":
    if sys.argv[1:2] != ["--write"]:
        sys.exit(__doc__)
    write(sys.argv[2:])
