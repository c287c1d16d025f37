#include "pipeline/archive/write/write_memory.hpp"

#include <algorithm>

#include "pipeline/archive/format/archive_shape.hpp"
#include "pipeline/archive/shards/shard_writer.hpp"

namespace meander {
namespace {

// A record in memory, in the columns of its shard, in the shard's file and in that file's image; and a cell as it is
// read, in a message, in a block, as a chunk and packed. Fitted to peaks of resident memory (docs/performance.md).
constexpr double copies_of_a_result = 3.0;
constexpr double copies_of_a_unit = 8.0;
constexpr double record_bytes = 700.0;  // however small its arrays are

double largest_cell(const Study& study, const Layout& layout, double task_bytes) {
  double largest = 0.0;
  for (std::size_t f = 0; f < layout.families.size(); ++f) {
    double bytes = 0.0;
    bool ragged = false;
    for (const Field& field : family_fields(study, layout, f)) {
      ragged = ragged || field.is_ragged_array();
      if (!field.is_ragged_array())
        bytes += static_cast<double>(field.own_size()) * static_cast<double>(item_bytes(field.type));
    }
    largest = std::max(largest, bytes + (ragged ? task_bytes : 0.0));
  }
  return largest;
}

}  // namespace

WriteMemory write_memory(const Study& study, const Layout& layout, double cells, double task_bytes) {
  const double cell = largest_cell(study, layout, task_bytes);
  const double all = cells * (cell + record_bytes);
  return {copies_of_a_result * std::min(all, static_cast<double>(most_pending_bytes) + cell),
          copies_of_a_unit * std::min(all, std::max(cell, static_cast<double>(unit_bytes)))};
}

}  // namespace meander
