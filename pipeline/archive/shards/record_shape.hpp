// What a task's arrays may look like, on their way into a shard and out of it: the same rules on both.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>

#include "pipeline/measure/layout.hpp"

namespace meander {

/// The count of an array that a task did not give.
inline constexpr std::int64_t not_given = -1;

/// What is wrong with an array of these extents (one per own dimension) and this number of values, as the end of a
/// sentence; empty where nothing is. Negative extents, and products that overflow, are.
std::string misfit(const ArraySpec& spec, const Layout& layout, std::span<const std::int64_t> extents,
                   std::uint64_t values);

/// Arrays of one cell over the same ragged dimension have the same length.
class RaggedLengths {
 public:
  /// The same for the next array of the cell.
  std::string misfit(const ArraySpec& spec, const Layout& layout, std::span<const std::int64_t> extents);
  void clear() { lengths_.clear(); }

 private:
  std::map<std::string, std::int64_t> lengths_;
};

}  // namespace meander
