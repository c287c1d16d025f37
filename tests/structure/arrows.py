"""Reads every #include and fails where an arrow between rooms runs the wrong way.

The rooms and what each may include stand in docs/architecture.md.
"""

import pathlib
import re
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.MULTILINE)

MPI = r"mpi\.h"
HDF5 = r"hdf5(_hl)?\.h|H5.*"
SLEPC = r"(slepc|petsc).*\.h"
STUDY_LIBRARIES = r"toml\+\+/.*|CLI/.*|spdlog/.*"

# The places that work on vectors spread over ranks, and what of it they may know.
SPREAD = {
    "kernels/slepc.hpp": MPI,
    "kernels/slepc/petsc.hpp": f"{MPI}|{SLEPC}",
    "kernels/slepc/eigenvalues.cpp": f"{MPI}|{SLEPC}",
    "kernels/slepc/singular_values.cpp": f"{MPI}|{SLEPC}",
    "kernels/distributed_columns.hpp": MPI,
    "kernels/distributed_operator.hpp": MPI,
    "kernels/dense_rows.hpp": MPI,
    "kernels/row_spread.hpp": MPI,
}

# Room: patterns that it must not include, and exceptions to them.
FORBIDDEN = {
    "kernels": (f"pipeline/.*|studies/.*|slurm/.*|{MPI}|{SLEPC}|{HDF5}|{STUDY_LIBRARIES}", ""),
    "pipeline": (r"kernels/.*|studies/.*|slurm/.*", r"kernels/random_stream\.hpp"),
    "pipeline/schedule": (rf"kernels/.*|studies/.*|slurm/.*|pipeline/(?!schedule/).*|{HDF5}|{STUDY_LIBRARIES}|fmt/.*", ""),
    "studies": (f"slurm/.*|{MPI}|{SLEPC}|{HDF5}|{STUDY_LIBRARIES}|pipeline/commands/.*|pipeline/schedule/.*", ""),
    "slurm": (r"kernels/.*|studies/.*", ""),
}


def wrong_arrows(root):
    for room, (forbidden, allowed) in FORBIDDEN.items():
        for path in sorted((root / room).rglob("*.[ch]pp")):
            name = str(path.relative_to(root))
            permitted = SPREAD.get(name, allowed)
            for include in INCLUDE.findall(path.read_text()):
                if re.fullmatch(forbidden, include) and not re.fullmatch(permitted, include):
                    yield f"{name} includes {include}, which {room}/ must not know"


def main():
    root = pathlib.Path(sys.argv[1])
    wrong = list(wrong_arrows(root))
    print("\n".join(wrong) or "every include runs the right way")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
