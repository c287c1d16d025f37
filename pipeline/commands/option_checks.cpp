#include "pipeline/commands/option_checks.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <string>

#include "pipeline/files/regular_file.hpp"
#include "pipeline/values/diagnostics.hpp"

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

void check_timing(const std::string& path, const std::string& archive) {
  namespace fs = std::filesystem;
  const auto refuse = [&](const std::string& why) {
    throw BadInput(
        fmt::format("--timing {}: error: the report cannot be written there ({}) choose another file", path, why));
  };
  std::error_code unknown;
  const fs::path place = fs::weakly_canonical(fs::absolute(path, unknown), unknown);
  if (unknown) refuse(unknown.message());
  if (place == fs::weakly_canonical(fs::absolute(archive, unknown), unknown)) refuse("it is the archive");
  if (!fs::exists(place, unknown)) {
    const fs::path folder = place.parent_path();
    if (!fs::is_directory(folder, unknown)) refuse("the folder '" + folder.string() + "' does not exist");
    if (::access(folder.c_str(), W_OK | X_OK) != 0) refuse("the folder '" + folder.string() + "' is not writable");
    return;
  }
  if (const auto problem = regular_file_problem(path)) refuse(*problem);
  const int first = std::ifstream(place).get();
  if (first != '{' && first != std::char_traits<char>::eof()) refuse("what is there is no report, and would be lost");
  if (::access(place.c_str(), W_OK) != 0) refuse("what is there is not writable");
}

}  // namespace meander
