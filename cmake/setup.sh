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

# number TEXT [FALLBACK]: TEXT where it is a whole number of at most 15 digits, without leading zeros, else FALLBACK.
# (What comes from a file, the environment or another program never reaches the shell's arithmetic as it is: that
# executes what stands in the brackets of `a[$(...)]`.)
number() {
  local digits=${1:-}
  while [[ $digits == 0?* ]]; do digits=${digits#0}; done
  if [ -n "$digits" ] && [ ${#digits} -le 15 ] && [ -z "${digits//[0123456789]/}" ]; then
    printf %s "$digits"
  else
    printf %s "${2:-}"
  fi
}

# quota_of GROUP: cores that a control group's share of time comes to, rounded up; nothing where it has no such limit.
quota_of() {
  local quota='' period=''
  if [ -r "$1/cpu.max" ]; then
    read -r quota period < "$1/cpu.max" || return 0
  elif [ -r "$1/cpu.cfs_quota_us" ] && [ -r "$1/cpu.cfs_period_us" ]; then
    read -r quota < "$1/cpu.cfs_quota_us" && read -r period < "$1/cpu.cfs_period_us" || return 0
  fi
  quota=$(number "$quota" 0) period=$(number "$period" 0) # "max" and -1 are no limits
  [ "$quota" -eq 0 ] || [ "$period" -eq 0 ] || printf %s $(((quota + period - 1) / period))
}

# Cores that this process may use.
cores() { cores_below ''; }

# cores_below ROOT: those that it may run on, or what its container's share of time comes to at any level (control groups
# of version 2 or 1), if that is less. ROOT is what stands before /proc and /sys: nothing but in tests.
# (nproc alone answers with OMP_NUM_THREADS where that is set.)
cores_below() {
  local system=$1 count controllers path top words folder group quota
  count=$(number "$(env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc)" 1)
  if [ ! -r "$system/proc/self/cgroup" ] || [ ! -r "$system/proc/self/mountinfo" ]; then
    printf '%s\n' "$count"
    return
  fi
  while IFS=: read -r _ controllers path; do
    [ -z "$controllers" ] || [[ ,$controllers, == *,cpu,* ]] || continue
    while IFS=' ' read -r _ _ _ top folder words; do
      case ${controllers:+1},${words#* - },${words##* }, in # type source options
        ,cgroup2\ *) ;;
        1,cgroup\ *,cpu,*) ;;
        *) continue ;;
      esac
      # A container sees its own group as the root of the mount, or its path as the host has it.
      group=${path%/}
      [ "$top" = / ] || group=${group#"$top"}
      [ -d "$system$folder$group" ] || group=''
      while :; do
        quota=$(number "$(quota_of "$system$folder$group")" "$count")
        [ "$quota" -ge "$count" ] || count=$quota
        [ -n "$group" ] || break
        group=${group%/*}
      done
    done < "$system/proc/self/mountinfo"
  done < "$system/proc/self/cgroup"
  printf '%s\n' "$count"
}

# Settings of Open MPI and BLAS for a machine that is shared, or a container. Ranks of one machine talk through its memory:
# sockets would listen on every network.
mpi_environment() {
  export OMPI_MCA_pml=${OMPI_MCA_pml:-ob1} OMPI_MCA_btl=${OMPI_MCA_btl:-self,vader}
  export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 OMPI_MCA_mpi_yield_when_idle=1
  if [ "$(id -u)" -eq 0 ]; then
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
  fi
}
