#include "pipeline/archive/read/archive_warnings.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "pipeline/archive/read/archive_reader.hpp"

namespace meander {
namespace {

constexpr std::size_t cells_at_a_time = 4096;

bool any_set(const ArrayData& data) {
  return std::visit(
      [](const auto& values) {
        return std::any_of(values.begin(), values.end(), [](auto value) { return value > 0; });
      },
      data);
}

}  // namespace

std::vector<std::string> archive_warnings(const std::string& path) {
  const ArchiveReader reader(path);
  std::vector<std::string> lines;
  const std::vector<Family>& families = reader.header().layout.families;
  for (std::size_t f = 0; f < families.size(); ++f) {
    const std::vector<ArraySpec>& arrays = families[f].arrays;
    if (std::all_of(arrays.begin(), arrays.end(), [](const ArraySpec& array) { return array.warning.empty(); }))
      continue;
    std::vector<std::size_t> cells(arrays.size(), 0);
    std::size_t done = 0;
    for (std::size_t begin = 0; begin < reader.cells(f); begin += cells_at_a_time) {
      for (const Record& record : reader.records(f, begin, std::min(reader.cells(f), begin + cells_at_a_time))) {
        if (record.status != Status::done) continue;
        ++done;
        for (std::size_t a = 0; a < arrays.size(); ++a) {
          if (!arrays[a].warning.empty() && any_set(record.arrays[a])) ++cells[a];
        }
      }
    }
    for (std::size_t a = 0; a < arrays.size(); ++a) {
      if (cells[a] == 0) continue;
      lines.push_back(
          fmt::format("warning: in {} of {} cells {} (array '{}')", cells[a], done, arrays[a].warning, arrays[a].name));
    }
  }
  return lines;
}

}  // namespace meander
