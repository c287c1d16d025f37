#include "slurm/duration.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <regex>

namespace meander {

std::optional<double> parse_slurm_time(std::string_view text) {
  static const std::regex form(R"((?:(\d{1,4})-)?(\d{1,4}):([0-5]\d):([0-5]\d))");
  std::match_results<std::string_view::const_iterator> match;
  if (!std::regex_match(text.begin(), text.end(), match, form)) return std::nullopt;
  const auto number = [&](std::size_t i) { return match[i].matched ? std::stod(match[i].str()) : 0.0; };
  return number(1) * 86400.0 + number(2) * 3600.0 + number(3) * 60.0 + number(4);
}

std::string slurm_time(double seconds) {
  const auto whole = static_cast<std::int64_t>(std::ceil(seconds));
  const std::string clock = fmt::format("{:02}:{:02}:{:02}", whole % 86400 / 3600, whole % 3600 / 60, whole % 60);
  return whole < 86400 ? clock : fmt::format("{}-{}", whole / 86400, clock);
}

}  // namespace meander
