// A measure whose tasks are long sums that stop, keep their state and go on: for tests of the machine.
#pragma once

#include <memory>

#include "pipeline/measure/measure.hpp"

namespace meander::testing {

/// `long_sum`: `sum` is that of sin(scale i) over `long_sum.blocks` times `long_sum.terms` terms, one after another, in
/// each of `long_sum.ranks` ranks an equal share of every block. A rounding anywhere shows in it.
std::unique_ptr<Measure> long_sum_measure();

}  // namespace meander::testing
