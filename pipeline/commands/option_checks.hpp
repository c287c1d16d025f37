// What numbers on the command line may be. CLI11's own checks take `inf` for a time, and print bounds of 309 digits.
#pragma once

#include <CLI/CLI.hpp>

namespace meander {

inline constexpr long most_ranks = 10'000'000;  // no machine has more cores

/// A whole number, 1 to `most`.
CLI::Validator is_count(long most);

/// A number of seconds above 0, up to 30 years; 0 itself only where `zero` says so.
CLI::Validator is_seconds(bool zero);

}  // namespace meander
