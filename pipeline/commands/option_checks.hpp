// What numbers and files on the command line may be. CLI11's own checks take `inf` for a time, and print bounds of 309
// digits.
#pragma once

#include <CLI/CLI.hpp>

#include <string>

namespace meander {

inline constexpr long most_ranks = 10'000'000;  // no machine has more cores

/// A whole number, 1 to `most`.
CLI::Validator is_count(long most);

/// A number of seconds above 0, up to 30 years; 0 itself only where `zero` says so.
CLI::Validator is_seconds(bool zero);

/// Throws BadInput where the file of --timing, which is written once all is computed, would take the place of anything
/// but an earlier one, block, or find no folder. `archive` is the run's, which need not be there yet.
void check_timing(const std::string& path, const std::string& archive);

}  // namespace meander
