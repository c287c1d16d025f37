// What the solver's library offers to the program that loads it: SLEPc brings some sixty libraries, which nobody who
// never asks for eigenvalues should wait for.
#pragma once

#include "kernels/slepc/slepc.hpp"

namespace meander {

struct SlepcEntries {
  ExtremeEigenvalues (*extreme_eigenvalues)(const SymmetricOperator&, SpectrumEnd, const EigenvalueSearch&, MPI_Comm);
  SingularTriplets (*largest_singular_triplets)(const SpreadOperator&, std::span<const double> start,
                                                const SingularValueSearch&, MPI_Comm);
};

}  // namespace meander

extern "C" const meander::SlepcEntries* meander_slepc_entries();
