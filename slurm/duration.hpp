// Times as Slurm writes them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace meander {

/// Seconds of "HH:MM:SS" or "D-HH:MM:SS"; nothing for any other text.
std::optional<double> parse_slurm_time(std::string_view text);

/// "HH:MM:SS", or "D-HH:MM:SS" from a day on; rounded up to a whole second.
std::string slurm_time(double seconds);

}  // namespace meander
