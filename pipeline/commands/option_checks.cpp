#include "pipeline/commands/option_checks.hpp"

#include <fmt/format.h>

#include <charconv>
#include <string>

namespace meander {
namespace {

template <class Number>
bool read_whole(const std::string& text, Number& number) {
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && stop == end;
}

}  // namespace

CLI::Validator is_count(long most) {
  const auto problem = [most](const std::string& text) {
    long number = 0;
    if (read_whole(text, number) && number >= 1 && number <= most) return std::string();
    return fmt::format("{} is no whole number from 1 to {}", text, most);
  };
  return CLI::Validator(problem, "N");
}

CLI::Validator is_seconds(bool zero) {
  constexpr double most = 1e9;  // clocks of nanoseconds end at 9e9
  const auto problem = [zero](const std::string& text) {
    double seconds = 0.0;
    const bool good = read_whole(text, seconds) && seconds >= 0.0 && seconds <= most;
    if (good && (zero || seconds > 0.0)) return std::string();
    return fmt::format("{} is no time (it must be a number of seconds {} 0, at most 1e9)", text, zero ? ">=" : ">");
  };
  return CLI::Validator(problem, "SECONDS");
}

}  // namespace meander
