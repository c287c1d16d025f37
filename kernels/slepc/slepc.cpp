// Passes searches on to the library that holds SLEPc, which is loaded at the first of them, with products that never
// throw.
#include "kernels/slepc/slepc.hpp"

#include "kernels/agreement/agreement.hpp"
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

/// The products of one search, until one fails on any rank.
class AgreedProducts {
 public:
  explicit AgreedProducts(MPI_Comm comm) : comm_(comm) {
    attempt(comm, [] { entries(); }).or_throw();
  }

  QuietProduct operator()(const std::function<void(std::span<const double>, std::span<double>)>& product) {
    return [this, &product](std::span<const double> x, std::span<double> y) {
      if (!agreement_.failed()) agreement_ = attempt(comm_, [&] { product(x, y); });
      return !agreement_.failed();
    };
  }

  /// What search() found, unless a product failed.
  template <class Search>
  auto run(const Search& search) const {
    auto found = search();
    agreement_.or_throw();
    return found;
  }

 private:
  MPI_Comm comm_;
  Agreement agreement_;
};

}  // namespace

ExtremeEigenvalues extreme_eigenvalues(const SymmetricOperator& a, SpectrumEnd end, const EigenvalueSearch& search,
                                       MPI_Comm comm) {
  AgreedProducts agreed(comm);
  return agreed.run([&] { return entries().extreme_eigenvalues(a.local_size, agreed(a.apply), end, search, comm); });
}

SingularTriplets largest_singular_triplets(const SpreadOperator& a, std::span<const double> start,
                                           const SingularValueSearch& search, MPI_Comm comm) {
  AgreedProducts agreed(comm);
  return agreed.run([&] {
    return entries().largest_singular_triplets(agreed(a.apply), agreed(a.apply_transposed), start, search, comm);
  });
}

}  // namespace meander
