// What the scheduler and its simulation both ask of phases.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "pipeline/schedule/scheduler.hpp"

namespace meander {

/// Throws std::invalid_argument where a task wants less than one or more than `ranks` ranks, where
/// there are more than 2^31 tasks, or where a cost is negative or not finite.
void check_phase(const Phase& phase, int ranks);

/// The order in which phases run: widest groups first, otherwise as given.
std::vector<std::size_t> widest_first(std::span<const Phase> phases);

}  // namespace meander
