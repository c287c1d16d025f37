// Passes searches on to the library that holds SLEPc, which is loaded at the first of them.
#include "kernels/slepc/slepc.hpp"

#include "kernels/base/loaded_library.hpp"
#include "kernels/slepc/entries.hpp"

namespace meander {
namespace {

const SlepcEntries& entries() {
  static const SlepcEntries& loaded = []() -> const SlepcEntries& {
    void* entry = load_entry(MEANDER_LOADED_LIBRARY("the eigenvalue solver SLEPc"), "meander_slepc_entries");
    return *reinterpret_cast<decltype(&meander_slepc_entries)>(entry)();
  }();
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
