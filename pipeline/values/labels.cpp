// Only tables are called anything else than what they are.
#include "pipeline/values/labels.hpp"

#include <fmt/format.h>

#include <utility>

namespace meander {

std::optional<std::string> Labels::add(const std::string& coordinate, const Value& value) {
  if (value.get_if<Table>() == nullptr && !value.is_text()) return std::nullopt;
  const auto [place, is_new] = taken_.try_emplace({coordinate, value.label()}, Taken{value.canonical(), value.toml()});
  if (is_new || place->second.canonical == value.canonical()) return std::nullopt;
  return fmt::format("two values of '{}' are called \"{}\" ({} and {}) give each a name of its own", coordinate,
                     value.label(), place->second.toml, value.toml());
}

}  // namespace meander
