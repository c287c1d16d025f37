# Shared by ./run, ./check and .ci/run (sourced, not run): installs what is missing and builds.
# Needs $root, the top of the source tree.
# shellcheck shell=bash
: "${root:?}"

say() { printf '%s\n' "$*" >&2; }

# install_packages build|all: on Debian, missing packages are installed, `all` with those that only check the source;
# elsewhere cmake says what it does not find.
install_packages() {
  local wanted missing=() package checks="/^# Checks of the source/,\$d;"
  [ "$1" = all ] && checks=''
  wanted=$(sed "${checks}s/#.*//" "$root/cmake/debian-packages.txt")
  if ! command -v dpkg-query >/dev/null; then
    command -v cmake >/dev/null && command -v mpirun >/dev/null && return 0
    say "meander: cmake or mpirun is missing, and this is not Debian: load or install modules for"
    say "  a C++20 compiler, CMake >= 3.25, Ninja, pkg-config, Open MPI, parallel HDF5, OpenBLAS, ScaLAPACK, SLEPc,"
    say "  Eigen, Random123, toml++, CLI11, spdlog, fmt, nlohmann-json, muParser, GiNaC, OpenSSL, zlib, GoogleTest,"
    say "  Google Benchmark, and Python 3 with xarray, h5netcdf, scipy, matplotlib"
    say "(the Debian names stand in cmake/debian-packages.txt)."
    return 3
  fi
  for package in $wanted; do
    dpkg-query -W -f '${Status}\n' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null || ! sudo -n true 2>/dev/null && ! { [ -t 0 ] && sudo true; }; then
      say "meander: these packages are missing, and this user may not install them. Ask for:"
      say "  apt-get install --no-install-recommends ${missing[*]}"
      return 3
    fi
    as_root=(sudo)
  fi
  say "meander: installing ${#missing[@]} packages: ${missing[*]}"
  "${as_root[@]}" apt-get update -qq >&2 || say "meander: 'apt-get update' failed, trying with the lists that are there"
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >"${TMPDIR:-/tmp}/meander-apt.log" 2>&1 || {
    tail -n 20 "${TMPDIR:-/tmp}/meander-apt.log" >&2
    say "meander: the packages could not be installed (see above)"
    return 1
  }
}

# build PRESET [TARGET...]: configures once, then builds what changed.
build() {
  local preset=$1
  shift
  local log="$root/build/$preset.log"
  mkdir -p "$root/build"
  if [ ! -f "$root/build/$preset/build.ninja" ]; then
    say "meander: configuring (build/$preset)"
    (cd "$root" && cmake --preset "$preset") >"$log" 2>&1 || { tail -n 30 "$log" >&2; return 1; }
  fi
  [ -f "$root/build/$preset/.ninja_log" ] || say "meander: building (a few minutes the first time)"
  (cd "$root" && cmake --build "build/$preset" ${1:+--target "$@"}) >"$log" 2>&1 || { tail -n 60 "$log" >&2; return 1; }
}

# Cores that this process may use. (nproc alone answers with OMP_NUM_THREADS where that is set.)
cores() { env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc; }

# Settings of Open MPI and BLAS for a machine that is shared, or a container.
mpi_environment() {
  export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 OMPI_MCA_mpi_yield_when_idle=1
  if [ "$(id -u)" -eq 0 ]; then
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
  fi
}
