// What the solver's library offers to the program that loads it: SLEPc brings some sixty libraries, which nobody who
// never asks for eigenvalues should wait for.
#pragma once

#include "kernels/slepc.hpp"

namespace meander {

struct SlepcEntries {
  ExtremeEigenvalues (*extreme_eigenvalues)(const SymmetricOperator&, SpectrumEnd, const EigenvalueSearch&, MPI_Comm);
};

}  // namespace meander

extern "C" const meander::SlepcEntries* meander_slepc_entries();
