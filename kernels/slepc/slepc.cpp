// Loads the library that holds SLEPc when it is first asked for.
#include "kernels/slepc/slepc.hpp"

#include "kernels/slepc/entries.hpp"

#include <dlfcn.h>

#include <filesystem>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

namespace meander {
namespace {

/// Beside the program, where an installation puts it, and where it was built.
std::vector<std::filesystem::path> places() {
  std::error_code unknown;
  const std::filesystem::path folder = std::filesystem::read_symlink("/proc/self/exe", unknown).parent_path();
  const std::filesystem::path built = MEANDER_SLEPC_BUILT;
  return {folder / built.filename(), folder / MEANDER_SLEPC_INSTALLED / built.filename(), built};
}

const SlepcEntries& load() {
  std::string reasons;
  for (const std::filesystem::path& place : places()) {
    if (!std::filesystem::exists(place)) continue;
    // Never closed: PETSc cannot be started twice in a process.
    void* library = dlopen(place.c_str(), RTLD_NOW | RTLD_LOCAL);
    void* entry = library != nullptr ? dlsym(library, "meander_slepc_entries") : nullptr;
    if (entry != nullptr) return *reinterpret_cast<decltype(&meander_slepc_entries)>(entry)();
    reasons += std::string(reasons.empty() ? "" : "; ") + dlerror();
  }
  throw std::runtime_error("the eigenvalue solver SLEPc could not be loaded (" +
                           (reasons.empty() ? "its library was not found beside the program" : reasons) +
                           "), install meander with it");
}

const SlepcEntries& entries() {
  static const SlepcEntries& loaded = load();
  return loaded;
}

}  // namespace

ExtremeEigenvalues extreme_eigenvalues(const SymmetricOperator& a, SpectrumEnd end, const EigenvalueSearch& search,
                                       MPI_Comm comm) {
  return entries().extreme_eigenvalues(a, end, search, comm);
}

SingularTriplets largest_singular_triplets(const SpreadOperator& a, std::span<const double> start,
                                           const SingularValueSearch& search, MPI_Comm comm) {
  return entries().largest_singular_triplets(a, start, search, comm);
}

}  // namespace meander
