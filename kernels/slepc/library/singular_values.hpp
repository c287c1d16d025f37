// The singular value solvers behind slepc.hpp.
#pragma once

#include "kernels/slepc/entries.hpp"

namespace meander {

SingularTriplets search_singular_values(const QuietProduct& apply, const QuietProduct& apply_transposed,
                                        std::span<const double> start, const SingularValueSearch& search,
                                        MPI_Comm comm);

}  // namespace meander
