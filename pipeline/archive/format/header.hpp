// What an archive or a shard says of itself, without its arrays.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "pipeline/measure/layout.hpp"
#include "pipeline/study/study.hpp"

namespace meander {

using Attribute = std::variant<std::string, std::int64_t, double, std::vector<std::int64_t>>;
using Attributes = std::vector<std::pair<std::string, Attribute>>;

struct Header {
  Study study;
  Layout layout;
  Attributes attributes;
  bool is_shard = false;
  /// One line for the user where another program wrote into the archive; else empty.
  std::string warning = {};
};

/// The layout that holds the arrays of both; throws BadInput where they contradict each other.
Layout unite(const Layout& a, const Layout& b);

}  // namespace meander
