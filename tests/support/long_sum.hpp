// A measure whose tasks are long sums that stop, keep their state and go on: for tests of the machine.
#pragma once

#include <memory>

#include "pipeline/measure/measure.hpp"

namespace meander::testing {

/// `long_sum`: `sum` is that of sin(scale i) over `long_sum.blocks` times `long_sum.terms` terms, one after another, in
/// each of `long_sum.ranks` ranks an equal share of every block. After each
/// block it sleeps `long_sum.pause` milliseconds: a time that does not depend on how crowded the machine is. A rounding
/// anywhere shows in the sum. `long_sum.expected` seconds, if given, are what the task is said to take.
std::unique_ptr<Measure> long_sum_measure();

}  // namespace meander::testing
