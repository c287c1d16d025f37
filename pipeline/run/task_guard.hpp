// What a task does wrong becomes a failed cell, not the end of the run.
#pragma once

#include <functional>
#include <optional>

#include "pipeline/measure/layout.hpp"
#include "pipeline/measure/record.hpp"

namespace meander {

/// Runs `task`, which fills the results it is given. Whatever it throws, memory that is not there, and a NaN in an
/// array of a done cell that does not declare it (ArraySpec::undefined_where) give results without arrays, with the
/// status failed and the reason. An infinity that is not declared makes a done cell out of range. Interrupted gives
/// nothing.
std::optional<Results> guarded(const Family& family, const std::function<void(Results&)>& task);

}  // namespace meander
