// What the solver's library offers to the program that loads it: SLEPc brings some sixty libraries, which nobody who
// never asks for eigenvalues should wait for.
#pragma once

#include "kernels/slepc/slepc.hpp"

#include <functional>
#include <span>

namespace meander {

/// y <- A x as the library calls it. Exceptions must not cross its frames, which are C: one that failed on any rank is
/// false on all, as are all after it, and ends the search.
using QuietProduct = std::function<bool(std::span<const double> x, std::span<double> y)>;

/// Searches of slepc.hpp. One that a product ended gives nothing.
struct SlepcEntries {
  ExtremeEigenvalues (*extreme_eigenvalues)(int local_size, const QuietProduct& apply, SpectrumEnd,
                                            const EigenvalueSearch&, MPI_Comm);
  SingularTriplets (*largest_singular_triplets)(const QuietProduct& apply, const QuietProduct& apply_transposed,
                                                std::span<const double> start, const SingularValueSearch&, MPI_Comm);
};

}  // namespace meander

extern "C" const meander::SlepcEntries* meander_slepc_entries();
