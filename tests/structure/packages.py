"""Lists of what meander needs agree: Debian's package names, and the names that people without Debian are given.

packages.py SOURCE: cmake/debian-packages.txt against cmake/setup.sh (where packages cannot be installed), docs/cluster.md
(modules, Spack) and slurm/meander.def (which installs from the file).
"""

import pathlib
import re
import sys

# Debian's name: what people call it, and Spack's name.
NAMES = {
    "build-essential": ("C++20 compiler", None),
    "cmake": ("CMake", "cmake"),
    "ninja-build": ("Ninja", "ninja"),
    "pkg-config": ("pkg-config", "pkgconf"),
    "libopenmpi-dev": ("Open MPI", "openmpi"),
    "libhdf5-openmpi-dev": ("parallel HDF5", "hdf5+mpi+hl"),
    "libopenblas-dev": ("OpenBLAS", "openblas"),
    "libscalapack-openmpi-dev": ("ScaLAPACK", "netlib-scalapack"),
    "slepc-dev": ("SLEPc", "slepc"),
    "libeigen3-dev": ("Eigen", "eigen"),
    "librandom123-dev": ("Random123", "random123"),
    "libtomlplusplus-dev": ("toml++", "tomlplusplus"),
    "libcli11-dev": ("CLI11", "cli11"),
    "libspdlog-dev": ("spdlog", "spdlog"),
    "libfmt-dev": ("fmt", "fmt"),
    "nlohmann-json3-dev": ("nlohmann-json", "nlohmann-json"),
    "libmuparser-dev": ("muParser", "muparser"),
    "libginac-dev": ("GiNaC", "ginac"),
    "libssl-dev": ("OpenSSL", "openssl"),
    "zlib1g-dev": ("zlib", "zlib"),
}
# Comfort, or for tests alone; what runs programs comes with what builds them.
NOT_NEEDED = {"ccache", "git", "libbenchmark-dev", "libgmock-dev", "libgtest-dev"}


def debian_packages(text):
    """Names by the heading above them."""
    sections, heading = {}, None
    for line in text.splitlines()[1:]:
        if line.startswith("# "):
            heading = line[2:]
        elif line.strip():
            sections.setdefault(heading, []).append(line.split("#")[0].strip())
    return sections


def main(source):
    def read(name):
        return (source / name).read_text()

    sections = debian_packages(read("cmake/debian-packages.txt"))
    needed = [*sections["Build"], *sections["Libraries"]]
    problems = [f"debian-packages.txt: {name} is new: give its names in {pathlib.Path(__file__).name}"
                for name in needed if name not in NAMES and name not in NOT_NEEDED]
    problems += [f"debian-packages.txt: {name} is gone" for name in NAMES if name not in needed]
    page = read("docs/cluster.md")
    modules = " ".join(page[page.index("**Modules.**") : page.index("**Spack**")].split())
    spack = re.search(r"spack add (.*)", page).group(1).split()
    setup = " ".join(re.findall(r'say "(.*)"', read("cmake/setup.sh")))
    for word, spack_name in NAMES.values():
        places = {"docs/cluster.md (modules)": modules, "cmake/setup.sh": setup}
        problems += [f"{place}: no {word}" for place, text in places.items() if word not in text]
        if spack_name and spack_name not in spack:
            problems.append(f"docs/cluster.md (Spack): no {spack_name}")
    problems += [f"docs/cluster.md (Spack): {name} is not needed"
                 for name in spack if name not in {spack_name for _, spack_name in NAMES.values()}]
    recipe = read("slurm/meander.def")
    dropped = re.search(r"grep -v '(.*?)'", recipe).group(1).replace(r"\|", "|")
    checks = "Checks of the source, for .ci/run alone: the last section, which nothing else installs"
    if list(sections)[-1] != checks:
        problems.append(f"debian-packages.txt: the last section is not {checks!r}, from which cmake/setup.sh stops reading")
    batch = [*sections["Batch jobs, for their tests: a Slurm that they start and stop themselves"], *sections.get(checks, [])]
    everything = [name for names in sections.values() for name in names]
    problems += [f"slurm/meander.def: drops {name}" for name in everything if re.match(dropped, name) and name not in batch]
    problems += [f"slurm/meander.def: installs {name}, which only tests need" for name in batch if not re.match(dropped, name)]
    print("\n".join(problems) or f"{len(needed)} packages have their names everywhere")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
