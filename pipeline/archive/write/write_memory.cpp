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
// Ragged arrays are what a task ends with of all that it counts, and are moved rather than copied; a unit has many.
constexpr double ragged_share_of_task = 0.25;
constexpr double copies_of_ragged = 3.0;

struct CellBytes {
  double fixed = 0.0;
  double ragged = 0.0;
  double in_a_unit = 1.0;  // cells
};

CellBytes cell_bytes(const Study& study, const Layout& layout, std::size_t family, double task_bytes) {
  CellBytes bytes;
  for (const Field& field : family_fields(study, layout, family)) {
    if (field.is_ragged_array()) {
      bytes.ragged = ragged_share_of_task * task_bytes;
    } else {
      bytes.fixed += static_cast<double>(field.own_size()) * static_cast<double>(item_bytes(field.type));
    }
  }
  const CellUnits units = family_units(study, layout, family);
  if (units.count() > 0) bytes.in_a_unit = static_cast<double>(units[0].size());
  return bytes;
}

}  // namespace

WriteMemory write_memory(const Study& study, const Layout& layout, double cells, double task_bytes) {
  WriteMemory memory;
  for (std::size_t f = 0; f < layout.families.size(); ++f) {
    const CellBytes bytes = cell_bytes(study, layout, f, task_bytes);
    const double cell = bytes.fixed + bytes.ragged;
    const double pending = std::min(cells * (cell + record_bytes), static_cast<double>(most_pending_bytes) + cell);
    const double unit = std::min(cells * (bytes.fixed + record_bytes), std::max(bytes.fixed, double{unit_bytes}));
    memory.results = std::max(memory.results, copies_of_a_result * pending);
    memory.writing = std::max(
        memory.writing, copies_of_a_unit * unit + copies_of_ragged * bytes.ragged * std::min(cells, bytes.in_a_unit));
  }
  return memory;
}

}  // namespace meander
