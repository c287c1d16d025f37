#include "pipeline/archive/format/provenance.hpp"

#include <cblas.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <hdf5.h>
#include <sys/utsname.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <ctime>
#include <fstream>

#include "meander_version.hpp"

namespace meander {
namespace {

std::string processor() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  }
  return "unknown";
}

std::string hdf5_version() {
  unsigned major = 0;
  unsigned minor = 0;
  unsigned release = 0;
  H5get_libversion(&major, &minor, &release);
  return fmt::format("{}.{}.{}", major, minor, release);
}

std::string mpi_version() {
  std::array<char, MPI_MAX_LIBRARY_VERSION_STRING> text{};
  int length = 0;
  MPI_Get_library_version(text.data(), &length);
  const std::string version(text.data(), static_cast<std::size_t>(length));
  return version.substr(0, version.find(','));
}

std::string libraries() {
  return fmt::format("{}; HDF5 {}; {}", mpi_version(), hdf5_version(), openblas_get_config());
}

std::string batch_job() {
  for (const char* variable : {"SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID"}) {
    if (const char* id = std::getenv(variable)) return id;
  }
  return "";
}

std::string text_of(const Attributes& attributes, const std::string& name) {
  const auto found = std::find_if(attributes.begin(), attributes.end(), [&](const auto& a) { return a.first == name; });
  if (found == attributes.end()) return "";
  const auto* text = std::get_if<std::string>(&found->second);
  return text != nullptr ? *text : "";
}

}  // namespace

std::string utc_now() {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
}

Attributes provenance(MPI_Comm comm, const std::string& started, const std::string& history,
                      const Attributes& earlier) {
  int ranks = 1;
  MPI_Comm_size(comm, &ranks);
  utsname machine{};
  uname(&machine);
  std::string lines = text_of(earlier, "history");
  if (!lines.empty()) lines += '\n';
  lines += started + " " + history;
  return {
      {"history", lines},
      {"program_version", std::string(version::program)},
      {"commit", std::string(version::commit)},
      {"dirty", std::int64_t{version::dirty}},
      {"compiler", std::string(version::compiler)},
      {"compiler_flags", std::string(version::flags)},
      {"libraries", libraries()},
      {"blas_core", std::string(openblas_get_corename())},
      {"machine", fmt::format("{} {} {} {}", machine.nodename, machine.sysname, machine.release, machine.machine)},
      {"processor", processor()},
      {"ranks", std::int64_t{ranks}},
      {"batch_job", batch_job()},
      {"started", started},
      {"ended", utc_now()},
  };
}

std::string version_text() {
  return fmt::format("meander {} ({}{})\n{} {}\n{}", version::program, version::commit,
                     version::dirty != 0 ? ", changed" : "", version::compiler, version::flags, libraries());
}

}  // namespace meander
