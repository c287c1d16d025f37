// The singular value solvers behind slepc.hpp.
#pragma once

#include "kernels/slepc/slepc.hpp"

namespace meander {

SingularTriplets search_singular_values(const SpreadOperator& a, std::span<const double> start,
                                        const SingularValueSearch& search, MPI_Comm comm);

}  // namespace meander
