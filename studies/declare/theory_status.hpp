// What a cell says where theory at infinite width was not found for all of it.
#pragma once

#include <string>

#include "pipeline/measure/record.hpp"

namespace meander {

/// Of a theory that is known of the first `finite_layers` of `depth` layers, whose averages were all found where
/// `converged`. A status that the cell already has stays.
inline void report_theory(int finite_layers, int depth, bool converged, Results& results) {
  if (results.status() != Status::done) return;
  if (finite_layers < depth) {
    results.status(Status::out_of_range,
                   "theory's mean square of pre-activations leaves the range of numbers, or is undefined, in layer " +
                       std::to_string(finite_layers + 1) + " of " + std::to_string(depth) +
                       "; layers before it are kept, take a smaller sigma_w or depth for the others");
  } else if (!converged) {
    results.status(Status::not_converged,
                   "an average over the activation was not found (quadrature does not stand, where the activation is "
                   "steep or has kinks that are not known) what needs it is missing");
  }
}

}  // namespace meander
